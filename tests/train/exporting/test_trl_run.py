"""`assay export trl` of a folder that `assay train` left: TRL's own script takes it, and trains two steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from assay.cli import main
from tests.train.conftest import COLOURS

TRAIN = ("train.load_in_4bit=false", "train.dtype=float32", "train.device=cpu", "train.num_train_epochs=1",
         "train.lora_r=12", "train.validation=0.2", "train.per_device_train_batch_size=2",
         "train.effective_batch_size=4")  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `assay train -o out` leaves."""
    monkeypatch.chdir(tmp_path)
    rows = [{"prompt": f"The {COLOURS[n % 6]} thing {n}?", "completion": COLOURS[n % 6]} for n in range(20)]
    Path("data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    call("train", "data.jsonl", "--model", str(model_folder), "-o", "out", "-q", *TRAIN)
    return Path("out")


def call(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    assert ended.value.code in (0, None)


def test_trls_own_script_trains_what_a_run_folder_says(
    run: Path, model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call("export", "trl", str(run), "-o", "trl/run.yaml", "--data", "data.jsonl")
    assert "next: (cd trl && trl sft --config run.yaml)" in capsys.readouterr().out
    recipe = json.loads((run / "recipe.json").read_text())
    settings = yaml.safe_load(Path("trl/run.yaml").read_text())
    same = ("lora_r", "lora_alpha", "learning_rate", "gradient_accumulation_steps", "seed", "eval_steps")
    assert {name: settings[name] for name in same} == {name: recipe[name] for name in same}
    rows = [json.loads(line) for line in Path("trl/run_data/train.jsonl").read_text().splitlines()]
    assert len(rows) == 16
    done = subprocess.run(
        [sys.executable, "-m", "trl.scripts.sft", "--config", "run.yaml", "--max_steps", "2"],
        cwd="trl", capture_output=True, text=True, timeout=300,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    config = json.loads(Path("trl/trl-out/adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (12, recipe["lora_alpha"])
    assert config["base_model_name_or_path"] == str(model_folder)
    states = sorted(Path("trl/trl-out").glob("checkpoint-*/trainer_state.json"))
    history = json.loads(states[-1].read_text())["log_history"]
    assert max(line["step"] for line in history) == 2
    assert _trained_tensors(Path("trl/trl-out")) > 0


def _trained_tensors(folder: Path) -> int:
    """Matrices B that are no longer zero."""
    from safetensors.torch import load_file

    tensors = load_file(folder / "adapter_model.safetensors")
    return sum(bool(tensor.any()) for name, tensor in tensors.items() if ".lora_B." in name)


def test_a_version_of_the_registry_is_described_by_its_run_in_the_store(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call("adapters", "add", "colours", "out/adapter")
    capsys.readouterr()
    call("export", "trl", "colours:1", "-o", "again/run.yaml", "--data", "data.jsonl")
    written = yaml.safe_load(Path("again/run.yaml").read_text())
    assert written["lora_r"] == 12
    assert len(Path("again/run_data/train.jsonl").read_text().splitlines()) == 16
