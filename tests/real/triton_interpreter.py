"""Triton's kernels on this processor: computed by Triton's own interpreter, a program after the other."""

from __future__ import annotations

import importlib
import os
from typing import Any


def interpret() -> None:
    """For this process; before any kernel is imported, since a kernel is made one or the other when it is defined.

    Triton 3.9 interprets the kernels of Liger and TRL but for three things, which are done here as its compiler does
    them: a float that is handed to a kernel is a tensor of float32, CUDA's rsqrt and tanh (libdevice) are functions of
    numbers, and bfloat16, which the interpreter holds as integers, is computed in float32 and rounded to the nearest.
    """
    os.environ["TRITON_INTERPRET"] = "1"
    tl: Any = importlib.import_module("triton.language")
    interpreter: Any = importlib.import_module("triton.runtime.interpreter")
    libdevice: Any = importlib.import_module("triton.language.extra.libdevice")
    if getattr(interpreter, "is_completed", False):
        return
    interpreter.is_completed = True
    _take_floats(interpreter, tl)
    _compute_bfloat16(interpreter, tl)
    # Looked up when they are called: the interpreter puts its own functions into tl while a kernel runs.
    libdevice.rsqrt = lambda x: tl.math.rsqrt(x)
    libdevice.tanh = lambda x: 2 * tl.sigmoid(2 * x) - 1


def _take_floats(interpreter: Any, tl: Any) -> None:
    numpy: Any = importlib.import_module("numpy")
    converted = interpreter._implicit_cvt

    def with_floats(value: Any) -> Any:
        if isinstance(value, float):
            handle = interpreter.TensorHandle(numpy.array([value], dtype=numpy.float32), tl.float32)
            return tl.tensor(handle, tl.float32)
        return converted(value)

    interpreter._implicit_cvt = with_floats


def _compute_bfloat16(interpreter: Any, tl: Any) -> None:
    numpy: Any = importlib.import_module("numpy")
    builder = interpreter.InterpreterBuilder
    cast, binary, unary = builder.cast_impl, builder.binary_op, builder.unary_op

    def cast_impl(self: Any, source: Any, kind: Any) -> Any:
        if (source.dtype.scalar, kind.scalar) != (tl.float32, tl.bfloat16):
            return cast(self, source, kind)
        bits = numpy.ascontiguousarray(source.data, dtype=numpy.float32).view(numpy.uint32).astype(numpy.uint64)
        nearest = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
        return interpreter.TensorHandle(nearest.astype(numpy.uint16).reshape(source.data.shape), tl.bfloat16)

    def narrowed(self: Any, found: Any) -> Any:
        is_answer = found.data.dtype == numpy.bool_  # of a comparison
        return interpreter.TensorHandle(found.data, tl.bfloat16) if is_answer else cast_impl(self, found, tl.bfloat16)

    def binary_op(self: Any, left: Any, right: Any, op: Any) -> Any:
        if left.dtype.scalar != tl.bfloat16:
            return binary(self, left, right, op)
        return narrowed(self, binary(self, *(cast(self, side, tl.float32) for side in (left, right)), op))

    def unary_op(self: Any, value: Any, op: Any) -> Any:
        if value.dtype.scalar != tl.bfloat16:
            return unary(self, value, op)
        return narrowed(self, unary(self, cast(self, value, tl.float32), op))

    builder.cast_impl, builder.binary_op, builder.unary_op = cast_impl, binary_op, unary_op
