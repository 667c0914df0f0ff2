"""Documents as text: plain text, Markdown and HTML with nothing installed; PDF by pypdf and DOCX by docx2txt, which are
what LlamaIndex's readers call; and further kinds through LlamaIndex where it is installed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from assay.errors import SourceError, missing_extra

from .html import html_to_text

Readers: TypeAlias = Mapping[str, Callable[[Path], list[str]]]
"""{ending of the file's name: from a file to the texts of its pages, or of the whole}"""


@dataclass(frozen=True)
class Document:
    """A document that was read.

    id     first 16 hex digits of sha256 over its text: the parent of every record made from it
    path   as it was named, or found below the folder that was named
    text   what spans are counted in; for HTML, PDF and DOCX the text that was taken out of the file
    pages  where each page begins, in characters; empty where there are no pages
    """

    id: str
    path: str
    text: str
    pages: tuple[int, ...] = ()

    def page_of(self, position: int) -> int | None:
        """The page that holds a character, from 1; None where there are no pages."""
        return sum(start <= position for start in self.pages) or None


def read_documents(paths: Sequence[str]) -> list[Document]:
    """Files, and all files of a known kind below folders, in the order of their names; the same text once.

    Raises SourceError for what cannot be read, is of no known kind, or holds no text; MissingExtraError for PDF and
    DOCX without the extra.
    """
    return _read_all(paths, _READERS)


def read_with_llama_index(paths: Sequence[str]) -> list[Document]:
    """The same through LlamaIndex's SimpleDirectoryReader, and further kinds (FURTHER) where the package
    llama-index-readers-file is installed."""
    try:
        from llama_index.core import SimpleDirectoryReader
    except ImportError as error:
        raise missing_extra("llama-index", error) from error
    try:
        further = set(SimpleDirectoryReader.supported_suffix_fn()).intersection(FURTHER)
    except ImportError:
        further = set()

    def load(path: Path) -> list[str]:
        return [
            document.text for document in SimpleDirectoryReader(input_files=[path], raise_on_error=True).load_data()
        ]

    readers = {kind: partial(_through, load) for kind in (*PLAIN, *sorted(further))}
    return _read_all(paths, {**_READERS, **readers})


def _read_all(paths: Sequence[str], readers: Readers) -> list[Document]:
    found: dict[str, Document] = {}
    for name in paths:
        for path in _files(Path(name), readers):
            document = _read(path, readers)
            found.setdefault(document.id, document)
    return list(found.values())


def _files(path: Path, readers: Readers) -> Iterator[Path]:
    if path.is_dir():
        inside = sorted(item for item in path.rglob("*") if item.suffix.lower() in readers and item.is_file())
        if not inside:
            raise SourceError("holds no document", where=str(path), fix=f"it may hold {', '.join(readers)}")
        yield from inside
    elif not path.exists():
        raise SourceError("no such file or folder", where=str(path), fix="check the path")
    elif path.suffix.lower() not in readers:
        raise SourceError("is of no known kind of document", where=str(path), fix=f"known are {', '.join(readers)}")
    else:
        yield path


def _read(path: Path, readers: Readers) -> Document:
    try:
        parts = readers[path.suffix.lower()](path)
    except OSError as error:
        raise SourceError(f"cannot be read ({error.strerror})", where=str(path)) from error
    text = "\n\n".join(parts)
    if not text.strip():
        raise SourceError("holds no text", where=str(path), fix="a scan has to be recognised first, or leave it out")
    starts = [sum(len(part) + 2 for part in parts[:number]) for number in range(len(parts))]
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return Document(digest, str(path), text, tuple(starts) if len(parts) > 1 else ())


def _plain(path: Path) -> list[str]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError("is not UTF-8", where=str(path), fix="convert it, for example with iconv") from error
    return [text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")]


def _html(path: Path) -> list[str]:
    return [html_to_text(_plain(path)[0])]


def _pdf(path: Path) -> list[str]:
    try:
        from pypdf import PdfReader
    except ImportError as error:
        raise missing_extra("documents", error) from error
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of what it mends
    return _through(lambda file: [page.extract_text() for page in PdfReader(file).pages], path)


def _docx(path: Path) -> list[str]:
    try:
        import docx2txt
    except ImportError as error:
        raise missing_extra("documents", error) from error
    return _through(lambda file: [docx2txt.process(file)], path)


def _through(load: Callable[[Path], list[str]], path: Path) -> list[str]:
    """By a library, whose errors may be of any kind."""
    try:
        return load(path)
    except OSError:
        raise
    except Exception as error:
        raise SourceError(
            f"cannot be read ({type(error).__name__})", where=str(path), fix="open and save it anew, or leave it out"
        ) from error


PLAIN = (".txt", ".md", ".markdown", ".rst")
FURTHER = (".epub", ".hwp", ".ipynb", ".mbox", ".ppt", ".pptm", ".pptx", ".rtf")
_READERS: Readers = {
    **dict.fromkeys(PLAIN, _plain),
    ".html": _html,
    ".htm": _html,
    ".pdf": _pdf,
    ".docx": _docx,
}
