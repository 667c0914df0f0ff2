"""Tokens that a model has never learned: added to the vocabulary, or in it and untrained.

Only their rows of the embedding, and of the output head where it is not the same matrix, are trained and saved
(PEFT's `trainable_token_indices`). A new row begins as the mean of the rows of the pieces that the token was until
now, as Hewitt (2021, "Initializing New Word Embeddings for Pretrained Language Models") advises for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from assay.chat import ChatTarget
from assay.errors import SettingsError, TrainingError
from assay.models import load_tokenizer

from ..recipe import Recipe
from ..rows import Rows

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

NOTHING = 1e-16
"""Rows whose every element is below this were never trained; the ones that Llama 3 reserves are exactly zero."""


def token_ids(tokens: Sequence[str], target: ChatTarget, rows: Rows) -> tuple[int, ...]:
    """Of tokens that the target knows. Raises TrainingError when one stands in no record that trains."""
    vocabulary: dict[str, int] = target.tokenizer.get_vocab()
    ids = tuple(vocabulary[token] for token in dict.fromkeys(tokens))
    read = {token for row in rows.training for token in row.input_ids}
    for token in dict.fromkeys(tokens):
        if vocabulary[token] not in read:
            raise TrainingError(
                f"new_tokens: {token!r} stands in no record that trains, so there is nothing to learn it from",
                fix="take it out of new_tokens, or check its spelling",
            )
    return ids


def grown(model: PreTrainedModel, recipe: Recipe, target: ChatTarget, rows: Rows) -> list[str]:
    """Gives the model room for the tokens of the recipe, and says in words which others it has never learned."""
    if recipe.new_tokens:
        make_rows(model, target, load_tokenizer(target.ref))
    names = [token for token in untrained(model, target, rows) if token not in recipe.new_tokens]
    if not names:
        return []
    return [
        f"the records have {', '.join(names)}, whose embedding this base never learned (it is zero, or that of another "
        f"token); train.new_tokens: [{', '.join(names)}] trains it"
    ]


def make_rows(model: PreTrainedModel, target: ChatTarget, before: PreTrainedTokenizerFast) -> None:
    """Lengthens the embeddings to the target's vocabulary, each new row the mean of its pieces.

    before  the tokenizer without the new tokens
    Raises SettingsError when the head has a bias, which PEFT leaves out where it trains rows of it.
    """
    import torch

    added = {token: index for token, index in target.tokenizer.get_vocab().items() if index >= len(before)}
    if len(target.tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(target.tokenizer), mean_resizing=False)
    head = model.get_output_embeddings()
    if getattr(head, "bias", None) is not None:
        raise SettingsError("new_tokens: the head of this architecture has a bias, which would be lost")
    with torch.no_grad():
        for token, index in added.items():
            pieces = before(token, add_special_tokens=False)["input_ids"]
            for layer in (model.get_input_embeddings(), head):
                layer.weight[index] = layer.weight[pieces].float().mean(0).to(layer.weight.dtype)


def trainable_rows(model: PreTrainedModel, ids: Sequence[int]) -> dict[str, list[int]] | None:
    """PEFT's `trainable_token_indices`; a head that is the embedding itself is tied to it by PEFT."""
    if not ids:
        return None
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    tied = bool(model.config.get_text_config().tie_word_embeddings) or head.weight is embedding.weight
    layers = [embedding] if tied else [embedding, head]
    return {_name_of(layer, model): list(ids) for layer in layers}


def let_the_head_be_read(model: Any) -> None:
    """TRL projects by the head's weight and bias itself; PEFT's wrapper around a head has no bias to read."""
    head = model.get_base_model().get_output_embeddings()
    if head is not None and hasattr(head, "token_adapter"):
        head.bias = None


def untrained(model: PreTrainedModel, target: ChatTarget, rows: Rows) -> list[str]:
    """Special tokens of the training records whose row of the embedding is zero, or is another token's too."""
    import torch

    weight: torch.Tensor = model.get_input_embeddings().weight
    added = target.tokenizer.added_tokens_decoder
    known = {index: str(token) for index, token in added.items() if index < len(weight)}
    read = {token for row in rows.training for token in row.input_ids}
    if not known.keys() & read:
        return []
    ids = sorted(known)
    rows_of_added = weight[ids].detach().float().cpu()  # a few rows, and not every GPU finds equal ones
    zero = rows_of_added.abs().amax(1) < NOTHING
    _, group, counts = torch.unique(rows_of_added, dim=0, return_inverse=True, return_counts=True)
    shared = counts[group] > 1
    return [known[i] for i, z, s in zip(ids, zero.tolist(), shared.tolist(), strict=True) if i in read and (z or s)]


def _name_of(layer: torch.nn.Module, model: PreTrainedModel) -> str:
    name: str = next(name for name, module in model.named_modules() if module is layer)
    return name.rpartition(".")[2]
