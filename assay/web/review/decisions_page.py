"""The page of all decisions: filters as the list of records has them, where each record is, and undo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from assay.reviews.steps import Author, take_back, taken_back

from ..rendering import page, page_number, site_of
from ..site import Site
from .decisions import HOLDS, STATES, All, Asked, Made, asked_in, decisions_at
from .desk import session_of, who_of
from .view import holds_of, undone_words

PAGE_ROWS = 50
LOOKED_IN = 4
"""Runs, the newest of those that hold data and of those that generated some, in which a record is looked for."""

FILTERS = ("who", "decision", "about", "state")


class Line(NamedTuple):
    """A row. href: of the record, "" where no run of the newest has it; undo: whether this person may take it back."""

    made: Made
    href: str
    undo: bool


class Chosen(NamedTuple):
    """A filter that is on, and the address without it."""

    text: str
    without: str


def listed(request: Request) -> Response:
    """A page of the decisions that the address asks for."""
    step = request.query_params.get("undone", "")
    said = undone_words(taken_back(site_of(request).journal, step)) if step else ""
    return _page(request, asked_in(request.query_params), page_number(request), said=said)


def taken(request: Request, form: FormData) -> Response:
    """Takes one back, and shows the same list."""
    site, step, keep = site_of(request), str(form.get("step") or ""), str(form.get("keep") or "")[:2000]
    found = take_back(site.journal, Author(who_of(request), session_of(request)), step)
    if found.records:
        address = "&".join(part for part in (keep, f"undone={quote(step)}") if part)
        return RedirectResponse(f"/decisions?{address}", status_code=303)
    held = holds_of(found.by)
    why = f"{held.words}, after that decision: that stays" if held else "it was taken back already, or is not yours"
    return _page(request, asked_in(dict(parse_qsl(keep))), 1, problem=f"Not taken back: {why}.", status=409)


def _page(
    request: Request, asked: Asked, number: int, *, said: str = "", problem: str = "", status: int = 200
) -> Response:
    site, who = site_of(request), who_of(request)
    found = decisions_at(site.journal)
    shown = [one for one in found.made if asked.shows(one)]
    last = max(1, -(-len(shown) // PAGE_ROWS))
    number = min(number, last)
    part = shown[(number - 1) * PAGE_ROWS : number * PAGE_ROWS]
    return page(
        request,
        "web/review_decisions.html",
        title="Decisions",
        status=status,
        asked=asked,
        keep=asked.address(),
        total=len(shown),
        all=len(found.made),
        lines=_lines(site, who, part),
        number=number,
        last=last,
        first=(number - 1) * PAGE_ROWS + 1,
        choices=_choices(found),
        chosen=_chosen(asked),
        who=who,
        mine=found.counts["who"].get(who, 0),
        said=said,
        problem=problem,
        journal=site.journal_name,
        applying=site.applying,
        unwritable=site.unwritable,
    )


def _lines(site: Site, who: str, part: Sequence[Made]) -> list[Line]:
    places = _places(site, {one.record_id for one in part})
    return [
        Line(one, places.get(one.record_id, ""), bool(one.step) and one.state == HOLDS and one.who == who)
        for one in part
    ]


def _choices(found: All) -> Mapping[str, list[tuple[str, str]]]:
    """{filter: (value, text)}"""
    out = {
        name: [(value, f"{value} ({number:,})") for value, number in counts.items()]
        for name, counts in found.counts.items()
    }
    out["state"].sort(key=lambda pair: STATES.index(pair[0]))
    return out


def _chosen(asked: Asked) -> list[Chosen]:
    named = {name: str(getattr(asked, name)) for name in ("q", *FILTERS)}
    shown = {"q": "text"}
    return [
        Chosen(f"{shown.get(name, name)}: {value}", asked.address(**{name: ""}))
        for name, value in named.items()
        if value
    ]


def _places(site: Site, ids: Iterable[str]) -> dict[str, str]:
    """{record id: address of its page, or of its place in the queue}, in the newest run that has it."""
    left, found = set(ids), dict[str, str]()
    made = [run.run for run in site.runs("synth")]
    opened = [name for name, folder in site.folders.items() if (folder / "accepted.parquet").is_file()]
    for name in site.data_runs()[:LOOKED_IN]:
        for record, row in _rows(site.folder(name) / "ledger.parquet", left).items():
            found[record] = f"/data/{quote(name)}/record/{quote(row)}"
        left -= found.keys()
    for name in [*opened, *made][:LOOKED_IN]:
        for record in _rows(site.folder(name) / "accepted.parquet", left):
            found[record] = f"/review/{quote(name)}?row={quote(record)}"
        left -= found.keys()
    return found


def _rows(path: Path, ids: Iterable[str]) -> dict[str, str]:
    """{record id: row id} of those that the file has; none of a file that is not there or cannot be read."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = list(ids)
    try:
        stat = path.stat()
        table = _ids(path, stat.st_mtime_ns, stat.st_size) if wanted else None
    except (OSError, pa.ArrowInvalid, KeyError):
        return {}
    if table is None:
        return {}
    own = table.filter(pc.is_in(table.column("record_id"), value_set=pa.array(wanted, pa.string())))
    return dict(zip(own.column("record_id").to_pylist(), own.column("row_id").to_pylist(), strict=True))


@lru_cache(maxsize=LOOKED_IN)
def _ids(path: Path, changed: int, size: int) -> Any:
    """The ids of all rows; of a million about 50 MB."""
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=["record_id", "row_id"], memory_map=True)
