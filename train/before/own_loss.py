"""Is the loss that trains the model's own, and does the model read from left to right?

TRL computes its loss by a head of its own: the last hidden states of what it takes for the decoder, times the weights
of what it takes for the head, scaled by keys of the config that it knows. Where an architecture does more between the
two, that is another model's loss, and training goes on in silence. And what a causal model is loaded as may be none:
of an encoder every token reads the answer that it is to learn.

Both are asked of the model about to train, on a piece of one record, in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from assay.errors import TrainingError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from ..rows import Row

TOKENS = 64
TOLERANCE_FLOAT32, TOLERANCE_HALF = 0.02, 0.3
"""Mean difference of a token's log-probability, in nats. Random weights of 160 architectures that train: at most
0.0012 in float32; of the three whose head does more, 0.21, 1.7 and 1.9."""

AHEAD = 0.1
"""Change of earlier predictions over that of the last, when the last token changes: 0 but for rounding."""

ANOTHER = "train a model of another architecture; docs/training.md says which were tried"

Scores = Callable[["torch.Tensor"], "torch.Tensor"]


def check_own_loss(
    model: PreTrainedModel, autocast: Callable[[], AbstractContextManager[Any]], row: Row, dtype: str
) -> None:
    """`compare` of a model that TRL gave its head, in training mode: the gradient is checked before any evaluation.
    What is drawn at random, dropout among it, is drawn alike each time. Raises TrainingError.
    """
    import torch

    def asked(ids: torch.Tensor, **more: Any) -> Any:
        placed = ids.to(model.device)
        with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
            torch.manual_seed(0)
            with autocast():
                return model(input_ids=placed, attention_mask=torch.ones_like(placed), use_cache=False, **more)

    def trained(ids: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = asked(ids, labels=ids.to(model.device), fused_lm_head=True).log_probs[0]
        return scores

    def logits(ids: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = asked(ids).logits
        return found

    training = model.training
    model.train()
    try:
        compare(trained, logits, row, dtype)
    finally:
        model.train(training)


def compare(trained: Scores, logits: Scores, row: Row, dtype: str) -> None:
    """Of token ids (1, tokens): the log-probabilities (tokens - 1,) that the loss is made of, and the model's logits
    (1, tokens, vocabulary).

    Raises TrainingError.
    """
    import torch

    ids = torch.tensor([row.input_ids[-TOKENS:]])
    if ids.shape[1] < 2:
        return
    with torch.no_grad(), _one_line():
        found = logits(ids).float().cpu()
        changed = ids.clone()
        changed[0, -1] = (ids[0, -1] + 1) % found.shape[-1]
        other = logits(changed).float().cpu()
    difference = (found - other).abs()
    before, last = float(difference[0, :-1].max()), float(difference[0, -1].max())
    if before > AHEAD * last:
        raise TrainingError(
            "this model reads ahead: what it predicts for a token changes with the tokens after it, so that it would "
            "copy each answer and learn nothing",
            fix="take a decoder; an encoder such as BERT is none unless its config.json says is_decoder: true",
        )
    with torch.no_grad(), _one_line():
        theirs = trained(ids).float().cpu()
    own = torch.log_softmax(found[0, :-1], -1).gather(-1, ids[0, 1:, None])[:, 0]
    apart = float((own - theirs).abs().mean())
    if not apart <= (TOLERANCE_FLOAT32 if dtype == "float32" else TOLERANCE_HALF):
        raise TrainingError(
            f"the loss that would train is not this model's own (a token's log-probability is {apart:.2g} nats from "
            "that of its logits): its head does more than multiply, and training would follow another in silence",
            fix=ANOTHER,
        )


@contextmanager
def _one_line() -> Iterator[None]:
    """What an architecture stumbles over that neither TRL nor its loss know: no decoder of its own, more inputs than
    tokens. A want of memory passes through."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        line = " ".join(str(error).split())[:200] or type(error).__name__
        raise TrainingError(
            f"this architecture does not compute the loss of one record of text: {line}", fix=ANOTHER
        ) from error
