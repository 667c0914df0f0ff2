"""The audit on real data sets finds what is known to be wrong with them, through the commands that users type.

Numbers that name rows were read by eye; what SOURCE.md of a data set lists is said where it is tested.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from assay.chat import ChatTarget, load_target
from assay.cli import main
from assay.curate.check import CHECKS
from assay.curate.stage import Audited, audit, curate
from assay.errors import ModelError, SourceError
from assay.findings import Severity
from assay.models.embedded import DEFAULT_MODEL
from assay.sources import ReadSettings, read
from assay.text import normalize

COLUMNS = "prompt=text,answer=category"
Command = Callable[..., Any]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """command("audit", ...): the JSON that the command prints, run in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Any:
        with pytest.raises(SystemExit) as caught:
            main([*arguments, "--json"])
        output = capsys.readouterr()
        assert not caught.value.code, output.err
        return json.loads(output.out)

    return run


@pytest.fixture
def llamafactory(shared: Path) -> Path:
    return shared / "data" / "instruction" / "llamafactory"


@pytest.fixture
def banking(shared: Path) -> Path:
    return shared / "data" / "domain" / "banking77"


def rows_of(body: Any, check: str, severity: str | None = None) -> set[int]:
    found = [finding for finding in body["findings"] if finding["check"] == check]
    return {finding["source"]["row"] for finding in found if severity in (None, finding["severity"])}


def superfluous(body: Any, check: str) -> int:
    """Copies beyond the first of each group."""
    counts = body["summary"][check]
    return int(counts["records"] - counts["groups"])


def test_alpaca_has_fourteen_duplicates_and_answers_that_are_cut_off(command: Command, llamafactory: Path) -> None:
    """SOURCE.md: 14 exact duplicates, about 15 outputs that look cut off; ten are."""
    body = command("audit", str(llamafactory / "alpaca_en_demo.json"))
    assert body["records"] == 999
    assert superfluous(body, "exact_duplicate") == 14
    assert rows_of(body, "cut_off_answer") == {124, 179, 269, 345, 463, 558, 688, 730, 782, 898}
    assert rows_of(body, "unfilled_placeholder", "error") == {44}
    assert rows_of(body, "code_syntax") == {217}
    assert {"exact_duplicate", "cut_off_answer", "unfilled_placeholder"} <= set(body["summary"])
    assert not {"mojibake", "wrong_language", "prompt_echo", "arithmetic", "json_syntax"} & set(body["summary"])


def test_identity_has_its_placeholders_and_its_prompts_with_two_answers(command: Command, llamafactory: Path) -> None:
    """SOURCE.md: 85 of 91 outputs hold a placeholder; 2 prompts have different answers, one the same in other words."""
    body = command("audit", str(llamafactory / "identity.json"))
    assert len(rows_of(body, "unfilled_placeholder", "error")) == 85
    told = {"conflicting_answers", "reworded_answer"} & set(body["summary"])
    assert sum(body["summary"][name]["groups"] for name in told) == 2
    assert "contradiction" not in body["summary"]
    assert body["fit"]["verdict"] == "NOT_FIT"


def test_glaive_has_its_repeated_conversations(command: Command, llamafactory: Path) -> None:
    """SOURCE.md: 38 of 300 conversations repeat."""
    body = command("audit", str(llamafactory / "glaive_toolcall_en_demo.json"))
    assert 37 <= superfluous(body, "exact_duplicate") + superfluous(body, "near_duplicate") <= 45
    assert rows_of(body, "tool_call_schema") == {259}
    assert rows_of(body, "cut_off_answer") == {51, 243}


def write_suite(banking: Path, folder: Path) -> Path:
    """The test half as a domain suite: id, prompt, reference, and four lines of YAML."""
    with (banking / "test.csv").open(newline="") as source, (folder / "test.csv").open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["id", "prompt", "reference"])
        writer.writerows([n, row["text"], row["category"]] for n, row in enumerate(csv.DictReader(source)))
    path = folder / "banking77.yaml"
    path.write_text("version: 1\nname: banking77\ndata: test.csv\nscorer: {name: normalised_match}\n")
    return path


