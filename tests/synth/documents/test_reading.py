"""Documents are read as text, and what cannot be read is said in one line."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from assay.errors import MissingExtraError, SourceError
from assay.synth.documents.reading import read_documents

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


def test_a_word_file_is_read_through_llama_index(tmp_path: Path) -> None:
    pytest.importorskip("llama_index.readers.file")
    write_docx(tmp_path / "a.docx")
    [document] = read_documents([str(tmp_path / "a.docx")])
    assert document.text.strip() == "The warranty of the valve lasts for 24 months."


def test_pages_of_a_pdf_are_counted(tmp_path: Path) -> None:
    pytest.importorskip("llama_index.readers.file")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("pdf")
    from matplotlib import pyplot
    from matplotlib.backends.backend_pdf import PdfPages

    with PdfPages(tmp_path / "a.pdf") as pages:
        for text in ("The warranty lasts for 24 months.", "Seals are excluded."):
            figure = pyplot.figure()
            figure.text(0.1, 0.5, text)
            pages.savefig(figure)
            pyplot.close(figure)
    [document] = read_documents([str(tmp_path / "a.pdf")])
    assert "24 months" in document.text
    assert document.page_of(document.text.index("24 months")) == 1
    assert document.page_of(document.text.index("Seals")) == 2


@pytest.mark.parametrize("name", ["broken.pdf", "broken.docx"])
def test_a_broken_file_is_one_line_and_no_traceback(name: str, tmp_path: Path) -> None:
    pytest.importorskip("llama_index.readers.file")
    (tmp_path / name).write_bytes(b"not what its name says")
    with pytest.raises(SourceError, match="cannot be read"):
        read_documents([str(tmp_path / name)])


def test_without_the_extra_the_command_that_installs_it_is_said(tmp_path: Path) -> None:
    try:
        import llama_index.readers.file  # noqa: F401
    except ImportError:
        (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
        with pytest.raises(MissingExtraError, match="assay\\[documents\\]"):
            read_documents([str(tmp_path / "a.pdf")])
    else:
        pytest.skip("the extra is installed")
