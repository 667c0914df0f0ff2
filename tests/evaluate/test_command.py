"""`assay evaluate` from a shell, and what `assay gate` and `assay verify` make of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from assay.evaluate.evaluation import ITEM_COLUMNS

Shell = Callable[..., tuple[int, str, str]]
CHOICES = [
    {"id": f"i{n}", "prompt": f"cat {n * 13}?", "reference": n % 2, "choices": ["yes", "no"], "cluster": f"c{n // 3}"}
    for n in range(24)
]
FREE = [{"id": f"f{n}", "prompt": f"say {n}", "reference": "e"} for n in range(9)]
FACTS = [{"id": f"t{n}", "question": f"the cat {n}", "choices": ["yes", "no"], "answer": n % 2} for n in range(12)]
POLICY = """
version: 1
suites:
  support: {role: domain, required: true}
  facts: {role: general, required: true}
"""


@pytest.fixture
def files(make_suite: Callable[..., Path], make_task: Callable[..., Path], tmp_path: Path) -> None:
    make_suite("support", CHOICES, scorer="multiple_choice")
    make_suite("free", FREE, scorer="contains", max_new_tokens=4)
    make_task("facts", FACTS)
    make_task("other", FACTS)
    (tmp_path / "policy.yaml").write_text(POLICY)


@pytest.fixture
def basic(files: None, tiny_model: Path, tiny_adapter: Path) -> list[str | Path]:
    return [
        "evaluate", "--model", tiny_model, "--adapter", tiny_adapter, "--suite", "support.yaml",
        "--include-path", "tasks", "--tasks", "facts",
    ]  # fmt: skip


def test_json_is_one_document_with_scores_per_suite_and_model(shell: Shell, basic: list[Any], tmp_path: Path) -> None:
    code, out, err = shell(*basic, "--suite", "free.yaml", "-o", "out", "--json")
    document = json.loads(out)
    assert code == 0 and document["version"] == 1
    assert [(suite["suite"], suite["kind"]) for suite in document["suites"]] == [
        ("support", "suite"), ("free", "suite"), ("facts", "lm_eval"),
    ]  # fmt: skip
    for suite in document["suites"]:
        assert [score["model"] for score in suite["scores"]] == [
            "base", "candidate", "damaged", "slightly_damaged", "zero",
        ]  # fmt: skip
        for score in suite["scores"]:
            assert set(score) == {"model", "n", "score", "ci_low", "ci_high"}
            assert 0 <= score["ci_low"] <= score["score"] <= score["ci_high"] <= 1
    table = pq.read_table(document["items"])
    assert table.column_names == list(ITEM_COLUMNS) and table.num_rows == 3 * (24 + 9 + 12) + 6 + 2 + 3 + 20 + 9 + 12
    assert "evaluate: candidate facts 12/12" in err
    written = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert document == written | {"items": "out/items.parquet"}


def test_people_get_a_table_and_the_next_step(shell: Shell, basic: list[Any]) -> None:
    code, out, _ = shell(*basic, "-o", "out")
    assert code == 0 and "leaks: none" in out and "assay gate out" in out
    assert out.splitlines()[0].split() == ["suite", "n", "base", "candidate", "damaged"]


def test_a_second_run_is_not_run_again_and_gives_the_same(shell: Shell, basic: list[Any], tmp_path: Path) -> None:
    _, first, _ = shell(*basic, "--json")
    code, again, err = shell(*basic, "--json")
    assert code == 0 and again == first
    assert "unchanged, not run again" in err and "12/12" not in err
    (run,) = (tmp_path / ".assay" / "runs").iterdir()
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["outcome"] == "done" and manifest["parents"] == ["train-0"]
    assert {"items.parquet", "evaluation.json"} <= manifest["outputs"].keys()
    shell(*basic, "evaluate.seed=3")
    assert len(list((tmp_path / ".assay" / "runs").iterdir())) == 2


def test_settings_come_from_the_file_its_folder_overrides_and_options(
    shell: Shell, files: None, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "assay.yaml").write_text(
        f"version: 1\nmodel_name_or_path: {tiny_model}\n"
        "evaluate: {suites: [../support.yaml], include_path: ../tasks, tasks: [facts, other], limit: 5}\n"
    )
    config = ("--config", "below/assay.yaml", "--json", "-o", "out")

    def scored(*arguments: str) -> dict[str, int]:
        code, out, _ = shell("evaluate", *config, *arguments)
        assert code == 0
        return {suite["suite"]: suite["scores"][0]["n"] for suite in json.loads(out)["suites"]}

    assert scored() == {"support": 5, "facts": 5, "other": 5}
    assert scored("--tasks", "other", "--limit", "3") == {"support": 3, "other": 3}
    assert scored("evaluate.limit=4", "--suite", "free.yaml", "--tasks", "facts, other") == {
        "free": 4, "facts": 4, "other": 4,
    }  # fmt: skip


def test_task_folders_may_be_several_in_the_file_and_on_the_command_line(
    shell: Shell, files: None, tiny_model: Path, make_task: Callable[..., Path], tmp_path: Path
) -> None:
    """A folder of the user's own beside the bundled suites."""
    (tmp_path / "below").mkdir()
    Path(shutil.copytree("tasks", "mine"))
    for path in Path("mine").glob("*.yaml"):
        path.write_text(path.read_text().replace("task: ", "task: my_"))
    settings = "evaluate: {{suites: [], include_path: {}, limit: 3, tasks: [facts, my_facts, assay_facts]}}\n"
    head = f"version: 1\nmodel_name_or_path: {tiny_model}\n"
    (tmp_path / "below" / "assay.yaml").write_text(head + settings.format("[../tasks, bundled:small, ../mine]"))
    code, out, err = shell("evaluate", "--config", "below/assay.yaml", "--json", "-o", "out")
    found = json.loads(out) if code == 0 else err
    assert [suite["suite"] for suite in found["suites"]] == ["facts", "my_facts", "assay_facts"]
    recorded = found["settings"]["include_path"]
    assert [Path(path).name for path in recorded] == ["tasks", "small", "mine"] and recorded[0] == "../tasks"
    basic = ("evaluate", "--model", tiny_model, "--limit", "3", "--json", "-o", "out")
    code, out, _ = shell(*basic, "--include-path", "mine", "--include-path", "tasks", "--include-path", "tasks")
    assert code == 0 and {suite["suite"] for suite in json.loads(out)["suites"]} == {
        "facts", "other", "my_facts", "my_other",
    }  # fmt: skip
    Path(shutil.copytree("mine", "third"))
    code, out, err = shell(*basic, "--include-path", "mine", "--include-path", "third")
    assert code == 2 and out == "" and err.splitlines()[-1].startswith("assay: ")
    assert "third/facts.yaml: defines the task 'my_facts', as " in err and "mine/facts.yaml does" in err


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--include-path", "tasks", "--include-path", "none"], "no folder of task files"),
        (["--suite", "none.yaml"], "none.yaml"),
        (["--suite", "free.yaml", "--suite", "free.yaml"], "'free'"),
        (["--adapter", "none"], "none: is no folder, and no adapter is called 'none'"),
        (["--adapter", "tasks"], "no adapter_config.json"),
        (["--tasks", "fact"], "did you mean 'facts'"),
        (["--include-path", "none"], "no folder of task files"),
        (["--model", "./none"], "no such model folder"),
        (["--chat-template", "none.jinja"], "none.jinja"),
        (["evaluate.batch_token=9"], "batch_tokens"),
        (["evaluate.dtype=float8"], "float8"),
        (["support.yaml"], "--suite"),
        (["--config", "none.yaml"], "none.yaml"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    shell: Shell, basic: list[Any], arguments: list[str], match: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.evaluate.asking import task_loading

    monkeypatch.setattr(task_loading, "_index", lambda folder: task_loading._manager(folder, defaults=False))
    code, out, err = shell(*basic, *arguments)
    assert code == 2 and out == ""
    *notes, line = err.splitlines()
    assert line.startswith("assay: ") and match in line
    assert all(note.startswith(("note: ", "plan: ", "WARNING: ")) for note in notes), notes


def test_without_model_or_suite_it_says_what_to_give(shell: Shell, files: None, tiny_model: Path) -> None:
    assert shell("evaluate", "--suite", "support.yaml")[0::2] == (
        2, "assay: no model is named; give --model: a hub id, a folder, or smollm2-135m-instruct\n",
    )  # fmt: skip
    code, _, err = shell("evaluate", "--model", tiny_model)
    assert code == 2 and "nothing to score" in err.splitlines()[-1]


def test_no_path_of_this_machine_is_written(shell: Shell, basic: list[Any], tmp_path: Path, tiny_model: Path) -> None:
    shell(*basic, "-o", "out")
    shell("gate", "out", "-o", "release")
    for name in ("out/evaluation.json", "release/certificate.json", "release/decision.json", "release/gate.md"):
        text = (tmp_path / name).read_text()
        assert str(tmp_path) not in text and str(tiny_model) not in text, name
    paths = json.loads((tmp_path / "release" / "certificate.json").read_text())["paths"]
    assert (tmp_path / "release" / paths["adapter"] / "adapter_config.json").is_file()
    assert (tmp_path / "release" / paths["suites"]["facts"]).is_file()


class TestToTheCertificate:
    """evaluate, gate, verify on the tiny model: whatever the verdict, it verifies until something changes."""

    @pytest.fixture
    def released(self, shell: Shell, basic: list[Any], tmp_path: Path) -> Path:
        assert shell(*basic, "-o", "out")[0] == 0
        code, out, _ = shell("gate", "out", "-o", "release", "--json")
        assert code in (3, 4) and json.loads(out)["verdict"] in ("INVALID", "BLOCK", "INCONCLUSIVE")
        return tmp_path

    def claims(self, shell: Shell) -> tuple[int, dict[str, Any]]:
        code, out, _ = shell("verify", "release", "--json")
        return code, {claim["claim"]: claim["ok"] for claim in json.loads(out)["claims"]}

    def test_what_was_released_verifies(self, shell: Shell, released: Path) -> None:
        code, claims = self.claims(shell)
        assert code == 0
        for name in (
            "policy", "items", "evaluation", "adapter", "data of support", "data of facts", "identity",
            "scores of support", "scores of facts", "verdict", "numbers of the decision",
        ):  # fmt: skip
            assert claims[name] is True, name

    def test_an_answer_that_was_changed_is_found(self, shell: Shell, released: Path) -> None:
        path = released / "out" / "items.parquet"
        rows = pq.read_table(path).to_pylist()
        changed = next(row for row in rows if row["model"] == "candidate" and row["score"] == 0.0)
        changed["output"] = changed["reference"]
        pq.write_table(pq.read_table(path).from_pylist(rows, schema=pq.read_schema(path)), path)
        code, claims = self.claims(shell)
        assert code == 3 and claims["items"] is False
        assert claims[f"scores of {changed['suite']}"] is False
        _, out, _ = shell("verify", "release")
        assert "DIFFERS" in out

    def test_a_suite_that_was_changed_is_found(self, shell: Shell, released: Path) -> None:
        with (released / "support.jsonl").open("a") as file:
            file.write("\n")
        code, claims = self.claims(shell)
        assert code == 3 and claims["data of support"] is False and claims["data of facts"] is True

    def test_the_folder_may_move_as_a_whole(
        self, shell: Shell, released: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (released / "moved").mkdir()
        for name in ("out", "release"):
            (released / name).rename(released / "moved" / name)
        monkeypatch.chdir(released / "moved")
        code, claims = self.claims(shell)
        assert code == 0 and claims["items"] is True and claims["verdict"] is True


def test_nothing_but_its_own_lines_is_said(basic: list[Any], tmp_path: Path) -> None:
    """A process of its own: no progress bar, no warning of a library, on either stream."""
    arguments = [str(argument) for argument in basic]
    done = subprocess.run(
        [sys.executable, "-m", "assay.cli", *arguments, "--suite", "free.yaml", "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    json.loads(done.stdout)
    for line in done.stderr.splitlines():
        assert line.startswith(("note: the template of ", "note: cut off at their length", "plan: ", "evaluate: ")), (
            line
        )
    told = [line for line in done.stderr.splitlines() if not line.startswith("plan: ")]
    assert len(told) == 2 + 15 + 2


def test_training_data_of_an_adapter_from_elsewhere_makes_leaks_known(
    shell: Shell, basic: list[Any], tiny_adapter: Path, tmp_path: Path
) -> None:
    elsewhere = Path(shutil.copytree(tiny_adapter, tmp_path / "elsewhere"))
    (elsewhere / "assay.json").unlink()
    arguments = [elsewhere if argument == tiny_adapter else argument for argument in basic]
    _, out, err = shell(*arguments, "-o", "unknown")
    assert "leaks: UNKNOWN" in out and "--training-data names it" in err
    first = json.loads((tmp_path / "support.jsonl").read_text(encoding="utf-8").splitlines()[0])
    row = {"prompt": first["prompt"], "completion": "whatever"}
    (tmp_path / "training.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    _, out, err = shell(*arguments, "--training-data", "training.jsonl", "-o", "known", "--json")
    (leak,) = json.loads(out)["leaks"]
    assert leak["suite"] == "support" and leak["kind"] == "exact" and "so leaks are too" not in err
