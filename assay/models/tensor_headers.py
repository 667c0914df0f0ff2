"""What a safetensors file says of its tensors before their numbers: names, dtypes and shapes, from its first bytes.

Eight bytes of a length, then JSON (https://huggingface.co/docs/safetensors). No number is read, so that it takes
milliseconds for a model of any size.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.models import ModelRef

MOST_BYTES = 100_000_000
"""Of a header, by the format's own limit."""


@dataclass(frozen=True)
class Tensor:
    """dtype as safetensors writes it: F32, BF16, U8."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        return prod(self.shape)


def read_header(file: Path) -> Mapping[str, Tensor]:
    """{} for a file that cannot be read: that is said, with more than is known here, when its weights are loaded."""
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            header = json.loads(opened.read(min(length, MOST_BYTES)))
        return {
            name: Tensor(str(entry["dtype"]), tuple(int(size) for size in entry["shape"]))
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
        return {}


def headers_of(ref: ModelRef) -> Mapping[str, Tensor]:
    """Of all weight files of a model that are on this machine; {} where a hub model's are not."""
    folder = ref.path if isinstance(ref.path, Path) else _cached(str(ref.path), ref.revision)
    found: dict[str, Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")) if folder is not None else ():
        found |= read_header(file)
    return found


def _cached(name: str, revision: str | None) -> Path | None:
    """Where the cache of hub models keeps this one, by its config.json, which is fetched before anything else."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(name, "config.json", revision=revision)
    except (HFValidationError, OSError):
        return None
    return Path(config).parent if isinstance(config, str) else None
