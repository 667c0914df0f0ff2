"""What the data has too little of: labels, topics, lengths, and slices that an evaluation failed.

Of an evaluation four columns are read: the suite, the model, the slice and the score. What its items ask, and what was
answered, is not looked at, so nothing of them can come into the data.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.errors import SourceError
from assay.records import Record
from assay.split import labels_of
from assay.writing.style import LENGTH, style_of

from .seeds import question_of
from .topics import topics

JUDGED = ("candidate", "base")
"""Whose failures count: the last adapter's, or the base model's where no adapter was evaluated."""


@dataclass(frozen=True)
class Gap:
    """kind is label, topic, length or slice. missing: records to bring it to its share; examples: records in it."""

    kind: str
    name: str
    missing: int
    examples: tuple[Record, ...]


def label_gaps(records: Sequence[Record], under: float) -> Iterator[Gap]:
    """Labels with fewer than `under` times the mean count; nothing where answers are no labels."""
    labels = labels_of(records)
    if labels is not None:
        yield from _under(records, labels, "label", under)


def topic_gaps(records: Sequence[Record], under: float, column: str | None) -> Iterator[Gap]:
    """Values of a column, or else topics found by words, with fewer than `under` times the mean count."""
    if column is not None:
        named = [(record, record.meta[column]) for record in records if record.meta.get(column) not in (None, "")]
        yield from _under([record for record, _ in named], [str(value) for _, value in named], "topic", under)
        return
    found = topics([question_of(record) for record in records])
    names = {row: topic.name for topic in found for row in topic.rows}
    placed = sorted(names)
    yield from _under([records[row] for row in placed], [names[row] for row in placed], "topic", under)


def length_gaps(records: Sequence[Record], under: float) -> Iterator[Gap]:
    """Concise, medium and long-form answers, each against an even share; those that are missing altogether too."""
    lengths = [LENGTH[style_of(record.answer).length] for record in records]
    yield from _under(records, lengths, "length", under, LENGTH[1:])


def slice_gaps(evaluation: str, failed_below: float, records: Sequence[Record], wanted: int) -> Iterator[Gap]:
    """Slices of the last evaluation in which the candidate's mean score is below `failed_below`, the worst first.

    evaluation  a folder or a file items.parquet that `assay evaluate` wrote. Raises SourceError.
    """
    for name, _ in failed_slices(evaluation, failed_below):
        within = tuple(record for record in records if name in (record.answer.strip(), *map(str, record.meta.values())))
        yield Gap("slice", name, wanted, within)


def failed_slices(evaluation: str, failed_below: float) -> list[tuple[str, float]]:
    """(slice, the candidate's mean score), the worst first. Raises SourceError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(evaluation) / "items.parquet" if Path(evaluation).is_dir() else Path(evaluation)
    try:
        rows = pq.read_table(path, columns=["suite", "model", "slice", "score"]).to_pylist()
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise SourceError("is no evaluation", where=str(path), fix="name what `assay evaluate -o` wrote") from error
    models = {row["model"] for row in rows}
    judged = next((name for name in JUDGED if name in models), None)
    scores: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row["model"] == judged and row["slice"] and row["score"] is not None:
            scores[row["slice"]].append(row["score"])
    means = {name: sum(values) / len(values) for name, values in scores.items()}
    return sorted(((n, m) for n, m in means.items() if m < failed_below), key=lambda item: (item[1], item[0]))


def _under(
    records: Sequence[Record], names: Sequence[str], kind: str, under: float, all_names: Sequence[str] = ()
) -> Iterator[Gap]:
    counts = Counter(dict.fromkeys(all_names, 0))
    counts.update(name for name in names if name)
    if len(counts) < 2:
        return
    mean = sum(counts.values()) / len(counts)
    for name, count in sorted(counts.items(), key=lambda item: (item[1], item[0])):
        if count < under * mean:
            inside = tuple(record for record, own in zip(records, names, strict=True) if own == name)
            yield Gap(kind, name, max(1, round(mean) - count), inside)
