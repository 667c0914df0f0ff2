"""Two processes that train by DeepSpeed, on its CPU accelerator, against one that trains by itself.

ASSAY_DEEPSPEED_PYTHON names a Python that has assay, torch, accelerate and deepspeed (`DS_BUILD_OPS=0 pip install
deepspeed`), where this one has no deepspeed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.train.processes.launch import Launch, write_config
from tests.train.processes.conftest import at_checkpoint, command, losses, place, processes_of, second_process, weights

__all__ = ["place"]

PYTHON = os.environ.get("ASSAY_DEEPSPEED_PYTHON") or sys.executable
pytestmark = pytest.mark.skipif(
    "ASSAY_DEEPSPEED_PYTHON" not in os.environ and importlib.util.find_spec("deepspeed") is None,
    reason="needs deepspeed (set ASSAY_DEEPSPEED_PYTHON to a Python that has it)",
)

DRIVER = """
import json, os, sys, yaml
os.environ.update(DS_ACCELERATOR="cpu", RANK="0", WORLD_SIZE="1", LOCAL_RANK="0", MASTER_ADDR="127.0.0.1",
                  MASTER_PORT="29677")
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils.launch import prepare_deepspeed_cmd_env
arguments = launch_command_parser().parse_args(["--config_file", sys.argv[1], "x.py"])
arguments, *_ = _validate_launch_command(arguments)
arguments.deepspeed_fields_from_accelerate_config = ",".join(yaml.safe_load(open(sys.argv[1]))["deepspeed_config"])
_, told = prepare_deepspeed_cmd_env(arguments)
os.environ.update({name: value for name, value in told.items() if name.startswith("ACCELERATE")})
from trl import SFTConfig
arguments = SFTConfig(output_dir="out", per_device_train_batch_size=3, gradient_accumulation_steps=2, max_grad_norm=0.5,
                      use_cpu=True, report_to="none")
from transformers.integrations.deepspeed import HfTrainerDeepSpeedConfig
config = HfTrainerDeepSpeedConfig(arguments.deepspeed_plugin.deepspeed_config)
config.trainer_config_process(arguments)
from deepspeed.runtime.config import DeepSpeedConfig
read = DeepSpeedConfig(config.config)
print(json.dumps([config.mismatches, read.zero_optimization_stage, read.zero_config.gather_16bit_weights_on_model_save,
                  read.gradient_accumulation_steps, read.gradient_clipping, read.train_micro_batch_size_per_gpu]))
