"""Which records may hold an item of an evaluation suite."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from assay.text import message_text

from ..batch import Batch
from ..column import batch_column

if TYPE_CHECKING:
    from ..check import Context
    from ..column import Array
    from .index import LeakIndex


@batch_column
def leak_flags(batch: Batch, context: Context) -> Array:
    """SAME_WORDS and SHARED_NGRAM of any turn, and of all user turns together; uint8, shape [records]."""
    import numpy as np

    from ..ngrams.texts import buffer

    out = np.zeros(len(batch.records), np.uint8)
    texts: list[str] = []
    owners: list[int] = []
    for position, record in enumerate(batch.records):
        turns = [message_text(message) for message in record.messages]
        asked = [message.content or "" for message in record.messages if message.role == "user"]
        if len(asked) > 1:
            turns.append("\n".join(asked))
        texts += turns
        owners += [position] * len(turns)
    np.bitwise_or.at(out, owners, leak_index(context).flags(buffer(texts)))
    return out


def leak_index(context: Context) -> LeakIndex:
    """Of the evaluation items in use, made once in a process."""

    def make() -> LeakIndex:
        from .index import LeakIndex

        return LeakIndex.of(context.evaluation_texts)

    return cast("LeakIndex", context.once("leaks.index", make))
