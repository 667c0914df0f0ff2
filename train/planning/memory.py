"""Peak memory of a run by part, from shape and recipe. docs/planning.md says where each term comes from."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .activations import FLOAT, layer_input, norm_width_bytes, saved_of_layer, working_bytes
from .architecture import Architecture, Lora
from .workload import Setup, Workload

VOCABULARY_AT_ONCE = 32768
POSITIONS_AT_ONCE = 4096
"""Tiles of TRL's fused head (`trl.kernels.chunked_logprob`): nothing as long as the vocabulary is ever whole."""

MAPPED_FROM = 32 * 2**20
"""glibc gives blocks of this size a mapping of their own, which goes back when they are freed; smaller ones share a
heap that only grows (mallopt(3), M_MMAP_THRESHOLD and its greatest value)."""

HEAP_HOLES = 0.16
"""Share of small blocks by which the heap outgrows what is in it. Measured on one shape (docs/planning.md), and held
against others."""

CPU_LIBRARIES = 40 * 2**20
"""Code of torch's kernels that no import touches, and what the trainer keeps besides tensors. Measured."""

CUDA_CONTEXT = 600 * 2**20
"""Driver, kernels and cuBLAS's workspace. An assumption: no GPU was measured."""

CUDA_HOLES = 0.05
"""Share by which the caching allocator outgrows what moves. An assumption: no GPU was measured."""

ADAM = 8
"""Bytes a trained parameter: two moments in float32."""


@dataclass(frozen=True)
class Memory:
    """Bytes at the moment of the peak.

    weights      of the base, in their precision; on a CPU also the pages of the file that stay mapped
    adapter      float32; gradients and optimiser beside it, or those of all weights in full fine-tuning
    activations  what autograd keeps for the backward pass
    logits       tiles of the projection on the vocabulary
    working      passing tensors of the widest block
    allocator    holes that an allocator leaves, and what libraries and driver take
    moment       loading | check | step: when the peak is
    saved        what checkpointing keeps from being kept, 0 without it
    """

    weights: int
    adapter: int
    gradients: int
    optimiser: int
    activations: int
    logits: int
    working: int
    allocator: int
    moment: str
    saved: int = 0

    @property
    def peak(self) -> int:
        return sum(getattr(self, part) for part in PARTS)


PARTS = tuple(item.name for item in fields(Memory) if item.name not in ("moment", "saved"))


def peak_memory(architecture: Architecture, setup: Setup) -> Memory:
    """The greatest of loading, the check before the first step, and a step."""
    return max(moments(architecture, setup), key=lambda memory: memory.peak)


def moments(architecture: Architecture, setup: Setup) -> tuple[Memory, ...]:
    """Loading, a step, and the check before the first where there is one."""
    found = (_loading(architecture, setup), _pass(architecture, setup, setup.step, "step"))
    return found if setup.check is None else (*found, _pass(architecture, setup, setup.check, "check"))


def weight_bytes(architecture: Architecture, setup: Setup) -> int:
    """NF4: half a byte a weight and a scale for every 64, itself in 8 bits with a float32 for 256 of them when
    quantised doubly (QLoRA, Dettmers et al., 2023, section 3)."""
    total = architecture.parameters
    if setup.method != "qlora":
        return total * setup.compute_bytes
    packed = architecture.four_bit_weights
    scale = 1 / 64 + 4 / (64 * 256) if setup.double_quant else 4 / 64
    return round(packed * (0.5 + scale)) + (total - packed) * setup.compute_bytes


def mapped_bytes(architecture: Architecture, setup: Setup) -> int:
    """Pages of the weights' file that a CPU keeps beside NF4 weights: one tensor taken over as it stands in the file
    (the embedding) keeps the whole file mapped. The kernel takes them back when memory is short."""
    taken_over = setup.compute_bytes == setup.file_bytes
    return architecture.four_bit_weights * setup.file_bytes if setup.method == "qlora" and taken_over else 0


def trained_parameters(architecture: Architecture, setup: Setup) -> int:
    if setup.method == "full":
        return architecture.parameters
    return architecture.lora_parameters(setup.lora)


