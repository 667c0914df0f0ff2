"""What autograd keeps of a layer for the backward pass, module by module, in bytes.

Derived from the modules as transformers 5 and PEFT 0.21 run them with frozen weights: a frozen linear layer keeps
nothing of its input, a LoRA branch keeps its own copy. Tests hold the sums against what autograd really saved.
"""

from __future__ import annotations

from collections.abc import Iterator

from .architecture import Architecture, Layer, Linear, Norm
from .scans import scan_bytes, scan_working_bytes
from .workload import Setup, Workload

FLOAT = 4
SPARSE_DROPOUT = 0.3
"""As `assay.train.dropout` has it: below it a CPU keeps the positions of what was dropped, 8 bytes each."""

GATED = 3
"""Tensors of the feed-forward width of a block with a gate: gate, activated gate, up."""


def norm_width_bytes(norm: Norm, setup: Setup, work: Workload) -> int:
    """Of a token, what a norm keeps in the width that it normalises: RMSNorm its input in float32, and Liger's kernel
    the input as it is (`save_for_backward` of `LigerRMSNormFunction` in liger_kernel/ops/rms_norm.py)."""
    as_it_is = work.liger if not norm.bias else not setup.cuda
    return norm.width * (setup.compute_bytes if as_it_is else FLOAT)


def saved_of_layer(layer: Layer, setup: Setup, work: Workload, adapted: frozenset[str]) -> list[int]:
    """Sizes in bytes of the tensors that one layer keeps."""
    return [round(size) for size in _saved(layer, setup, work, adapted) if size]


def _saved(layer: Layer, setup: Setup, work: Workload, adapted: frozenset[str]) -> Iterator[float]:
    tokens, half = work.tokens, setup.compute_bytes
    for norm in layer.norms:  # normalised in float32; with LayerNorm's mean and deviation or RMSNorm's root
        yield tokens * norm_width_bytes(norm, setup, work)
        yield tokens * FLOAT * (norm.width // norm.weights) * (2 if norm.bias else 1)
    for linear in layer.linears:
        yield from _linear(linear, setup, work, trains=setup.method == "full" or linear.name in adapted)
    yield from _attention(layer, setup, work)
    saved, width = layer.mlp_saved, layer.mlp_width
    if work.liger and saved == GATED:
        saved -= 1  # its kernel computes the activated gate again
    while saved > 0 and width:
        yield tokens * width * half * min(1.0, saved)
        saved -= 1
    yield from _experts(layer, setup, work, adapted)
    yield tokens * layer.mixed * half
    if layer.scan is not None:
        yield from scan_bytes(layer.scan, setup, work)


def _linear(linear: Linear, setup: Setup, work: Workload, *, trains: bool) -> Iterator[float]:
    if not trains:
        return
    inputs = work.tokens * linear.inputs
    if not (_keeps_input_as_it_is(setup, work) and _has_kept_input(linear, work)):
        yield inputs * setup.compute_bytes
    if setup.method == "full":
        return
    yield work.tokens * setup.rank * setup.compute_bytes
    if setup.compute_bytes < FLOAT:
        yield linear.lora_parameters(setup.rank) * setup.compute_bytes  # autocast's copies of A and B
    if work.dropout:
        positions = not setup.cuda and work.dropout <= SPARSE_DROPOUT
        yield inputs * (8 * work.dropout if positions else 1 if setup.cuda else FLOAT)
    if setup.dora:
        yield 2 * work.tokens * linear.outputs * FLOAT


def _keeps_input_as_it_is(setup: Setup, work: Workload) -> bool:
    """No dropout and no change of precision makes a copy of the input for the branch alone."""
    if setup.method == "full":
        return True
    widened = setup.compute_bytes < FLOAT and not (setup.cuda and setup.method == "qlora")
    return not work.dropout and not widened


def _has_kept_input(linear: Linear, work: Workload) -> bool:
    """What the layer beside it keeps already, or the attention kernel as its output."""
    return linear.leaf in ("k_proj", "v_proj", "up_proj") or (linear.leaf == "o_proj" and not work.eager)


def _attention(layer: Layer, setup: Setup, work: Workload) -> Iterator[float]:
    shape, tokens, half = layer.attention, work.tokens, setup.compute_bytes
    repeated = work.eager or work.padded
    kv_heads = shape.heads if repeated else shape.kv_heads
    yield tokens * shape.query_width * half
    yield tokens * kv_heads * shape.head_dim * half
    values = tokens * kv_heads * shape.value_dim * half
    if shape.fused and not repeated:
        values = tokens * (shape.query_width + 2 * shape.key_width) * half
    yield values
    if work.eager:
        scores = tokens * work.sequence * shape.heads
        yield scores * FLOAT
        if half < FLOAT:
            yield scores * half
    else:
        yield tokens * shape.output_width * half
        yield tokens * shape.heads * FLOAT
        if work.padded:  # the mask in the precision of the scores, made anew for each layer
            yield tokens * work.sequence * half


def _experts(layer: Layer, setup: Setup, work: Workload, adapted: frozenset[str]) -> Iterator[float]:
    """Of each token's way through its experts: what enters, gate and up, their product. An estimate."""
    experts = layer.experts
    if experts is None:
        return
    ways = work.tokens * experts.active
    yield ways * experts.hidden * setup.compute_bytes
    for _ in range(3):
        yield ways * experts.intermediate * setup.compute_bytes
    yield ways * experts.hidden * setup.compute_bytes
    for tensor in experts.tensors:
        if tensor.name in adapted:  # PEFT adds the product B A of every expert to its weights before they are used
            yield experts.count * tensor.weights_each * setup.compute_bytes


def layer_input(architecture: Architecture, setup: Setup, work: Workload) -> int:
    """What checkpointing keeps of a layer."""
    return work.tokens * architecture.hidden * setup.compute_bytes


def working_bytes(architecture: Architecture, setup: Setup, work: Workload) -> tuple[int, int]:
    """Passing tensors of the widest block, forward and backward.

    Where the adapter is float32 and the computation is not, a LoRA branch widens its input: the input and what
    dropout leaves of it on the way there, both gradients on the way back, beside the block's own.
    """
    widest = max(
        max((linear.inputs for linear in layer.linears), default=architecture.hidden)
        for layer, _ in architecture.layers
    )
    elements = work.tokens * max(widest, architecture.hidden)
    half = setup.compute_bytes
    widens = setup.method != "full" and half < FLOAT and not (setup.cuda and setup.method == "qlora")
    branch = FLOAT if widens else half
    scans = max((scan_working_bytes(layer.scan, work) for layer, _ in architecture.layers if layer.scan), default=0)
    return round(elements * (2 * branch)), max(scans, round(elements * (2 * branch + 2 * half)))
