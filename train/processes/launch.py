"""Settings of `accelerate launch` for several devices, and the command that starts them.

Data parallel: each device holds the whole model. Sharded (FSDP, or DeepSpeed's ZeRO 3): each holds a share of it, for
models that no single card has room for. ZeRO 2 shares out gradients and optimiser alone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from assay.errors import SettingsError

from . import sharding, zero
from .strategy import Sharing

if TYPE_CHECKING:
    from ..recipe import Hardware
    from ..settings import TrainSettings

SECONDS_TO_SAY_WHY = 30.0
Strategy = Literal["ddp", "fsdp", "deepspeed"]
ZERO_STAGE = 3


@dataclass(frozen=True)
class Launch:
    """dtype as torch names it; on_gpu says what the devices are; load_in_4bit whether the base is quantised.

    zero_stage  of DeepSpeed alone: 3 shares out the model, and 2 gradients and optimiser; None is 3
    """

    strategy: Strategy
    processes: int
    dtype: str
    on_gpu: bool
    load_in_4bit: bool = False
    zero_stage: int | None = None

    def __post_init__(self) -> None:
        if self.processes < 2:
            raise SettingsError(f"--processes {self.processes} is no group", fix="2 or more, or leave it out")
        if self.zero_stage is not None and self.strategy != "deepspeed":
            raise SettingsError(
                f"--zero-stage {self.zero_stage} is of DeepSpeed, and --strategy is {self.strategy}",
                fix="--strategy deepspeed, or leave it out",
            )

    @property
    def stage(self) -> int:
        return self.zero_stage or ZERO_STAGE

    @property
    def sharing(self) -> Sharing:
        """What each process will be told."""
        if self.strategy == "deepspeed":
            return Sharing("deepspeed", self.stage, self.processes)
        return Sharing("fsdp" if self.strategy == "fsdp" else "", 0, self.processes)

    @property
    def environment(self) -> dict[str, str]:
        """What says so to each of them."""
        if self.strategy == "deepspeed":
            return zero.environment(self.stage, on_gpu=self.on_gpu)
        return sharding.environment() if self.strategy == "fsdp" else {}


def check_devices(launch: Launch, settings: TrainSettings, hardware: Hardware) -> None:
    """Raises SettingsError where there is no device for each process."""
    if not hardware.is_gpu:
        return
    import torch

    if settings.device not in ("auto", "cuda"):
        raise SettingsError(
            f"device: {settings.device} is one GPU, and --processes {launch.processes} takes one for each",
            fix="leave device out; CUDA_VISIBLE_DEVICES chooses among GPUs",
        )
    if launch.processes > torch.cuda.device_count():
        raise SettingsError(
            f"--processes {launch.processes} takes a GPU for each, and there are {torch.cuda.device_count()}",
            fix="fewer processes, or device=cpu",
        )


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
        config["fsdp_config"] = dict(sharding.SETTINGS)
    if launch.strategy == "deepspeed":
        config["deepspeed_config"] = zero.config(launch.stage)
    return config


def write_config(launch: Launch, path: Path) -> None:
    """Raises StorageError."""
    import yaml

    from assay.storage import write_text

    lines = [f"# {_described(launch)}: {by_hand(launch, path)}\n"]
    if launch.strategy == "fsdp" and launch.load_in_4bit:
        lines.append(
            f"# the 4-bit base is stored as {launch.dtype} (bnb_4bit_quant_storage): FSDP shares out no integers\n"
        )
    write_text(path, "".join(lines) + yaml.safe_dump(accelerate_config(launch), sort_keys=False))


def _described(launch: Launch) -> str:
    if launch.strategy == "deepspeed":
        return zero.STAGES[launch.stage]
    shared = "a share of the model on each device (PyTorch FSDP2)"
    return shared if launch.strategy == "fsdp" else "the whole model on each device"


def by_hand(launch: Launch, config: Path) -> str:
    """The command for those who start it themselves. On CPUs `accelerate launch` would need MPI."""
    if not launch.on_gpu:
        needed = (sharding.ENABLED, zero.ENABLED, zero.STAGE)
        told = "".join(f"{name}={value} " for name, value in launch.environment.items() if name in needed)
        return f"{told}torchrun --nproc_per_node {launch.processes} -m assay train ..."
    return f"accelerate launch --config_file {config} -m assay train ..."


def start(launch: Launch, arguments: Sequence[str]) -> int:
    """Runs `assay` with these arguments in every process of the group; the exit code of the first that failed.

    They are started here, so that an error is one line, with what `accelerate launch` would tell them.
    """
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
        **launch.environment,
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
