"""Prompts that ask in other words what an evaluation item asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from assay.records import Record
from assay.text import normalize

from ..meaning.columns import meanings, prompt_text
from ..meaning.encoder import load_encoder
from ..meaning.pairs import Pairs, nearest
from ..meaning.prompts import confirmed
from ..meaning.vectors import Packed, pack_texts

if TYPE_CHECKING:
    from ..check import Context


class Paraphrase(NamedTuple):
    """position of the record, position of the item, and the cosine of prompt and item."""

    position: int
    item: int
    similarity: float


def paraphrases(records: Sequence[Record], context: Context, threshold: float) -> Iterator[Paraphrase]:
    """The nearest item of each prompt, where nothing in their words makes it another question.

    Prompts that are the very words of an item are passed over.
    """
    import numpy as np

    encoder = load_encoder(context.encoder)
    items = [item.text for item in context.evaluation_texts]
    found = nearest(Packed(context.column(meanings), texts=1), pack_texts(encoder, items), threshold)
    texts = [prompt_text(records[position]) for position in found.first.tolist()]
    pairs = Pairs(np.arange(len(texts)), found.second + len(texts), found.similarity)
    for place, item, similarity in zip(*confirmed(pairs, [*texts, *items], encoder, threshold), strict=True):
        text = items[int(item) - len(texts)]
        if normalize(texts[int(place)]) != normalize(text):
            yield Paraphrase(int(found.first[int(place)]), int(item) - len(texts), float(similarity))
