"""Rows in, records and faults out: the one loop through which every container and every format goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.console import on_one_line
from assay.containers.json_values import Fault
from assay.containers.raw import RawRow
from assay.dataset import Dataset, dump_json, messages_to_text
from assay.errors import SourceError, did_you_mean
from assay.findings import Finding, Severity
from assay.formats import FORMATS, Format, Parsed, Unreadable, by_name, detect
from assay.formats.mapping import ColumnMapping, column_mapping
from assay.formats.tags import Tags
from assay.formats.turns import EXTRAS
from assay.mapped import HELD_BYTES, Batches
from assay.records import Json, Message, Source, arrow_schema, record_id, row_id

CHECK = "unreadable_row"
BATCH_ROWS = 4096
BATCH_CHARACTERS = 1 << 24
"""Records of megabytes each make a batch by few: a batch is decoded and looked at as a whole."""

COLUMNS_SHOWN = 6
ATTACHMENTS = ("images", "videos", "audios")
"""Columns whose content belongs to the prompt and is no text; without it the answer would be learned from nothing."""


@dataclass(frozen=True)
class Layout:
    """How the rows of one file are to be understood; the defaults detect everything.

    mapping     columns that the user or a dataset_info.json names
    tags        names of roles and keys that a dataset_info.json gives
    preference  preference data is read for its chosen side
    system      a system turn for records that have none
    """

    format: Format | None = None
    mapping: ColumnMapping | None = None
    tags: Tags | None = None
    preference: bool = False
    system: str | None = None

    @classmethod
    def of(
        cls, form: str, columns: Mapping[str, str], *, preference: bool = False, system: str | None = None
    ) -> Layout:
        """Raises UnknownNameError and SettingsError."""
        named = None if form == "auto" else by_name(form)
        return cls(named, column_mapping(columns, form), None, preference, system)

    def is_row(self, value: Json) -> bool:
        """Whether an object is one row, and not a wrapper around many."""
        if self.mapping is not None:
            return isinstance(value, dict) and any(column in value for column in self.mapping.names.values())
        return detect(value) is not None


@dataclass
class Counts:
    """What was seen in one file, for its note."""

    rows: int = 0
    faults: int = 0
    records: int = 0
    titles: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    columns: set[str] = field(default_factory=set)


class RowReader:
    """Gathers the records and faults of any number of files into one Dataset.

    held_bytes  a larger table is not held in memory; see mapped.py
    """

    def __init__(self, held_bytes: int = HELD_BYTES) -> None:
        self._batches = Batches(arrow_schema(), held_bytes)
        self._rows: list[tuple[Any, ...]] = []
        """In the order of `arrow_schema`."""
        self._characters = 0
        self._faults: list[Finding] = []
        self._notes: list[str] = []

    def read(self, raws: Iterable[RawRow], name: str, digest: str, layout: Layout) -> int:
        """Reads the rows of one file and returns how many there were.

        Raises SourceError when a mapped column is in none of them.
        """
        counts = Counts()
        gathered: dict[str, list[RawRow]] = {}
        for raw in raws:
            counts.rows += 1
            part = self._read_row(raw, name, digest, layout, counts)
            if part is not None:
                gathered.setdefault(part[0].name, []).append(part[1])
        for form_name, members in gathered.items():
            self._read_gathered(FORMATS[form_name], members, name, digest, layout, counts)
        _check_mapped(layout, counts, name)
        self._notes.append(_note(name, counts))
        return counts.rows

    def note(self, line: str) -> None:
        """Adds a line about what was taken for what."""
        self._notes.append(line)

    def finish(self) -> Dataset:
        """The Dataset of everything read."""
        self._flush()
        return Dataset(self._batches.finish(), tuple(self._faults), tuple(self._notes))

    def _read_row(
        self, raw: RawRow, name: str, digest: str, layout: Layout, counts: Counts
    ) -> tuple[Format, RawRow] | None:
        """Reads one row; returns its format and the row, understood, where it is only a part of a record."""
        try:
            if raw.fault is not None:
                raise Unreadable(raw.fault)
            row, form, aside, remarks = _understand(raw.value, layout, counts)
            if form.gather is not None:
                return form, raw._replace(value={**row, **{f"meta_{key}": value for key, value in aside.items()}})
            before = counts.records
            for index, part in enumerate(form.split(row) if form.split is not None else (row,)):
                key = row_id(digest, raw.row) if index == 0 else row_id(f"{digest}:{raw.row}", index)
                try:
                    parsed = form.read(part)
                    self._add(_finished(parsed, aside, layout), Source(name, raw.line, raw.row), key)
                except (Unreadable, Fault, RecursionError) as error:
                    self._fault(error, raw, name, key, counts)
                    continue
                counts.records += 1
                counts.remarks.update((*parsed.remarks, *remarks))
            if counts.records > before:
                counts.titles[form.title] += 1
        except (Unreadable, Fault, RecursionError) as error:
            self._fault(error, raw, name, row_id(digest, raw.row), counts)
        return None

    def _read_gathered(
        self, form: Format, members: list[RawRow], name: str, digest: str, layout: Layout, counts: Counts
    ) -> None:
        """The records that rows of one message each make up."""
        assert form.gather is not None
        before = counts.records
        for raw in form.gather(members):
            try:
                if raw.fault is not None:
                    raise Unreadable(raw.fault)
                parsed = form.read(raw.value)
                self._add(_finished(parsed, {}, layout), Source(name, raw.line, raw.row), row_id(digest, raw.row))
            except (Unreadable, Fault, RecursionError) as error:
                self._fault(error, raw, name, row_id(digest, raw.row), counts)
                continue
            counts.records += 1
            counts.remarks.update(parsed.remarks)
        counts.titles[f"{form.title} ({counts.records - before} conversations)"] += len(members)

    def _add(self, parsed: Parsed, source: Source, key: str) -> None:
        """One row of the table, all of it or, should anything raise, none of it."""
        row = (
            key,
            record_id(parsed.messages, parsed.tools),
            "",
            "",
            "human",
            (),
            messages_to_text(parsed.messages),
            dump_json(list(parsed.tools)) if parsed.tools else "[]",
            dump_json(dict(parsed.meta)) if parsed.meta else "{}",
            source.file,
            source.line,
            source.row,
        )
        self._rows.append(row)
        self._characters += len(row[6]) + len(row[7]) + len(row[8])
        if len(self._rows) >= BATCH_ROWS or self._characters >= BATCH_CHARACTERS:
            self._flush()

    def _fault(self, error: Exception, raw: RawRow, name: str, key: str, counts: Counts) -> None:
        counts.faults += 1
        source = Source(name, raw.line, raw.row)
        message = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        self._faults.append(Finding(CHECK, Severity.ERROR, message, "", key, source))

    def _flush(self) -> None:
        import pyarrow as pa

        schema = arrow_schema()
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * len(schema)
        arrays = [pa.array(list(values), item.type) for values, item in zip(columns, schema, strict=True)]
        self._batches.add(pa.RecordBatch.from_arrays(arrays, schema=schema))
        self._rows, self._characters = [], 0


def _understand(
    value: Json, layout: Layout, counts: Counts
) -> tuple[Mapping[str, Json], Format, dict[str, Json], tuple[str, ...]]:
    """(row under the format's own names, format, columns for meta, remarks). Raises Unreadable."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        value = {"conversations" if "from" in value[0] else "messages": value}
    if not isinstance(value, Mapping):
        raise Unreadable(f"a row should be an object with columns, and this is {_kind(value)}")
    if layout.mapping is not None:
        counts.columns.update(value)
    row: Mapping[str, Json] = value
    if layout.tags is not None:
        row = layout.tags.apply(row)
    aside: dict[str, Json] = {}
    remarks: tuple[str, ...] = ()
    if layout.mapping is not None:
        row, aside, remarks = layout.mapping.apply(row)
        form = layout.mapping.form_of(row)
    else:
        form = layout.format or detect(row)
    if form is None:
        raise Unreadable(_no_format(row))
    attached = next((name for name in ATTACHMENTS if row.get(name)), None)
    if attached is not None:
        raise Unreadable(f"has {attached}; assay reads text only")
    if form.on_request and not layout.preference and layout.format is not form:
        raise Unreadable("preference data: --preference (`preference: true` in assay.yaml) reads its chosen side")
    return row, form, aside, remarks


def _finished(parsed: Parsed, aside: Mapping[str, Json], layout: Layout) -> Parsed:
    """With what the layout adds: columns that a mapping pushed aside, a system turn."""
    if aside:
        parsed = parsed._replace(meta={**parsed.meta, **aside})
    if layout.system is not None and parsed.messages[0].role not in ("system", "developer"):
        meta = dict(parsed.meta)
        if EXTRAS in meta:
            meta[EXTRAS] = {str(int(index) + 1): extra for index, extra in meta[EXTRAS].items()}
        parsed = parsed._replace(messages=(Message("system", layout.system), *parsed.messages), meta=meta)
    return parsed


def _no_format(row: Mapping[str, Json]) -> str:
    if "input_ids" in row:
        return "is tokenised already; give assay the conversations behind it: it tokenises them as the model does"
    names = list(row)
    shown = ", ".join(on_one_line(name)[:40] for name in names[:COLUMNS_SHOWN])
    more = f" and {len(names) - COLUMNS_SHOWN} more" if len(names) > COLUMNS_SHOWN else ""
    yours = "name yours: --columns prompt=...,answer=..., or in assay.yaml columns: {prompt: ..., answer: ...}"
    return f"no known format has the columns {shown}{more}; {yours}"


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), type(value).__name__)


