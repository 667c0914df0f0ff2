"""A model's shape as far as memory and work depend on it: linear layers, norms, attention, experts.

Read from a config alone by `reading`; the counts are exact, and tests hold them against the real models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from assay.errors import SettingsError, did_you_mean

ALL_LINEAR = "all-linear"
EXPERTS = "experts"


@dataclass(frozen=True)
class Lora:
    """rank; targets: `lora_target_modules`; experts: `lora_target_parameters`"""

    rank: int
    targets: str | tuple[str, ...] = ALL_LINEAR
    experts: str | tuple[str, ...] = ()


@dataclass(frozen=True)
class Linear:
    """One linear layer.

    name      its path within the decoder layer, as PEFT matches it
    in_mlp    part of the feed-forward block, else of attention
    four_bit  bitsandbytes quantises it: transformers replaces plain `torch.nn.Linear` and no subclass of it
    adaptable all-linear lays LoRA over it: no router, nor a name by which PEFT means experts (`methods.target_modules`)
    """

    name: str
    inputs: int
    outputs: int
    bias: bool = False
    in_mlp: bool = False
    four_bit: bool = True
    adaptable: bool = True

    @property
    def leaf(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def weights(self) -> int:
        return self.inputs * self.outputs

    @property
    def parameters(self) -> int:
        return self.weights + (self.outputs if self.bias else 0)

    def lora_parameters(self, rank: int) -> int:
        return rank * (self.inputs + self.outputs)


@dataclass(frozen=True)
class Norm:
    """weights: its parameters without bias; width: elements of a token that it normalises (all heads together)."""

    weights: int
    width: int
    bias: bool = False

    @property
    def parameters(self) -> int:
        return self.weights * (2 if self.bias else 1)


@dataclass(frozen=True)
class Attention:
    """heads of head_dim for queries and keys, and of value_dim for values; kv_heads are shared by groups.

    fused: one matrix makes all three, so that values are a view that holds the whole product.
    """

    heads: int
    kv_heads: int
    head_dim: int
    value_dim: int
    fused: bool = False

    @property
    def query_width(self) -> int:
        return self.heads * self.head_dim

    @property
    def key_width(self) -> int:
        return self.kv_heads * self.head_dim

    @property
    def output_width(self) -> int:
        return self.heads * self.value_dim


@dataclass(frozen=True)
class ExpertTensor:
    """All experts' matrices of one kind, which transformers 5 keeps as one tensor of three dimensions.

    No `torch.nn.Linear` is left of them, so bitsandbytes does not quantise them. targetable: `lora_target_parameters:
    experts` finds it, by its name (`methods.target_modules.experts`)
    """

    name: str
    inputs: int
    outputs: int
    targetable: bool = True

    @property
    def weights_each(self) -> int:
        return self.inputs * self.outputs

    def lora_parameters(self, rank: int, count: int) -> int:
        """PEFT gives every expert a pair of its own (`lora.ParamWrapper`, PEFT 0.21)."""
        return count * rank * (self.inputs + self.outputs)


@dataclass(frozen=True)
class Experts:
    """Routed experts. active: experts a token goes through; biases: parameters of each that are no matrix."""

    count: int
    active: int
    hidden: int
    intermediate: int
    tensors: tuple[ExpertTensor, ...]
    biases: int = 0

    @property
    def parameters_each(self) -> int:
        return sum(tensor.weights_each for tensor in self.tensors) + self.biases

    def lora_parameters(self, rank: int, adapted: frozenset[str]) -> int:
        return sum(tensor.lora_parameters(rank, self.count) for tensor in self.tensors if tensor.name in adapted)


@dataclass(frozen=True)
class Scan:
    """A state space or the gated delta rule, beside attention or in its place.

    width     of a head; Mamba 1 is one head of all channels
    state     numbers of a channel that go from token to token; of the delta rule the width of a key
    chunk     tokens that are scored with one another, 0 where the scan goes from token to token
    channels  that go through its convolution
    """

    kind: Literal["mamba", "mamba2", "delta"]
    heads: int
    width: int
    state: int
    chunk: int = 0
    channels: int = 0

    @property
    def inner(self) -> int:
        return self.heads * self.width


@dataclass(frozen=True)
class Layer:
    """One decoder layer.

    mlp_width  elements of a token between the feed-forward matrices, 0 with routed experts alone
    mlp_saved  tensors of that width that its activation keeps for the backward pass
    other      parameters of routers, sinks and convolutions
    mixed      elements of a token that what stands in for attention keeps for the backward pass: an estimate
    scan       what stands there where it is a scan that has a formula
    """

    linears: tuple[Linear, ...]
    norms: tuple[Norm, ...]
    attention: Attention
    mlp_width: int
    mlp_saved: float = 3
    experts: Experts | None = None
    other: int = 0
    mixed: int = 0
    scan: Scan | None = None

    @property
    def parameters(self) -> int:
        routed = self.experts.count * self.experts.parameters_each if self.experts else 0
        plain = sum(linear.parameters for linear in self.linears) + sum(norm.parameters for norm in self.norms)
        return plain + routed + self.other

    @property
    def active_parameters(self) -> int:
        """Parameters that a token meets."""
        idle = (self.experts.count - self.experts.active) * self.experts.parameters_each if self.experts else 0
        return self.parameters - idle


@dataclass(frozen=True)
class Architecture:
    """A decoder.

    layers     each distinct layer with how often it stands there, at `path` within the model
    head_bias  of the output projection
    context    positions, None where the config names none
    beside     linear layers outside of the decoder's, under their whole names: a vision tower, projections
    other      parameters outside of the layers that are in none of these
    unknown    what a plan cannot know of it, a line each
    """

    family: str
    vocabulary: int
    hidden: int
    layers: tuple[tuple[Layer, int], ...]
    final_norm: Norm
    tied: bool
    head_bias: bool = False
    context: int | None = None
    path: str = "model.layers"
    beside: tuple[Linear, ...] = ()
    other: int = 0
    unknown: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        return sum(count for _, count in self.layers)

    @property
    def embedding(self) -> int:
        return self.vocabulary * self.hidden

    @property
    def head(self) -> int:
        """Parameters of the output projection that are not the embedding's."""
        return (0 if self.tied else self.embedding) + (self.vocabulary if self.head_bias else 0)

    @property
    def parameters(self) -> int:
        return sum(layer.parameters * count for layer, count in self.layers) + self._outside

    @property
    def _outside(self) -> int:
        """Parameters outside of the decoder's layers."""
        beside = sum(linear.parameters for linear in self.beside)
        return self.embedding + self.head + self.final_norm.parameters + beside + self.other

    @property
    def active_parameters(self) -> int:
        return sum(layer.active_parameters * count for layer, count in self.layers) + self._outside

    @property
    def multiplied(self) -> int:
        """Weights that each token is multiplied with: active ones without the embedding's look-up, with the head."""
        inner = sum(layer.active_parameters * count for layer, count in self.layers)
        return inner + self.embedding

    @property
    def has_experts(self) -> bool:
        return any(layer.experts for layer, _ in self.layers)

    def linears(self) -> Iterator[tuple[Linear, int]]:
        """Of the decoder's layers, each with how often it is there, and those beside."""
        for layer, count in self.layers:
            for linear in layer.linears:
                yield linear, count
        for linear in self.beside:
            yield linear, 1

    @property
    def four_bit_weights(self) -> int:
        """Weights that `load_in_4bit` quantises."""
        return sum(linear.weights * count for linear, count in self.linears() if linear.four_bit)

    @property
    def expert_weights(self) -> int:
        return sum(
            tensor.weights_each * layer.experts.count * count
            for layer, count in self.layers
            if layer.experts
            for tensor in layer.experts.tensors
        )

    @property
    def targetable_experts(self) -> frozenset[str]:
        """Names that `lora_target_parameters` can mean."""
        kinds = (layer.experts for layer, _ in self.layers if layer.experts)
        return frozenset(tensor.name for experts in kinds for tensor in experts.tensors if tensor.targetable)

    def adapted(self, lora: Lora) -> frozenset[str]:
        """Names of the linear layers and expert tensors that LoRA is laid over, as `assay train` has it.

        Raises SettingsError when a name matches nothing.
        """
        return self._linear_targets(lora.targets) | self._expert_targets(lora.experts)

    def _linear_targets(self, targets: str | tuple[str, ...]) -> frozenset[str]:
        inner = {linear.name for layer, _ in self.layers for linear in layer.linears}
        beside = {linear.name for linear in self.beside}
        if targets == ALL_LINEAR:
            return frozenset(linear.name for linear, _ in self.linears() if linear.adaptable)
        found: set[str] = set()
        for wanted in [targets] if isinstance(targets, str) else targets:
            pattern = isinstance(targets, str)
            matched = {name for name in inner if _matches(name, f"{self.path}.0.{name}", wanted, is_pattern=pattern)}
            matched |= {name for name in beside if _matches(name, name, wanted, is_pattern=pattern)}
            if not matched:
                leaves = {name.rpartition(".")[2] for name in inner | beside}
                raise SettingsError(
                    f"lora_target_modules: no linear layer of {self.family} matches '{wanted}'",
                    fix=f"{did_you_mean(wanted, leaves)} (all-linear takes them all)",
                )
            found |= matched
        return frozenset(found)

    def _expert_targets(self, wanted: str | tuple[str, ...]) -> frozenset[str]:
        if not wanted:
            return frozenset()
        known = self.targetable_experts
        if not known:
            raise SettingsError(
                f"lora_target_parameters: {self.family} has no experts that are one tensor",
                fix="leave it out: all-linear takes experts that are linear layers",
            )
        if wanted == EXPERTS:
            return known
        found: set[str] = set()
        for name in [wanted] if isinstance(wanted, str) else wanted:
            matched = {tensor for tensor in known if tensor == name or tensor.endswith(f".{name}")}
            if not matched:
                raise SettingsError(
                    f"lora_target_parameters: no experts are called {name!r}", fix=did_you_mean(name, known)
                )
            found |= matched
        return frozenset(found)

    def lora_parameters(self, lora: Lora) -> int:
        """Trainable parameters of the adapter, as PEFT makes it."""
        adapted = self.adapted(lora)
        routed = sum(layer.experts.lora_parameters(lora.rank, adapted) * n for layer, n in self.layers if layer.experts)
        return routed + sum(
            linear.lora_parameters(lora.rank) * count for linear, count in self.linears() if linear.name in adapted
        )


def _matches(name: str, whole: str, wanted: str, *, is_pattern: bool) -> bool:
    if not is_pattern:
        return name == wanted or name.endswith(f".{wanted}")
    try:
        return re.fullmatch(wanted, whole) is not None
    except re.error as error:
        raise SettingsError(f"lora_target_modules: {wanted!r} is no regular expression ({error})") from error
