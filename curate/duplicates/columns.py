"""What the duplicate checks remember of each record: about 180 bytes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, cast

from assay.records import Message, Record
from assay.text import normalize

from ..batch import Batch
from ..column import batch_column, column, hash_of

if TYPE_CHECKING:
    from ..check import Context
    from ..column import Array
    from ..ngrams.sketches import LeftOut

SHARED_RECORDS, SHARED_SHARE = 20, 0.1
"""A passage of the first user turn that more records than either share is an instruction, not content."""


@column("u8")
def record_hash(record: Record) -> int:
    """Equal for records of the same content."""
    return int(record.id, 16)


def setting_hash_of(record: Record) -> int:
    """Equal for records under the same system turns; 0 without any."""
    if all(message.role != "system" for message in record.messages):
        return 0
    return hash_of("\n".join(sorted({_normalized(turn) for turn in system_turns(record.messages)})))


setting_hash = column("u8")(setting_hash_of)


def system_turns(messages: tuple[Message, ...]) -> list[str]:
    return [message.content or "" for message in messages if message.role == "system"]


@lru_cache(maxsize=1024)
def _normalized(text: str) -> str:
    return normalize(text)


@batch_column
def sketches(batch: Batch, context: Context) -> Array:
    """Of each conversation but for its system turns; a structured array with the fields of `Sketches`."""
    import numpy as np

    from ..ngrams.sketches import sketch
    from ..ngrams.texts import buffer

    made = sketch(buffer(batch.conversations), left_out(context))
    dtype = [(name, values.dtype, values.shape[1:]) for name, values in made._asdict().items()]
    out = np.zeros(len(batch.records), dtype)
    for name, values in made._asdict().items():
        out[name] = values
    return out


def left_out(context: Context) -> LeftOut:
    """n-grams that belong to an instruction which many records open with."""
    return cast("LeftOut", context.once("duplicates.left_out", lambda: _left_out(context)))


def left_out_of_size(context: Context, size: int) -> Array:
    """The same n-grams as sorted hashes, of any size."""
    from ..ngrams.store import shared_ngrams

    def shared() -> Array:
        most, openings = _openings(context)
        return shared_ngrams(openings, size, most)

    return cast("Array", context.once(f"duplicates.left_out.{size}", shared))


def _left_out(context: Context) -> LeftOut:
    from ..ngrams.sketches import EDITED_WORDS, NEAR_WORDS, LeftOut

    return LeftOut(left_out_of_size(context, NEAR_WORDS), left_out_of_size(context, EDITED_WORDS))


def _openings(context: Context) -> tuple[int, list[str]]:
    unique = {record.id: record for record in context.sample}
    return max(SHARED_RECORDS, round(SHARED_SHARE * len(unique))), [opening(record) for record in unique.values()]


def opening(record: Record) -> str:
    """The first user turn, which an instruction stands at the beginning of."""
    return next((message.content or "" for message in record.messages if message.role == "user"), "")
