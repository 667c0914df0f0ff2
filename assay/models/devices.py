"""What a GPU computes, why torch does not use one that is there, and the line for memory that is full."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import OutOfMemoryError

if TYPE_CHECKING:
    import torch

AMPERE = (8, 0)
"""Compute capability from which tensor cores take bfloat16, and flash-attn 2 runs."""

FULL = (
    "out of memory",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
    "can't allocate memory",
    "cannot allocate memory",
)
"""What torch, CUDA's libraries and the processor's allocator say; an error of its own has torch's GPU allocator alone
(`torch.OutOfMemoryError`, a RuntimeError)."""

_ASKED = re.compile(r"tried to allocate:? ([\d.]+ ?(?:bytes|[KMGT]i?B))", re.IGNORECASE)
_FREE = re.compile(r"GPU (\d+) has a total capacity of ([\d.]+ \wiB) of which ([\d.]+ \wiB) is free")
_OTHERS = re.compile(r"Process \d+ has ([\d.]+ \wiB) memory in use")


def computes_bf16(device: str) -> bool:
    """In hardware: where torch emulates it, it is slower than float16. device: cuda or cuda:N; AMD's cards all do."""
    import torch

    return bool(torch.version.hip) or torch.cuda.get_device_capability(device) >= AMPERE


def runs_flash_attention(device: str) -> bool:
    """Whether flash-attn 2 has kernels for this card; whether it is installed is another question."""
    return computes_bf16(device)


@dataclass(frozen=True)
class Unused:
    """Why torch computes without the NVIDIA GPU that this machine has. meant: somebody has hidden it."""

    why: str
    fix: str
    meant: bool = False


def unused_gpu() -> Unused | None:
    """None where torch uses one, or there is none, or no torch: what needs it says so in its own words."""
    try:
        import torch
    except ImportError:
        return None

    if torch.cuda.is_available() or not (Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi")):
        return None
    version = torch.__version__
    if torch.version.cuda is None:
        return Unused(
            f"there is an NVIDIA GPU, but torch {version} was built for the CPU",
            f"pip install --force-reinstall torch=={str(version).partition('+')[0]}",
        )
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return Unused(
            f"CUDA_VISIBLE_DEVICES is '{visible}', which names no GPU of this machine",
            "unset it, or name one by its number in `nvidia-smi -L`",
            meant=visible.strip() in ("", "-1"),
        )
    return Unused(
        f"torch {version} was built for CUDA {torch.version.cuda}, which this GPU's driver does not serve",
        "update the NVIDIA driver, or install a torch built for an older CUDA",
    )


def on_the_cpu() -> str | None:
    """A line for who lets assay choose the device, has a GPU, and gets the processor; None where that is right."""
    found = unused_gpu()
    return None if found is None or found.meant else f"{found.why}, so the CPU computes; {found.fix}"


def in_double(values: torch.Tensor) -> torch.Tensor:
    """In float64; on the processor where they were on Apple's GPU, which has none."""
    return (values.cpu() if values.device.type == "mps" else values).double()


def release_memory() -> None:
    """Gives a GPU back what only Python's own circles hold: a trainer, its model and its optimiser know each other, and
    the card is full long before the collector looks for them."""
    import gc

    import torch

    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        gc.collect()
        torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Of a GPU or of the machine."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in FULL)


@contextmanager
def memory_failures(doing: str, fix: str) -> Iterator[None]:
    """Raises OutOfMemoryError for memory that is full while `doing`; other errors pass."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise memory_full(error, doing, fix) from error


def memory_full(error: BaseException, doing: str, fix: str) -> OutOfMemoryError:
    """The line, with what torch says of the card: what was asked for, what is free, and what others hold of it."""
    text = str(error)
    said = []
    if asked := _ASKED.search(text):
        said.append(f"{asked[1]} more were asked for")
    card = _FREE.search(text)
    if card:
        said.append(f"{card[3]} of {card[2]} are free")
    if others := _OTHERS.search(text):
        said.append(f"another program holds {others[1]}")
    whose = f"the memory of cuda:{card[1]}" if card else _whose(text)
    figures = f" ({', '.join(said)})" if said else ""
    return OutOfMemoryError(f"{whose} is full {doing}{figures}", fix=fix)


def _whose(text: str) -> str:
    of_gpu = any(name in text for name in ("CUDA", "CUBLAS", "CUDNN", "HIP", "MPS"))
    return "the GPU's memory" if of_gpu else "this machine's memory"
