"""`assay train` from the shell: a curated folder or raw files, one JSON document, a dry run, one line for an error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from assay.cli import VERBS, main
from assay.train.command import train as command

COLOURS = ("red", "green", "blue", "amber")
FAST = ("train.load_in_4bit=false", "train.dtype=float32", "train.device=cpu", "train.num_train_epochs=1")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [{"prompt": f"The {COLOURS[n % 4]} thing {n}?", "completion": COLOURS[n % 4]} for n in range(40)]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def without_weights(model_folder: Path, tmp_path: Path) -> Path:
    """The tiny model without its weights: whatever needs them fails."""
    folder = tmp_path / "light"
    shutil.copytree(model_folder, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    return folder


def test_its_short_help_is_the_one_of_assay_help() -> None:
    assert command.get_short_help_str() == VERBS["train"].help


def test_raw_data_trains_and_json_is_one_document(
    data: Path, model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("train", "data.jsonl", "--model", str(model_folder), "-o", "out", "--json", *FAST)
    code, out, err = run(capsys, *arguments)
    result = json.loads(out)
    assert code == 0
    assert (result["adapter"], result["steps"]) == ("out/adapter", 3)
    assert result["counts"] == {"read": 40, "kept": 40, "repaired": 0, "dropped": 0, "held": 0}
    assert result["recipe"]["grounds"]["num_train_epochs"] == "given"
    assert "the data has no split: 4 of 40 records, in whole families, validate" in err
    assert "step 3/3  loss" in err
    files = {path.name for path in Path("out").iterdir()}
    assert {"adapter", "curve.png", "curve.svg", "ledger.parquet", "log.jsonl", "recipe.json"} <= files
    assert not files & {"manifest.json", "checkpoints"}

    code, again, err = run(capsys, *arguments)
    assert "not trained again" in err
    assert json.loads(again) == result

    code, lineage, _ = run(capsys, "lineage", "out/adapter")
    assert code == 0
    assert result["run"] in lineage


def test_what_curate_wrote_trains_and_curate_is_its_parent(
    data: Path, model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(capsys, "curate", "data.jsonl", "--model", str(model_folder), "-o", "clean", "--json")
    curated = json.loads(out)["run"]
    code, out, _ = run(capsys, "train", "clean", "--model", str(model_folder), *FAST)
    assert code == 0
    assert "rows read =" in out and "assay evaluate --model" in out
    manifests = [json.loads(path.read_text()) for path in Path(".assay/runs").glob("train-*/manifest.json")]
    assert [manifest["parents"] for manifest in manifests] == [[curated]]
    assert [manifest["outcome"] for manifest in manifests] == ["done"]
    assert manifests[0]["facts"]["recipe"]["lora_r"] == 16


def test_a_dry_run_shows_what_would_train_and_needs_no_weights(
    data: Path, without_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("train", "data.jsonl", "--model", str(without_weights), "--dry-run", "train.lora_r=4")
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert "36 records train, 4 validate" in out
    assert "lora_r                       4" in out
    assert "[[red<|im_end|>]]" in out
    code, out, _ = run(capsys, *arguments, "--json")
    shown: dict[str, Any] = json.loads(out)
    assert shown["steps"] == 5
    assert [part["trained"] for part in shown["examples"][0]["parts"]] == [False, True, False]
    assert len(shown["examples"]) == 3
    assert shown["trained_tokens"] < shown["tokens"]
    assert not Path(".assay").exists()
    _, out, _ = run(capsys, *arguments, "--redact")
    assert "red" not in out.partition("recipe")[2]


def test_one_record_is_drawn_by_its_place_and_nothing_else_happens(
    data: Path, without_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("train", "data.jsonl", "--model", str(without_weights), "--show-mask")
    code, out, _ = run(capsys, *arguments, "data.jsonl:2")
    assert code == 0
    assert "[[green<|im_end|>]]" in out and "data.jsonl:2" in out and "36 records train" not in out
    code, out, _ = run(capsys, *arguments, "data.jsonl:2", "--json")
    (drawn,) = json.loads(out)["records"]
    assert drawn["stop"] == "<|im_end|>" and drawn["parts"][1] == {"text": "green<|im_end|>", "trained": True}
    code, _, err = run(capsys, *arguments, "data.jsonl:99")
    assert code == 2 and "--show-mask: there is no record data.jsonl:99" in err
    code, _, err = run(capsys, *arguments, "data.jsonl:2", "--redact")
    assert code == 2 and "--redact keeps back" in err


def test_data_curated_for_another_template_is_refused(
    data: Path, without_weights: Path, model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "curate", "data.jsonl", "--model", str(without_weights), "-o", "clean", "--json")
    other = tmp_path / "other"
    shutil.copytree(without_weights, other)
    template = other / "chat_template.jinja"
    own = template.read_text()
    template.write_text(own.replace("<|im_end|>\n", "<|im_end|>"))
    assert template.read_text() != own
    code, _, err = run(capsys, "train", "clean", "--model", str(other), "--dry-run")
    assert code == 1
    assert "the data was curated for the chat template of" in err.splitlines()[-1]


def test_a_run_of_a_settings_file_alone_knows_its_data_and_keeps_what_it_showed(
    data: Path, model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "curate", "data.jsonl", "--model", str(model_folder), "-o", "clean", "--json")
    (tmp_path / "project").mkdir()
    Path("project/mine.yaml").write_text(
        f"model_name_or_path: {model_folder}\ndata: [{{path: ../clean}}]\nstore: ../.assay\n"
    )
    settings = ("train", "-c", "project/mine.yaml", *FAST, "train.samples=1", "-o", "out")
    code, _, err = run(capsys, *settings, "--redact")
    assert code == 0, err
    (trained,) = Path(".assay/runs").glob("train-*/manifest.json")
    (curated,) = Path(".assay/runs").glob("curate-*")
    assert json.loads(trained.read_text())["parents"] == [curated.name]
    examples = json.loads((trained.parent / "examples.json").read_text())["examples"]
    assert len(examples) == 3
    assert {part["text"] for example in examples for part in example["parts"]} == {None}
    assert not {"examples.json", "samples.jsonl"} & {path.name for path in Path("out").iterdir()}


def test_the_data_and_settings_of_assay_yaml_are_used(
    data: Path, without_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("assay.yaml").write_text(
        f"model_name_or_path: {without_weights}\ndata: [{{path: data.jsonl}}]\ntrain: {{lora_r: 2, validation: 0.25}}\n"
    )
    code, out, _ = run(capsys, "train", "--dry-run", "--json", "--seed", "3")
    shown = json.loads(out)
    assert code == 0
    assert (shown["recipe"]["lora_r"], shown["recipe"]["seed"]) == (2, 3)
    assert shown["records"] == {"train": 30, "validation": 10}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("missing.jsonl",), 2, "missing.jsonl: no such file or folder"),
        ((), 2, "no data was named"),
        (("data.jsonl", "train.lora_rr=8"), 2, "did you mean 'lora_r'?"),
        (("data.jsonl", "train.preset=domian"), 2, "did you mean 'domain'?"),
        (("data.jsonl", "train.max_length=12"), 1, "40 records are longer than 12 tokens"),
        (("data.jsonl", "train.pad_token=<|im_end|>"), 2, "never learns to stop; leave pad_token out; '<|pad|>'"),
        (("empty.jsonl",), 2, "empty.jsonl"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    arguments: tuple[str, ...], code: int, says: str, data: Path, without_weights: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    Path("empty.jsonl").write_text("")
    got, out, err = run(capsys, "train", *arguments, "--model", str(without_weights))
    last = err.strip().splitlines()[-1]
    assert (got, out) == (code, "")
    assert last.startswith("assay: ") and says in last
    assert "Traceback" not in err


def test_no_model_is_one_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "train", "data.jsonl")
    assert code == 2
    assert "no model was named; add --model" in err


def test_modules_that_are_not_there_are_named(
    data: Path, model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(
        capsys, "train", "data.jsonl", "--model", str(model_folder), *FAST, "train.lora_target_modules=[q_prj]"
    )
    assert code == 2
    assert "no linear module matches 'q_prj'; did you mean 'q_proj'?" in err
