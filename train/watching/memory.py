"""How much memory a run takes."""

from __future__ import annotations

import sys


def peak_memory(device: str) -> int:
    """In bytes, the most so far: what torch holds on the GPU, or what the process holds elsewhere."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_reserved(torch.device(device)))
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
