"""No decision is lost: by two processes, by a crash between or within two decisions, or by a file edited by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assay.config import read_document
from assay.errors import SourceError, StorageError
from assay.pipeline import decisions_of
from assay.project import bundled, load_project
from assay.reviews.journal import append, journal_of_store, read_reviews
from assay.reviews.review import Review, Subject, Verdict

WRITER = """
import sys
from pathlib import Path
from assay.reviews.journal import append
from assay.reviews.review import Review, Subject, Verdict
for number in range(25):
    append(Path(sys.argv[1]), [Review(Subject(f"{sys.argv[2]}-{number}"), Verdict.KEEP, note="x" * 5000)])
"""


def review(name: str) -> Review:
    return Review(Subject(name), Verdict.KEEP)


def names(path: Path) -> list[str]:
    return [item.subject.record_id for item in read_reviews(path)]


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "reviews.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in ("a", "b", "c")]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    found = names(path)
    assert sorted(found) == sorted(f"{name}-{number}" for name in "abc" for number in range(25))
    assert [name for name in found if name[0] == "b"] == [f"b-{number}" for number in range(25)]


def test_a_line_that_a_crash_cut_off_does_not_count_and_is_taken_away_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    append(path, [review("a"), review("b")])
    path.write_bytes(path.read_bytes() + b'{"record_id": "c", "deci')
    assert names(path) == ["a", "b"]
    append(path, [review("d")])
    assert names(path) == ["a", "b", "d"]


def test_a_last_line_written_by_hand_without_its_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_text('\ufeff{"record_id": "a", "decision": "keep"}\n\n{"record_id": "b", "decision": "drop"}')
    assert names(path) == ["a", "b"]
    append(path, [review("c")])
    assert names(path) == ["a", "b", "c"]


def test_a_broken_line_in_the_middle_is_an_error_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_text('{"record_id": "a", "decision": "keep"}\n{half\n{"record_id": "b", "decision": "keep"}\n')
    with pytest.raises(SourceError, match=r"reviews\.jsonl:2: is not JSON"):
        read_reviews(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SourceError, match="cannot be read"):
        read_reviews(path)


def test_text_of_any_kind_stays_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    note = "a\nb\u2028c\x00\ud800 =1+1"
    append(path, [Review(Subject("a"), Verdict.REPAIR, note=note, answer="x\r\ny")])
    assert len(path.read_bytes().splitlines()) == 1
    assert json.loads(path.read_text())["note"] == note
    assert read_reviews(path)[0].answer == "x\r\ny"


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        append(tmp_path / "file" / "reviews.jsonl", [review("a")])


def test_decisions_are_beside_the_settings_that_the_runs_were_made_with_else_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, elsewhere, here = tmp_path / "project", tmp_path / "elsewhere", tmp_path / "here"
    for folder in (project, elsewhere, here):
        folder.mkdir()
    monkeypatch.chdir(here)
    (project / "assay.yaml").write_text("version: 1")
    assert journal_of_store(project / ".assay") == project / "reviews.jsonl"
    assert journal_of_store(elsewhere / "demo") == elsewhere / "demo" / "reviews.jsonl"
    (here / "assay.yaml").write_text("version: 1")
    assert journal_of_store(elsewhere / "demo").resolve() == here / "reviews.jsonl"
    assert journal_of_store(project / ".assay") == project / "reviews.jsonl"
    assert journal_of_store(project / ".assay", elsewhere) == project / ".assay" / "reviews.jsonl"


def test_decisions_on_the_sample_data_are_kept_in_the_store_and_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = tmp_path / "assay-demo"
    store.mkdir()
    document = read_document(bundled("assay.yaml")).override([f"store={store}"])
    project = load_project(document, bundled("."))
    assert decisions_of(project) == ((), bundled("."))
    append(store / "reviews.jsonl", [Review(Subject("a"), Verdict.DROP, "ana", "now")])
    assert decisions_of(project) == ((str(store / "reviews.jsonl"),), bundled("."))
