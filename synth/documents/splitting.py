"""Pieces of documents that one prompt can hold, each with its place in the document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from assay.errors import missing_extra
from assay.records import Message, Record, Source, row_id

from .reading import Document

HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$|^([^\n]+)\n(?:={3,}|-{3,}|~{3,})$", re.MULTILINE)
FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
PARAGRAPH = re.compile(r"\n[ \t]*\n")
SENTENCE = re.compile(r"(?<=[.!?。！？])[ \n]+")


class Piece(NamedTuple):
    """Characters [start, end) of a document, and the heading that they stand under."""

    document: Document
    start: int
    end: int
    heading: str

    @property
    def text(self) -> str:
        return self.document.text[self.start : self.end]

    @property
    def location(self) -> str:
        """For a person: file, page and heading."""
        page = self.document.page_of(self.start)
        parts = [self.document.path, f"page {page}" if page else "", self.heading]
        return ", ".join(part for part in parts if part)


def split_sections(document: Document, min_words: int, max_words: int) -> list[Piece]:
    """Paragraphs under one heading, together up to `max_words`; longer ones are cut at a sentence, or at a word where
    there is none. Pieces with fewer than `min_words` are left out."""
    found: list[Piece] = []
    for heading, start, end in _sections(document.text):
        opened: tuple[int, int] | None = None
        for first, last in _paragraphs(document.text, start, end, max_words):
            if opened and _count(document.text[opened[0] : last]) > max_words:
                found.append(Piece(document, *opened, heading))
                opened = None
            opened = (opened[0], last) if opened else (first, last)
        if opened:
            found.append(Piece(document, *opened, heading))
    return [piece for piece in found if _count(piece.text) >= min_words]


def split_with_llama_index(document: Document, min_words: int, max_words: int) -> list[Piece]:
    """By LlamaIndex's SentenceSplitter; it counts tokens, taken as four for three words. Raises MissingExtraError."""
    try:
        from llama_index.core import Document as LlamaDocument
        from llama_index.core.node_parser import SentenceSplitter
    except ImportError as error:
        raise missing_extra("llama-index", error) from error
    splitter = SentenceSplitter(chunk_size=max(8, max_words * 4 // 3), chunk_overlap=0, include_metadata=False)
    found = []
    sections = _sections(document.text)
    for node in splitter.get_nodes_from_documents([LlamaDocument(text=document.text)]):
        start, end = getattr(node, "start_char_idx", None), getattr(node, "end_char_idx", None)
        if start is None or end is None:  # a node whose text was changed has no place that could be quoted
            continue
        heading = next((title for title, first, last in sections if first <= start < last), "")
        found.append(Piece(document, start, end, heading))
    return [piece for piece in found if _count(piece.text) >= min_words]


def as_seed(piece: Piece, number: int) -> Record:
    """A piece as what a job starts from: its document is the parent and the family of what is made from it."""
    return Record(
        id=piece.document.id,
        row_id=row_id(piece.document.id, piece.start),
        messages=(Message("user", piece.text),),
        source=Source(piece.document.path, piece.document.text.count("\n", 0, piece.start) + 1, number),
        family=piece.document.id,
    )


def _sections(text: str) -> list[tuple[str, int, int]]:
    """(heading, start, end) of what stands under each heading; a heading within a fence is code."""
    fences = [match.start() for match in FENCE.finditer(text)]
    places = [("", 0, 0)]
    for match in HEADING.finditer(text):
        if sum(fence < match.start() for fence in fences) % 2 == 0:
            places.append(((match.group(2) or match.group(3) or "").strip(), match.start(), match.end()))
    ends = [*(start for _, start, _ in places[1:]), len(text)]
    return [(title, after, end) for (title, _, after), end in zip(places, ends, strict=True)]


def _paragraphs(text: str, start: int, end: int, max_words: int) -> Iterator[tuple[int, int]]:
    at = start
    breaks = [*((match.start(), match.end()) for match in PARAGRAPH.finditer(text, start, end)), (end, end)]
    for stop, following in breaks:
        first, last = _trimmed(text, at, stop)
        if first < last:
            if _count(text[first:last]) <= max_words:
                yield first, last
            else:
                yield from _cut(text, first, last, max_words)
        at = following


def _cut(text: str, start: int, end: int, max_words: int) -> Iterator[tuple[int, int]]:
    """A paragraph in parts of at most `max_words`."""
    opened: tuple[int, int] | None = None
    for first, last in _sentences(text, start, end, max_words):
        if opened and _count(text[opened[0] : last]) > max_words:
            yield opened
            opened = None
        opened = (opened[0], last) if opened else (first, last)
    if opened:
        yield opened


def _sentences(text: str, start: int, end: int, max_words: int) -> Iterator[tuple[int, int]]:
    at = start
    ends: Sequence[tuple[int, int]] = [
        *((match.start(), match.end()) for match in SENTENCE.finditer(text, start, end)),
        (end, end),
    ]
    for stop, following in ends:
        words = [match.span() for match in re.finditer(r"\S+", text[at:stop])]
        for number in range(0, len(words), max_words):
            part = words[number : number + max_words]
            yield at + part[0][0], at + part[-1][1]
        at = following


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), end - (len(part) - len(part.rstrip()))


def _count(text: str) -> int:
    """Words; of scripts that put no space between them two characters count as one."""
    unspaced = sum(1 for char in text if "\u3040" <= char <= "\u9fff" or "\u0e00" <= char <= "\u0eff")
    return len(text.split()) + unspaced // 2
