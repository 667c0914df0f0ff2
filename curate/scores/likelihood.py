"""How likely a model finds each answer: facts about records, never verdicts on them.

perplexity  of the trained tokens, given everything before them: exp(mean loss)
ifd         instruction-following difficulty: the perplexity of the answers given their prompts over that of the same
            tokens alone (Li et al., arXiv 2308.12032, with perplexities as in 2402.00530). Near 1 and above, the prompt
            does not help to foresee the answer.

That selecting by such scores beats a random subset is not to be expected: see `FOUND`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from assay.chat import IGNORED, TemplateProblem, encode_all
from assay.errors import missing_extra
from assay.records import Record

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from assay.chat import ChatTarget

NAMES = ("perplexity", "ifd")

FOUND = (
    ("2410.15225", "strategies of choosing records fail to generalise, and often do not beat a random choice"),
    ("2410.09335", "at scale, a random choice is almost all that is needed"),
    ("2503.01807", "of the methods tried on millions of records most do worse than a random choice"),
)
"""What papers found about choosing by scores: (arXiv id, finding)."""

TOKENS_A_BATCH = 4_096
LONGEST = 2_048
"""Tokens of a record that are looked at; of a longer one the first."""


@dataclass(frozen=True)
class Score:
    """Of one record; None where it cannot be known (no answer, a template that refuses it, one token alone).

    tokens  of its answers, stop tokens included. cut: the record is longer than what was looked at
    """

    row_id: str
    record_id: str
    tokens: int
    cut: bool
    loss: float | None
    loss_alone: float | None

    @property
    def perplexity(self) -> float | None:
        return None if self.loss is None else math.exp(min(self.loss, 50.0))

    @property
    def ifd(self) -> float | None:
        if self.loss is None or self.loss_alone is None:
            return None
        return math.exp(max(-50.0, min(self.loss - self.loss_alone, 50.0)))


class _Text(NamedTuple):
    """Tokens of which those of wanted are scored. record: its position."""

    record: int
    ids: tuple[int, ...]
    wanted: tuple[bool, ...]


def score(
    records: Sequence[Record],
    model: PreTrainedModel,
    target: ChatTarget,
    names: Iterable[str] = NAMES,
    say: Callable[[str], None] = lambda text: None,
) -> list[Score]:
    """One forward pass for each text, texts of like length together; IFD takes a second text a record.

    names  of NAMES. The model must be that of the target.
    """
    given: list[_Text] = []
    alone: list[_Text] = []
    cut: list[bool] = []
    for index, encoded in enumerate(encode_all(records, target)):
        if isinstance(encoded, TemplateProblem):
            cut.append(False)
            continue
        ids, labels = encoded.input_ids[:LONGEST], encoded.labels[:LONGEST]
        cut.append(len(encoded.input_ids) > LONGEST)
        wanted = tuple(label != IGNORED for label in labels)
        given.append(_Text(index, tuple(ids), wanted))
        answer = [token for token, is_wanted in zip(ids, wanted, strict=True) if is_wanted]
        start = _start(target)
        alone.append(_Text(index, (*start, *answer), (*(False for _ in start), *(True for _ in answer))))
    losses = _losses(given, model, say, "given their prompts")
    losses_alone = _losses(alone, model, say, "alone") if "ifd" in names else {}
    tokens = {text.record: sum(text.wanted) for text in given}
    return [
        Score(record.row_id, record.id, tokens.get(i, 0), cut[i], losses.get(i), losses_alone.get(i))
        for i, record in enumerate(records)
    ]


def _start(target: ChatTarget) -> tuple[int, ...]:
    """A token before an answer that stands alone, so that its first token is foreseen from something."""
    tokenizer = target.tokenizer
    first = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    return () if first is None else (int(first),)


def _losses(texts: Sequence[_Text], model: PreTrainedModel, say: Callable[[str], None], what: str) -> dict[int, float]:
    """{record: mean loss of its wanted tokens}, in nats; nothing for a record without one that is foreseen."""
    try:
        import torch
    except ImportError as error:
        raise missing_extra("train", error) from error
    found: dict[int, float] = {}
    done = 0
    with torch.inference_mode():
        for batch in _batches(texts):
            for text, loss in zip(batch, _batch_losses(batch, model), strict=True):
                if not math.isnan(loss):
                    found[text.record] = loss
            done += len(batch)
            if done * 10 // len(texts) > (done - len(batch)) * 10 // len(texts):
                say(f"answers {what}: {done:,} of {len(texts):,}")
    return found


def _batches(texts: Sequence[_Text]) -> Iterator[list[_Text]]:
    """Texts of like length, at most TOKENS_A_BATCH tokens with padding."""
    batch: list[_Text] = []
    for text in sorted(texts, key=lambda item: -len(item.ids)):
        if batch and len(batch[0].ids) * (len(batch) + 1) > TOKENS_A_BATCH:
            yield batch
            batch = []
        batch.append(text)
    if batch:
        yield batch


def _batch_losses(batch: Sequence[_Text], model: PreTrainedModel) -> list[float]:
    import torch

    width = max(1, max(len(text.ids) for text in batch))
    ids = torch.zeros((len(batch), width), dtype=torch.long)
    wanted = torch.zeros((len(batch), width), dtype=torch.bool)
    attention = torch.zeros((len(batch), width), dtype=torch.long)
    for row, text in enumerate(batch):
        ids[row, : len(text.ids)] = torch.tensor(text.ids, dtype=torch.long)
        wanted[row, : len(text.ids)] = torch.tensor(text.wanted, dtype=torch.bool)
        attention[row, : len(text.ids)] = 1
    device = model.device
    logits = model(input_ids=ids.to(device), attention_mask=attention.to(device)).logits[:, :-1]
    losses = _token_losses(logits, ids[:, 1:].to(device)).cpu()
    mask = wanted[:, 1:]
    return [float(losses[row][mask[row]].mean()) for row in range(len(batch))]


def _token_losses(logits: torch.Tensor, following: torch.Tensor) -> torch.Tensor:
    """[batch, width]: cross entropy in float32, row by row, since logits of a whole batch in float32 are large."""
    import torch

    rows = [
        torch.nn.functional.cross_entropy(row.float(), ids, reduction="none")
        for row, ids in zip(logits, following, strict=True)
    ]
    return torch.stack(rows)