def _check_mapped(layout: Layout, counts: Counts, name: str) -> None:
    """A mapping that fits no row is a mistake in the settings, not ten thousand faults in the data."""
    if layout.mapping is None or counts.records or not counts.columns:
        return
    absent = next((column for column in layout.mapping.names.values() if column not in counts.columns), None)
    if absent is not None:
        raise SourceError(f"has no column '{absent}'", where=name, fix=did_you_mean(absent, map(str, counts.columns)))


def _note(name: str, counts: Counts) -> str:
    """`a.jsonl: 400 rows, OpenAI messages`; several formats are each counted, and so are unreadable rows."""
    rows = f"{counts.rows:,} row{'' if counts.rows == 1 else 's'}"
    if len(counts.titles) == 1 and not counts.faults:
        parts = [next(iter(counts.titles))]
    else:
        parts = [f"{number:,} {title}" for title, number in counts.titles.most_common()]
    if counts.faults:
        parts.append(f"{counts.faults:,} unreadable")
    if counts.records > counts.rows:
        parts.append(f"{counts.records:,} records")
    note = f"{name}: {rows}, {', '.join(parts)}"
    remarks = [
        remark if number == counts.records else f"{remark} ({number:,} records)"
        for remark, number in counts.remarks.most_common()
    ]
    return f"{note}; {'; '.join(remarks)}" if remarks else note
