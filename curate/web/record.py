"""The page of one record: as a conversation, as its model's template renders it, token by token; why and whence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from assay.errors import AssayError, NoSuchRunError
from assay.findings import Finding, LedgerRow
from assay.records import Record, Source
from assay.web.rendering import page, site_of
from assay.web.site import Site

from ..pages.concealment import conceal_record
from ..pages.pieces import Piece
from ..personal.masking import concealed
from .keeping import cache_of
from .neighbours import around
from .places import Place, find, ledger_rows, records_at, table_of
from .query import query_of
from .record_findings import Fact, findings_of, found_of, place_name
from .record_groups import groups_of
from .record_lineage import Decided, decisions_about, ids_of, is_applied, made_of, seeds_of, written_of
from .record_rendered import MOST_TURNS, TOKENS, as_text, as_tokens, worth_saying
from .record_turns import SHOWN_TURNS, Text, clashing_words, cut, marked, place_of, pretty, turns_of
from .targets import PATIENCE, Loading, Target, target_of

VIEWS = (("", "Conversation", "1"), ("template", "As rendered", "2"), ("tokens", "Tokens", "3"))
SHOWN_FINDINGS = 100
OWN = frozenset({"view", "whole", "first", "undone", "save", "redact", "token"})
"""Names in the address that are this page's; all others are of the list that it was opened from."""


@dataclass(frozen=True)
class Row:
    """What a run holds of one row. record: None where its text is not at hand; raw: what could not be read as one."""

    row_id: str
    record: Record | None
    ledger: LedgerRow | None
    file: str
    raw: str = ""

    @property
    def source(self) -> Source | None:
        return (
            self.record.source if self.record is not None else self.ledger.source if self.ledger is not None else None
        )


@dataclass(frozen=True)
class Column:
    """A column of the source that was not understood, kept as it was."""

    name: str
    text: Text


def routes() -> list[Route]:
    return [Route("/data/{run}/record/{row}", record, methods=["GET"])]


def record(request: Request) -> Response:
    """Any row of the run's ledger, by its row id. `view`: template or tokens; `whole=1`: nothing cut short."""
    site, name = site_of(request), request.path_params["run"]
    saved = request.query_params.get("save") == "1"
    row = _row(site.folder(name), request.path_params["row"], _without_personal_data if saved else _as_it_is)
    view = request.query_params.get("view", "")
    whole = request.query_params.get("whole") == "1"
    keep = [(key, value) for key, value in request.query_params.multi_items() if key not in OWN]
    shown: dict[str, Any]
    turns = len(row.record.messages) if row.record is not None else 0
    if row.record is not None and turns > MOST_TURNS and view in ("template", "tokens"):
        shown = {
            "missing": f"A conversation of {turns:,} turns is not rendered here, which is done up to {MOST_TURNS:,}."
        }
    elif row.record is not None and turns and view in ("template", "tokens"):
        target = target_of(site, name, None if saved else PATIENCE)
        shown = _rendered(target, row.record, view, whole, _first(request))
    else:
        view, shown = "", _conversation(site, name, row, whole, saved)
    return page(
        request,
        "curate/record.html",
        title=f"Record {row.source or row.row_id}",
        run=name,
        row=row,
        heading=place_name(row.source) if row.source is not None else row.row_id,
        view=view,
        views=[(address, title, key, _query([*keep, *_named(view=address)])) for address, title, key in VIEWS],
        whole_query=_query([*keep, *_named(view=view), ("whole", "1")]),
        keep=urlencode(keep),
        here=f"/data/{quote(name)}/record/{quote(row.row_id)}",
        facts=_facts(row),
        list_=around(site.folder(name), row.row_id, query_of(request.query_params), cache_of(site)),
        back=f"/data/{quote(name)}/records?{urlencode(keep)}" if keep else "",
        decide=f"/review/{quote(name)}?row={quote(row.row_id)}",
        whole=whole,
        undone=request.query_params.get("undone") == "1",
        undoing=_undoing(request, ids_of(row.record, row.ledger)),
        **shown,
    )


def _undoing(request: Request, ids: Sequence[str]) -> bool:
    """Whether the last decision of this browser is about the record: then it can be taken back here."""
    from assay.reviews.steps import last_step
    from assay.web.review.desk import session_of

    try:
        lines = last_step(site_of(request).journal, session_of(request))
    except AssayError:
        return False
    return any(line.subject.record_id in ids for line in lines)


def _without_personal_data(record: Record) -> Record:
    """As it may be sent to others; its id stays that of its content."""
    return replace(conceal_record(record), id=record.id)


def _as_it_is(record: Record) -> Record:
    return record


def _named(**values: str) -> list[tuple[str, str]]:
    return [(key, value) for key, value in values.items() if value]


def _query(items: Sequence[tuple[str, str]]) -> str:
    return f"?{urlencode(items)}" if items else "?"


