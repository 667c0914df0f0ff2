"""The text of an HTML page, with its headings as Markdown ones; nothing of it is run or loaded."""

from __future__ import annotations

import re
from html.parser import HTMLParser

SKIPPED = frozenset(("script", "style", "noscript", "template", "nav", "svg", "head", "iframe", "form", "footer"))
BLOCKS = frozenset(
    ("p", "div", "section", "article", "ul", "ol", "table", "tr", "dl", "dt", "dd", "pre", "blockquote", "main", "body")
)
HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
VOID = frozenset(("br", "hr", "img", "input", "meta", "link", "col", "wbr", "source", "area", "base", "embed"))


class _Text(HTMLParser):
    """skipped counts the open elements that are left out, the outermost included."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.skipped: list[str] = []
        self.preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.skipped or tag in SKIPPED:
            if tag not in VOID:
                self.skipped.append(tag)
            return
        if tag in HEADINGS:
            self.parts.append(f"\n\n{HEADINGS[tag]}")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag == "br":
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append(" ")
        elif tag in BLOCKS:
            self.parts.append("\n\n")
        self.preformatted += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if self.skipped:
            if tag in self.skipped:  # elements that were never closed end with the one around them
                del self.skipped[len(self.skipped) - 1 - self.skipped[::-1].index(tag) :]
            return
        self.preformatted = max(0, self.preformatted - (tag == "pre"))
        if tag in HEADINGS or tag in BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.parts.append(data if self.preformatted else re.sub(r"\s+", " ", data))


def html_to_text(html: str) -> str:
    """What a reader sees, roughly: menus, forms, scripts and styles are left out."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    text = re.sub(r"[ \t]+\n", "\n", "".join(parser.parts))
    text = re.sub(r"\n[ \t]+(?=\S)", "\n", text) if "<pre" not in html.lower() else text
    return re.sub(r"\n{3,}", "\n\n", text).strip()
