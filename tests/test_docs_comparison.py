"""docs/comparison.md: its commands, as they stand there, on what the other tools leave behind."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from assay.sources import ReadSettings, read
from tests.conftest import build_tiny_model
from tests.evaluate.conftest import build_adapter

PAGE = Path(__file__).resolve().parent.parent / "docs" / "comparison.md"
SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
LIMITED = ["--tasks", "assay_facts", "--limit", "6"]  # of the bundled suites one, and of that a few: seconds
COLOURS = ("red", "green", "blue", "amber", "grey")
AXOLOTL = """\
base_model: BASE
adapter: lora
lora_r: 8
lora_alpha: 16
sequence_len: 256
datasets: [{path: tickets.jsonl, type: chat_template}]
"""
ASSAY = """\
version: 1
model_name_or_path: BASE
data: [{path: tickets.jsonl}]
train: {load_in_4bit: false, device: cpu, dtype: float32, lora_r: 4, num_train_epochs: 1}
"""
SUITE = """\
version: 1
name: support
data: support.jsonl
scorer: contains
max_new_tokens: 4
"""
POLICY = """\
version: 1
suites: {support: {role: domain}}
"""


def commands(section: str) -> Iterator[list[str]]:
    """The commands of a section in their order, in words."""
    body = dict(SECTION.findall(PAGE.read_text(encoding="utf-8")))[section]
    for block in BLOCK.findall(body):
        for line in block.replace("\\\n", " ").splitlines():
            yield shlex.split(line.replace("(cd trl && ", "").replace("run.yaml)", "run.yaml"), comments=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the page takes for granted."""
    folder = tmp_path_factory.mktemp("beside")
    build_tiny_model(folder / "BASE")
    build_adapter(folder / "BASE", folder / "theirs")
    said = [(f"Item {n}: which colour?", f"It is {COLOURS[n % 5]}, number {n}.") for n in range(40)]
    tickets = [{"messages": [_turn("user", asked), _turn("assistant", answer)]} for asked, answer in said]
    items = [{"id": f"i{n}", "prompt": f"Case {n}: which colour?", "reference": COLOURS[n % 5]} for n in range(10)]
    _write_lines(folder / "tickets.jsonl", tickets)
    (folder / "suites").mkdir()
    _write_lines(folder / "suites" / "support.jsonl", items)
    for name, text in {
        "axolotl.yml": AXOLOTL, "assay.yaml": ASSAY, "suites/support.yaml": SUITE, "policy.yaml": POLICY
    }.items():  # fmt: skip
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


Typed = Callable[[list[str]], str]


