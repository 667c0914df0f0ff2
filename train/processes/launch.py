"""Settings of `accelerate launch` for several devices, and the command that starts them.

Data parallel: each device holds the whole model. Sharded (FSDP, or DeepSpeed's ZeRO 3): each holds a share of it, for
models that no single card has room for.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assay.errors import SettingsError

from .sharding import ENABLED, SETTINGS, environment

SECONDS_TO_SAY_WHY = 30.0
Strategy = Literal["ddp", "fsdp", "deepspeed"]
STRATEGIES: Mapping[str, str] = {
    "ddp": "the whole model on each device",
    "fsdp": "a share of the model on each device (PyTorch FSDP2)",
    "deepspeed": "a share of the model on each device (DeepSpeed ZeRO 3)",
}


@dataclass(frozen=True)
class Launch:
    """dtype as torch names it; on_gpu says what the devices are; load_in_4bit whether the base is quantised."""

    strategy: Strategy
    processes: int
    dtype: str
    on_gpu: bool
    gradient_accumulation_steps: int = 1
    load_in_4bit: bool = False

    def __post_init__(self) -> None:
        if self.processes < 2:
            raise SettingsError(f"--processes {self.processes} is no group", fix="2 or more, or leave it out")
        if self.strategy == "deepspeed" and not self.on_gpu:
            raise SettingsError("DeepSpeed needs GPUs, and there are none", fix="--strategy ddp or fsdp")


def accelerate_config(launch: Launch) -> dict[str, Any]:
    """What `accelerate config` would write."""
    kinds = {"ddp": "MULTI_GPU" if launch.on_gpu else "MULTI_CPU", "fsdp": "FSDP", "deepspeed": "DEEPSPEED"}
    precision = {"bfloat16": "bf16", "float16": "fp16"}.get(launch.dtype, "no")
    config: dict[str, Any] = {
        "compute_environment": "LOCAL_MACHINE",
        "debug": False,
        "distributed_type": kinds[launch.strategy],
        "machine_rank": 0,
        "main_training_function": "main",
        "mixed_precision": precision,
        "num_machines": 1,
        "num_processes": launch.processes,
        "rdzv_backend": "static",
        "same_network": True,
        "use_cpu": not launch.on_gpu,
    }
    if launch.strategy == "fsdp":
        config["fsdp_config"] = dict(SETTINGS)
    if launch.strategy == "deepspeed":
        config["deepspeed_config"] = _deepspeed(launch)
    return config


def _deepspeed(launch: Launch) -> dict[str, Any]:
    return {
        "zero_stage": 3,
        "zero3_init_flag": False,
        "zero3_save_16bit_model": True,
        "offload_optimizer_device": "none",
        "offload_param_device": "none",
        "gradient_accumulation_steps": launch.gradient_accumulation_steps,
    }


def write_config(launch: Launch, path: Path) -> None:
    """Raises StorageError."""
    import yaml

    from assay.storage import write_text

    lines = [f"# {STRATEGIES[launch.strategy]}: {by_hand(launch, path)}\n"]
    if launch.strategy == "fsdp" and launch.load_in_4bit:
        lines.append(
            f"# the 4-bit base is stored as {launch.dtype} (bnb_4bit_quant_storage): FSDP shares out no integers\n"
        )
    write_text(path, "".join(lines) + yaml.safe_dump(accelerate_config(launch), sort_keys=False))


def by_hand(launch: Launch, config: Path) -> str:
    """The command for those who start it themselves. On CPUs `accelerate launch` would need MPI."""
    if not launch.on_gpu:
        told = f"{ENABLED}=true " if launch.strategy == "fsdp" else ""
        return f"{told}torchrun --nproc_per_node {launch.processes} -m assay train ..."
    return f"accelerate launch --config_file {config} -m assay train ..."


def start(launch: Launch, config: Path, arguments: Sequence[str]) -> int:
    """Runs `assay` with these arguments in every process of the group; the exit code of the first that failed.

    They are started here, so that an error is one line; DeepSpeed's by `accelerate launch`, which reads more of the
    config than the environment tells.
    """
    if launch.strategy == "deepspeed":
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "accelerate.commands.launch",
                "--config_file",
                str(config),
                "-m",
                "assay",
                *arguments,
            ]
        )
        return min(done.returncode, 1) if done.returncode >= 0 else 1
    port = _free_port()
    running = [_spawn(launch, rank, port, arguments) for rank in range(launch.processes)]
    try:
        return _first_failure(running)
    except KeyboardInterrupt:
        for process in running:
            process.wait()  # each was told as well, and the first one says from where it can go on
        raise
    finally:
        for process in running:
            process.kill()


def _spawn(launch: Launch, rank: int, port: int, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    threads = max(1, (os.cpu_count() or 1) // launch.processes)
    told = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(launch.processes),
        "LOCAL_WORLD_SIZE": str(launch.processes),
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        **(environment() if launch.strategy == "fsdp" else {}),
    }
    given = {"OMP_NUM_THREADS": str(threads), **os.environ, **told}
    return subprocess.Popen(
        [sys.executable, "-m", "assay", *arguments],
        env=given,
        stdout=None if rank == 0 else subprocess.DEVNULL,
        stderr=None if rank == 0 else subprocess.DEVNULL,
    )


def _first_failure(running: Sequence[subprocess.Popen[bytes]]) -> int:
    """0 once all have ended well. Where one fails, the first process is given time to say why; then all are stopped."""
    while any(process.poll() is None for process in running):
        failed = [process for process in running if process.poll()]
        if failed:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running[0].wait(SECONDS_TO_SAY_WHY)
            return abs(int(running[0].returncode or failed[0].returncode))
        time.sleep(0.1)
    return next((abs(process.returncode) for process in running if process.returncode), 0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
