"""Quantisations beyond the converter's own, by llama.cpp's quantiser: its binary, or llama-cpp-python's function."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from assay.errors import ModelError

QUANTISATIONS = ("q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k_s", "q3_k_m", "q3_k_l", "q4_k_s", "q4_k_m", "q5_k_s",
                 "q5_k_m", "q6_k")  # fmt: skip
PLACES = ("build/bin/llama-quantize", "build/bin/Release/llama-quantize.exe", "llama-quantize")

BY_FUNCTION = """
import sys
import llama_cpp

source, out, name = sys.argv[1:]
parameters = llama_cpp.llama_model_quantize_default_params()
parameters.ftype = getattr(llama_cpp, name)
sys.exit(llama_cpp.llama_model_quantize(source.encode(), out.encode(), parameters))
"""


@dataclass(frozen=True)
class Quantiser:
    """command: a binary that takes SOURCE OUT TYPE, or a Python with llama_cpp."""

    command: str
    is_python: bool
    origin: str

    def quantise(self, source: Path, out: Path, outtype: str) -> None:
        """Raises ModelError when the quantiser fails or writes nothing."""
        if self.is_python:
            arguments = [self.command, "-c", BY_FUNCTION, str(source), str(out), constant_name(outtype)]
        else:
            arguments = [self.command, str(source), str(out), outtype.upper()]
        done = subprocess.run(arguments, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode != 0 or not out.is_file():
            lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            raise ModelError(f"{self.origin} failed: {(lines or ['no message'])[-1][:300]}")


def constant_name(outtype: str) -> str:
    """llama_cpp's name of a type: LLAMA_FTYPE_MOSTLY_Q4_K_M."""
    return f"LLAMA_FTYPE_MOSTLY_{outtype.upper()}"


def find_quantiser(llama_cpp: Path | None) -> Quantiser:
    """The checkout's binary, the PATH's, or the installed llama-cpp-python. Raises ModelError when there is none."""
    folder = llama_cpp if llama_cpp is not None and llama_cpp.is_dir() else None
    for binary in [folder / place for place in PLACES] if folder is not None else []:
        if binary.is_file():
            return Quantiser(str(binary), False, str(binary))
    if on_path := shutil.which("llama-quantize"):
        return Quantiser(on_path, False, on_path)
    if importlib.util.find_spec("llama_cpp") is not None:
        return Quantiser(sys.executable, True, "llama-cpp-python")
    raise ModelError(
        "types beyond q8_0 are written by llama.cpp's quantiser, and none is here",
        fix="give --llama-cpp with a built checkout, install llama-quantize or llama-cpp-python, or use q8_0",
    )
