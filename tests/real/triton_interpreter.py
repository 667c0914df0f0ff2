"""Triton's kernels on this processor: computed by Triton's own interpreter, a program after the other."""

from __future__ import annotations

import importlib
import os
from typing import Any


def interpret() -> None:
    """For this process; before any kernel is imported, since a kernel is made one or the other when it is defined.

    Triton 3.9 interprets Liger's kernels but for two things, which are done here as its compiler does them: a float
    that is handed to a kernel is a tensor of float32, and CUDA's rsqrt and tanh (libdevice) are functions of numbers.
    """
    os.environ["TRITON_INTERPRET"] = "1"
    numpy: Any = importlib.import_module("numpy")
    tl: Any = importlib.import_module("triton.language")
    interpreter: Any = importlib.import_module("triton.runtime.interpreter")
    libdevice: Any = importlib.import_module("triton.language.extra.libdevice")
    converted = interpreter._implicit_cvt
    if getattr(converted, "takes_floats", False):
        return

    def with_floats(value: Any) -> Any:
        if isinstance(value, float):
            handle = interpreter.TensorHandle(numpy.array([value], dtype=numpy.float32), tl.float32)
            return tl.tensor(handle, tl.float32)
        return converted(value)

    with_floats.takes_floats = True  # type: ignore[attr-defined]
    interpreter._implicit_cvt = with_floats
    # Looked up when they are called: the interpreter puts its own functions into tl while a kernel runs.
    libdevice.rsqrt = lambda x: tl.math.rsqrt(x)
    libdevice.tanh = lambda x: 2 * tl.sigmoid(2 * x) - 1