@pytest.fixture
def typed(files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Does what a line of the page says, in this process; gives what it printed."""
    monkeypatch.chdir(files)

    def run(words: list[str]) -> str:
        monkeypatch.setattr(sys, "argv", words)
        capsys.readouterr()
        tool, arguments = words[0], words[1:]
        if tool == "assay":
            with pytest.raises(SystemExit) as ended:
                main(arguments)
            wanted = {0, 3, 4} if arguments[0] == "gate" else {0}
            assert ended.value.code in wanted, capsys.readouterr().err
        else:
            {"lm_eval": _lm_eval, "trl": _trl_sft}[tool]()
        captured = capsys.readouterr()
        return captured.out + captured.err

    return run


def _lm_eval() -> None:
    """`lm_eval ARGUMENTS`, but for its logging, which would outlive this test."""
    from lm_eval._cli import HarnessCLI

    cli = HarnessCLI()
    cli.execute(cli.parse_args())


def _trl_sft() -> None:
    """`(cd trl && trl sft ...)`, without the launcher that starts a process for each device."""
    from trl.scripts.sft import main as sft
    from trl.scripts.sft import make_parser

    assert sys.argv[:2] == ["trl", "sft"]
    with contextlib.chdir("trl"):
        sft(*make_parser().parse_args_and_config(sys.argv[2:], fail_with_unknown_args=True))


def test_a_run_goes_to_trl_trains_there_and_its_adapter_is_judged(typed: Typed, files: Path) -> None:
    for words in commands("Training"):
        typed(words + LIMITED if words[1] == "evaluate" else words)
    written = [json.loads(line) for line in (files / "clean" / "data.jsonl").read_text().splitlines()]
    assert len(written) == 40
    assert [list(row) for row in written] == [["messages"]] * 40
    assert (files / "trl" / "trl-out" / "training_args.bin").is_file()
    assert (files / "project" / "assay.yaml").is_file()
    assert json.loads((files / "release" / "decision.json").read_text())["verdict"]


def test_what_nemo_curator_and_data_juicer_write_is_read_whole(typed: Typed, files: Path) -> None:
    """By the calls of their writers: text/io/writer/jsonl.py of NeMo Curator 1.4.0, data-juicer 1.6.1 core/exporter.py.

    The keys of data-juicer's dialogues are those of its tools/fmt_conversion/post_tuning_dialog.
    """
    import datasets
    import pandas

    (files / "curated").mkdir()
    rows = [{"id": n, "messages": [_turn("user", f"Où, {n}?"), _turn("assistant", f"Là, {n}.")]} for n in range(6)]
    for name, part in (("3f0a", rows[:3]), ("91bc", rows[3:])):
        out = files / "curated" / f"{name}.jsonl"
        pandas.DataFrame(part).to_json(out, lines=True, orient="records", force_ascii=False)
    dialogues = [
        {"system": "Be brief.", "instruction": "Name it.", "query": f"Thing {n}?", "response": f"It is {n}.",
         "history": [["Hello?", f"Hello, {n}."]]}
        for n in range(5)
    ]  # fmt: skip
    datasets.Dataset.from_list(dialogues).to_json(str(files / "refined.jsonl"), force_ascii=False)
    lines = list(commands("Data"))
    counts = [json.loads(typed([*words, "--json", "--quiet"]))["records"] for words in lines]
    assert counts == [6, 5]
    columns = dict(pair.split("=") for pair in lines[1][-1].split(","))
    record = next(iter(read([str(files / "refined.jsonl")], ReadSettings(columns=columns)).records()))
    assert [(one.role, one.content) for one in record.messages] == [
        ("system", "Be brief."), ("user", "Hello?"), ("assistant", "Hello, 0."),
        ("user", "Name it.\nThing 0?"), ("assistant", "It is 0."),
    ]  # fmt: skip


def test_a_distiset_of_distilabel_is_curated(typed: Typed, files: Path) -> None:
    """distilabel/distiset.py 1.5.3 saves each leaf step's DatasetDict in a folder of its name."""
    import datasets

    rows = [
        {"instruction": f"Name colour {n}.", "generation": f"Colour {n} is {COLOURS[n % 5]}.", "model_name": "m",
         "distilabel_metadata": {"raw_output_text_generation_0": "..."}}
        for n in range(4)
    ]  # fmt: skip
    datasets.DatasetDict({"train": datasets.Dataset.from_list(rows)}).save_to_disk(files / "distiset" / "default")
    for words in commands("Generation"):
        typed(words)
    assert json.loads((files / "drafts" / "summary.json").read_text())["read"] == 4


def test_suites_and_runs_go_to_lm_eval_and_back(typed: Typed, files: Path) -> None:
    for words in commands("Evaluation"):
        typed(words)
    assert json.loads((files / "judged" / "decision.json").read_text())["verdict"]
    assert list((files / "results" / "candidate").glob("samples_support_*.jsonl"))


def test_an_adapter_in_the_folder_that_soup_leaves_is_scored(typed: Typed, files: Path) -> None:
    """The files that `soup train` 0.77.0 left after nine steps of the tiny model."""
    output = files / "output"
    shutil.copytree(files / "theirs", output)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(files / "BASE" / name, output)
    shutil.copytree(files / "theirs", output / "checkpoint-9")
    for name in ("README.md", "rewind.jsonl", "soup_run.json", "training_args.bin"):
        (output / name).write_bytes(b"")
    said = typed(["assay", "evaluate", "--model", "BASE", "--adapter", "output", "--suite", "suites/support.yaml"])
    assert "leaks: UNKNOWN" in said
