"""`assay plan` as a user types it: shapes, configs, folders, data, and what is refused in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from assay.cli import main

if TYPE_CHECKING:
    from tests.conftest import Guarded


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["plan", *arguments])
    shown = capsys.readouterr()
    return int(stopped.value.code or 0), shown.out, shown.err


@pytest.fixture
def records(tmp_path: Path) -> Path:
    path = tmp_path / "records.jsonl"
    rows = [{"prompt": f"{'very ' * (n % 5)}question {n}", "completion": "yes"} for n in range(20)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_shape_needs_neither_data_nor_model(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--shape", "llama-3.1-8b", "--records", "5000", "--tokens", "500")
    assert code == 0
    assert "8.03B parameters" in out and "QLoRA" in out and "rtx-4090" in out and "advice" in out
    assert max(len(line) for line in out.splitlines() if "because" not in line) <= 120


def test_records_longer_than_the_model_has_positions_are_advised_against(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--shape", "llama-2-7b", "--records", "50", "--tokens", "500", "--card", "l4")
    code, out, _ = run(capsys, *asked, "--longest", "5000")
    assert code == 0 and "plan for records of 4,096 tokens at most (--longest 4096)" in out
    assert "tokens at most" not in run(capsys, *asked, "--longest", "4096")[1]


def test_a_small_model_is_advised_a_higher_rate_and_small_numbers_are_not_rounded_to_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ("--shape", "smollm2-135m", "--records", "400", "--tokens", "60", "--card", "l4")
    _, out, _ = run(capsys, *asked)
    assert "try learning_rate: 0.0005 beside 0.0002" in out and "0.0M" not in out
    assert "try learning_rate" not in run(capsys, *asked, "train.learning_rate=0.001")[1]
    large = ("--shape", "llama-3.1-8b", "--records", "400", "--tokens", "60", "--card", "l4")
    assert "try learning_rate" not in run(capsys, *large)[1]


def test_json_is_one_document_whose_parts_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(
        capsys, "--shape", "qwen3-8b", "--records", "1000", "--tokens", "400", "--json", "--card", "a100-80gb"
    )
    found = json.loads(out)
    assert code == 0 and found["parameters"] == 8_190_735_360
    for peak in found["peaks"].values():
        parts = ("weights", "adapter", "gradients", "optimiser", "activations", "logits", "working", "allocator")
        assert peak["peak"] == sum(peak[part] for part in parts)
    (card,) = found["cards"]
    assert card["hours"][0] < card["hours"][1] and card["usd_total"][0] < card["usd_total"][1]


def test_a_model_folder_and_data_give_the_lengths_that_training_sees(
    capsys: pytest.CaptureFixture[str], model_folder: Path, records: Path
) -> None:
    code, out, _ = run(capsys, str(records), "--model", str(model_folder), "--json", "train.validation=0")
    found = json.loads(out)
    assert code == 0 and found["lengths"]["records"] == 20
    assert 0 < found["lengths"]["predicted"] < 0.5 and found["here"]["device"] == "cpu"


def test_no_weights_are_needed(capsys: pytest.CaptureFixture[str], model_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text((model_folder / "config.json").read_text())
    code, out, _ = run(capsys, "--model", str(path), "--records", "10", "--tokens", "50")
    assert code == 0 and "llama" in out


def test_a_base_without_a_template_is_planned_and_advised_against(
    capsys: pytest.CaptureFixture[str], model_folder: Path, records: Path, tmp_path: Path
) -> None:
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_text((model_folder / name).read_text())
    code, out, err = run(capsys, str(records), "--model", str(tmp_path))
    assert code == 0 and "instruct variant" in out and "no chat template" in out and "estimate" in err


def test_a_hub_id_out_of_reach_is_planned_by_its_known_shape_without_torch(guarded: Guarded) -> None:
    """`guarded` hides torch and refuses the network."""
    done = guarded.assay("plan", "--model", "Qwen/Qwen3-8B", "--records", "9", "--tokens", "9", "--offline")
    assert done.returncode == 0, done.stderr
    assert "8.19B parameters" in done.stdout and "list of" in done.stderr and not guarded.attempted


def test_a_hub_id_that_does_not_exist_is_said_with_the_sizes_that_do(guarded: Guarded) -> None:
    name = "meta-llama/Llama-3.1-13B-Instruct"
    done = guarded.assay("plan", "--model", name, "--records", "9", "--tokens", "9", "--offline")
    assert done.returncode == 2 and "comes in 8B, 70B, 405B" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shape", "llama-3.1-13b", "--records", "5", "--tokens", "5"], "llama-3.1 comes in 8B, 70B, 405B"),
        (["--records", "5", "--tokens", "5"], "no model was named"),
        (["--shape", "qwen3-8b"], "no data was named"),
        (["--shape", "qwen3-8b", "--records", "5"], "belong together"),
        (["--shape", "qwen3-8b", "--records", "5", "--tokens", "9", "--longest", "3"], "below the mean length"),
        (["--shape", "qwen3-8b", "--records", "5", "--tokens", "9", "--card", "rtx-9090"], "no card 'rtx-9090'"),
        (["--shape", "qwen3-8b", "--records", "5", "--tokens", "9", "--memory", "0"], "--memory is 0"),
        (["--model", "missing.json", "--records", "5", "--tokens", "9"], "cannot be read"),
        (["--shape", "phi-2", "--records", "5", "--tokens", "9", "train.lora_target_modules=[c_attn]"], "no linear"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_two(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert code == 2 and said in err and "Traceback" not in err and not out
    assert len([line for line in err.splitlines() if line.startswith("assay: ")]) == 1


def test_data_without_a_record_is_refused(
    capsys: pytest.CaptureFixture[str], model_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "none.jsonl").write_text("")
    code, _, err = run(capsys, str(tmp_path / "none.jsonl"), "--model", str(model_folder))
    assert code == 2 and "Traceback" not in err and err.count("\n") == 1


def test_a_vocabulary_smaller_than_the_tokenizer_is_refused(
    capsys: pytest.CaptureFixture[str], model_folder: Path, tmp_path: Path
) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_text((model_folder / name).read_text())
    config = json.loads((model_folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(
        json.dumps({**config, "vocab_size": 100, "eos_token_id": 5, "pad_token_id": 6})
    )
    code, _, err = run(capsys, "--model", str(tmp_path), "--records", "5", "--tokens", "9")
    assert code == 2 and "some have no embedding" in err


def test_the_weights_are_planned_as_what_they_are_and_not_as_their_config_says(
    model_folder: Path, tmp_path: Path
) -> None:
    """Random weights in float32, under a config that says float16: they are read beside what is made of them."""
    from assay.console import Options
    from assay.train.planning.inputs import Request, read_subject

    shutil.copytree(model_folder, tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "dtype": "float16"}))
    request = Request((), "auto", str(tmp_path / "model"), None, None, 9, 9, None)
    subject, _ = read_subject(request, Options(offline=True))
    assert subject.file_dtype == "float32"
