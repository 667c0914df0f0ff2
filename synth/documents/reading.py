"""Documents as text: plain text, Markdown and HTML with nothing installed, PDF and DOCX through LlamaIndex."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.errors import SourceError, missing_extra

from .html import html_to_text


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
    found: dict[str, Document] = {}
    for name in paths:
        for path in _files(Path(name)):
            document = _read(path)
            found.setdefault(document.id, document)
    return list(found.values())


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        inside = sorted(item for item in path.rglob("*") if item.suffix.lower() in _READERS and item.is_file())
        if not inside:
            raise SourceError("holds no document", where=str(path), fix=f"it may hold {', '.join(_READERS)}")
        yield from inside
    elif not path.exists():
        raise SourceError("no such file or folder", where=str(path), fix="check the path")
    elif path.suffix.lower() not in _READERS:
        raise SourceError("is of no known kind of document", where=str(path), fix=f"known are {', '.join(_READERS)}")
    else:
        yield path


def _read(path: Path) -> Document:
    try:
        parts = _READERS[path.suffix.lower()](path)
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
        from llama_index.readers.file import PDFReader
    except ImportError as error:
        raise missing_extra("documents", error) from error
    return _pages(path, lambda: PDFReader(return_full_document=False).load_data(path))


def _docx(path: Path) -> list[str]:
    try:
        from llama_index.readers.file import DocxReader
    except ImportError as error:
        raise missing_extra("documents", error) from error
    return _pages(path, lambda: DocxReader().load_data(path))


def _pages(path: Path, load: Callable[[], Sequence[object]]) -> list[str]:
    try:
        return [str(getattr(page, "text", "")) for page in load()]
    except ImportError as error:
        raise missing_extra("documents", error) from error
    except OSError:
        raise
    except Exception as error:  # of any kind: these are the readers' own
        raise SourceError(
            f"cannot be read ({type(error).__name__})", where=str(path), fix="open and save it anew, or leave it out"
        ) from error


_READERS: Mapping[str, Callable[[Path], list[str]]] = {
    ".txt": _plain,
    ".md": _plain,
    ".markdown": _plain,
    ".rst": _plain,
    ".html": _html,
    ".htm": _html,
    ".pdf": _pdf,
    ".docx": _docx,
}
