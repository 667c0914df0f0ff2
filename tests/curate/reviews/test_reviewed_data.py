"""From the shell: decide in a sheet, and the decision lasts over runs and versions of the data."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from assay.cli import main
from assay.curate.settings import CurateSettings
from assay.curate.stage import curate
from assay.dataset import Dataset
from assay.findings import Fate
from assay.reviews.review import Review, Subject, Verdict

KEPT_OUT = "Nobody should be trained on this {{placeholder}}."


def rows() -> list[dict[str, Any]]:
    pairs = (
        ("When will refunds be paid?", "We send the money within five working days."),
        ("Do you ship to islands?", "Yes, by ferry, which takes a week longer."),
        ("My thermostat shows a red light.", "Hold its button until the light turns blue."),
        ("I forgot the password of my account.", "Choose the link below the login and follow the mail."),
        ("What does the small valve cost?", "It costs nineteen euros without tools."),
        ("Which colours are there for the lamp?", "White, black and a warm grey."),
        ("Can children use the app?", "From twelve years on, with the consent of a parent."),
        ("Where is your showroom?", "Opposite the station, on the first floor."),
        ("Are you looking for staff?", "We hire technicians every autumn."),
        ("How do I read the meter?", "Press twice and note the number above the line."),
    )
    made = [{"instruction": asked, "output": answer} for asked, answer in pairs]
    made += [
        {"instruction": "How long can I return an item?", "output": "You have 30 days to return it."},
        {"instruction": "How long can I return an item?", "output": "You have 14 days to return it."},
        {"instruction": "Who are you?", "output": "Hello, I am {{name}}, your assistant."},
        {"instruction": "Who made you?", "output": KEPT_OUT},
    ]
    return made


def write(path: Path, data: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in data))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


def fill(path: Path, decisions: dict[str, dict[str, str]]) -> None:
    """decisions: {text that the answer holds: cells}."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    for row in table:
        for text, cells in decisions.items():
            if text in row["answer"]:
                row.update(cells)
                break
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)


def fates(out: Path) -> dict[str, tuple[str, list[str]]]:
    """{answer: (fate, reasons)} of what trains or is held; rows that were dropped under their record id."""
    ledger = pq.read_table(out / "ledger.parquet").to_pylist()
    texts = {}
    for name in ("data", "held"):
        texts |= {record.row_id: record.answer for record in Dataset.read_parquet(out / f"{name}.parquet").records()}
    return {texts.get(row["row_id"], row["record_id"]): (row["fate"], row["reasons"]) for row in ledger}


@pytest.fixture
def decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder in which data was curated, and a person has decided in the sheet."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "data.jsonl", rows())
    assert run(capsys, "curate", "data.jsonl", "-o", "out")[0] == 0
    fill(
        tmp_path / "out" / "held.csv",
        {
            "30 days": {"decision": "keep"},
            "14 days": {"decision": "drop", "note": "outdated"},
            "{{name}}": {"decision": "repair", "answer": "Hello, I am Ada, your assistant."},
            "placeholder": {"decision": "keep"},
        },
    )
    return tmp_path


def test_decisions_of_a_sheet_are_applied_and_every_row_is_accounted_for(
    decided: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "curate", "data.jsonl", "-o", "out", "--reviews", "out/held.csv")
    assert code == 0
    assert "out/held.csv: " in err and "kept in .assay/reviews.jsonl" in err
    assert "decisions of people" in out
    found = fates(decided / "out")
    assert found["You have 30 days to return it."] == ("kept", [])
    assert found["Hello, I am Ada, your assistant."] == ("repaired", ["reviewed"])
    assert found[KEPT_OUT] == ("kept", [])
    assert ("dropped", ["reviewed"]) in found.values()
    summary = json.loads((decided / "out" / "summary.json").read_text())
    assert summary["held"] == 0
    assert summary["read"] == summary["kept"] + summary["repaired"] + summary["dropped"] + summary["held"]
    assert summary["reviews"]["edited"] == 1
    assert summary["reviews"]["kept"] >= 2 and summary["reviews"]["dropped"] >= 1
    assert not {"offered_again", "not_found", "not_here"} & set(summary["reviews"])


