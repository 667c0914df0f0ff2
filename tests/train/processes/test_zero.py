"""What is written and told for DeepSpeed is what accelerate reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.train.processes import zero
from assay.train.processes.launch import Launch, write_config


@pytest.mark.parametrize("stage", [2, 3])
def test_what_accelerates_launcher_would_tell_the_processes_is_what_ours_does(tmp_path: Path, stage: int) -> None:
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils.launch import prepare_deepspeed_cmd_env

    launch = Launch("deepspeed", 2, "float32", on_gpu=True, zero_stage=stage)
    write_config(launch, tmp_path / "accelerate.yaml")
    arguments = launch_command_parser().parse_args(["--config_file", str(tmp_path / "accelerate.yaml"), "x.py"])
    arguments, *_ = _validate_launch_command(arguments)
    arguments.deepspeed_fields_from_accelerate_config = ",".join(zero.config(stage))
    _, told = prepare_deepspeed_cmd_env(arguments)
    assert len(launch.environment) == len(zero.config(stage)) + 1
    assert {name: told[name].lower() for name in launch.environment} == launch.environment


def test_on_cpus_deepspeed_is_told_to_stay_there() -> None:
    assert Launch("deepspeed", 2, "float32", on_gpu=False).environment["DS_ACCELERATOR"] == "cpu"
    assert "DS_ACCELERATOR" not in Launch("deepspeed", 2, "float32", on_gpu=True).environment
