"""Does the tokenizer belong to the base? Each token of a record needs a row of the embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import TrainingError
from assay.models import load_config

if TYPE_CHECKING:
    from assay.chat import ChatTarget

    from ..rows import Rows


def check_vocabulary(rows: Rows, target: ChatTarget, new_token_ids: tuple[int, ...]) -> tuple[str, ...]:
    """A warning for a tokenizer with more tokens than the embedding has rows; fewer are usual, rows are padded.

    new_token_ids  of tokens for which the embedding grows

    Raises TrainingError when a record has such a token: there is no row to look it up in.
    """
    size = getattr(load_config(target.ref).get_text_config(), "vocab_size", None)
    known = len(target.tokenizer) - sum(index >= (size or 0) for index in new_token_ids)
    if not isinstance(size, int) or known <= size:
        return ()
    allowed = set(new_token_ids)
    beyond = [
        {index for index in row.input_ids if index >= size} - allowed for row in (*rows.training, *rows.validation)
    ]
    found = sorted(set().union(*beyond))
    if found:
        name = target.tokenizer.convert_ids_to_tokens(found[0])
        raise TrainingError(
            f"{sum(map(bool, beyond)):,} records have tokens that the embedding of {size:,} rows does not, such as "
            f"{name!r} ({found[0]})",
            where=target.name,
            fix="take the tokenizer that belongs to this base, or name such tokens in new_tokens",
        )
    return (
        f"the tokenizer knows {known:,} tokens and the embedding has {size:,} rows: no record has one of the others, "
        "but a prompt with one ends in an error",
    )