def test_the_next_version_replays_them_by_itself_and_asks_again_where_a_group_has_changed(
    decided: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "curate", "data.jsonl", "-o", "out", "--reviews", "out/held.csv")[0] == 0
    newer = list(reversed(rows()))
    write(decided / "newer.jsonl", newer)
    assert run(capsys, "curate", "newer.jsonl", "-o", "same")[0] == 0
    assert json.loads((decided / "same" / "summary.json").read_text())["held"] == 0

    newer.append({"instruction": "How long can I return an item?", "output": "You have 60 days to return it."})
    write(decided / "newer.jsonl", newer)
    assert run(capsys, "curate", "newer.jsonl", "-o", "changed")[0] == 0
    found = fates(decided / "changed")
    assert found["You have 30 days to return it."][0] == "held"
    summary = json.loads((decided / "changed" / "summary.json").read_text())
    assert summary["reviews"]["offered_again"] >= 2
    told = pq.read_table(decided / "changed" / "findings.parquet").column("message").to_pylist()
    assert any("other records are in the group now" in message for message in told)


def test_a_decision_makes_another_run_of_the_same_data(decided: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = json.loads(run(capsys, "curate", "data.jsonl", "--json")[1])["run"]
    second = json.loads(run(capsys, "curate", "data.jsonl", "--json", "--reviews", "out/held.csv")[1])["run"]
    third = json.loads(run(capsys, "curate", "data.jsonl", "--json")[1])["run"]
    assert first != second == third


def test_reading_the_sample_gives_an_error_rate(decided: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nobody has read this data" in run(capsys, "audit", "data.jsonl")[1]
    fill(decided / "out" / "to_read.csv", {"the money": {"decision": "wrong"}, "": {"decision": "right"}})
    assert run(capsys, "curate", "data.jsonl", "-o", "out", "--reviews", "out/to_read.csv")[0] == 0
    reading = json.loads((decided / "out" / "summary.json").read_text())["overview"]["reading"]
    assert (reading["read"], reading["wrong"]) == (reading["drawn"], 1)
    assert reading["ci"][0] < reading["error_rate"] < reading["ci"][1]
    with (decided / "out" / "to_read.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.DictReader(file)) == []
    assert ("dropped", ["reviewed"]) in fates(decided / "out").values()


def test_with_redact_no_sheet_for_people_is_written(decided: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "curate", "data.jsonl", "-o", "quiet", "--redact")[0] == 0
    assert not list((decided / "quiet").glob("*.csv"))
    assert "placeholder}}" not in (decided / "quiet" / "summary.json").read_text()


def test_a_slip_in_the_sheet_is_one_line(decided: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(decided / "out" / "held.csv", {"30 days": {"decision": "kep"}})
    code, _, err = run(capsys, "curate", "data.jsonl", "--reviews", "out/held.csv")
    assert code == 2
    assert len(err.strip().splitlines()) == 1 and "did you mean 'keep'?" in err
    assert not (decided / ".assay" / "reviews.jsonl").exists()


def test_from_python_too() -> None:
    from assay.sources.convert import as_dataset

    data = as_dataset(rows())
    record = next(iter(data.records()))
    reviews = [Review(Subject(record.id), Verdict.DROP, "ada")]
    curated = curate(data, CurateSettings(), reviews=reviews)
    row = next(row for row in curated.ledger.rows if row.record_id == record.id)
    assert (row.fate, row.reasons) == (Fate.DROPPED, ("reviewed",))
    assert curated.audited.reviewed.counts == {"dropped": 1}


def test_a_person_can_give_a_kept_record_precedence_among_duplicates() -> None:
    from assay.sources.convert import as_dataset

    long = "The guarantee is two years from the day of the order, and covers the valve, the sensor and the bridge"
    asked = "How long is the guarantee of what I have ordered in your shop last week, and what does it cover?"
    data = as_dataset(
        [{"instruction": asked, "output": f"{long}, all of it."}, {"instruction": asked, "output": f"{long}."}]
    )
    shorter = list(data.records())[1]
    right = Review(Subject(shorter.id, "reading"), Verdict.RIGHT)
    rule = ("reviewed_first", "longest_complete_answer")
    for reviews, expected in (([], 0), ([right], 1)):
        curated = curate(data, CurateSettings(keep_of_duplicates=rule), reviews=reviews)
        kept = [row for row in curated.ledger.rows if row.fate is Fate.KEPT]
        if len(kept) == 1:  # they are duplicates for some check
            assert kept[0].row_id == data.row_ids()[expected]
        else:
            pytest.fail(f"no duplicates: {[(row.fate, row.reasons) for row in curated.ledger.rows]}")
