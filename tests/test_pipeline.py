"""The whole pipeline on a tiny model: it ends, does nothing twice, and its page and certificate hold."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from assay.dataset import Dataset
from assay.errors import InputError, SettingsError, SuiteError
from assay.lineage import lineage
from assay.pipeline import run
from assay.pipeline.outcome import PipelineResult
from assay.runs import RunStore

HOSTILE = "<script>alert(1)</script>{{ 7919 * 104729 }}"
CANARY = "velvet-otter-canary"

SETTINGS = """\
version: 1
model_name_or_path: {model}
data: [{{path: data.jsonl}}]
curate: {{min_records: 10, split: {{validation: 0.2}}}}
train: {{load_in_4bit: false, dtype: float32, device: cpu, lora_r: 4, num_train_epochs: 1, learning_rate: 1.0e-2}}
evaluate: {{suites: [suite.yaml], include_path: [tasks, more], damaged_items: 20}}
gate: {{policy: policy.yaml}}
"""
POLICY = """\
version: 1
margin: 0.2
guardrail: 0.3
suites: {colours: {role: domain}, opposites: {role: general}}
"""
SUITE = """\
version: 1
name: colours
data: items.jsonl
scorer: contains
max_new_tokens: 4
"""
TASK = """\
task: opposites
dataset_path: json
dataset_kwargs: {data_files: {test: opposites.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: choices
doc_to_target: answer
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""


def write_lines(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """Settings, data with a duplicate, a broken line and hostile text, a suite, a task and a policy."""
    folder = tmp_path_factory.mktemp("project")
    colours = ("red", "blue", "green")
    records = [
        {
            "instruction": f"Which colour has the {CANARY} thing number {n}?",
            "output": f"It is {colours[n % 3]}, no {n}.",
        }
        for n in range(40)
    ]
    records += [records[0], {"instruction": f"Say this twice: {HOSTILE}", "output": f"{HOSTILE} {HOSTILE}"}]
    write_lines(folder / "data.jsonl", records)
    with (folder / "data.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"instruction": "half a li')
    write_lines(
        folder / "items.jsonl",
        [{"id": n, "prompt": f"And the cube number {n}?", "reference": colours[n % 3]} for n in range(12)],
    )
    (folder / "tasks").mkdir()
    write_lines(
        folder / "tasks" / "opposites.jsonl",
        [{"id": f"o{n}", "question": f"{n} is not", "choices": [f"{n}", f"{n + 1}"], "answer": 1} for n in range(12)],
    )
    (folder / "tasks" / "opposites.yaml").write_text(TASK)
    shutil.copytree(folder / "tasks", folder / "more")
    (folder / "more" / "opposites.yaml").write_text(TASK.replace("task: opposites", "task: more_opposites"))
    (folder / "assay.yaml").write_text(SETTINGS.format(model=tiny_model))
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "suite.yaml").write_text(SUITE)
    return folder


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What the first run says."""
    return []


@pytest.fixture(scope="module")
def finished(project: Path, said: list[str]) -> PipelineResult:
    return run(project / "assay.yaml", say=said.append)


def test_what_the_suites_can_prove_is_said_before_anything_runs(finished: PipelineResult, said: list[str]) -> None:
    begun = next(number for number, line in enumerate(said) if line.startswith("curate: "))
    planned = [number for number, line in enumerate(said) if line.startswith("plan: TOO FEW: colours")]
    assert planned and planned[0] < begun


def test_every_stage_runs_and_the_end_is_a_verdict_with_page_and_certificate(finished: PipelineResult) -> None:
    assert [stage.stage for stage in finished.stages] == ["curate", "train", "evaluate", "gate"]
    assert not any(stage.reused for stage in finished.stages)
    assert finished.decision is not None
    assert finished.decision["verdict"] in ("PASS", "BLOCK", "INCONCLUSIVE", "INVALID")
    assert finished.certificate is not None and finished.certificate.is_file()
    assert finished.page.is_file()


def test_the_ledger_accounts_for_every_row_the_broken_line_included(finished: PipelineResult) -> None:
    counts = json.loads((finished.stages[0].path / "summary.json").read_text())
    assert counts["read"] == 43
    assert counts["read"] == counts["kept"] + counts["repaired"] + counts["dropped"] + counts["held"]
    assert counts["dropped"] >= 2  # the duplicate, and the line that is half a record


def test_what_is_unchanged_is_not_run_again(project: Path, finished: PipelineResult) -> None:
    again = run(project / "assay.yaml")
    assert all(stage.reused for stage in again.stages)
    assert again.decision == finished.decision


def test_what_a_person_decided_is_replayed(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns(".assay"))
    before = run(copy / "assay.yaml", last="curate").stages[0].path
    record = next(iter(Dataset.read_parquet(before / "data.parquet").records()))
    write_lines(copy / "reviews.jsonl", [{"record_id": record.id, "decision": "drop", "who": "ada"}])
    after = run(copy / "assay.yaml", last="curate").stages[0]
    assert not after.reused
    assert record.id not in Dataset.read_parquet(after.path / "data.parquet").table.column("record_id").to_pylist()
    assert json.loads((after.path / "summary.json").read_text())["reviews"] == {"dropped": 1}


def test_another_policy_runs_the_gate_alone(project: Path, finished: PipelineResult, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.replace("0.2", "0.25"))
    again = run(project / "assay.yaml", overrides=(f"gate.policy={policy}",))
    assert [stage.stage for stage in again.stages if not stage.reused] == ["gate"]


def test_general_data_is_mixed_in_and_its_content_is_an_input_of_training(
    project: Path, finished: PipelineResult, tmp_path: Path
) -> None:
    write_lines(tmp_path / "general.jsonl", [{"prompt": f"What is {n}?", "completion": f"{n}"} for n in range(20)])
    overrides = (f"train.general_data=[{tmp_path / 'general.jsonl'}]", "train.general_ratio=0.2")
    mixed = run(project / "assay.yaml", overrides=overrides, last="train")
    assert [stage.stage for stage in mixed.stages if not stage.reused] == ["train"]
    manifest = json.loads((mixed.stages[-1].path / "manifest.json").read_text())
    assert any(name.startswith("general_data ") for name in manifest["inputs"])
    mixture = manifest["facts"]["mixture"]
    assert mixture["drawn"] == round(mixture["task"] / 4)
    assert manifest["facts"]["counts"]["read"] == len(Dataset.read_parquet(mixed.stages[0].path / "data.parquet")) + 20


def test_suites_and_tasks_of_every_folder_are_scored_and_found_again_from_the_evaluation(
    finished: PipelineResult,
) -> None:
    folder = finished.stages[2].path
    header = json.loads((folder / "evaluation.json").read_text())
    assert [suite["suite"] for suite in header["suites"]] == ["colours", "opposites", "more_opposites"]
    named = [*header["settings"]["suites"], *header["settings"]["include_path"]]
    assert [Path(path).name for path in named] == ["suite.yaml", "tasks", "more"]
    assert all((folder / path).exists() for path in named)


def test_the_certificate_verifies_until_an_answer_is_changed(finished: PipelineResult, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    from assay.evaluate.release.verify import verify

    assert finished.certificate is not None
    assert [claim.name for claim in verify(finished.certificate) if claim.ok is False] == []
    store = shutil.copytree(finished.certificate.parent.parent, tmp_path / "runs")
    [items] = store.glob("evaluate-*/items.parquet")
    table = pq.read_table(items)
    scores = [1.0 - score for score in table["score"].to_pylist()]
    pq.write_table(table.set_column(table.schema.get_field_index("score"), "score", [scores]), items)
    moved = store / finished.certificate.parent.name / "certificate.json"
    assert "items" in [claim.name for claim in verify(moved) if claim.ok is False]


def test_text_of_records_is_inert_in_the_pages(finished: PipelineResult) -> None:
    pages = [finished.page, *(stage.path / "report.html" for stage in finished.stages if stage.stage == "curate")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<script>alert" not in text
        assert "829348951" not in text or "{{ 7919 * 104729 }}" in text


def test_redacted_reports_hold_no_text_of_records(project: Path, tmp_path: Path) -> None:
    result = run(project / "assay.yaml", overrides=(f"store={tmp_path}",), redact=True)
    reports = [result.page, *tmp_path.glob("runs/*/*.html"), *tmp_path.glob("runs/*/*.md")]
    reports += [path for path in tmp_path.glob("runs/*/*.json") if path.name != "evaluation.json"]
    assert len(reports) >= 6
    assert [path.name for path in reports if CANARY in path.read_text(encoding="utf-8")] == []


def test_a_killed_pipeline_goes_on_where_it_was(project: Path, tmp_path: Path) -> None:
    overrides = (f"store={tmp_path}",)
    until = run(project / "assay.yaml", overrides=overrides, last="train")
    assert until.decision is None and until.page.is_file()
    whole = run(project / "assay.yaml", overrides=overrides)
    assert [stage.reused for stage in whole.stages] == [True, True, False, False]


def test_the_adapter_leads_back_to_its_data_and_forward_to_its_verdict(finished: PipelineResult) -> None:
    assert finished.adapter is not None
    found = lineage(finished.adapter, RunStore(finished.certificate.parent.parent.parent))  # type: ignore[union-attr]
    assert [step.manifest.stage for step in found.back] == ["train", "curate"]
    assert {manifest.stage for manifest in found.forward} == {"evaluate", "gate"}


@pytest.mark.parametrize(
    ("override", "error", "says"),
    [
        ("train.lora_rank_=8", SettingsError, "lora_r"),
        ("gate.policy=nowhere.yaml", SettingsError, "nowhere.yaml"),
        ("evaluate.suites=[nowhere.yaml]", (SuiteError, SettingsError), "nowhere.yaml"),
        ("evaluate.include_path=nowhere", SuiteError, "nowhere"),
        ("evaluate.include_path=[tasks, again]", SuiteError, r"again/opposites.yaml: defines .* as .*tasks/opposites"),
        ("gate.previous=nowhere", SettingsError, "nowhere"),
    ],
)
def test_what_cannot_be_meant_is_met_before_anything_runs(
    project: Path, tmp_path: Path, override: str, error: type[Exception], says: str
) -> None:
    shutil.copytree(project / "tasks", project / "again", dirs_exist_ok=True)
    with pytest.raises(error, match=says):
        run(project / "assay.yaml", overrides=(override, f"store={tmp_path / 'store'}"))
    assert not (tmp_path / "store").exists()


def test_a_policy_that_requires_an_unknown_suite_is_met_before_anything_runs(project: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.replace("colours", "colors"))
    with pytest.raises(SettingsError, match=r"colors.*did you mean 'colours'"):
        run(project / "assay.yaml", overrides=(f"gate.policy={policy}", f"store={tmp_path / 'store'}"))
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("scorer", "more", "words"),
    [
        (
            "tool_call",
            {"tools": [{"function": {"name": "paint"}}], "reference": []},
            r"does not show the declared tools \(paint\)",
        ),
        ("code_run", {"tests": "assert x"}, "runs code that a model wrote, which was not allowed"),
        ("quoted_facts", {}, "12 items without 'source'"),
        ("numeric_", {}, "did you mean 'numeric'"),
    ],
)
def test_a_suite_that_cannot_be_put_to_the_model_is_met_before_anything_runs(
    project: Path, tmp_path: Path, scorer: str, more: dict[str, object], words: str
) -> None:
    folder = shutil.copytree(project, tmp_path / "project", ignore=shutil.ignore_patterns(".assay"))
    items = [{"id": n, "prompt": f"Cube {n}?", "reference": "x = 1", **more} for n in range(12)]
    write_lines(folder / "items.jsonl", items)
    (folder / "suite.yaml").write_text(SUITE.replace("scorer: contains", f"scorer: {scorer}"))
    with pytest.raises(InputError, match=words):
        run(folder / "assay.yaml")
    assert not (folder / ".assay").exists() or not RunStore(folder / ".assay").manifests()
