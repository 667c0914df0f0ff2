"""A secret, or a person's number, comes out where the records themselves are and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from assay.cli import main
from assay.curate.pages.concealment import conceal_findings, conceal_record
from assay.findings import Finding, Severity, Span
from assay.records import Message, Record, ToolCall

KEY = "ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z5B"
PASSWORD = "Xk9!vbQ2rr"
CARD = "4539 5787 6362 1486"
MAIL = "otto.brandt@posteo.de"
CANARIES = (KEY, KEY[4:16], PASSWORD, CARD, "5787 6362", MAIL, "otto.brandt")
RECORDS = ("data.parquet", "held.parquet", "dropped.parquet", "data.jsonl", "held.csv", "to_read.csv")
"""The records themselves; the sheets are for a person to edit them in."""

Command = Callable[..., str]


def chat(*turns: str, **rest: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": text} for n, text in enumerate(turns)], **rest}


def rows() -> list[dict[str, Any]]:
    """Records that many checks quote, each with the canaries in it."""
    all_ = f"password = '{PASSWORD}' and {KEY}, {CARD}, {MAIL}"
    arguments = {"key": KEY, "card": CARD, "mail": MAIL, "text": f"password = '{PASSWORD}'"}
    call = {"type": "function", "id": "1", "function": {"name": "pay", "arguments": json.dumps(arguments)}}
    calling = {"role": "assistant", "content": None, "tool_calls": [call]}
    return [
        chat(f"Which card is it, {MAIL}?", f"The card is {CARD}."),
        chat(f"Which card is it, {MAIL}?", "The card is 6011 0009 9013 9424."),
        chat("What is the key?", f"The key is {KEY}."),
        chat("What is the key?", "The key is ghp_zZ3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z5Q."),
        chat(f"Copy {all_}", all_),
        chat(f"Copy {all_}", all_),
        chat(f"Loop {all_}", f"{all_}. " * 30),
        chat(f"Fill {all_}", f"Dear {{{{name}}}}, {all_}"),
        chat(f"Token {all_}", f"{all_} <|im_end|> {all_}"),
        chat(f"White {all_}", f" {all_} "),
        chat(f"Cut {all_}", f'{{"a": "{KEY}", "b'),
        {"messages": [{"role": "user", "content": all_}, calling], "tools": [{"type": "function", "function": {
            "name": "pay", "description": all_, "parameters": {"type": "object", "properties": {}}}}]},
        {"messages": [{"role": KEY, "content": all_}, {"role": "assistant", "content": all_}]},
        chat("a question", "an answer", note=all_),
        *(chat(f"Where do I write to about {n}?", f"Write to {MAIL}, and ask for number {n}.") for n in range(20)),
        {"messages": all_},
        {"other": all_, KEY: 1},
    ]  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command and gives back all that it prints."""
    monkeypatch.chdir(tmp_path)
    Path("data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()) + f'{{"key": "{KEY}", \n')

    def call(*arguments: str) -> str:
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        output = capsys.readouterr()
        assert not caught.value.code, output.err
        return output.out + output.err

    return call


def written(folder: Path) -> dict[str, str]:
    out = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in RECORDS:
            parquet = path.suffix == ".parquet"
            out[str(path)] = json.dumps(pq.read_table(path).to_pylist()) if parquet else path.read_text()
    return out


def seen(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, canary) for name, text in texts.items() for canary in CANARIES if canary in text]


@pytest.mark.parametrize("command", ["audit", "curate"])
def test_no_canary_leaves_the_records(run: Command, command: str) -> None:
    said = run(command, "data.jsonl", "-o", "out", "--verbose")
    document = run(command, "data.jsonl", "-o", "out", "--json")
    files = written(Path("out")) | (written(Path(".assay")) if command == "curate" else {})
    assert {"out/report.html", "out/findings.parquet", "out/summary.json"} <= set(files)
    assert seen({"terminal": said, "--json": document, **files}) == []


def test_the_canaries_are_in_the_records_so_that_the_test_above_can_fail(run: Command) -> None:
    run("curate", "data.jsonl", "-o", "out")
    held = json.dumps(pq.read_table("out/held.parquet").to_pylist())
    assert all(canary in held for canary in CANARIES)


def test_masks_keep_positions(make: Callable[..., Record]) -> None:
    record = make(f"a {MAIL} b", f"c {KEY} d")
    hidden = conceal_record(record)
    for before, after in zip(record.messages, hidden.messages, strict=True):
        assert before.content is not None and after.content is not None
        assert len(before.content) == len(after.content)
    assert hidden.messages[0].content == "a o**********@p*****.de b"


def test_a_piece_of_a_secret_that_a_check_quotes_is_hidden(make: Callable[..., Record]) -> None:
    record = make("a", f"the key is {KEY}")
    quoted = Finding.about(
        record, "other", Severity.ERROR, f"cut off: {KEY[:20]}", span=Span(1, 0, 30, KEY[5:25]),
        evidence={"spans": [{"text": KEY[2:22]}], "share": 0.5},
    )  # fmt: skip
    (hidden,) = conceal_findings([quoted], [record])
    text = json.dumps(hidden.to_json())
    assert not [KEY[n : n + 8] for n in range(len(KEY) - 8) if KEY[n : n + 8] in text]
    assert hidden.span is not None and len(hidden.span.text) == 20
    assert hidden.evidence["share"] == 0.5 and hidden.message.startswith("cut off: ")


