"""`assay audit` and `assay curate` from the shell: exit codes, one JSON document, files, and one line for an error."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from assay.dataset import Dataset


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows: list[Any] = [{"instruction": f"Say number {n} in words.", "output": f"It is w{n}."} for n in range(12)]
    rows += [rows[0], {"instruction": "Why?", "output": ""}]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{half a row\n")
    return path


def test_audit_shows_findings_and_changes_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "audit", "data.jsonl")
    assert code == 0
    assert "empty_turn" in out
    assert "data.jsonl:14" in out
    assert "data.jsonl:15" in out
    assert [path.name for path in data.parent.iterdir()] == ["data.jsonl"]


def test_json_is_one_document_on_stdout(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "audit", "data.jsonl", "--json")
    body = json.loads(out)
    assert code == 0
    assert body["records"] == 14
    assert body["read"] == 15
    assert set(body["summary"]) == {"exact_duplicate", "empty_turn", "unreadable_row"}


def test_the_commands_that_are_proposed_can_be_typed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("my rows.csv").write_text("text;x,label\n" + "".join(f"say {n},w{n}\n" for n in range(9)))
    columns = "prompt=text;x,answer=label"
    out = run(capsys, "audit", "my rows.csv", "--columns", columns, "--format", "prompt_completion")[1]
    proposed = [shlex.split(line.split("    ")[0]) for line in out.splitlines() if line.startswith("  assay ")]
    assert [words[1] for words in proposed] == ["audit", "curate"]
    for words in proposed:
        assert run(capsys, *words[1:])[0] == 0
    assert (Path("OUT") / "ledger.parquet").is_file()


@pytest.mark.parametrize("command", ["audit", "curate"])
def test_json_is_the_only_thing_on_stdout_whatever_else_is_asked(
    data: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    for options in (["--verbose"], ["--quiet"], ["-o", "out"], ["--redact"], ["--limit", "5"], ["--seed", "3"]):
        code, out, _ = run(capsys, command, "data.jsonl", "--json", *options)
        assert code == 0
        assert isinstance(json.loads(out), dict), options


@pytest.mark.parametrize(("threshold", "expected"), [("error", 3), ("warning", 3)])
def test_fail_on_turns_findings_into_an_exit_code(
    data: Path, capsys: pytest.CaptureFixture[str], threshold: str, expected: int
) -> None:
    assert run(capsys, "audit", "data.jsonl", "--fail-on", threshold)[0] == expected
    clean = data.parent / "clean.jsonl"
    clean.write_text("".join(data.read_text().splitlines(keepends=True)[:12]))
    assert run(capsys, "audit", "clean.jsonl", "--fail-on", threshold)[0] == 0


def test_curate_writes_and_does_not_judge_again_what_is_unchanged(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "curate", "data.jsonl", "-o", "out", "--json")
    summary = json.loads(out)
    assert code == 0
    assert (summary["read"], summary["kept"], summary["dropped"]) == (15, 12, 3)
    files = {path.name for path in Path("out").iterdir()}
    records = {"data.parquet", "held.parquet", "dropped.parquet"}
    assert {*records, "ledger.parquet", "report.html", "summary.json"} <= files
    assert len(Dataset.read_parquet(Path("out") / "dropped.parquet")) == 2  # the third could not be read
    _, again, said = run(capsys, "curate", "data.jsonl", "-o", "other", "--json")
    assert "not judged again" in said
    assert json.loads(again)["run"] == summary["run"]
    assert (Path("out") / "data.parquet").read_bytes() == (Path("other") / "data.parquet").read_bytes()


def test_curate_writes_the_format_of_the_users_choice(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "curate", "data.jsonl", "-o", "out", "--format", "alpaca")
    rows = [json.loads(line) for line in (Path("out") / "data.jsonl").read_text().splitlines()]
    assert len(rows) == 12
    assert rows[0]["output"] == "It is w0."


def test_settings_come_from_the_file_and_from_overrides(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("assay.yaml").write_text("version: 1\ncurate:\n  checks:\n    empty_turn: false\n")
    body = json.loads(run(capsys, "audit", "data.jsonl", "--json")[1])
    assert "empty_turn" not in body["summary"]
    body = json.loads(run(capsys, "audit", "data.jsonl", "curate.checks.exact_duplicate=false", "--json")[1])
    assert set(body["summary"]) == {"unreadable_row"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["audit"], "no data was named"),
        (["audit", "missing.jsonl"], "missing.jsonl"),
        (["audit", "data.jsonl", "--columns", "prompt"], "prompt=text,answer=category"),
        (["audit", "data.jsonl", "curate.checks.near_duplicat=false"], "did you mean 'near_duplicate'?"),
        (["audit", "data.jsonl", "curate.purpos=style"], "did you mean 'purpose'?"),
        (["audit", "data.jsonl", "--suite", "missing.yaml"], "missing.yaml"),
        (["audit", "--explain", "near_duplicat"], "did you mean 'near_duplicate'?"),
        (["curate", "data.jsonl", "--format", "alpaka"], "did you mean 'alpaca'?"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert says in err
    assert len([line for line in err.splitlines() if line.startswith("assay:")]) == 1


def test_a_setting_that_cannot_be_meant_names_its_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("assay.yaml").write_text("curate:\n  checks:\n    near_duplicat: false\n")
    assert "assay.yaml:3" in run(capsys, "audit", "data.jsonl")[2]


def test_without_a_valid_row_nothing_is_judged(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.jsonl").write_text('{"instruction": 5}\n{half\n')
    code, _, err = run(capsys, "audit", "bad.jsonl")
    assert code == 2
    assert "bad.jsonl:1: no valid row: none of 2 could be read" in err


def test_the_checks_are_listed_and_explained(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "near_duplicate" in run(capsys, "audit", "--list")[1]
    code, out, _ = run(capsys, "audit", "--explain", "near_duplicate")
    assert code == 0
    assert "threshold: 0.8" in out
    assert "Why:" in out
    listed = json.loads(run(capsys, "audit", "--list", "--json")[1])
    assert {"name", "severity", "decision", "languages", "settings"} <= set(listed[0])


def test_a_leak_into_a_suite_is_found(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("suite.jsonl").write_text(
        json.dumps({"id": "1", "prompt": "say number 3 in words", "reference": "three"}) + "\n"
    )
    Path("suite.yaml").write_text("{version: 1, name: s, data: suite.jsonl, scorer: {name: exact_match}}\n")
    body = json.loads(run(capsys, "audit", "data.jsonl", "--suite", "suite.yaml", "--json")[1])
    assert body["summary"]["evaluation_leak"]["records"] == 1


def test_diff_says_what_a_new_version_changes(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newer = data.parent / "newer.jsonl"
    newer.write_text("".join(data.read_text().splitlines(keepends=True)[2:]))
    for name in ("data", "newer"):
        assert run(capsys, "curate", f"{name}.jsonl", "-o", name)[0] == 0
    code, out, _ = run(capsys, "curate", "--diff", "data", "newer", "-o", "changed")
    assert code == 0
    assert "1 removed" in out or "2 removed" in out
    assert (Path("changed") / "diff.html").is_file() and (Path("changed") / "diff.json").is_file()
    body = json.loads(run(capsys, "curate", "--diff", "data", "newer", "--json")[1])
    assert body["records"][0] > body["records"][1]
    code, _, err = run(capsys, "curate", "--diff", "data", "nowhere.jsonl")
    assert code == 2 and len(err.strip().splitlines()) == 1


def test_columns_that_no_format_has_are_named_with_the_option_that_names_them(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bank.csv").write_text("text,category\nWhere is my card?,card\n")
    code, out, err = run(capsys, "audit", "bank.csv")
    assert (code, out) == (2, "")
    assert "text, category" in err and "--columns prompt=...,answer=..." in err and err.count("\n") == 1
    assert run(capsys, "audit", "bank.csv", "--columns", "prompt=text,answer=category")[0] == 0
