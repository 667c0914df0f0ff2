"""What a merge takes of memory and disk, said and looked for before it begins."""

from __future__ import annotations

import json
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import StorageError, TrainingError
from assay.models import load_config
from assay.suites.general import parameters_of

if TYPE_CHECKING:
    from assay.models import ModelRef

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
MERGED_IN = 4
"""Bytes of a weight while it is merged: float32."""

BESIDE = 2**29
"""Bytes of what is no weight: libraries, the logits of one answer, the largest layer twice."""

GB = 10**9


@dataclass(frozen=True)
class Need:
    """In bytes. memory: the base once, in float32, and what stands beside it. disk: the merged folder."""

    parameters: int
    memory: int
    disk: int

    @property
    def sentence(self) -> str:
        return (
            f"{self.parameters / 1e6:,.0f}M parameters: {self.memory / GB:.1f} GB of memory (the base once, in "
            f"float32), {self.disk / GB:.1f} GB of disk"
        )


def need_of(ref: ModelRef, dtype: str) -> Need:
    parameters = parameters_in(ref)
    return Need(parameters, parameters * MERGED_IN + BESIDE, parameters * BYTES[dtype])


def parameters_in(ref: ModelRef) -> int:
    """By the headers of the weight files in a folder; by the config where the model lies on the hub."""
    if isinstance(ref.path, Path):
        found = sum(_numbers_in(file) for file in ref.path.glob("*.safetensors"))
        if found:
            return found
    return parameters_of(load_config(ref))


def _numbers_in(file: Path) -> int:
    """Of a safetensors file, from its header: eight bytes of its length, then JSON. 0 where it is damaged."""
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            header = json.loads(opened.read(min(length, 2**28)))
    except (OSError, ValueError, struct.error):
        return 0
    total = 0
    for name, entry in header.items():
        if name != "__metadata__":
            count = 1
            for size in entry["shape"]:
                count *= size
            total += count
    return total


def check_room(need: Need, folder: Path) -> None:
    """Raises StorageError where the disk, TrainingError where the memory is too small."""
    place = next(parent for parent in (folder, *folder.resolve().parents) if parent.is_dir())
    free = shutil.disk_usage(place).free
    if free < need.disk:
        raise StorageError(
            f"the merged model takes {need.disk / GB:.1f} GB, and {free / GB:.1f} GB are free",
            where=str(place),
            fix="make room there, or name another folder with -o",
        )
    available = available_memory()
    if available is not None and available < need.memory:
        raise TrainingError(
            f"merging takes {need.memory / GB:.1f} GB of memory, and {available / GB:.1f} GB are available",
            fix="merge on a machine with more; the base is held once, in float32",
        )


def available_memory() -> int | None:
    """Bytes that can be had without swapping; None where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None
