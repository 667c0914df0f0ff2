"""The list of records: a page of it, and all of it as CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from assay.containers.formula_cells import escape
from assay.errors import AssayError, NoSuchRunError
from assay.reviews.standing import journal_at
from assay.text import message_text
from assay.web.rendering import page, page_number, site_of
from assay.web.review.view import Holds, holds_of
from assay.web.site import Site

from ..pages.concealment import MASKED_ALREADY, conceal_record
from .columns import FATES, SEVERITIES, Columns, columns_of
from .keeping import cache_of
from .listing import FIRST_SECONDS, LATER_SECONDS, PAGE_ROWS, Line, List, Matches, lines
from .looked import looked_of
from .query import KINDS, LENGTHS, OF_OVERVIEW, ORDERS, TURNS, USABLE, Query, query_of
from .reading import records
from .remembered import Remembered
from .shelf import DATA

EXPORTED = 100_000
EXPORTED_AT_ONCE = 500
SAVED_SECONDS = 30.0
"""So long a page waits that is written as a file, which cannot go on later."""

SHOWN_SOURCES = 200


@dataclass(frozen=True)
class Choice:
    value: str
    text: str


@dataclass(frozen=True)
class Chosen:
    """A filter that is on, and the address without it."""

    text: str
    without: str


def listed(request: Request) -> Response:
    """A page of the rows that the address asks for."""
    site, name = site_of(request), request.path_params["run"]
    columns = _columns(site, name)
    query = query_of(request.query_params)
    single = request.query_params.get("save") == "1"
    number = page_number(request)
    asked = List(columns, query, cache_of(site))
    found = asked.matches(number * PAGE_ROWS + 1, SAVED_SECONDS if single else _seconds(columns, query))
    last = max(1, -(-found.total // PAGE_ROWS))
    number = min(number, last)
    part = slice((number - 1) * PAGE_ROWS, number * PAGE_ROWS)
    rows = [int(position) for position in found.positions[part]]
    return page(
        request,
        "curate/records.html",
        title=f"Records of {name}",
        run=name,
        query=query,
        keep=query.address(),
        problems=query.problems(),
        found=found,
        said=_said(found),
        lines=(shown := lines(columns, query, rows, found.scores[part], concealed=single)),
        decided=_decided(site, shown),
        number=number,
        last=last,
        first=part.start + 1,
        chosen=_chosen(query, columns),
        choices=_choices(columns),
        exported=EXPORTED,
        of_overview=OF_OVERVIEW,
    )


def exported(request: Request) -> Response:
    """The rows that the address asks for, at most EXPORTED of them, as CSV that a spreadsheet computes nothing of."""
    site, name = site_of(request), request.path_params["run"]
    columns = _columns(site, name)
    query = query_of(request.query_params)
    asked = List(columns, query, cache_of(site))
    found = asked.matches(PAGE_ROWS, LATER_SECONDS)  # what is wrong is said before the first byte
    columns.found  # noqa: B018 - as above

    def parts() -> Iterator[bytes]:
        matches = found
        while not matches.exact and matches.total < EXPORTED:
            matches = asked.matches(EXPORTED, LATER_SECONDS)
        rows = [int(position) for position in matches.positions[:EXPORTED]]
        yield _csv([CSV_COLUMNS]).encode("utf-8-sig")
        for start in range(0, len(rows), EXPORTED_AT_ONCE):
            yield _csv(_cells(columns, rows[start : start + EXPORTED_AT_ONCE])).encode("utf-8", "backslashreplace")

    headers = {"Content-Disposition": f'attachment; filename="assay-records-{quote(name, safe="")}.csv"'}
    return StreamingResponse(parts(), media_type="text/csv; charset=utf-8", headers=headers)


def _decided(site: Site, shown: Sequence[Line]) -> dict[str, Holds]:
    """{record id: what somebody said of it that holds}; none where the decisions cannot be read, as their page says."""
    try:
        _, standing = journal_at(site.journal).now()
    except AssayError:
        return {}
    said = {line.record_id: holds_of(standing.about(line.record_id).values()) for line in shown if line.record_id}
    return {record: holds for record, holds in said.items() if holds is not None}


def _columns(site: Site, name: str) -> Columns:
    folder = site.folder(name)
    if not (folder / DATA).is_file():
        raise NoSuchRunError(f"'{name}' holds no curated records", where=str(folder), fix="assay curate DATA -o OUT")
    return columns_of(folder)


_ASKED: Remembered[Counter[str]] = Remembered(256)


def _seconds(columns: Columns, query: Query) -> float:
    """So long a page waits for texts: a first answer comes at once, and whoever asks again waits for the rest."""
    asked = _ASKED.get((columns.folder, query.address()), Counter)
    asked["times"] += 1
    return FIRST_SECONDS if asked["times"] == 1 else LATER_SECONDS


def _said(found: Matches) -> str:
    """How many rows there are, in words."""
    number = f"{found.total:,} record{'' if found.total == 1 else 's'}"
    return number if found.exact else f"at least {number}" if found.total else "none yet"


_NAMES = {"like": "near in meaning to", "min": "at least characters", "max": "at most characters", "where": "column"}


def _chosen(query: Query, columns: Columns) -> list[Chosen]:
    out = []
    if query.q:
        out.append(Chosen(f"{KINDS[query.kind]}: {query.q}", query.address(q="", kind="")))
    for name in (
        "like",
        "check",
        "severity",
        "fate",
        "source",
        "origin",
        "split",
        "turns",
        "where",
        "min",
        "max",
        "order",
        *OF_OVERVIEW,
    ):
        value = getattr(query, name)
        if value:
            if name in LENGTHS and (looked := looked_of(columns)) is not None:
                value = f"{value} {looked.unit}"
            shown = {"turns": TURNS, "order": ORDERS}.get(name, {}).get(value, value)
            out.append(Chosen(f"{_NAMES.get(name, name)}: {shown}", query.address(**{name: ""})))
    return out


def _choices(columns: Columns) -> Mapping[str, list[Choice]]:
    """What each filter may be, with the rows of it."""
    counts = columns.counts
    return {
        "check": _counted(counts["check"]),
        "severity": [Choice(name, name) for name in SEVERITIES],
        "fate": [
            *_counted({fate: counts["fate"].get(fate, 0) for fate in FATES}),
            Choice(USABLE, f"kept or repaired ({int(columns.usable.sum()):,})"),
        ],
        "source": _counted(dict(list(counts["source"].items())[:SHOWN_SOURCES]), short=True),
        "origin": _counted(counts["origin"]),
        "split": _counted({name: number for name, number in counts["split"].items() if name}),
        "turns": [Choice(value, text) for value, text in TURNS.items() if value],
    }


def _counted(counts: Mapping[str, int], *, short: bool = False) -> list[Choice]:
    return [
        Choice(name, f"{Path(name).name if short else name} ({number:,})") for name, number in counts.items() if number
    ]


CSV_COLUMNS = (
    *("row_id", "record_id", "source", "fate", "origin", "split", "checks", "system", "prompt", "answer"),
    "columns",
)


def _cells(columns: Columns, positions: Sequence[int]) -> Iterator[Sequence[Any]]:
    """Masked where a check found personal data or a secret, as held.csv is."""
    found = records(columns, positions)
    ids = columns.row_ids()
    for position in positions:
        said = columns.found.of(position)
        checks = list(dict.fromkeys(columns.found.checks.of(row) for row in range(said.start, said.stop)))
        record = found.get(position)
        own: list[str] = [str(ids[position].as_py()), "", columns.sources.of(position), columns.fates.of(position)]
        if record is None:
            yield [*map(escape, own), "", "", " ".join(checks), "", "", "", ""]
            continue
        if MASKED_ALREADY.intersection(checks):
            record = conceal_record(record)
        own[1:3] = [record.id, str(record.source)]
        system = "\n".join(message_text(turn) for turn in record.prompt if turn.role in ("system", "developer"))
        turns = [turn for turn in record.prompt if turn.role not in ("system", "developer")]
        prompt = "\n".join(f"{turn.role}: {message_text(turn)}" for turn in turns)
        last = record.last_assistant_index
        answer = "" if last is None else message_text(record.messages[last])
        meta = "; ".join(f"{key}={value}" for key, value in record.meta.items())
        yield [*map(escape, [*own, record.origin, record.split, " ".join(checks), system, prompt, answer, meta])]


def _csv(rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
