"""What moved, item by item: a list that is filtered, one item with all that is kept of it, and the list as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from assay.containers.formula_cells import escape
from assay.errors import SuiteError
from assay.web.rendering import page, site_of
from assay.web.site import Site, read_json

from ..release.release import DECISION
from .item_cards import Card, card, question_text
from .items import MOVED, SHOWN, Query, Scored, read_items, scored_items, selected
from .places import EvaluationPlace, evaluation_of, manifest_of, read_header
from .prompts import Prompt, prompts

PER_PAGE = 10
CELL_CHARACTERS = 30_000
"""What a spreadsheet's cell holds, about."""

WORDS = {
    "changed": "scores that changed",
    "lost": "lost",
    "gained": "gained",
    "same": "same score",
    "all": "all items",
}
CSV_HEADERS = {"Content-Disposition": 'attachment; filename="assay-items.csv"'}


@dataclass(frozen=True)
class Asked:
    """A request about the items of one suite.

    place     the evaluation, None where it is not in the store
    header    its evaluation.json
    left_out  the gate ran with --redact: no text of records is shown
    """

    run: str
    place: EvaluationPlace | None
    header: Mapping[str, Any]
    query: Query
    compared_with: str
    left_out: bool

    @property
    def suites(self) -> list[str]:
        return [str(suite["suite"]) for suite in self.header.get("suites", ()) if isinstance(suite, Mapping)]

    @property
    def prompts(self) -> Mapping[str, Prompt]:
        if self.place is None or self.left_out:
            return {}
        return prompts(self.place.folder, self.header, self.query.suite)

    def address(self, kind: str = "items", **changed: str | int) -> str:
        """Of the same list, or of an item of it, with some of the query changed."""
        query = self.query
        kept: dict[str, str | int] = {"suite": query.suite, "moved": query.moved}
        optional = {"slice": query.slice, "q": query.text}
        kept |= {name: value for name, value in optional.items() if value}
        kept |= {"against": query.against} if query.against != "base" else {}
        kept |= {"diff": self.compared_with} if self.compared_with else {}
        return f"/evaluation/{self.run}/{kind}?{urlencode({**kept, **changed})}"


def items(request: Request) -> Response:
    asked = _asked(request)
    if asked.place is None:
        return _nothing(request, asked, "The evaluation with the answers is not in this store.")
    known = asked.prompts
    try:
        scored = scored_items(asked.place.folder, asked.query.suite)
        found = selected(asked.place.folder, asked.query, lambda item: question_text(known.get(item)))
    except SuiteError as error:
        return _nothing(request, asked, str(error))
    last = max(1, math.ceil(len(found) / PER_PAGE))
    number = min(last, max(1, _whole(request.query_params.get("page"), 1)))
    shown = [item.id for item in found[PER_PAGE * (number - 1) : PER_PAGE * number]]
    texts = read_items(asked.place.folder, asked.query.suite, shown, SHOWN)
    cards = [card(texts[item], known.get(item), asked.query.against, asked.compared_with) for item in shown]
    return page(
        request,
        "evaluate/items.html",
        title=f"{asked.query.suite} of {asked.run}, item by item",
        asked=asked,
        cards=cards,
        counts=_counts(scored, asked.query.against),
        scores=_means(scored),
        graded=_graded(scored, asked.query.against),
        slices=sorted({item.slice for item in scored if item.slice}),
        has_previous=any("previous" in item.scores for item in scored),
        total=len(found),
        number=number,
        last=last,
        words=WORDS,
        prompts_known=bool(known),
        keep=asked.address().partition("?")[2],
        urlencode=urlencode,
    )


def item(request: Request) -> Response:
    """One item, with the one before and after it in the list."""
    asked = _asked(request)
    wanted = request.query_params.get("id", "")
    if asked.place is None:
        return _nothing(request, asked, "The evaluation with the answers is not in this store.")
    known = asked.prompts
    try:
        found = [one.id for one in selected(asked.place.folder, asked.query, lambda i: question_text(known.get(i)))]
        texts = read_items(asked.place.folder, asked.query.suite, [wanted])
    except SuiteError as error:
        return _nothing(request, asked, str(error))
    if wanted not in texts:
        return _nothing(request, asked, f"{asked.query.suite} has no item '{wanted}'.", status=404)
    at = found.index(wanted) if wanted in found else -1
    models = tuple(texts[wanted].answers)
    shown: Card = card(
        texts[wanted], known.get(wanted), asked.query.against, asked.compared_with, _in_order(models), whole=True
    )
    return page(
        request,
        "evaluate/item.html",
        title=f"{wanted} of {asked.query.suite}, {asked.run}",
        asked=asked,
        card=shown,
        context=texts[wanted].context,
        at=at + 1,
        total=len(found),
        earlier=asked.address("item", id=found[at - 1]) if at > 0 else "",
        later=asked.address("item", id=found[at + 1]) if 0 <= at < len(found) - 1 else "",
        back=asked.address(page=max(1, math.ceil((at + 1) / PER_PAGE))),
        prompts_known=bool(known),
    )


