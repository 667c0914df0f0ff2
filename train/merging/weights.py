"""The merge itself: base and adapter summed in float32, and rounded once.

PEFT adds in the dtype that the base is held in. In bfloat16 the adapter's update is rounded to 8 bits before it is
added, and the sum again; in float32 only the result is rounded. Measured in docs/decisions/0096.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from assay.errors import ModelError, SettingsError
from assay.models import import_bitsandbytes

from ..parity.loading import compute_in_float32, dequantize, lay_over, load_as_trained
from ..parity.provenance import Trained

if TYPE_CHECKING:
    from .settings import Base


def laid_over(trained: Trained, base: Base, *, trust_remote_code: bool = False) -> Any:
    """The adapter over the base that it will be merged into, both in float32, on the processor.

    Raises ModelError, MissingExtraError.
    """
    precision = trained.precision
    if base == "dequantized":
        import_bitsandbytes()
        loaded = load_as_trained(trained.target.ref, precision, device="cpu", trust_remote_code=trust_remote_code)
        model = dequantize(loaded)
    else:
        whole = replace(precision, quantisation=None)
        model = load_as_trained(trained.target.ref, whole, device="cpu", trust_remote_code=trust_remote_code)
    return lay_over(compute_in_float32(model), [trained.folder], ["default"])


def merged(model: Any, where: str) -> Any:
    """The plain model with the adapter in its weights; `model` is used up. Raises ModelError for NaN or infinity, and
    for kinds of adapters that cannot be merged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that tied weights are merged into: they were parted where that matters
            plain = model.merge_and_unload(safe_merge=True)
    except (ValueError, NotImplementedError, AttributeError, RuntimeError, TypeError) as error:
        what = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelError(
            f"the adapter cannot be merged: {what}", where=where, fix="ship it as an adapter, or train it again"
        ) from error
    _check_finite(plain, where)
    return plain


def rounded(model: Any, dtype: str, where: str) -> Any:
    """Each weight rounded to `dtype`, one at a time, so that the model never stands in memory twice.

    Raises ModelError where a weight is beyond what `dtype` holds.
    """
    import torch

    wanted: torch.dtype = getattr(torch, dtype)
    for tensor in model.parameters():
        if tensor.is_floating_point():
            tensor.data = tensor.data.to(wanted)
    model.config.dtype = wanted
    if dtype == "float16":
        _check_finite(model, where, f" in {dtype}; --dtype bfloat16 has the range")
    return model


def _check_finite(model: Any, where: str, fix: str = "") -> None:
    import torch

    for name, tensor in model.named_parameters():
        if not bool(torch.isfinite(tensor).all()):
            raise ModelError(f"the merged weights hold NaN or infinity ({name}){fix}", where=where)


def check_base(trained: Trained, base: Base) -> None:
    """Raises SettingsError where there is nothing to dequantise."""
    if base == "dequantized" and trained.precision.quantisation is None:
        raise SettingsError(
            "the adapter was trained against the base's own weights, so there is nothing to dequantise",
            where=str(trained.folder),
            fix="leave out --base",
        )