"""

LORA = ("train.load_in_4bit=false",)
BFLOAT16 = ("train.load_in_4bit=false", "train.dtype=bfloat16")
QLORA_BFLOAT16 = ("train.dtype=bfloat16",)


@pytest.fixture(scope="module")
def alone(place: Path) -> Callable[..., Path]:
    """The folder of one process with these settings, trained once."""
    made: dict[tuple[str, ...], Path] = {}

    def train(*settings: str) -> Path:
        if settings not in made:
            folder = f"alone-{len(made)}"
            run(place, command(folder, *settings))
            made[settings] = place / folder
        return made[settings]

    return train


def run(place: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(by(arguments), cwd=place, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def by(arguments: list[str]) -> list[str]:
    return [PYTHON, *arguments[1:]]


def start(place: Path, arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(by(arguments), cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def deepspeed(out: str, stage: int, *settings: str) -> list[str]:
    return command(out, *settings, "--processes", "2", "--strategy", "deepspeed", "--zero-stage", str(stage))


def adapter_of(checkpoint: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(checkpoint / "adapter_model.safetensors"))


def same(ours: Path, theirs: Path, *, loss: float, weight: float) -> None:
    """Losses of every step and evaluation, and every number of the adapter."""
    assert losses(ours) == pytest.approx(losses(theirs), abs=loss)
    same_adapter(ours, theirs, weight)


def same_adapter(ours: Path, theirs: Path, weight: float) -> None:
    mine, yours = weights(ours), weights(theirs)
    assert {name: (tensor.shape, tensor.dtype) for name, tensor in mine.items()} == {
        name: (tensor.shape, tensor.dtype) for name, tensor in yours.items()
    }
    for name, tensor in mine.items():
        assert (tensor - yours[name]).abs().max() < weight, name


@pytest.mark.parametrize("stage", [2, 3])
def test_deepspeeds_own_config_class_reads_what_is_written(tmp_path: Path, stage: int) -> None:
    write_config(Launch("deepspeed", 4, "float32", on_gpu=True, zero_stage=stage), tmp_path / "a.yaml")
    (tmp_path / "driver.py").write_text(DRIVER)
    done = subprocess.run([PYTHON, "driver.py", "a.yaml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [[], stage, stage == 3, 2, 0.5, 3]


@pytest.mark.parametrize("stage", [2, 3])
@pytest.mark.parametrize("settings", [(), LORA], ids=["qlora", "lora"])
def test_a_run_that_was_killed_ends_as_one_process_does_with_the_adapter_whole(
    place: Path, alone: Callable[..., Path], stage: int, settings: tuple[str, ...]
) -> None:
    out = f"killed-{stage}-{len(settings)}"
    whole = {name: tuple(tensor.shape) for name, tensor in weights(alone(*settings)).items()}
    arguments = deepspeed(out, stage, *settings)
    running = start(place, arguments)
    checkpoint = at_checkpoint(place, out, running)
    assert {name: tuple(tensor.shape) for name, tensor in adapter_of(checkpoint).items()} == whole
    os.kill(second_process(running.pid), signal.SIGKILL)
    said, _ = running.communicate(timeout=300)
    assert running.returncode != 0
    assert f"a share of {'the model' if stage == 3 else 'gradients and optimiser'} in each process" in said
    assert processes_of(running.pid) == [], said
    again = run(place, arguments)
    assert "going on from step" in again.stderr
    same(place / out, alone(*settings), loss=1e-5, weight=1e-4)


@pytest.mark.parametrize("stage", [2, 3])
@pytest.mark.parametrize("settings", [BFLOAT16, QLORA_BFLOAT16], ids=["lora", "qlora"])
def test_in_bfloat16_two_processes_have_the_numbers_of_two_that_share_nothing(
    place: Path, alone: Callable[..., Path], stage: int, settings: tuple[str, ...]
) -> None:
    """The validation loss too, which transformers takes past DeepSpeed's engine; and the adapter stays in float32.

    Stage 3 adds gradients up in another order: a weight that differs in its last digit may round to another bfloat16.
    """
    loss, weight = (1e-5, 1e-5) if stage == 2 else (0.02, 0.01)
    out = f"half-{stage}-{len(settings)}"
    run(place, deepspeed(out, stage, *settings))
    same(place / out, alone(*settings, "--processes", "2"), loss=loss, weight=weight)


def test_after_an_evaluation_weights_that_are_on_their_way_are_no_obstacle(
    place: Path, alone: Callable[..., Path]
) -> None:
    """Of a model of eight layers some are fetched ahead, for a forward pass that does not come."""
    from transformers import AutoConfig, LlamaForCausalLM

    shutil.copytree(place / "model", place / "deep")
    config = AutoConfig.from_pretrained(place / "model")
    config.num_hidden_layers = 8
    LlamaForCausalLM(config).save_pretrained(place / "deep")
    settings = ("--model", "deep", *LORA, "train.num_train_epochs=0.85", "train.eval_steps=2")
    run(place, deepspeed("ahead", 3, *settings))
    same(place / "ahead", alone(*settings), loss=1e-4, weight=1e-3)


def test_of_three_checkpoints_the_best_is_kept_whole(place: Path, alone: Callable[..., Path]) -> None:
    """At this rate the validation loss is lowest in the middle, so that the end is not what is saved.

    What comes after it goes apart: one step multiplies a difference of the last digit.
    """
    settings = (*LORA, "train.learning_rate=0.1", "train.num_train_epochs=1.6")
    done = run(place, [*deepspeed("best", 3, *settings), "--json"])
    told = json.loads(done.stdout)
    assert told["best_step"] < told["steps"]
    assert told["adapter"] == "best/adapter"
    assert "DeepSpeed" not in done.stderr and "Warning" not in done.stderr, done.stderr
    same_adapter(place / "best", alone(*settings), weight=1e-3)


def test_ctrl_c_says_from_where_it_can_go_on(place: Path, alone: Callable[..., Path]) -> None:
    arguments = deepspeed("stopped", 3)
    running = subprocess.Popen(
        by(arguments), cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    at_checkpoint(place, "stopped", running)
    os.killpg(running.pid, signal.SIGINT)
    said, _ = running.communicate(timeout=300)
    assert "the same command goes on from step" in said and "Traceback" not in said, said
    run(place, arguments)
    same(place / "stopped", alone(), loss=1e-5, weight=1e-4)


def test_a_checkpoint_of_another_stage_or_number_of_processes_is_set_aside(place: Path) -> None:
    running = start(place, deepspeed("changed", 2))
    at_checkpoint(place, "changed", running)
    os.kill(second_process(running.pid), signal.SIGKILL)
    running.communicate(timeout=300)
    done = run(place, deepspeed("changed", 3))
    assert "is not used: it was saved by --strategy deepspeed --zero-stage 2 with 2 processes" in done.stderr
    assert "going on from step" not in done.stderr
