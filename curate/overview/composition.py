"""What usable data consists of: topics or labels, languages, sources, origins, lengths; each with its records.

Counts of sources and origins are of all usable records. The others are of an even sample of up to SAMPLED of them,
and are given as shares of all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assay.records import Json, Record
from assay.split import labels_of
from assay.writing.function_words import likely_language

from .topics import Encode, effective_number, find_topics

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from assay.dataset import Dataset

SAMPLED = 10_000
EXAMPLES = 5
"""Records shown of each part."""

FEWEST_A_LABEL = 10
"""A label with fewer records than this is nearly empty: it is hardly learned, and can hardly be tested."""

NO_LABEL = "no label"
LANGUAGE_CHARACTERS = 1_000
SHARES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Part:
    """Records that have something in common; examples are some of those that were looked at."""

    name: str
    records: int
    examples: tuple[Record, ...] = ()

    def to_json(self) -> dict[str, Json]:
        return {"name": self.name, "records": self.records, "row_ids": [record.row_id for record in self.examples]}


@dataclass(frozen=True)
class Lengths:
    """In characters, words or tokens: at the shares SHARES, and the longest.

    bars  (upper end, records), each end double the last
    """

    at: tuple[int, ...]
    longest: int
    bars: tuple[tuple[int, int], ...]

    def to_json(self) -> dict[str, Json]:
        at = {f"p{round(share * 100)}": value for share, value in zip(SHARES, self.at, strict=True)}
        return {**at, "longest": self.longest, "bars": [list(bar) for bar in self.bars]}


@dataclass(frozen=True)
class Composition:
    """Parts are the largest first.

    usable    records that would train
    looked_at of them, for what is not counted over all
    labels    where answers are labels; then topics are the labels' business, and empty
    """

    usable: int
    looked_at: int
    topics: tuple[Part, ...]
    labels: tuple[Part, ...]
    languages: tuple[Part, ...]
    sources: tuple[Part, ...]
    origins: tuple[Part, ...]
    prompts: Lengths
    answers: Lengths

    @property
    def kind(self) -> str:
        return "label" if self.labels else "topic"

    @property
    def parts(self) -> tuple[Part, ...]:
        """Labels, or topics where answers are no labels."""
        return self.labels or self.topics

    @property
    def effective(self) -> float:
        """As many equally large topics or labels would be as diverse."""
        return effective_number([part.records for part in self.parts])

    @property
    def nearly_empty(self) -> tuple[Part, ...]:
        return tuple(part for part in self.labels if part.records < FEWEST_A_LABEL)

    def without_text(self) -> Composition:
        """The same with numbers in place of topics and labels, which are words of the records."""
        topics, labels = (
            tuple(replace(part, name=f"{kind} {number}") for number, part in enumerate(parts, 1))
            for kind, parts in (("topic", self.topics), ("label", self.labels))
        )
        return replace(self, topics=topics, labels=labels)

    def to_json(self) -> dict[str, Json]:
        named = {"topics": self.topics, "labels": self.labels, "languages": self.languages, "sources": self.sources}
        return {
            "usable": self.usable,
            "looked_at": self.looked_at,
            **{name: [part.to_json() for part in parts] for name, parts in {**named, "origins": self.origins}.items()},
            f"effective_number_of_{self.kind}s": round(self.effective, 1),
            "prompt_characters": self.prompts.to_json(),
            "answer_characters": self.answers.to_json(),
        }


@dataclass(frozen=True)
class Kinds:
    """What each record that is looked at is of; shape [records].

    parts   labels, or topics where answers are no labels; () where there are neither
    """

    are_labels: bool
    parts: tuple[str, ...]
    languages: tuple[str, ...]


def kinds_of(sample: Sequence[Record], seed: int, encode: Encode | None = None) -> Kinds:
    """encode: texts to vectors, for topics by meaning; None for topics by words."""
    languages = tuple(likely_language(_language_text(record)) or "unsure" for record in sample)
    labels = labels_of(sample)
    if labels:
        return Kinds(True, tuple(label or NO_LABEL for label in labels), languages)
    topics = find_topics([question(record) for record in sample], seed, encode)
    return Kinds(False, tuple(topics.names[at] for at in topics.assigned) if topics is not None else (), languages)


def compose(
    data: Dataset,
    usable: npt.NDArray[np.int64],
    sample: Sequence[Record],
    kinds: Kinds,
    flagged: Collection[str],
) -> Composition:
    """What the usable records consist of.

    usable  positions of the records that would train
    sample  those of them that are looked at, evenly spaced; kinds are of these
    flagged row ids that a check found something in: no example, since a repair may take something out of them
    """
    share = len(usable) / len(sample) if sample else 1.0
    shown = [None if record.row_id in flagged else record for record in sample]
    parts = _parts(shown, kinds.parts, share) if kinds.parts else ()
    return Composition(
        usable=len(usable),
        looked_at=len(sample),
        topics=() if kinds.are_labels else parts,
        labels=parts if kinds.are_labels else (),
        languages=_parts(shown, kinds.languages, share),
        sources=_counted(data, usable, "source_file", shown, lambda record: record.source.file),
        origins=_counted(data, usable, "origin", shown, lambda record: record.origin),
        prompts=lengths_of([sum(len(message.content or "") for message in record.prompt) for record in sample], share),
        answers=lengths_of([len(record.answer) for record in sample], share),
    )


def question(record: Record) -> str:
    """What is asked last, or the first turn of a record without a question."""
    asked = (message.content for message in reversed(record.prompt) if message.role == "user" and message.content)
    return next(asked, record.messages[0].content or "" if record.messages else "")


def _language_text(record: Record) -> str:
    return f"{question(record)[:LANGUAGE_CHARACTERS]} {record.answer[:LANGUAGE_CHARACTERS]}"


def _parts(shown: Sequence[Record | None], names: Sequence[str], share: float) -> tuple[Part, ...]:
    members: dict[str, list[Record]] = defaultdict(list)
    counts = Counter(names)
    for record, name in zip(shown, names, strict=True):
        if record is not None and len(members[name]) < EXAMPLES:
            members[name].append(record)
    order = sorted(counts, key=lambda name: (-counts[name], name))
    return tuple(Part(name, round(counts[name] * share), tuple(members[name])) for name in order)


def _counted(
    data: Dataset,
    usable: npt.NDArray[np.int64],
    column: str,
    shown: Sequence[Record | None],
    key: Callable[[Record], str],
) -> tuple[Part, ...]:
    examples: dict[str, list[Record]] = defaultdict(list)
    for record in shown:
        if record is not None and len(examples[key(record)]) < EXAMPLES:
            examples[key(record)].append(record)
    values = data.table.column(column).take(usable).value_counts().to_pylist()
    parts = [Part(str(item["values"]), int(item["counts"]), tuple(examples[str(item["values"])])) for item in values]
    return tuple(sorted(parts, key=lambda part: (-part.records, part.name)))


def lengths_of(lengths: Sequence[int], share: float) -> Lengths:
    """Of some of the records. share: records that each of them stands for."""
    if not lengths:
        return Lengths((0,) * len(SHARES), 0, ())
    ordered = sorted(lengths)
    at = tuple(ordered[min(len(ordered) - 1, int(part * len(ordered)))] for part in SHARES)
    counts = Counter(length.bit_length() for length in ordered)
    bars = range(min(counts), max(counts) + 1)
    return Lengths(at, ordered[-1], tuple((2**bits - 1, round(counts[bits] * share)) for bits in bars))
