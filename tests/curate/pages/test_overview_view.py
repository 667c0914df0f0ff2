"""The top of the report: the answer for a purpose, each statement with a link that leads somewhere, no markup run."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from assay.curate.overview.overview import look_over
from assay.curate.pages.report import render_report
from assay.curate.settings import CurateSettings
from assay.curate.stage import audit
from assay.dataset import Dataset
from assay.records import Record

Make = Callable[..., Record]

HOSTILE = "<script>alert(1)</script> {{ 7 * 7 }} &amp;"


def page(records: list[Record], *, redact: bool = False, **settings: Any) -> str:
    chosen = CurateSettings(**settings)
    audited = audit(Dataset.from_records(records), chosen)
    ledger = audited.decided.ledger.to_arrow()
    overview = look_over(audited.data, ledger, audited.findings, audited.not_judged, chosen)
    return render_report(audited, overview.without_text() if redact else overview, redact=redact)


@pytest.fixture
def tickets(make: Make) -> list[Record]:
    labels = ["refund", "delivery", HOSTILE]
    records = [make(f"Customer w{n * 7} writes about case x{n * 13}", labels[n % 3]) for n in range(60)]
    return [*records, make("Why?", ""), make("Where?", "Dear {{name}}, here.")]


def test_every_link_leads_to_something_on_the_page(tickets: list[Record]) -> None:
    html = page(tickets)
    links = set(re.findall(r'href="#([^"]+)"', html))
    ids = re.findall(r' id="([^"]+)"', html)
    assert {"consists-of", "to-read", "empty_turn"} <= links | set(ids)
    assert links <= set(ids)
    assert len(ids) == len(set(ids))


def test_the_answer_names_the_purpose_and_what_is_usual(tickets: list[Record]) -> None:
    html = page(tickets, purpose="style")
    assert re.search(
        r"To teach a model a style, \d+ of 62 records can be used; this usually takes 500 to 1,000\.", html
    )
    assert re.search(r"Nobody has read this data: of \d+ records that no check flagged, 0 of \d+ drawn were read", html)


def test_names_and_examples_are_text(tickets: list[Record]) -> None:
    html = page(tickets)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert ">49<" not in html


def test_a_redacted_page_has_numbers_in_place_of_names_and_no_example(tickets: list[Record]) -> None:
    html = page(tickets, redact=True)
    assert "label 1" in html
    for text in ("delivery", "alert(1)", "Customer"):
        assert text not in html


def test_data_of_which_nothing_is_usable_has_a_page(make: Make) -> None:
    html = page([make("Why?", "")])
    assert "Not fit to train on" in html
    assert "without it the data is not fit" in html
