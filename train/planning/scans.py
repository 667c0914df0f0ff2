"""What layers that scan a sequence keep for the backward pass: state spaces and the gated delta rule.

As transformers 5 runs them with torch alone. Each is derived from its reference implementation and held by a test
against what autograd saves: `mamba_selective_scan`, which goes from token to token; `mamba2_chunk_scan` and
`torch_chunk_gated_delta_rule`, which fill a sequence up to whole chunks and score each pair of tokens of a chunk, so
that a sequence of 30 tokens takes what one of 256 does. The kernels of mamba-ssm and flash-linear-attention keep less.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .architecture import Scan
from .workload import Setup, Workload

if TYPE_CHECKING:
    import torch

FLOAT = 4
DELTA_CHUNK = 64
"""Of `torch_chunk_gated_delta_rule`; no config has it."""


def scan_of(layer: torch.nn.Module) -> Scan | None:
    """The scan within a layer, told apart by its parameters: a state space has a skip D, the gated delta rule none;
    Mamba 1 has a decay for each channel and state, Mamba 2 one for each head."""
    for part in layer.modules():
        own = dict(part.named_parameters(recurse=False))
        if "A_log" in own:
            return _read(part, own)
    return None


def _read(part: Any, own: dict[str, Any]) -> Scan | None:
    """None where the module does not name what the formula needs."""
    decay, convolution = own["A_log"], getattr(part, "conv1d", None)
    channels = int(convolution.weight.shape[0]) if convolution is not None else 0
    try:
        if "D" in own and decay.ndim > 1:
            return Scan("mamba", 1, int(own["D"].numel()), int(decay.shape[-1]), channels=channels)
        if "D" in own:
            heads, inner = int(decay.numel()), int(part.intermediate_size)
            return Scan("mamba2", heads, inner // heads, int(part.ssm_state_size), int(part.chunk_size), channels)
        return Scan("delta", int(part.num_v_heads), int(part.head_v_dim), int(part.head_k_dim), DELTA_CHUNK, channels)
    except AttributeError:
        return None


def scan_bytes(scan: Scan, setup: Setup, work: Workload) -> Iterator[float]:
    kinds = {"mamba": _mamba, "mamba2": _mamba2, "delta": _delta}
    yield from kinds[scan.kind](scan, setup, work)


def scan_working_bytes(scan: Scan, work: Workload) -> int:
    """Passing tensors of a scan on the way back: gradients of what it keeps of pairs, or of states, in float32, four of
    them at a time while the decays are taken back through their sums."""
    if scan.kind == "mamba":
        return 3 * work.tokens * scan.inner * scan.state * FLOAT
    return 4 * work.batch * _whole(work.sequence, scan.chunk) * scan.chunk * scan.heads * FLOAT


def _mamba(scan: Scan, setup: Setup, work: Workload) -> Iterator[float]:
    """Of each token, channel and state: both discretisations and the state, in float32, and the state as it is read."""
    half = setup.compute_bytes
    states = work.tokens * scan.inner * scan.state
    yield states * FLOAT
    yield states * FLOAT
    yield states * (FLOAT + (half if half < FLOAT else 0))
    yield work.tokens * scan.inner * (6 * half + 2 * FLOAT)  # projection, convolution, steps, gate


def _mamba2(scan: Scan, setup: Setup, work: Workload) -> Iterator[float]:
    half, narrow = setup.compute_bytes, setup.compute_bytes < FLOAT
    padded = work.batch * _whole(work.sequence, scan.chunk)
    pairs = padded * scan.chunk * scan.heads
    copies = 1 if narrow or padded > scan.chunk else 0  # what lies as a product needs it is kept once for two of them
    yield pairs * FLOAT  # the decay between two tokens
    yield pairs * half  # their score, and the product of both
    yield pairs * half
    yield 2 * scan.chunk**2  # masks
    yield padded * scan.heads * scan.state * (FLOAT + (2 + 2 * copies) * half)  # B and C of each head
    yield padded * scan.inner * (FLOAT + (2 + copies) * half)
    # The gate, widened and activated, and what entered; the input of the norm behind it is counted with the norms.
    yield work.tokens * (3 * scan.inner * FLOAT if narrow else scan.inner * FLOAT + scan.channels * half)
    yield work.tokens * half * (scan.inner + 2 * scan.channels + scan.heads)
    yield 2 * half * (padded / scan.chunk + work.batch) * scan.inner * scan.state
    yield padded * scan.heads * 2 * FLOAT


def _delta(scan: Scan, setup: Setup, work: Workload) -> Iterator[float]:
    half, narrow = setup.compute_bytes, setup.compute_bytes < FLOAT
    padded = work.batch * _whole(work.sequence, scan.chunk)
    pairs, keys = padded * scan.chunk * scan.heads, scan.heads * scan.state
    yield pairs * (2 * FLOAT + 3 * half)  # decays, the system that is solved, attention within the chunk
    yield padded * keys * (28 if narrow else 24)
    yield work.tokens * keys * 2 * FLOAT  # queries and keys before they are normalised
    yield padded * scan.inner * 12
    yield work.tokens * scan.inner * (3 * FLOAT + half)  # the gate and its norm
    yield work.tokens * scan.channels * 2 * half
    yield padded / scan.chunk * keys * scan.width * (FLOAT + (2 * half if narrow else 0))


def _whole(sequence: int, chunk: int) -> int:
    """Tokens of a sequence that is filled up to whole chunks."""
    return -(-sequence // chunk) * chunk