def leaked_rows(banking: Path) -> set[int]:
    """Training rows whose text is a test text, case and punctuation aside."""
    halves = []
    for name in ("train.csv", "test.csv"):
        with (banking / name).open(newline="") as file:
            halves.append([normalize(row["text"]) for row in csv.DictReader(file)])
    return {row for row, text in enumerate(halves[0]) if text in set(halves[1])}


def conflicting_rows(banking: Path) -> set[int]:
    """Training rows whose text, case and punctuation aside, stands there with another label too."""
    with (banking / "train.csv").open(newline="") as file:
        rows = [(normalize(row["text"]), row["category"]) for row in csv.DictReader(file)]
    labels: dict[str, set[str]] = {}
    for text, label in rows:
        labels.setdefault(text, set()).add(label)
    return {row for row, (text, _) in enumerate(rows) if len(labels[text]) > 1}


def test_banking77_is_audited_whole_and_quickly_with_its_leaks_and_conflicts(
    command: Command, banking: Path, tmp_path: Path
) -> None:
    """SOURCE.md: 25 overlaps and 2 texts with conflicting labels, one of them between the halves."""
    suite = write_suite(banking, tmp_path)
    started = time.perf_counter()
    body = command("audit", str(banking / "train.csv"), "--columns", COLUMNS, "--suite", str(suite))
    assert time.perf_counter() - started < 30
    assert (body["records"], body["read"]) == (10_003, 10_003)
    leaks = [finding for finding in body["findings"] if finding["check"] == "evaluation_leak"]
    assert {finding["source"]["row"] for finding in leaks} == leaked_rows(banking)
    assert len(leaks) == 26, "the 25, and 'isnt' for 'isn't'"
    assert len(conflicting_rows(banking)) == 2
    assert conflicting_rows(banking) <= rows_of(body, "contradiction")
    assert {finding["severity"] for finding in leaks} == {"error"}


def test_banking77_is_curated_without_its_leaks_and_conflicts(command: Command, banking: Path, tmp_path: Path) -> None:
    suite = write_suite(banking, tmp_path)
    train = str(banking / "train.csv")
    summary = command("curate", train, "--columns", COLUMNS, "--suite", str(suite), "-o", "out")
    assert summary["read"] == 10_003 == sum(summary[fate] for fate in ("kept", "repaired", "dropped", "held"))
    data = pq.read_table(tmp_path / "out" / "data.parquet")
    assert data.num_rows == summary["kept"] + summary["repaired"]
    assert not leaked_rows(banking) & set(data.column("source_row").to_pylist())
    fates = {row["row_id"]: row for row in pq.read_table(tmp_path / "out" / "ledger.parquet").to_pylist()}
    assert len(fates) == 10_003
    assert sum("evaluation_leak" in row["reasons"] for row in fates.values()) == 26
    conflicts = [row for row in fates.values() if "contradiction" in row["reasons"]]
    assert {row["fate"] for row in conflicts} == {"held"}
    assert conflicting_rows(banking) <= {row["source_row"] for row in conflicts}


def test_both_halves_of_banking77_hold_two_texts_with_conflicting_labels(command: Command, banking: Path) -> None:
    body = command("audit", str(banking / "train.csv"), str(banking / "test.csv"), "--columns", COLUMNS)
    assert body["records"] == 13_083
    same = {
        finding["source"]["row"]: finding["group"]
        for finding in body["findings"]
        if finding["check"] == "contradiction"
    }
    assert conflicting_rows(banking) <= same.keys()