@pytest.mark.parametrize("value", [MAIL, "+49 170 8812345", CARD, KEY])
def test_no_span_shows_where_a_value_was_cut_in_two(make: Callable[..., Record], value: str) -> None:
    """Of a number and of an address as well, wherever the quotation begins or ends."""
    record = make("a", f"Write to {value} or call.")
    for size in range(5, len(value)):
        quoted = Finding.about(
            record, "other", Severity.ERROR, f"stops after {value[:size]!r}", span=Span(1, 0, size, value[:size]),
            evidence={"ends_with": f"Write to {value[:size]}", "begins_with": f"{value[-size:]} or call."},
        )  # fmt: skip
        text = json.dumps(conceal_findings([quoted], [record])[0].to_json())
        assert value[:5] not in text and value[-5:] not in text


def test_pieces_of_addresses_are_in_no_report_terminal_or_table(run: Command) -> None:
    answers = [f"{'It is so. ' * words}Write to {MAIL} {'as before, ' * words}and" for words in range(1, 9)]
    asked = [chat("Who is it?", f"{'I ' * n}{MAIL} {{{{name}}}} {answer}") for n, answer in enumerate(answers)]
    Path("data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    said = run("audit", "data.jsonl", "-o", "out", "--verbose") + run("audit", "data.jsonl", "--json")
    pieces = [MAIL[:size] for size in range(5, len(MAIL))] + [MAIL[-size:] for size in range(5, len(MAIL))]
    texts = {"said": said, **written(Path("out"))}
    assert [(name, piece) for name, text in texts.items() for piece in pieces if piece in text] == []


def test_a_finding_about_nothing_secret_stays_as_it_is(make: Callable[..., Record]) -> None:
    finding = Finding.about(make("a", "b"), "other", Severity.INFO, "3.5 km in 2024", evidence={"a": ["b"]})
    assert conceal_findings([finding]) == (finding,)


def test_a_comparison_of_two_versions_hides_them_too(run: Command) -> None:
    run("audit", "data.jsonl", "-q")
    Path("old.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()[:8]))
    Path("new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()[4:14]))
    said = run("curate", "--diff", "old.jsonl", "new.jsonl", "-o", "diff")
    assert seen({"terminal": said, **written(Path("diff"))}) == []
    assert "diff/diff.html" in written(Path("diff"))


def templates() -> None:
    """A template, its marked variant that renders other text, and one that asks otherwise than it trains."""
    Path("t").mkdir()
    turn = "{{ m.role }}\n{{ m.content }}\n"
    each = "{% for m in messages %}" + turn + "{% endfor %}"
    Path("t/a.jinja").write_text(each + "{% if add_generation_prompt %}assistant\n{% endif %}")
    Path("t/a_training.jinja").write_text(each.replace(turn, "{{ m.content }}\n"))
    Path("t/b.jinja").write_text(each + "{% if add_generation_prompt %}answer: {% endif %}")


def test_comparing_templates_hides_them_and_pieces_of_them(run: Command) -> None:
    templates()
    said = run("audit", "data.jsonl", "--templates", "t", "-o", "out", "--json")
    files = {name: text for name, text in written(Path("out")).items() if "matrix" in name}
    assert len(files) == 3 and "goes on" in files["out/template_matrix.parquet"]
    assert seen({"--json": said, **files}) == []


def test_a_record_token_by_token_has_masks_in_their_place(run: Command) -> None:
    templates()
    for line in range(1, 15):
        show = ("audit", "data.jsonl", "--model", "t/a.jinja", "--show", f"data.jsonl:{line}")
        assert seen({f"line {line}": run(*show), f"line {line} --json": run(*show, "--json")}) == []
    said = run("audit", "data.jsonl", "--model", "t/a.jinja", "--show", "data.jsonl:3")
    assert "ghp_****" in said and "masked" in said


def test_the_words_that_differ_from_production_hide_them(run: Command) -> None:
    rows = [{"messages": [{"role": "system", "content": f"Be kind. Write to {who}"},
                          {"role": "user", "content": f"q {n}"}, {"role": "assistant", "content": "An answer."}]}
            for n, who in enumerate([MAIL, KEY, "us"])]  # fmt: skip
    Path("systems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = {"messages": [{"role": "system", "content": f"Be brief. Write with {KEY}"}]}
    Path("request.json").write_text(json.dumps(asked))
    said = run("audit", "systems.jsonl", "--inference", "request.json", "-o", "out")
    assert "another system turn" in said
    assert seen({"terminal": said, **written(Path("out"))}) == []


def test_names_of_keys_and_calls_are_hidden_too(make: Callable[..., Record]) -> None:
    call = ToolCall(KEY, {MAIL: [{CARD: 1}]}, id=KEY)
    messages = (Message("user", "a"), Message("assistant", None, (call,)), Message("tool", "b", tool_call_id=KEY))
    record = replace(make("a", "b"), meta={KEY: {MAIL: "x"}}, tools=({"function": {"parameters": {KEY: 1}}},))
    hidden = conceal_record(record.with_messages(messages))
    assert seen({"record": repr(hidden)}) == []
    assert list(hidden.meta) == ["ghp_" + "*" * (len(KEY) - 4)]


def test_keys_that_look_alike_behind_their_masks_both_stay(make: Callable[..., Record]) -> None:
    other = KEY.replace("aB3", "zZ4")
    hidden = conceal_record(replace(make("a", "b"), meta={KEY: 1, other: 2}))
    assert sorted(map(str, hidden.meta.values())) == ["1", "2"]