def _first(request: Request) -> int:
    text = request.query_params.get("first", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0


def _row(folder: Path, row_id: str, shown_as: Callable[[Record], Record]) -> Row:
    """Raises NoSuchRunError for a row that the run never read."""
    ledger, place = next(iter(ledger_rows(folder, [row_id])), None), find(folder, row_id)
    if ledger is None and place is None:
        raise NoSuchRunError(f"no row '{row_id:.40}' in this run", where=str(folder))
    if place is None:
        return Row(row_id, None, ledger, "")
    try:
        found = records_at([place])[0]
        return Row(row_id, shown_as(found), ledger, place.path.name)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OSError):
        return Row(row_id, None, ledger, place.path.name, concealed(_raw(place)))


def _raw(place: Place) -> str:
    """The columns of a row that is no record, as they stand."""
    try:
        values: Mapping[str, Any] = table_of(place.path, [place.row]).to_pylist()[0]
    except (OSError, ValueError):
        return ""
    return "\n".join(f"{name}: {value}" for name, value in values.items() if name in ("messages", "tools", "meta"))


def _facts(row: Row) -> list[Fact]:
    """What stands about the row in the data and the ledger."""
    record, ledger = row.record, row.ledger
    facts = [Fact("stands at", str(row.source))] if row.source is not None else []
    if record is not None:
        facts += [Fact("origin", record.origin), Fact("split", record.split), Fact("family", record.family)]
    if ledger is not None and ledger.new_record_id:
        facts += [Fact("record id before repair", ledger.record_id), Fact("record id", ledger.new_record_id)]
    elif record is not None or ledger is not None:
        facts.append(Fact("record id", record.id if record is not None else ledger.record_id if ledger else ""))
    return [fact for fact in [*facts, Fact("row id", row.row_id)] if fact.text]


def _conversation(site: Site, name: str, row: Row, whole: bool, saved: bool) -> dict[str, Any]:
    folder, shown_as = site.folder(name), _without_personal_data if saved else _as_it_is
    findings = findings_of(folder, row.row_id)
    record, ids = row.record, ids_of(row.record, row.ledger)
    trouble, decided = _decided(site.journal, ids)
    decided = [replace(item, applied=is_applied(item, row.ledger)) for item in decided]
    return {
        "turns": turns_of(record, findings, whole=whole) if record is not None else [],
        "more_turns": max(0, len(record.messages) - SHOWN_TURNS) if record is not None and not whole else 0,
        "tools": [_tool(tool, whole) for tool in record.tools] if record is not None else [],
        "columns": _columns(record, whole) if record is not None else [],
        "found": found_of(findings if whole else findings[:SHOWN_FINDINGS], record),
        "more_found": 0 if whole else max(0, len(findings) - SHOWN_FINDINGS),
        "groups": groups_of(folder, findings, record, shown_as),
        "answer": _marked_answer(record, findings),
        "written": written_of(record) if record is not None else None,
        "seeds": seeds_of(site, name, record, shown_as) if record is not None else [],
        "made": made_of(site, name, ids, shown_as),
        "decided": [_masked(item) for item in decided] if saved else decided,
        "trouble": trouble,
    }


def _decided(journal: Path, ids: Sequence[str]) -> tuple[str, list[Decided]]:
    """What was decided, and the line that says why that cannot be told."""
    try:
        return "", decisions_about(journal, ids)
    except AssayError as error:
        return str(error), []


def _masked(item: Decided) -> Decided:
    return replace(item, note=concealed(item.note), answer=concealed(item.answer))


def _marked_answer(record: Record | None, findings: Sequence[Finding]) -> tuple[Piece, ...]:
    """The answer with what clashes in it marked, for beside the answers that it clashes with."""
    if record is None:
        return ()
    places = [place for words in clashing_words(findings) if (place := place_of(record, words)) is not None]
    return cut(marked(record.answer, places), False).pieces


def _tool(tool: Any, whole: bool) -> Column:
    function = tool.get("function") if isinstance(tool, Mapping) else None
    named = function.get("name") if isinstance(function, Mapping) else None
    return Column(str(named or "a tool without a name"), cut((Piece(pretty(tool)),), whole))


def _columns(record: Record, whole: bool) -> list[Column]:
    return [Column(key, cut((Piece(pretty(value)),), whole)) for key, value in record.meta.items() if key != "synth"]


def _rendered(target: Target | Loading | str, record: Record, view: str, whole: bool, first: int) -> dict[str, Any]:
    if isinstance(target, Loading):
        return {"missing": "", "loading": target.model}
    if isinstance(target, str):
        return {"missing": target}
    if view == "template":
        text = as_text(record, target, whole=whole)
        return {"missing": "", "text": text, "seen": text.seen, "prompts": worth_saying(text.seen.prompts)}
    tokens = as_tokens(record, target, first=first)
    return {
        "missing": "",
        "tokens": tokens,
        "seen": tokens.seen,
        "prompts": worth_saying(tokens.seen.prompts),
        "earlier": max(0, tokens.first - TOKENS),
    }
