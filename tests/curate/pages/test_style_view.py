from __future__ import annotations

from collections.abc import Callable

import pytest

from assay.curate.pages.report import render_report
from assay.curate.pages.report_view import sections
from assay.curate.stage import Audited, audit
from assay.dataset import Dataset
from assay.records import Record

Make = Callable[..., Record]
PLAIN = (
    "Take the {}, wrap it up and send it to our address in Bonn, by post or with any driver who comes to your street."
)
LISTED = "For the {}:\n- wrap it up\n- <b>send</b> it\n- wait for number {}"
COLOURS, THINGS = (
    ("red", "old", "new", "blue"),
    ("lamp", "chair", "table", "clock", "radio", "kettle", "carpet", "mirror"),
)


@pytest.fixture
def audited(make: Make) -> Audited:
    """Thirty-two paragraphs and five lists, of prompts that are alike; the lists hold mark-up."""
    things = [f"{colour} {thing}" for colour in COLOURS for thing in THINGS]
    plain = [make(f"How do I return the {thing}?", PLAIN.format(thing)) for thing in things]
    others = ("jug", "vase", "bin", "mug", "pot")
    listed = [make(f"How do I return the {thing}?", LISTED.format(thing, n)) for n, thing in enumerate(others)]
    return audit(Dataset.from_records([*plain, *listed]))


def test_a_mix_has_two_clusters_with_sizes_and_examples_side_by_side(audited: Audited) -> None:
    (section,) = [section for section in sections(audited, redact=False) if section.name == "mixed_styles"]
    (exhibit,) = [item for item in section.exhibits if item.mix is not None and item.mix.feature == "bullets"]
    assert exhibit.mix is not None
    usual, other = exhibit.mix.clusters
    assert (usual.style, usual.records, other.style, other.records) == ("no list", 32, "bulleted", 5)
    assert usual.share == 32 / 37
    assert len(usual.examples) == 3 and len(other.examples) == 3
    assert other.examples[0].prompt == "How do I return the jug?" and other.examples[0].place == "a.jsonl:33"


def test_the_page_shows_the_clusters_and_escapes_their_text(audited: Audited) -> None:
    page = render_report(audited)
    assert "no list: 32" in page and "bulleted: 5" in page and "(86%)" in page
    assert "<b>send</b>" not in page and "&lt;b&gt;send&lt;/b&gt;" in page


def test_without_record_text_the_sizes_stay(audited: Audited) -> None:
    page = render_report(audited, redact=True)
    assert "no list: 32" in page
    assert "jug" not in page and "wrap it up" not in page
