"""The device that would train here, and what of its memory is free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.errors import SettingsError

from ..recipe import Hardware, find_hardware
from ..settings import TrainSettings

IMPORTS = 650 * 2**20
"""Resident after torch, transformers, PEFT, TRL and the rest are imported, on a CPU. Measured: 600 to 640 MB."""


@dataclass(frozen=True)
class Machine:
    """available in bytes: of the GPU's memory, or of the RAM; imports: what the libraries take of it first."""

    hardware: Hardware
    name: str
    available: int
    imports: int


def this_machine(settings: TrainSettings) -> Machine | None:
    """None where torch is not installed, the free memory cannot be told, or a GPU is asked for that is not here: then
    it is another machine that is planned for. Raises SettingsError for a device that there is not."""
    if is_elsewhere(settings.device):
        return None
    try:
        hardware = find_hardware(settings)
    except ImportError:
        return None
    if hardware.is_gpu:
        import torch

        free, _ = torch.cuda.mem_get_info(hardware.device)
        return Machine(hardware, torch.cuda.get_device_name(hardware.device), free, 0)
    free_ram = _available_ram()
    return None if free_ram is None else Machine(hardware, f"this machine's {hardware.device}", free_ram, IMPORTS)


def is_elsewhere(device: str) -> bool:
    """A GPU that this machine does not have, as for a run on a rented one."""
    try:
        import torch
    except ImportError:
        return False
    if device.startswith("cuda"):
        return not torch.cuda.is_available()
    return device == "mps" and not torch.backends.mps.is_available()


def limited(machine: Machine | None, gigabytes: float, settings: TrainSettings) -> Machine:
    """As if only so much memory were free. Raises SettingsError."""
    if not gigabytes > 0:
        raise SettingsError(f"--memory is {gigabytes}, but should be above 0")
    if machine is None:
        machine = Machine(Hardware("cpu", computes_bf16=False), "this machine's cpu", 0, IMPORTS)
    return Machine(machine.hardware, machine.name, round(gigabytes * 1e9), machine.imports)


def _available_ram() -> int | None:
    """MemAvailable: what can be had without swapping (proc(5)); a control group's limit where it is lower."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return found
    if limit.isdigit() and found is not None:
        found = min(found, int(limit) - used)
    return found
