"""Documents are read as text, and what cannot be read is said in one line."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from assay.errors import MissingExtraError, SourceError
from assay.synth.documents.reading import read_documents, read_with_llama_index

WORD_PARAGRAPH = (
    '<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
    "<w:p><w:r><w:t>The warranty of the valve lasts for 24 months.</w:t></w:r></w:p></w:body></w:document>"
)


def test_a_folder_gives_its_documents_in_the_order_of_names_and_a_text_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.md").write_text("# B\n\nbody", encoding="utf-8")
    (tmp_path / "a.txt").write_text("alpha", encoding="utf-8")
    (tmp_path / "deep" / "c.html").write_text("<p>gamma</p>", encoding="utf-8")
    (tmp_path / "copy.txt").write_text("alpha", encoding="utf-8")
    (tmp_path / "image.png").write_bytes(b"\x89PNG")
    documents = read_documents([str(tmp_path)])
    assert [Path(document.path).name for document in documents] == ["a.txt", "b.md", "c.html"]
    assert [document.text for document in documents] == ["alpha", "# B\n\nbody", "gamma"]


def test_the_same_text_has_the_same_id_wherever_it_stands(tmp_path: Path) -> None:
    for name in ("one.txt", "two.md"):
        (tmp_path / name).write_text("same", encoding="utf-8")
    [one] = read_documents([str(tmp_path / "one.txt")])
    [two] = read_documents([str(tmp_path / "two.md")])
    assert one.id == two.id and len(one.id) == 16


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.txt", b"  \n", "no text"),
        ("latin.txt", "Gr\u00f6\u00dfe".encode("latin-1"), "not UTF-8"),
        ("sheet.xlsx", b"PK", "no known kind"),
        ("missing.md", None, "no such file or folder"),
        ("missing", None, "no such file or folder"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_file(name: str, content: bytes | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=said) as raised:
        read_documents([str(tmp_path / name)])
    assert name in str(raised.value)


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no document"):
        read_documents([str(tmp_path)])


def write_docx(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", WORD_PARAGRAPH)


def test_a_word_file_is_read(tmp_path: Path) -> None:
    pytest.importorskip("docx2txt")
    write_docx(tmp_path / "a.docx")
    [document] = read_documents([str(tmp_path / "a.docx")])
    assert document.text.strip() == "The warranty of the valve lasts for 24 months."


def write_pdf(path: Path, *texts: str) -> None:
    """A page a text. Offsets are counted, so that no reader has to mend them."""
    pages, count = [], len(texts)
    for number, text in enumerate(texts):
        content = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET"
        font = f"/Resources << /Font << /F1 {3 + 2 * count} 0 R >> >>"
        page = f"<< /Type /Page /Parent 2 0 R /Contents {4 + 2 * number} 0 R {font} >>"
        pages += [page, f"<< /Length {len(content)} >> stream\n{content}\nendstream"]
    kids = " ".join(f"{3 + 2 * number} 0 R" for number in range(count))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} /MediaBox [0 0 612 792] >>",
        *pages,
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    written, places = "%PDF-1.4\n", []
    for number, item in enumerate(objects, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n{item}\nendobj\n"
    rows = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}trailer << /Size {len(objects) + 1} /Root 1 0 R >>\n"
    path.write_bytes(f"{written}{end}startxref\n{len(written)}\n%%EOF\n".encode("latin-1"))


def test_pages_of_a_pdf_are_counted(tmp_path: Path) -> None:
    pytest.importorskip("pypdf")
    write_pdf(tmp_path / "a.pdf", "The warranty lasts for 24 months.", "Seals are excluded.")
    [document] = read_documents([str(tmp_path / "a.pdf")])
    assert document.text == "The warranty lasts for 24 months.\n\nSeals are excluded."
    assert document.page_of(document.text.index("24 months")) == 1
    assert document.page_of(document.text.index("Seals")) == 2


@pytest.mark.parametrize("name", ["broken.pdf", "broken.docx"])
def test_a_broken_file_is_one_line_and_no_traceback(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("pypdf")
    pytest.importorskip("docx2txt")
    (tmp_path / name).write_bytes(b"not what its name says")
    with pytest.raises(SourceError, match="cannot be read"):
        read_documents([str(tmp_path / name)])
    assert not caplog.records


def test_a_pdf_without_text_is_named_and_not_left_out(tmp_path: Path) -> None:
    pytest.importorskip("pypdf")
    write_pdf(tmp_path / "scan.pdf", "")
    with pytest.raises(SourceError, match=r"scan\.pdf.*holds no text"):
        read_documents([str(tmp_path)])


@pytest.mark.parametrize(("name", "module"), [("a.pdf", "pypdf"), ("a.docx", "docx2txt")])
def test_without_the_extra_the_command_that_installs_it_is_said(
    name: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / name).write_bytes(b"%PDF-1.4")
    with pytest.raises(MissingExtraError, match="assay\\[documents\\]"):
        read_documents([str(tmp_path / name)])


def test_through_llama_index_the_texts_are_the_same(tmp_path: Path) -> None:
    pytest.importorskip("llama_index.core")
    (tmp_path / "a.md").write_text("# A\n\nGr\u00f6\u00dfe", encoding="utf-8")
    (tmp_path / "b.html").write_text("<p>beta</p>", encoding="utf-8")
    assert read_with_llama_index([str(tmp_path)]) == read_documents([str(tmp_path)])


def test_without_llama_index_the_command_that_installs_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llama_index.core", None)
    with pytest.raises(MissingExtraError, match="assay\\[llama-index\\]"):
        read_with_llama_index([str(tmp_path)])