def adapter_file_bytes(architecture: Architecture, lora: Lora) -> int:
    """adapter_model.safetensors in float32, as assay writes it, without its header."""
    return architecture.lora_parameters(lora) * FLOAT


def _loading(architecture: Architecture, setup: Setup) -> Memory:
    """On a CPU the file's pages count while it is read, beside what is made of them."""
    made = weight_bytes(architecture, setup)
    if setup.cuda:
        return Memory(made, 0, 0, 0, 0, 0, 0, CUDA_CONTEXT, "loading")
    if setup.compute_bytes == setup.file_bytes:
        read = mapped_bytes(architecture, setup)
    else:
        read = architecture.parameters * setup.file_bytes
    return Memory(made + read, 0, 0, 0, 0, 0, 0, CPU_LIBRARIES, "loading")


def _pass(architecture: Architecture, setup: Setup, work: Workload, moment: str) -> Memory:
    trained = trained_parameters(architecture, setup)
    kept, heap, saved = _kept(architecture, setup, work)
    logits, tile = _logits(architecture, setup, work)
    forward, backward = working_bytes(architecture, setup, work)
    if setup.cuda or tile < MAPPED_FROM:  # freed before the next is asked for
        working = max(0, max(forward, backward) - logits)
    else:  # the heap holds the block's holes while the tiles stand beside it
        working = max(forward, backward - logits)
    optimiser = trained * ADAM if moment == "step" else trained * FLOAT
    if setup.method == "full":
        states = (
            0,
            trained * setup.compute_bytes,
            trained * ADAM + (trained * FLOAT if setup.compute_bytes < 4 else 0),
        )
    else:
        states = (trained * FLOAT, trained * FLOAT, optimiser)
    if setup.cuda:
        holes = CUDA_CONTEXT + round((kept + logits + working) * CUDA_HOLES)
    else:
        holes = CPU_LIBRARIES + round(heap * HEAP_HOLES)
    weights = weight_bytes(architecture, setup) + (0 if setup.cuda else mapped_bytes(architecture, setup))
    return Memory(weights, *states, kept, logits, working, holes, moment, saved)


def _kept(architecture: Architecture, setup: Setup, work: Workload) -> tuple[int, int, int]:
    """Bytes that are kept at the peak, those of them in small blocks, and what checkpointing spares."""
    adapted = architecture.adapted(setup.lora) if setup.method != "full" else frozenset()
    sizes: list[tuple[int, int]] = []
    widest = 0
    for layer, count in architecture.layers:
        of_layer = saved_of_layer(layer, setup, work, adapted)
        sizes += [(size, count) for size in of_layer]
        widest = max(widest, sum(of_layer))
    whole = sum(size * count for size, count in sizes)
    final = norm_width_bytes(architecture.final_norm, setup, work) if work.liger else architecture.hidden * FLOAT
    last = work.tokens * final + work.predicted * architecture.hidden * setup.compute_bytes
    if work.checkpointing:
        each = layer_input(architecture, setup, work)
        kept = each * architecture.depth + widest
        return kept + last, kept if each < MAPPED_FROM else widest, max(0, whole - kept)
    return whole + last, sum(size * count for size, count in sizes if size < MAPPED_FROM), 0


def _logits(architecture: Architecture, setup: Setup, work: Workload) -> tuple[int, int]:
    """Bytes of the fused head's backward pass, and of one of its float32 tiles.

    On a GPU a kernel works in the one tile. Elsewhere torch makes seven in float32 and a mask (`_backward_tile`),
    or, afterwards, widens the tile and a slice of the head's weights for their product.
    """
    rows, columns = min(work.predicted, POSITIONS_AT_ONCE), min(architecture.vocabulary, VOCABULARY_AT_ONCE)
    cells, half = rows * columns, setup.compute_bytes
    gradient = work.predicted * architecture.hidden * FLOAT
    if setup.method == "full":
        gradient += architecture.embedding * FLOAT
    if setup.cuda:
        return cells * half + gradient, cells * half
    product = cells * (half + FLOAT) + (columns * architecture.hidden * FLOAT if half < FLOAT else 0)
    return max(cells * (half + 7 * FLOAT + 1), product) + gradient, cells * FLOAT
