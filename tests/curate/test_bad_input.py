"""Bad input through the commands: a faulty row is a finding with its place, a faulty source one line of text."""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

from assay.cli import main

COMMANDS = ("audit", "curate")
GOOD = [json.dumps({"instruction": f"Say {n} in words, please.", "output": f"It is w{n}."}) for n in range(20)]


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def body(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as caught:
            main([*arguments])
        output = capsys.readouterr()
        return Ran(int(caught.value.code or 0), output.out, output.err)

    return call


def one_line(ran: Ran) -> str:
    """What a refused command says; nothing else may be said."""
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("assay: ")
    assert len(ran.err.strip().splitlines()) == 1
    return ran.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.jsonl", b"", "empty.jsonl: is empty"),
        ("blank.jsonl", b"\n \n\n", "blank.jsonl"),
        ("prose.json", b"dear all,\nthis is a letter\n", "prose.json: is not JSON"),
        ("prose.jsonl", b"dear all,\nthis is a letter\n", "prose.jsonl: no line of it is JSON"),
        ("object.json", b'{"a": {"b": [1, 2]}}', "no known format has the columns"),
        ("numbers.json", b"[1, 2, 3]", "a row should be an object"),
        ("scalars.jsonl", b'1\n"x"\nnull\n', "scalars.jsonl:1"),
        ("nothing.json", b"[]", "nothing.json"),
        ("half.json", b'[{"instruction": "a", "out', "half.json"),
        ("garbage.parquet", b"PAR1 and no more", "garbage.parquet: is not Parquet"),
        ("garbage.gz", b"\x1f\x8b and no more", "garbage.gz: the compressed data is damaged"),
        ("garbage.jsonl.gz", b"no gzip", "garbage.jsonl.gz: the compressed data is damaged"),
        ("garbage.jsonl.zst", b"no zstd", "garbage.jsonl.zst: the compressed data is damaged"),
        ("picture.png", b"\x89PNG\r\n\x1a\n", "picture.png: is no kind of file that assay reads"),
        ("null.jsonl", b'{"instruction": null, "output": null}\n', "null.jsonl:1: no valid row"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_line(
    run: Command, command: str, name: str, content: bytes, says: str
) -> None:
    Path(name).write_bytes(content)
    assert says in one_line(run(command, name))
    assert not Path(".assay").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_or_pattern_without_data_is_one_line(run: Command, command: str) -> None:
    Path("folder").mkdir()
    (Path("folder") / "readme.txt").write_text("nothing here")
    assert "no data file in this folder" in one_line(run(command, "folder"))
    assert "no file matches" in one_line(run(command, "*.nothing"))
    assert "no such file" in one_line(run(command, "missing.jsonl"))


FAULTY: list[tuple[str, bytes, str]] = [
    ("half a line", GOOD[0][:30].encode(), "breaks off"),
    ("not JSON", b"and so on", "not JSON"),
    ("invalid UTF-8", b'{"instruction": "caf\xe9", "output": "x"}', "invalid UTF-8"),
    ("null prompt", b'{"instruction": null, "output": "x"}', "instruction is empty"),
    ("null answer", b'{"instruction": "x", "output": null}', "output is empty"),
    ("number", b'{"instruction": 5, "output": "x"}', "instruction"),
    ("null messages", b'{"messages": null}', "messages"),
    ("numeric content", b'{"messages": [{"role": "user", "content": 3}]}', "content"),
    ("unknown columns", b'{"foo": 1, "bar": 2}', "no known format has the columns foo, bar"),
    ("tokenised", b'{"input_ids": [1, 2], "labels": [-100, 2]}', "is tokenised already"),
    ("a list", b"[1, 2]", "a row should be an object"),
    ("a key twice", b'{"instruction": "a", "instruction": "b", "output": "c"}', "stands twice"),
    ("ten thousand columns", json.dumps({f"c{n}": n for n in range(10_000)}).encode(), "9994 more"),
    ("too deep", b"[" * 100_000, "levels deep"),
    ("zero bytes", b"\x00\x00\x00", "not JSON"),
    ("half a character", b'{"instruction": "\\ud800", "output": "x"}', "lone surrogate"),
]


@pytest.mark.parametrize(("content", "says"), [row[1:] for row in FAULTY], ids=[row[0] for row in FAULTY])
def test_a_faulty_row_is_a_finding_with_its_place(run: Command, content: bytes, says: str) -> None:
    lines = [line.encode() for line in GOOD]
    Path("data.jsonl").write_bytes(b"\n".join([*lines[:7], content, *lines[7:]]) + b"\n")
    ran = run("audit", "data.jsonl", "--json")
    assert ran.code == 0
    assert (ran.body["records"], ran.body["read"]) == (20, 21)
    faults = [finding for finding in ran.body["findings"] if finding["check"] == "unreadable_row"]
    assert [finding["source"] for finding in faults] == [{"file": "data.jsonl", "line": 8, "row": 7}]
    assert says in faults[0]["message"]
    assert "data.jsonl:8" in run("audit", "data.jsonl").out


def test_all_faulty_rows_at_once_are_accounted_for(run: Command) -> None:
    rows = [line.encode() for line in GOOD] + [content for _, content, _ in FAULTY]
    Path("data.jsonl").write_bytes(b"\n".join(rows))
    summary = run("curate", "data.jsonl", "-o", "out", "--json").body
    assert (summary["read"], summary["kept"], summary["dropped"]) == (20 + len(FAULTY), 20, len(FAULTY))
    ledger = pq.read_table("out/ledger.parquet").to_pylist()
    assert len({row["row_id"] for row in ledger}) == summary["read"]
    dropped = [row for row in ledger if row["fate"] == "dropped"]
    assert {tuple(row["reasons"]) for row in dropped} == {("unreadable_row",)}


def test_a_byte_order_mark_and_mixed_formats_are_read(run: Command) -> None:
    mixed = [
        {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello there."}]},
        {"conversations": [{"from": "human", "value": "hi you"}, {"from": "gpt", "value": "Hello."}]},
        {"prompt": "Add 1 and 1.", "completion": "That is 2."},
    ]
    text = "\n".join([*GOOD, *map(json.dumps, mixed)])
    Path("data.jsonl").write_bytes(b"\xef\xbb\xbf" + text.encode())
    body = run("audit", "data.jsonl", "--json").body
    assert (body["records"], body["read"]) == (23, 23)
    assert any("alpaca" in note.lower() and "ShareGPT" in note for note in body["notes"])


def test_ten_thousand_columns_of_which_two_are_known_are_read_and_kept(run: Command) -> None:
    with Path("wide.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["prompt", "completion", *(f"c{n}" for n in range(9_998))])
        writer.writerows([f"Question {n}?", f"Answer {n}.", *(["x"] * 9_998)] for n in range(3))
    run("curate", "wide.csv", "-o", "out")
    meta = json.loads(pq.read_table("out/data.parquet").column("meta")[0].as_py())
    assert "c9997" in json.dumps(meta)


@pytest.mark.slow
def test_a_line_of_fifty_megabytes_is_judged_in_seconds(run: Command) -> None:
    words = "so it goes on and on about the weather, the wind, the sea and the boats that never came home. "
    line = json.dumps({"instruction": "Tell me all.", "output": words * (50_000_000 // len(words))})
    Path("big.jsonl").write_text("\n".join([*GOOD, line]) + "\n")
    started = time.perf_counter()
    body = run("audit", "big.jsonl", "--json").body
    assert time.perf_counter() - started < 90
    assert body["records"] == 21
    assert {finding["source"]["line"] for finding in body["findings"]} == {21}
    assert "repetition" in body["summary"]


@pytest.mark.parametrize("command", COMMANDS)
def test_settings_that_cannot_be_meant_are_one_line_with_their_place(run: Command, command: str) -> None:
    Path("data.jsonl").write_text("\n".join(GOOD))
    Path("bad.yaml").write_text("version: 1\ncurate:\n  cheks: {}\n")
    said = one_line(run(command, "data.jsonl", "-c", "bad.yaml"))
    assert "bad.yaml:3: unknown setting 'cheks'; did you mean 'checks'?" in said
    Path("bad.yaml").write_text("version: 1\ncurate: [\n")
    assert "bad.yaml" in one_line(run(command, "data.jsonl", "-c", "bad.yaml"))
    assert "missing.yaml" in one_line(run(command, "data.jsonl", "-c", "missing.yaml"))
    assert "did you mean 'threshold'" in one_line(
        run(command, "data.jsonl", "curate.checks.near_duplicate.treshold=0.9")
    )


def on_a_full_disk(*arguments: str, room: int) -> Ran:
    """The command in a process of its own that cannot write a file of more than `room` bytes."""
    done = subprocess.run(
        [sys.executable, "-c", "from assay.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("room", [100, 3_000])
def test_a_full_disk_is_one_line_and_loses_nothing(run: Command, command: str, room: int) -> None:
    text = "\n".join(GOOD)
    Path("data.jsonl").write_text(text)
    ran = on_a_full_disk(command, "data.jsonl", "-o", "out", room=room)
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert "make room" in ran.err
    assert Path("data.jsonl").read_text() == text
    assert [path.name for path in Path().rglob("*") if path.name.endswith(".tmp")] == []
    assert run(command, "data.jsonl", "-o", "out").code == 0
    assert json.loads(Path("out/summary.json").read_text())["kept"] == 20


def test_an_output_that_is_a_file_is_left_as_it_is(run: Command) -> None:
    Path("data.jsonl").write_text("\n".join(GOOD))
    before = Path("data.jsonl").read_bytes()
    ran = run("curate", "data.jsonl", "-o", "data.jsonl")
    assert (ran.code, len(ran.err.strip().splitlines())) == (1, 1)
    assert Path("data.jsonl").read_bytes() == before


@pytest.mark.parametrize("evil", ["\x1b[2J", "\x1b]0;owned\x07", "\u202e", "\r"])
def test_what_a_file_says_cannot_steer_the_terminal(run: Command, evil: str) -> None:
    odd = {"messages": [{"role": f"user{evil}", "content": "x"}, {"role": "assistant", "content": "y"}]}
    Path("data.jsonl").write_text("\n".join([*GOOD, json.dumps(odd), json.dumps({f"col{evil}": 1})]))
    Path("bad.jsonl").write_text(json.dumps({f"col{evil}": 1}))
    for ran in (run("audit", "data.jsonl"), run("audit", "bad.jsonl"), run("curate", "data.jsonl", "--verbose")):
        assert evil not in ran.out
        assert evil not in ran.err
    assert evil.isspace() or repr(evil)[1:-1] in run("audit", "bad.jsonl").err


EVIL_NAME = "a\x1b]0;owned\x07\u202e\r\nb\x1b[31m"


def test_what_a_file_is_called_cannot_steer_the_terminal(run: Command) -> None:
    """A place, a note, a command to copy, an error, a file to open: nothing shows a name as it is."""
    name = f"{EVIL_NAME}.jsonl"
    Path(name).write_text("\n".join([*GOOD, GOOD[0], "{"]))
    Path(f"{EVIL_NAME}.txt").write_text("no data")
    commands = [
        ("audit", name),
        ("audit", name, "-o", EVIL_NAME),
        ("audit", name, "--model", f"{EVIL_NAME}.jinja"),
        ("audit", f"{EVIL_NAME}.txt"),
        ("audit", f"{EVIL_NAME}-is-not-there"),
        ("curate", name, "-o", f"{EVIL_NAME}2", "--verbose"),
        ("curate", "--diff", name, name, "-o", EVIL_NAME),
    ]
    for command in commands:
        ran = run(*command)
        for sign in ("\x1b]", "\x07", "\u202e", "\r", "\nb"):
            assert sign not in ran.out + ran.err, command
        assert "\\x1b]0;owned" in ran.out + ran.err, command