def as_csv(request: Request) -> Response:
    """All that the list holds. A cell that a spreadsheet would compute is written as text."""
    asked = _asked(request)
    if asked.place is None:
        return _nothing(request, asked, "The evaluation with the answers is not in this store.")
    known = asked.prompts
    try:
        found = selected(asked.place.folder, asked.query, lambda one: question_text(known.get(one)))
        texts = read_items(asked.place.folder, asked.query.suite, [one.id for one in found], SHOWN)
    except SuiteError as error:
        return _nothing(request, asked, str(error))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    scores = [f"{model} score" for model in SHOWN]
    said = [] if asked.left_out else ["question", "reference", *(f"{model} answer" for model in SHOWN)]
    writer.writerow(["suite", "item", "slice", *scores, *said])
    for one in found:
        row: list[str] = [asked.query.suite, one.id, one.slice or ""]
        row += ["" if one.scores.get(model) is None else f"{one.scores[model]:g}" for model in SHOWN]
        if not asked.left_out:
            kept = texts[one.id]
            answers = [kept.answers[model].output if model in kept.answers else "" for model in SHOWN]
            row += [question_text(known.get(one.id)), kept.reference or "", *(answer or "" for answer in answers)]
        writer.writerow([escape(cell[:CELL_CHARACTERS]) for cell in row])
    data = text.getvalue().encode("utf-8-sig", "backslashreplace")
    return Response(data, media_type="text/csv; charset=utf-8", headers=CSV_HEADERS)


def worst_losses(site: Site, name: str, suite: str, most: int = 2) -> list[Card]:
    """The largest losses of a suite, for the page of the verdict; [] where the answers are not there."""
    place = evaluation_of(site, name)
    if place is None:
        return []
    try:
        found = selected(place.folder, Query(suite, "lost"), lambda _: "")[:most]
        texts = read_items(place.folder, suite, [one.id for one in found], SHOWN)
    except SuiteError:
        return []
    known = prompts(place.folder, read_header(place.folder), suite)
    return [card(texts[one.id], known.get(one.id), "base", "") for one in found]


def _asked(request: Request) -> Asked:
    site, run = site_of(request), str(request.path_params["run"])
    place = evaluation_of(site, run)
    header = read_header(place.folder) if place is not None else {}
    given = request.query_params
    manifest = manifest_of(site, run)
    settings = manifest.data.get("settings") if manifest is not None else None
    moved, against = given.get("moved", ""), given.get("against", "")
    query = Query(
        suite=given.get("suite") or _worst(site, run, header),
        moved=moved if moved in MOVED else "changed",
        slice=given.get("slice", ""),
        text=given.get("q", "").strip(),
        against="previous" if against == "previous" else "base",
    )
    compared_with = "reference" if given.get("diff") == "reference" else ""
    return Asked(
        run, place, header, query, compared_with, isinstance(settings, Mapping) and bool(settings.get("redact"))
    )


def _worst(site: Site, run: str, header: Mapping[str, Any]) -> str:
    """The suite to begin with: one that blocks, else the one that lost most; '' where none is known."""
    decided = read_json(site.folder(run) / DECISION).get("suites")
    suites = [suite for suite in decided or () if isinstance(suite, Mapping) and suite.get("n")]
    if suites:
        suites.sort(key=lambda suite: (suite.get("verdict") != "BLOCK", suite.get("difference") or 0.0))
        return str(suites[0].get("suite"))
    scored = [(_difference(suite), str(suite.get("suite"))) for suite in header.get("suites", ())]
    return min(scored)[1] if scored else ""


def _difference(suite: Mapping[str, Any]) -> float:
    scores = {score.get("model"): score.get("score") for score in suite.get("scores", ())}
    before, after = scores.get("base"), scores.get("candidate")
    return 0.0 if before is None or after is None else float(after) - float(before)


def _nothing(request: Request, asked: Asked, line: str, status: int = 404) -> Response:
    return page(
        request,
        "evaluate/no_items.html",
        title=f"Items of {asked.run}",
        status=status,
        asked=asked,
        line=line,
    )


def _counts(scored: Sequence[Scored], against: str) -> dict[str, int]:
    changes = [item.change(against) for item in scored]
    known = [change for change in changes if change is not None]
    return {
        "lost": sum(change < 0 for change in known),
        "gained": sum(change > 0 for change in known),
        "same": sum(change == 0 for change in known),
        "all": len(scored),
    }


def _graded(scored: Sequence[Scored], against: str) -> int:
    """Items for which the candidate, or what it is held against, has neither all of the credit nor none."""
    both = [(item.scores.get(against), item.scores.get("candidate")) for item in scored]
    return sum(any(score is not None and 0 < score < 1 for score in pair) for pair in both)


def _means(scored: Sequence[Scored]) -> dict[str, float]:
    """Mean score by model, of the items that have one."""
    found: dict[str, float] = {}
    for model in SHOWN:
        scores = [score for item in scored if (score := item.scores.get(model)) is not None]
        if scores:
            found[model] = sum(scores) / len(scores)
    return found


def _in_order(models: Sequence[str]) -> tuple[str, ...]:
    order = [*SHOWN, *(model for model in models if model not in SHOWN)]
    return tuple(model for model in order if model in models)


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 9 else otherwise
