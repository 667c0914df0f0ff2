"""A model's shape as far as memory and work depend on it: linear layers, norms, attention, experts.

Read from a config alone by `reading`; the counts are exact, and tests hold them against the real models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assay.errors import SettingsError, did_you_mean

ALL_LINEAR = "all-linear"


@dataclass(frozen=True)
class Linear:
    """One linear layer.

    name      its path within the decoder layer, as PEFT matches it
    in_mlp    part of the feed-forward block, else of attention
    four_bit  bitsandbytes quantises it: transformers replaces plain `torch.nn.Linear` and no subclass of it
    """

    name: str
    inputs: int
    outputs: int
    bias: bool = False
    in_mlp: bool = False
    four_bit: bool = True

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
class Experts:
    """Routed experts, each gated (three matrices), which transformers 5 keeps as one tensor a matrix.

    No `torch.nn.Linear` is left of them, so bitsandbytes does not quantise them. active: experts a token goes through.
    targets: the names by which PEFT still knows router, gate, up and down (`_convert_peft_config_moe`, PEFT 0.21);
    None where it knows none, and LoRA passes the experts by.
    """

    count: int
    active: int
    hidden: int
    intermediate: int
    bias: bool = False
    targets: tuple[str, str, str, str] | None = None

    @property
    def parameters_each(self) -> int:
        biases = 2 * self.intermediate + self.hidden if self.bias else 0
        return 3 * self.hidden * self.intermediate + biases

    def lora_parameters(self, rank: int, wanted: frozenset[str]) -> int:
        """wanted: those of `targets` that are asked for. Gate and up are one tensor, and share twice the rank."""
        if self.targets is None:
            return 0
        router, gate, up, down = (name in wanted for name in self.targets)
        width = self.intermediate
        return (
            (rank * (self.hidden + self.count) if router else 0)
            + (self.count * 2 * rank * (self.hidden + 2 * width) if gate and up else 0)
            + (self.count * rank * (self.hidden + width) if down else 0)
        )


@dataclass(frozen=True)
class Layer:
    """One decoder layer. mlp_width: elements of a token between the feed-forward matrices, 0 with routed experts
    alone; mlp_saved: tensors of that width that its activation keeps for the backward pass; other: parameters of
    routers and sinks."""

    linears: tuple[Linear, ...]
    norms: tuple[Norm, ...]
    attention: Attention
    mlp_width: int
    mlp_saved: float = 3
    experts: Experts | None = None
    other: int = 0

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
    """A decoder. layers: each distinct layer with how often it stands there; head_bias: of the output projection;
    context: positions, None where the config names none; extra: parameters of what is no decoder (a vision tower)."""

    family: str
    vocabulary: int
    hidden: int
    layers: tuple[tuple[Layer, int], ...]
    final_norm: Norm
    tied: bool
    head_bias: bool = False
    context: int | None = None

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
        inner = sum(layer.parameters * count for layer, count in self.layers)
        return inner + self.embedding + self.head + self.final_norm.parameters

    @property
    def active_parameters(self) -> int:
        inner = sum(layer.active_parameters * count for layer, count in self.layers)
        return inner + self.embedding + self.head + self.final_norm.parameters

    @property
    def multiplied(self) -> int:
        """Weights that each token is multiplied with: active ones without the embedding's look-up, with the head."""
        inner = sum(layer.active_parameters * count for layer, count in self.layers)
        return inner + self.embedding

    @property
    def has_experts(self) -> bool:
        return any(layer.experts for layer, _ in self.layers)

    def linears(self) -> Iterator[tuple[Linear, int]]:
        for layer, count in self.layers:
            for linear in layer.linears:
                yield linear, count

    @property
    def four_bit_weights(self) -> int:
        """Weights that `load_in_4bit` quantises."""
        return sum(linear.weights * count for linear, count in self.linears() if linear.four_bit)

    @property
    def expert_targets(self) -> frozenset[str]:
        return frozenset(name for layer, _ in self.layers if layer.experts for name in layer.experts.targets or ())

    def adapted(self, targets: str | tuple[str, ...]) -> frozenset[str]:
        """Names of the linear layers that LoRA is laid over, and of `Experts.targets`.

        Where PEFT knows the experts by a name, a dense layer of the same name beside them is passed by.
        Raises SettingsError when a name matches nothing.
        """
        experts = self.expert_targets
        names = {linear.name for linear, _ in self.linears() if linear.leaf not in experts}
        if targets == ALL_LINEAR:
            return frozenset(names | experts)
        found: set[str] = set()
        for wanted in [targets] if isinstance(targets, str) else targets:
            matched = {name for name in names if _matches(name, wanted, is_pattern=isinstance(targets, str))}
            matched |= {wanted} & experts
            if not matched:
                leaves = {name.rpartition(".")[2] for name in names} | experts
                raise SettingsError(
                    f"lora_target_modules: no linear layer of {self.family} matches '{wanted}'",
                    fix=f"{did_you_mean(wanted, leaves)} (all-linear takes them all)",
                )
            found |= matched
        return frozenset(found)

    def lora_parameters(self, rank: int, targets: str | tuple[str, ...]) -> int:
        """Trainable parameters of the adapter, as PEFT makes it."""
        adapted = self.adapted(targets)
        routed = sum(layer.experts.lora_parameters(rank, adapted) * n for layer, n in self.layers if layer.experts)
        return routed + sum(
            linear.lora_parameters(rank) * count for linear, count in self.linears() if linear.name in adapted
        )


def _matches(name: str, wanted: str, *, is_pattern: bool) -> bool:
    if not is_pattern:
        return name == wanted or name.endswith(f".{wanted}")
    try:
        return re.fullmatch(wanted, f"model.layers.0.{name}") is not None
    except re.error as error:
        raise SettingsError(f"lora_target_modules: {wanted!r} is no regular expression ({error})") from error
