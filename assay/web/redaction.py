"""Whether a page quotes the records that it is about: what is said to be without their text is looked through."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .site import Site

RUN_OF_WORDS = 6
"""So many words of a record in a row are a quotation, wherever they begin."""

SHORTEST, LONGEST_WORD = 4, 20
"""A text of fewer words is one when all of it stands in the page: at least four words, or one word of 20 characters."""

COLUMNS = ("messages", "tools", "meta", "output", "reference", "context", "span_text")
"""Of the tables that runs write: those with text of records and answers. JSON in them is taken apart."""

SAMPLES = "samples.jsonl"

Words = tuple[str, ...]


def quotation(html: str, texts: Iterable[str]) -> str | None:
    """The first words of a text that the page shows, in attributes too; None for a page that quotes none.

    >>> quotation("<p title='say it again to me now, please'>", ["Say it again to me now!"])
    'say it again to me now'
    >>> quotation("<p>7 of 9 records</p>", ["Say it again to me now!"])
    """
    words = _words(_text_of(html))
    shown = {size: set(_runs(words, size)) for size in range(1, RUN_OF_WORDS + 1)}
    for text in texts:
        said = _words(text)
        size = min(len(said), RUN_OF_WORDS)
        if size < SHORTEST and not (size == 1 and len(said[0]) >= LONGEST_WORD):
            continue
        found = next((run for run in _runs(said, size) if run in shown[size]), None)
        if found is not None:
            return " ".join(found)
    return None


def texts_of(site: Site, name: str) -> Iterator[str]:
    """Every text of the records and answers of a run, of all runs that it came from, or of an opened folder; and what
    people wrote: notes in their own words, edits.
    """
    yield from _written_by_people(site.journal)
    todo, seen = [name], {name}
    while todo:
        at = todo.pop()
        folder = site.folders.get(at) or site.store.root / "runs" / at
        yield from _texts_in(folder)
        manifest = site.manifest(at) if folder.is_dir() else None
        parents = [parent for parent in manifest.parents if parent not in seen] if manifest is not None else []
        todo += parents
        seen.update(parents)


def _written_by_people(journal: Path) -> Iterator[str]:
    """Nothing of a journal that cannot be read: the page that shows it says so."""
    from assay.errors import AssayError
    from assay.reviews.standing import journal_at

    try:
        reviews, _ = journal_at(journal).now()
    except AssayError:
        return
    for review in reviews:
        yield review.note
        yield review.answer or ""
        for message in review.messages:
            yield message.content or ""
            yield from _leaves(list(message.tool_calls or ()))


def _texts_in(folder: Path) -> Iterator[str]:
    import pyarrow.parquet as pq

    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            columns = [name for name in file.schema_arrow.names if name in COLUMNS]
            for batch in file.iter_batches(columns=columns) if columns else ():
                for column in batch.columns:
                    for value in filter(None, column.to_pylist()):
                        yield from _leaves(_taken_apart(value))
    if (folder / SAMPLES).is_file():
        with (folder / SAMPLES).open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                yield from _leaves(_taken_apart(line))


def _taken_apart(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)


def _words(text: str) -> list[str]:
    """In lower case; each character by itself where a script has no spaces between words."""
    return re.findall(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+", text.lower())


def _runs(words: list[str], size: int) -> Iterator[Words]:
    return zip(*(words[start:] for start in range(size)), strict=False)


class _Reader(HTMLParser):
    """What a page says, in its text and in its attributes, without its style."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent = tag == "style"
        self.parts += [value or "" for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self.silent = False

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)


def _text_of(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return " ".join(reader.parts)
