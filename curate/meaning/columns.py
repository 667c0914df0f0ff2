"""What stands for the meaning of a record: the vectors of its prompt and of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.records import Record
from assay.text import conversation_text, normalize

from ..batch import Batch
from ..column import batch_column, column, hash_of

if TYPE_CHECKING:
    from ..check import Context
    from ..column import Array


def prompt_text(record: Record) -> str:
    """What is asked: every turn that is neither the system's nor the assistant's."""
    return conversation_text(turn for turn in record.messages if turn.role not in ("system", "developer", "assistant"))


def answer_text(record: Record) -> str:
    """All turns of the assistant."""
    return conversation_text(turn for turn in record.messages if turn.role == "assistant")


def setting_text(record: Record) -> str:
    """System turns, normalised, and tools: what must be the same for two records to be compared."""
    system = [normalize(turn.content or "") for turn in record.messages if turn.role in ("system", "developer")]
    return "\n".join([*system, repr(record.tools)])


@batch_column
def meanings(batch: Batch, context: Context) -> Array:
    """Packed vectors of prompt and answer, int8, shape [records, 2, dimensions]; zeros for a text without words."""
    import numpy as np

    from .encoder import load_encoder
    from .vectors import pack

    encoder = load_encoder(context.encoder)
    prompts = encoder.encode([prompt_text(record) for record in batch.records])
    return pack(np.stack((prompts, encoder.encode(batch.answers)), axis=1))


FEWEST_WORDS = 3


@column("bool")
def enough_words(record: Record) -> bool:
    """Whether prompt and answer have so many words that they can be told to belong together or not."""
    return all(text.count(" ") + text.count("\n") >= FEWEST_WORDS - 1 for text in (prompt_text(record), record.answer))


@column("uint64")
def source_file_hash(record: Record) -> int:
    """Equal for records of one file."""
    return hash_of(record.source.file)
