"""The settings for DeepSpeed, as accelerate hands them on and as DeepSpeed's own config class reads them.

ASSAY_DEEPSPEED_PYTHON names a Python that has torch, accelerate and deepspeed (`DS_BUILD_OPS=0 pip install deepspeed`).
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.train.processes.launch import Launch, write_config

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
from accelerate.utils import DeepSpeedPlugin
config = dict(DeepSpeedPlugin().deepspeed_config)
config |= {"train_micro_batch_size_per_gpu": 1, "train_batch_size": config["gradient_accumulation_steps"]}
from deepspeed.runtime.config import DeepSpeedConfig
read = DeepSpeedConfig({name: value for name, value in config.items() if value != "auto"})
print(json.dumps([read.zero_optimization_stage, read.zero_config.gather_16bit_weights_on_model_save,
                  read.gradient_accumulation_steps]))
"""


def test_deepspeeds_own_config_class_reads_what_is_written(tmp_path: Path) -> None:
    python = os.environ.get("ASSAY_DEEPSPEED_PYTHON")
    if python is None and importlib.util.find_spec("deepspeed") is None:
        pytest.skip("needs deepspeed (set ASSAY_DEEPSPEED_PYTHON to a Python that has it)")
    write_config(Launch("deepspeed", 4, "float32", on_gpu=True, gradient_accumulation_steps=2), tmp_path / "a.yaml")
    (tmp_path / "driver.py").write_text(DRIVER)
    done = subprocess.run(
        [python or sys.executable, "driver.py", "a.yaml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [3, True, 2]
