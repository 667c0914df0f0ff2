"""`--redact` through the commands: what a record says stays in data and held, and comes out nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from assay.cli import main

CANARY = "zebra4711"
DATA = ("data.parquet", "held.parquet", "data.jsonl")
"""The records themselves."""

Command = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command and gives back all that it prints."""
    monkeypatch.chdir(tmp_path)
    Path("data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()) + f'{{"{CANARY}": "{CANARY}", \n')
    Path("items.jsonl").write_text(
        json.dumps({"id": "1", "prompt": f"Where is {CANARY} now?", "reference": "x"}) + "\n"
    )
    Path("suite.yaml").write_text("{version: 1, name: s, data: items.jsonl, scorer: exact_match}\n")

    def call(*arguments: str) -> str:
        with pytest.raises(SystemExit) as caught:
            main([*arguments, "--suite", "suite.yaml"])
        output = capsys.readouterr()
        assert not caught.value.code, output.err
        return output.out + output.err

    return call


def chat(*turns: str, **rest: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": text} for n, text in enumerate(turns)], **rest}


def rows() -> list[dict[str, Any]]:
    """Records that every check which needs no model finds something in, all of them with the canary."""
    long = (
        f"{CANARY} " + "and this is what was said of it by all of those who came to see it at the fair on that day " * 2
    )
    tool = {"type": "function", "function": {"name": f"find_{CANARY}", "parameters": {"required": [CANARY]}}}
    call = {"type": "function", "id": "1", "function": {"name": f"get_{CANARY}", "arguments": "{}"}}
    calling = {"messages": [{"role": "user", "content": CANARY}, {"role": "assistant", "tool_calls": [call]}]}
    return [
        chat(f"When is {CANARY}?", f"{CANARY} is on 3 May."),
        chat(f"When is {CANARY}?", f"{CANARY} is on 4 May."),
        chat(f"Copy {CANARY}", CANARY),
        chat(f"Copy {CANARY}", CANARY),
        chat(long, CANARY),
        chat(f"{long} indeed", CANARY),
        chat(f"Where is {CANARY} now?", CANARY),
        chat(f"Cut {CANARY}", f'{{"a": "{CANARY}", "b'),
        chat(f"Loop {CANARY}", f"I am {CANARY}. " * 30),
        chat(f"Fill {CANARY}", f"Dear {{{{{CANARY}}}}}"),
        chat(f"Token {CANARY}", f"{CANARY} <|im_end|> {CANARY}"),
        chat(f"White {CANARY}", f" {CANARY} "),
        chat(f"Empty {CANARY}", ""),
        chat(f"No answer {CANARY}"),
        chat(f"Long {CANARY}", f"{CANARY} " + " ".join(f"w{n}" for n in range(2_000)) + "."),
        {"messages": [{"role": "assistant", "content": CANARY}, *chat(CANARY, CANARY)["messages"]], "note": CANARY},
        {**calling, "tools": [tool]},
        {"messages": [{"role": CANARY, "content": CANARY}, {"role": "assistant", "content": CANARY}]},
        {CANARY: CANARY, "other": 1},
        {"messages": CANARY},
    ]


def written(folder: Path) -> dict[str, str]:
    """{file: its text}, Parquet as JSON, the records themselves left out."""
    out = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in DATA:
            parquet = path.suffix == ".parquet"
            text = json.dumps(pq.read_table(path).to_pylist()) if parquet else path.read_text()
            out[str(path.relative_to(folder))] = text
    return out


@pytest.mark.parametrize("command", ["audit", "curate"])
def test_no_record_text_leaves_the_house(run: Command, command: str) -> None:
    said = run(command, "data.jsonl", "-o", "out", "--redact", "--verbose")
    document = run(command, "data.jsonl", "-o", "out", "--redact", "--json")
    files = written(Path("out")) | written(Path(".assay") if command == "curate" else Path("out"))
    assert {"report.html", "findings.parquet", "summary.json"} <= set(files)
    assert "dropped.parquet" not in files
    for name, text in {"terminal": said, "--json": document, **files}.items():
        assert CANARY not in text, name


def test_without_it_the_text_is_there_so_that_the_test_above_can_fail(run: Command) -> None:
    assert CANARY in run("audit", "data.jsonl", "-o", "out")
    assert CANARY in written(Path("out"))["report.html"]
    body = json.loads(run("audit", "data.jsonl", "--json"))
    kinds = {finding["check"] for finding in body["findings"] if CANARY in json.dumps(finding)}
    assert {"unfilled_placeholder", "cut_off_answer", "repetition", "evaluation_leak"} <= kinds
    assert "unreadable_row" in kinds
    assert len(body["summary"]) >= 16


def test_a_redacted_document_keeps_places_counts_and_ids(run: Command) -> None:
    plain = json.loads(run("audit", "data.jsonl", "--json"))
    redacted = json.loads(run("audit", "data.jsonl", "--json", "--redact"))
    keys = ("check", "severity", "record_id", "row_id", "source", "group")
    assert [[item[key] for key in keys] for item in redacted["findings"]] == [
        [item[key] for key in keys] for item in plain["findings"]
    ]
    assert redacted["summary"] == plain["summary"]


def test_the_line_that_refuses_a_file_says_nothing_of_its_rows(
    run: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.jsonl").write_text(json.dumps({CANARY: CANARY}) + "\n")
    with pytest.raises(SystemExit) as caught:
        main(["audit", "bad.jsonl", "--redact"])
    said = capsys.readouterr().err
    assert caught.value.code == 2
    assert "bad.jsonl:1: no valid row" in said
    assert CANARY not in said


def templates() -> None:
    """A template, its marked variant with other text, one that asks otherwise than it trains, and one that fails."""
    Path("t").mkdir()
    turn = "{{ m.role }}\n{{ m.content }}\n"
    each = "{% for m in messages %}" + turn + "{% endfor %}"
    Path("t/a.jinja").write_text(each + "{% if add_generation_prompt %}assistant\n{% endif %}")
    Path("t/a_training.jinja").write_text(each.replace(turn, "{{ m.content }}\n"))
    Path("t/b.jinja").write_text(each + "{% if add_generation_prompt %}answer: {% endif %}")
    Path("t/c.jinja").write_text("{% for m in messages %}{{ raise_exception(m.content) }}{% endfor %}")


def test_comparing_templates_repeats_no_record_text(run: Command) -> None:
    templates()
    compare = ("audit", "data.jsonl", "--templates", "t", "-o", "out", "--json")
    assert CANARY in run(*compare)
    said = run(*compare, "--redact")
    assert [name for name, text in {"--json": said, **written(Path("out"))}.items() if CANARY in text] == []
    assert len(json.loads(Path("out/template_matrix.json").read_text())["rows"]) == 4


def test_comparing_versions_repeats_no_record_text(
    run: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("old.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()[:8]))
    Path("new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()[4:14]))
    for redact in ((), ("--redact",)):
        with pytest.raises(SystemExit):
            main(["curate", "--diff", "old.jsonl", "new.jsonl", "-o", "diff", "--verbose", *redact])
        said = capsys.readouterr()
        texts = {"terminal": said.out + said.err, **written(Path("diff"))}
        assert any(CANARY in text for text in texts.values()) is not bool(redact)
        assert "6 added" in texts["terminal"]
