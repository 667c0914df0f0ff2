"""Generated records in the pipeline: judged again with all others, read by people before they train, paid for once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from assay.dataset import Dataset
from assay.errors import Exit, NotAcceptedError
from assay.lineage import lineage, read_card
from assay.pipeline import run
from assay.pipeline.generated import REPLACED, without_replaced, write_replaced
from assay.pipeline.outcome import PipelineResult
from assay.reviews.journal import append
from assay.reviews.review import READING, Review, Subject, Verdict
from assay.reviews.sample import reading_order
from assay.runs import RunStore
from tests.synth.api_server import ApiServer, api_server
from tests.terminal import terminal

ROOT = Path(__file__).resolve().parent.parent
COUNT = 6
SETTINGS = """\
version: 1
model_name_or_path: {model}
data: [{{path: data.jsonl}}]
curate: {{min_records: 10, split: {{validation: 0.2}}}}
synth:
  enabled: true
  provider: openai_compatible
  model: m
  base_url: {url}/v1
  price: {{input: 1.0, output: 1.0}}
  concurrency: 1
  methods: {{paraphrase: {{count: {count}, min_shared_words: 0.0}}}}
train: {{load_in_4bit: false, dtype: float32, device: cpu, lora_r: 4, num_train_epochs: 1, learning_rate: 1.0e-2}}
evaluate: {{suites: [suite.yaml], damaged_items: 0, slightly_damaged_items: 0, zero_items: 0}}
gate: {{policy: policy.yaml}}
"""
THINGS = (
    "kettle", "lamp", "valve", "sensor", "battery", "cable", "router", "chair", "desk", "monitor", "keyboard", "fan",
    "heater", "pump", "filter", "bulb", "socket", "switch", "drill", "ladder", "bucket", "rope", "hammer", "torch",
)  # fmt: skip
PLACES = ("at the depot", "with the carrier", "in customs", "on a ship", "in your shed", "with a neighbour")


def reply(prompt: str) -> str:
    """Another wording, with everything in it that the seed names."""
    found = re.search(r"Where is the (\w+) of my order (\S+)\?", prompt)
    assert found is not None, prompt
    return f"I bought a {found[1]} from you as {found[2]} and would love to hear how far along its journey it has come."


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(scope="module")
def api() -> Iterator[ApiServer]:
    with api_server() as server:
        server.reply = reply
        yield server


def make_project(folder: Path, model: Path, api: ApiServer) -> Path:
    rows = [
        {
            "instruction": f"Where is the {thing} of my order BW-{number}17?",
            "output": f"Your {thing} is {PLACES[number % 6]} and comes in {number + 2} days.",
        }
        for number, thing in enumerate(THINGS)
    ]
    write_lines(folder / "data.jsonl", rows)
    items = [{"id": n, "prompt": f"Is it day {n}?", "reference": "yes"} for n in range(6)]
    write_lines(folder / "items.jsonl", items)
    (folder / "suite.yaml").write_text(
        "version: 1\nname: days\ndata: items.jsonl\nscorer: contains\nmax_new_tokens: 4\n"
    )
    (folder / "policy.yaml").write_text("version: 1\nsuites: {days: {role: domain}}\n")
    (folder / "assay.yaml").write_text(SETTINGS.format(model=model, url=api.url, count=COUNT))
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, api: ApiServer) -> Path:
    return make_project(tmp_path_factory.mktemp("project"), tiny_model, api)


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def generated(project: Path, told: list[str]) -> PipelineResult:
    return run(project / "assay.yaml", last="synth", say=told.append)


def accepted(result: PipelineResult) -> Dataset:
    [synth] = [stage for stage in result.stages if stage.stage == "synth"]
    return Dataset.read_parquet(synth.path / "accepted.parquet")


def last_curate(result: PipelineResult) -> Path:
    return [stage for stage in result.stages if stage.stage == "curate"][-1].path


def read_all(result: PipelineResult, journal: Path, verdict: Verdict, numbers: slice = slice(None)) -> list[str]:
    placed = reading_order(list(accepted(result).records()))[numbers]
    noted = {"set": "s", "stratum": "paraphrase"}
    append(journal, [Review(Subject(p.record.id, READING), verdict, "ada", shown=noted) for p in placed])
    return [p.record.id for p in placed]


def test_every_generated_record_is_in_the_ledger_of_a_second_curate(generated: PipelineResult) -> None:
    assert [stage.stage for stage in generated.stages] == ["curate", "synth", "curate"]
    new, first = accepted(generated), generated.stages[0].path
    assert len(new) == COUNT
    ledger = pq.read_table(last_curate(generated) / "ledger.parquet").to_pylist()
    before = Dataset.read_parquet(first / "data.parquet")
    assert sorted(row["row_id"] for row in ledger) == sorted([*before.row_ids(), *new.row_ids()])
    fates = {row["row_id"]: row["fate"] for row in ledger}
    after = Dataset.read_parquet(last_curate(generated) / "data.parquet")
    assert sorted(after.row_ids()) == sorted(row for row, fate in fates.items() if fate in ("kept", "repaired"))


def test_what_it_will_cost_is_said_before_anything_is_asked(generated: PipelineResult, told: list[str]) -> None:
    [estimate] = [number for number, line in enumerate(told) if line.startswith("Price: ") and "at most:" in line]
    [*_, last] = [number for number, line in enumerate(told) if "requests answered" in line]
    assert estimate < last and "Cap: $" in told[estimate]


def test_a_family_stays_on_one_side_of_the_split(generated: PipelineResult) -> None:
    data = list(Dataset.read_parquet(last_curate(generated) / "data.parquet").records())
    place = {record.id: (record.split, record.family) for record in data}
    children = [record for record in data if record.origin == "synthetic"]
    assert len(children) == COUNT
    assert all(place[parent] == place[child.id] for child in children for parent in child.parents)


def test_records_that_nobody_read_do_not_train(project: Path, generated: PipelineResult) -> None:
    with pytest.raises(NotAcceptedError, match=rf"nobody has read any of the {COUNT} .* {COUNT} more reviews") as told:
        run(project / "assay.yaml", last="train")
    assert told.value.exit_code is Exit.INCONCLUSIVE
    assert f"assay review {generated.stages[1].path} --terminal" in str(told.value)
    assert [found.stage for found in RunStore(project / ".assay").manifests() if found.stage == "train"] == []


def test_the_rule_can_be_turned_off(project: Path, tmp_path: Path) -> None:
    overrides = ("synth.require_acceptance=0", f"store={tmp_path}")
    assert run(project / "assay.yaml", overrides=overrides, last="train").adapter is not None


def test_what_people_read_trains_without_what_they_rejected(tmp_path: Path, tiny_model: Path, api: ApiServer) -> None:
    folder = make_project(tmp_path, tiny_model, api)
    first = run(folder / "assay.yaml", last="synth")
    asked = len(api.answered)
    run_folder = next(stage.path for stage in first.stages if stage.stage == "synth")
    with terminal("review", str(run_folder), "--terminal", folder=tmp_path) as opened:
        opened.wait_for("[q]uit")
        opened.type("rinvented\n" + "a" * (COUNT - 1))
        opened.wait_for("nothing is left")
        assert opened.end() == 0
    assert (folder / "reviews.jsonl").is_file()
    rejected = reading_order(list(accepted(first).records()))[0].record
    result = run(folder / "assay.yaml", last="train")
    assert len(api.answered) == asked
    assert result.adapter is not None
    ledger = pq.read_table(last_curate(result) / "ledger.parquet").to_pylist()
    assert [(row["fate"], row["reasons"]) for row in ledger if row["row_id"] == rejected.row_id] == [
        ("dropped", ["reviewed"])
    ]
    data = Dataset.read_parquet(last_curate(result) / "data.parquet")
    records = result.adapter / read_card(result.adapter)["training_records"]
    trained = set(pq.read_table(records)["row_id"].to_pylist())
    assert rejected.row_id not in trained and trained <= set(data.row_ids())
    readers = {record.meta["synth"]["reviewer"] for record in data.records() if record.origin == "synthetic"}
    assert len(readers) == 1 and None not in readers
    facts = RunStore(folder / ".assay").get(result.stages[-1].run).data["facts"]
    assert facts["acceptance"]["read"] == COUNT and facts["acceptance"]["rejected"] == 1
    origins = lineage(result.adapter, RunStore(folder / ".assay")).origins
    assert origins is not None and origins.synthetic == sum(origins.readers.values()) > 0


def test_the_command_ends_with_one_line_that_says_what_to_do(project: Path, generated: PipelineResult) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "assay.cli", "run", "assay.yaml", "--quiet"],
        cwd=project, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=120,
    )  # fmt: skip
    assert done.returncode == Exit.INCONCLUSIVE
    assert done.stderr.count("\n") == 1 and "--terminal" in done.stderr and "Traceback" not in done.stderr


def test_a_killed_pipeline_pays_for_no_answer_twice(tmp_path: Path, tiny_model: Path) -> None:
    """kill -9 after some answers, twice; then it ends, and no prompt but one in flight was answered twice."""
    with api_server() as api:
        api.reply = lambda prompt: (time.sleep(0.15), reply(prompt))[1]
        folder = make_project(tmp_path, tiny_model, api)
        command = [sys.executable, "-m", "assay.cli", "run", "assay.yaml", "--until", "synth", "--quiet"]
        for enough in (1, 4):
            process = subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)})
            deadline = time.monotonic() + 120
            while len(api.answered) < enough and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
            process.wait()
        result = run(folder / "assay.yaml", last="synth")
        assert len(accepted(result)) == COUNT
        repeated = len(api.answered) - len(set(api.answered))
    assert repeated <= 2  # each kill may lose one answer that was on its way: it stays charged


def test_records_whose_place_others_take_are_accounted_for(tmp_path: Path, generated: PipelineResult) -> None:
    data = Dataset.read_parquet(generated.stages[0].path / "data.parquet")
    gone = data.row_ids()[:2]
    write_replaced(data, gone, tmp_path)
    rows = pq.read_table(tmp_path / REPLACED).to_pylist()
    assert [(row["row_id"], row["fate"], row["reasons"]) for row in rows] == [
        (name, "dropped", ["replaced_by_synth"]) for name in gone
    ]
    assert without_replaced(data, tmp_path).row_ids() == data.row_ids()[2:]


@pytest.mark.parametrize("rest", [COUNT - 1, COUNT])
def test_train_refuses_generated_data_until_it_was_read(
    generated: PipelineResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rest: int, tiny_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from assay.cli import main

    monkeypatch.chdir(tmp_path)
    read_all(generated, tmp_path / ".assay" / "reviews.jsonl", Verdict.RIGHT, slice(rest))
    given = ["--model", str(tiny_model), "train.load_in_4bit=false", "train.device=cpu", "train.dtype=float32"]
    with pytest.raises(SystemExit) as ended:
        main(["train", str(last_curate(generated) / "data.parquet"), *given, "train.num_train_epochs=1"])
    error = capsys.readouterr().err
    assert ended.value.code == (0 if rest == COUNT else Exit.INCONCLUSIVE)
    assert ("not trained" in error and "1 more review" in error) == (rest < COUNT)


def test_train_refuses_what_people_rejected_until_curate_has_applied_it(
    generated: PipelineResult,
    tmp_path: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from assay.cli import main

    monkeypatch.chdir(tmp_path)
    read_all(generated, tmp_path / ".assay" / "reviews.jsonl", Verdict.WRONG)
    with pytest.raises(SystemExit) as ended:
        main(["train", str(last_curate(generated) / "data.parquet"), "--model", str(tiny_model)])
    assert ended.value.code == Exit.INCONCLUSIVE
    assert f"people rejected or changed {COUNT} of the generated records" in capsys.readouterr().err