def audited_files(shared: Path, target: ChatTarget | None) -> dict[str, Audited]:
    """Every file of the instruction data through `curate`, preference data for its chosen side."""
    folder = shared / "data" / "instruction"
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".json", ".jsonl") or path.name == "dataset_info.json":
            continue
        data = read([str(path)])
        if not len(data):
            data = read([str(path)], ReadSettings(preference=True))
        curated = curate(data, target=target)
        counts = curated.ledger.counts()
        assert counts["read"] == data.rows_read == sum(counts[fate] for fate in ("kept", "repaired", "dropped", "held"))
        assert len(curated.data) == counts["kept"] + counts["repaired"], path
        assert len(curated.held) == counts["held"], path
        assert "check_failed" not in curated.audited.summary, path
        found[str(path.relative_to(folder))] = curated.audited
    assert len(found) >= 25
    return found


def test_every_instruction_file_is_curated_with_every_row_accounted_for(shared: Path) -> None:
    found = audited_files(shared, None)
    toy = found["openai_cookbook_toy/toy_chat_fine_tuning.jsonl"].summary
    assert {"repetition", "over_long_answer", "role_order"} <= set(toy)
    assert found["t0_prompt_completion/glue_qqp_duplicate.jsonl"].summary["special_token_in_text"]["records"] == 200
    assert found["axolotl_fixtures/conversation.missingturns.json"].summary["empty_turn"]["records"] == 1


def test_every_instruction_file_is_judged_under_the_embedded_models_template(shared: Path) -> None:
    try:
        target = load_target(DEFAULT_MODEL)
    except ModelError as error:
        pytest.skip(f"the embedded model cannot be had here: {error}")
    found = audited_files(shared, target)
    judged_here = {
        name
        for name, check in CHECKS.all().items()
        if set(check.needs) <= {"target"} and not (check.reads or check.asks)
    }
    assert not any(result.not_judged.keys() & judged_here for result in found.values())
    tools = found["llamafactory/glaive_toolcall_en_demo.json"].summary
    assert tools["mask_coverage"]["records"] > 100, "SmolLM2's template drops tool calls"


def test_refusals_beside_answers_are_told_from_two_refusals(shared: Path) -> None:
    """XSTest's completions of two models, labelled by people: full compliance, full refusal, or partial."""
    labels: dict[str, list[str]] = {}
    rows = []
    for model in ("gpt4", "llama2orig"):
        path = shared / "data" / "pii_safety" / "xstest" / "model_completions" / f"xstest_v2_completions_{model}.csv"
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            for row in csv.DictReader(file):
                labels.setdefault(row["prompt"].strip(), []).append(row["final_label"][0])
                rows.append({"prompt": row["prompt"], "completion": row["completion"]})
    result = audit(rows)
    prompts = {record.row_id: (record.prompt[-1].content or "").strip() for record in result.data.records()}
    flagged = {prompts[finding.row_id] for finding in result.findings if finding.check == "contradiction"}
    differ = {prompt for prompt, given in labels.items() if sorted(given) == ["1", "2"]}
    alike = {prompt for prompt, given in labels.items() if len(given) == 2 and given[0] == given[1]}
    assert (len(differ), len(alike)) == (85, 301)
    assert len(flagged & differ) >= 45
    assert len(flagged & alike) <= 6


@pytest.mark.parametrize("name", ["ARC-Challenge", "openbookqa"])
def test_sound_questions_are_left_alone(shared: Path, name: str) -> None:
    path = shared / "data" / "general" / "llm_adapters_benchmarks" / name / "test.json"
    result = audit(read([str(path)]))
    assert {finding.check for finding in result.findings if finding.severity is Severity.ERROR} == set()
    dropped_or_held = {item.name for item in result.checks if item.decision in ("drop", "hold")}
    assert set(result.summary) & dropped_or_held <= {"near_duplicate", "edited_duplicate"}
    assert sum(result.summary.get(name, {"records": 0})["records"] for name in ("edited_duplicate",)) < 0.01 * len(
        result.data
    )


def test_a_file_of_another_kind_is_one_line(shared: Path) -> None:
    with pytest.raises(SourceError) as caught:
        read([str(shared / "data" / "instruction" / "fastchat" / "LICENSE")])
    assert "\n" not in str(caught.value)
