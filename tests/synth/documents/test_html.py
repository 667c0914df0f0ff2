"""Of a page the text is read, as a person sees it; nothing in it is run."""

from __future__ import annotations

import pytest

from assay.synth.documents.html import html_to_text

PAGE = """<!doctype html><html><head><title>T</title><style>p {color: red}</style></head><body>
<nav><ul><li>Home</li></ul></nav>
<h1>Warranty</h1><p>The valve is covered for <b>24 months</b>,
from the day of delivery.</p><script>steal()</script>
<ul><li>Seals: 12&nbsp;months</li><li>Springs &amp; bolts: none</li></ul>
<table><tr><td>Part</td><td>Months</td></tr></table><pre>a = 1
  b = 2</pre></body></html>"""


def test_headings_lists_and_paragraphs_are_kept_apart_and_menus_and_scripts_left_out() -> None:
    text = html_to_text(PAGE)
    assert text.startswith("# Warranty\n\nThe valve is covered for 24 months, from the day of delivery.")
    assert "\n- Seals: 12\u00a0months\n- Springs & bolts: none" in text or "- Springs & bolts: none" in text
    assert "a = 1\n  b = 2" in text and "Part Months" in text
    assert not any(word in text for word in ("steal", "color", "Home", "<"))


@pytest.mark.parametrize(
    "broken", ["", "<p", "<nav><p>x", "</p></div>", "<script>never closed <p>x", "a<!--", "&#x110000;"]
)
def test_broken_pages_are_read_without_an_error(broken: str) -> None:
    html_to_text(broken)


def test_what_is_left_out_ends_with_its_element_though_elements_within_it_were_never_closed() -> None:
    assert html_to_text("<nav><div><p>menu</nav><p>body</p>") == "body"
