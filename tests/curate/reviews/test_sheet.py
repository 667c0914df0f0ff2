"""Decisions by spreadsheet: what is filled in comes back, nothing of a record is computed, a slip is one line."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.curate.reviews.offered import held_entries, reading_entries
from assay.curate.reviews.replay import replay
from assay.curate.reviews.sheet import CELL_CHARACTERS, Entry, read_sheet, write_sheet
from assay.curate.reviews.sources import given_reviews
from assay.dataset import Dataset
from assay.errors import SourceError
from assay.findings import Finding, Severity
from assay.records import Record
from assay.reviews.journal import read_reviews
from assay.reviews.review import READING, Subject, Verdict

Make = Callable[..., Record]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fill(path: Path, *changes: dict[str, str], delimiter: str = ",") -> None:
    """As a person with a spreadsheet would: changes, row by row."""
    table = [row | change for row, change in zip(rows(path), changes, strict=True)]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(table)


def to_read(record: Record) -> Entry:
    return Entry(record, subjects=(Subject(record.id, READING),))


@pytest.fixture
def pair(make: Make) -> tuple[Dataset, list[Finding]]:
    records = [make("How long?", "14 days"), make("How long?", "=HYPERLINK('x')"), make("Why?", "So.")]
    findings = [
        *(Finding.about(r, "contradiction", Severity.ERROR, "number", group="g") for r in records[:2]),
        Finding.about(records[2], "cut_off_answer", Severity.ERROR, "cut"),
        Finding.about(records[2], "style", Severity.INFO, "a fact"),
    ]
    return Dataset.from_records(records), findings


def test_what_a_person_fills_in_is_about_exactly_what_was_found(
    pair: tuple[Dataset, list[Finding]], tmp_path: Path
) -> None:
    data, findings = pair
    path = tmp_path / "held.csv"
    write_sheet(path, held_entries(data, findings))
    fill(path, {"decision": " Keep "}, {"decision": "drop", "note": "old"}, {})
    reviews = read_sheet(path, "ada", "now")
    assert [(item.verdict, item.subject.check, item.note) for item in reviews] == [
        (Verdict.KEEP, "contradiction", ""),
        (Verdict.DROP, "contradiction", "old"),
    ]
    assert replay(data, findings, reviews).counts == {"kept": 1, "dropped": 1}


def test_a_formula_is_written_as_text_and_comes_back_unchanged(
    pair: tuple[Dataset, list[Finding]], tmp_path: Path
) -> None:
    path = tmp_path / "held.csv"
    write_sheet(path, held_entries(*pair))
    assert [row["answer"] for row in rows(path)] == ["14 days", "'=HYPERLINK('x')", "So."]
    fill(path, {}, {"decision": "repair", "answer": "'=HYPERLINK('y')"}, {})
    (review,) = read_sheet(path, "ada", "now")
    assert (review.verdict, review.answer) == (Verdict.REPAIR, "=HYPERLINK('y')")
    assert review.subject.check == ""


def test_members_of_a_group_stand_side_by_side_and_facts_are_not_asked_about(make: Make) -> None:
    records = [make("Q", str(number)) for number in range(4)]
    findings = [
        Finding.about(records[1], "c", Severity.ERROR, "m", group="x"),
        Finding.about(records[2], "c", Severity.ERROR, "m", group="y"),
        Finding.about(records[3], "c", Severity.ERROR, "m", group="x"),
        Finding.about(records[0], "d", Severity.ERROR, "m"),
        Finding.about(records[0], "e", Severity.INFO, "m"),
    ]
    entries = held_entries(Dataset.from_records(records), findings)
    assert [entry.record.answer for entry in entries] == ["1", "3", "2", "0"]
    assert [[finding.check for finding in entry.findings] for entry in entries] == [["c"], ["c"], ["c"], ["d"]]
    assert len(held_entries(Dataset.from_records(records), findings, most=2)) == 2


def test_a_sheet_saved_with_semicolons_and_sorted_is_read(pair: tuple[Dataset, list[Finding]], tmp_path: Path) -> None:
    path = tmp_path / "held.csv"
    write_sheet(path, held_entries(*pair))
    fill(path, {"decision": "keep"}, {"decision": "keep"}, {"decision": "right"}, delimiter=";")
    assert [item.verdict for item in read_sheet(path, "", "")] == [Verdict.KEEP, Verdict.KEEP, Verdict.KEEP]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"decision": "kepe"}, "did you mean 'keep'?"),
        ({"decision": "repair"}, "the answer is as it was"),
        ({"answer": "15 days"}, "no decision says so"),
        ({"decision": "keep", "answer": "15 days"}, "write repair"),
        ({"decision": "keep", "assay": "{}"}, "the column 'assay' was changed"),
    ],
)
def test_a_slip_is_one_line_with_its_place(
    pair: tuple[Dataset, list[Finding]], tmp_path: Path, change: dict[str, str], words: str
) -> None:
    path = tmp_path / "held.csv"
    write_sheet(path, held_entries(*pair))
    fill(path, change, {}, {})
    with pytest.raises(SourceError) as caught:
        read_sheet(path, "", "")
    assert f"{path}:2: " in str(caught.value) and words in str(caught.value)


def test_a_file_that_is_no_sheet_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("decision,text\nkeep,x\n")
    with pytest.raises(SourceError, match="no column 'answer'"):
        read_sheet(path, "", "")


def test_a_long_answer_is_shown_in_part_and_cannot_be_edited_there(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "held.csv"
    write_sheet(path, [to_read(make("Q\x00\ud800", "x" * (CELL_CHARACTERS + 5)))])
    assert len(rows(path)[0]["answer"]) == CELL_CHARACTERS
    fill(path, {"decision": "right"})
    assert [item.verdict for item in read_sheet(path, "", "")] == [Verdict.RIGHT]
    fill(path, {"decision": "repair", "answer": "y"})
    with pytest.raises(SourceError, match="too long to be edited"):
        read_sheet(path, "", "")


def test_a_number_that_the_spreadsheet_wrote_in_another_form_is_no_change(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "held.csv"
    write_sheet(path, [to_read(make("Q", "007")), to_read(make("Q", "1,000.50"))])
    fill(path, {"decision": "right", "answer": "7"}, {"answer": "1000.5"})
    assert [item.verdict for item in read_sheet(path, "", "")] == [Verdict.RIGHT]


def test_sheets_go_into_the_journal_once(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record = make("Q", "A")
    write_sheet(Path("to_read.csv"), [to_read(record)])
    fill(Path("to_read.csv"), {"decision": "right"})
    first = given_reviews(["to_read.csv"], Path())
    assert [item.subject for item in first.reviews] == [Subject(record.id, READING)]
    assert "1 decision, 1 of them new" in first.notes[0]
    assert "0 of them new" in given_reviews(["to_read.csv"], Path()).notes[0]
    assert len(read_reviews(Path(".assay/reviews.jsonl"))) == 1
    assert len(given_reviews([], Path()).reviews) == 1


def test_the_journal_is_beside_the_settings_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert given_reviews([], Path()).reviews == ()
    (tmp_path / "reviews.jsonl").write_text('{"record_id": "a", "decision": "keep"}\n')
    assert len(given_reviews([], Path()).reviews) == 1
    own = tmp_path / "own.jsonl"
    own.write_text("")
    assert given_reviews([str(own)], Path()).reviews == ()


@pytest.mark.parametrize("name", ["nothing.jsonl", "nothing.csv", "x.parquet"])
def test_a_file_of_decisions_that_is_not_there_is_one_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="file of decisions"):
        given_reviews([str(tmp_path / name)], tmp_path)


def test_what_was_drawn_to_be_read_is_right_or_wrong_and_a_mended_one_was_wrong(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "to_read.csv"
    records = [make("Q", f"Answer {number}") for number in range(5)]
    write_sheet(path, [to_read(record) for record in records])
    said = [{"decision": word} for word in ("right", "keep", "wrong", "drop")]
    fill(path, *said, {"decision": "repair", "answer": "Better"})
    reviews = read_sheet(path, "", "")
    assert [(item.verdict, item.subject.check) for item in reviews] == [
        (Verdict.RIGHT, READING),
        (Verdict.RIGHT, READING),
        (Verdict.WRONG, READING),
        (Verdict.WRONG, READING),
        (Verdict.REPAIR, ""),
        (Verdict.WRONG, READING),
    ]
    assert replay(Dataset.from_records(records[:4]), [], reviews[:4]).counts == {"read": 2, "dropped": 2}


def test_personal_data_is_masked_and_can_not_be_edited_there(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "to_read.csv"
    record = make("Who?", "Write to otto.brandt@posteo.de today.")
    write_sheet(path, reading_entries([record]))
    (row,) = rows(path)
    assert "otto.brandt" not in row["answer"] and row["record_id"] == record.id
    fill(path, {"decision": "right"})
    assert [item.subject.record_id for item in read_sheet(path, "", "")] == [record.id]
    fill(path, {"decision": "repair", "answer": "x"})
    with pytest.raises(SourceError, match="are masked in the sheet"):
        read_sheet(path, "", "")
