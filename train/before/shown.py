"""Records as they will train: their text, with what the loss is computed on marked off from what it is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.chat import IGNORED, ChatTarget
from assay.errors import SettingsError
from assay.findings import Fate, Ledger
from assay.records import Source
from assay.split import TRAIN, VALIDATION

from ..rows import Row, Rows

if TYPE_CHECKING:
    from assay.console import Options

    from ..prepared import Prepared

EXAMPLES = "three records, the shortest, one of middling length and the longest; [[ ]] stand around what is trained on"
EXAMPLES_FILE = "examples.json"
MOST_MASKED, MOST_TRAINED = 300, 900
"""Characters of one stretch that are shown of an example; what is drawn by name is shown whole."""


@dataclass(frozen=True)
class Part:
    """A stretch of a record's text that is trained on throughout, or not at all."""

    text: str
    trained: bool


@dataclass(frozen=True)
class Masked:
    """One record. stop: the last trained token where it ends turns at inference, else None."""

    record_id: str
    source: str
    split: str
    tokens: int
    trained_tokens: int
    stop: str | None
    parts: tuple[Part, ...]

    @property
    def heading(self) -> str:
        end = f"ends in {self.stop}, which stops generation" if self.stop else "no stop token at its end"
        return (
            f"{self.record_id}  {self.source}  {self.split}, {self.tokens:,} tokens, "
            f"{self.trained_tokens:,} of them trained on; {end}"
        )

    def text(self, most_masked: int | None = None, most_trained: int | None = None) -> str:
        """[[ ]] stand around what is trained on; of stretches longer than so many characters both ends are left."""
        return "".join(
            f"[[{_abridged(part.text, most_trained)}]]" if part.trained else _abridged(part.text, most_masked)
            for part in self.parts
        )

    def to_json(self, *, redact: bool = False) -> dict[str, Any]:
        return {
            "record_id": self.record_id,
            "source": self.source,
            "split": self.split,
            "tokens": self.tokens,
            "trained_tokens": self.trained_tokens,
            "stop": self.stop,
            "parts": [{"text": None if redact else part.text, "trained": part.trained} for part in self.parts],
        }


def three(rows: Rows, target: ChatTarget) -> tuple[Masked, ...]:
    """The shortest, one of middling length and the longest of those that train; fewer where there are fewer."""
    import pyarrow as pa
    import pyarrow.compute as pc

    by_length = sorted(rows.training, key=lambda row: (len(row.input_ids), row.row_id))
    chosen = [by_length[place] for place in dict.fromkeys((0, len(by_length) // 2, len(by_length) - 1))]
    table = rows.ledger.table
    found = table.filter(pc.is_in(table.column("row_id"), value_set=pa.array([row.row_id for row in chosen])))
    sources = _sources(Ledger(found))
    return tuple(_masked(row, TRAIN, sources, target) for row in chosen)


def find(rows: Rows, target: ChatTarget, name: str) -> tuple[Masked, ...]:
    """By record id, row id, FILE:LINE or "FILE row N"; of a path the end is enough. Duplicates share an id.

    Raises SettingsError when there is none, or when it does not train and why.
    """
    sources = _sources(rows.ledger)
    found = [
        _masked(row, split, sources, target)
        for split, some in ((TRAIN, rows.training), (VALIDATION, rows.validation))
        for row in some
        if name in (row.record_id, row.row_id) or _stands_at(sources.get(row.row_id), name)
    ]
    if found:
        return tuple(found)
    for row in rows.ledger.rows:
        if row.fate in (Fate.DROPPED, Fate.HELD) and (
            name in (row.record_id, row.row_id) or _stands_at(row.source, name)
        ):
            raise SettingsError(f"{name} does not train: {', '.join(row.reasons)}", where="--show-mask")
    raise SettingsError(
        f"there is no record {name}", where="--show-mask", fix="give a record id, a row id, FILE:LINE or 'FILE row N'"
    )


def say_examples(prepared: Prepared, target: ChatTarget, options: Options) -> None:
    """`three`, on stderr before a run begins; nothing where texts are kept back."""
    if not options.redact:
        options.say("\n".join([EXAMPLES, *render(three(prepared.rows, target)), ""]))


def render(examples: Sequence[Masked]) -> list[str]:
    """Of each its heading and its text, long stretches abridged."""
    lines = []
    for example in examples:
        lines += ["", example.heading, ""]
        lines += [f"  {line}" for line in example.text(MOST_MASKED, MOST_TRAINED).splitlines()]
    return lines


def _masked(row: Row, split: str, sources: dict[str, Source], target: ChatTarget) -> Masked:
    trained = [label for label in row.labels if label != IGNORED]
    last = trained[-1] if trained else None
    stop = str(target.tokenizer.convert_ids_to_tokens(last)) if last in target.stop_token_ids else None
    source = sources.get(row.row_id)
    where = str(source) if source is not None else ""
    return Masked(row.record_id, where, split, len(row.input_ids), len(trained), stop, tuple(_parts(row, target)))


def _parts(row: Row, target: ChatTarget) -> Iterator[Part]:
    start = 0
    for end in range(1, len(row.labels) + 1):
        trained = row.labels[start] != IGNORED
        if end == len(row.labels) or (row.labels[end] != IGNORED) != trained:
            text = target.tokenizer.decode(row.input_ids[start:end], clean_up_tokenization_spaces=False)
            yield Part(str(text), trained)
            start = end


def _sources(ledger: Ledger) -> dict[str, Source]:
    return {row.row_id: row.source for row in ledger.rows}


def _stands_at(source: Source | None, name: str) -> bool:
    if source is None:
        return False
    file = str(source.file)
    for separator, number in ((":", source.line), (" row ", source.row)):
        place, found, wanted = name.rpartition(separator)
        if found and wanted == str(number) and (place == file or file.endswith(f"/{place}")):
            return True
    return False


def _abridged(text: str, most: int | None) -> str:
    if most is None or len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} [... {len(text) - 2 * half:,} characters ...] {text[-half:]}"
