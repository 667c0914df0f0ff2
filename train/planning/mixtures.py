"""Mixtures of experts, from the keys of their configs, as transformers 5 builds them."""

from __future__ import annotations

from dataclasses import replace

from .architecture import Architecture, Attention, Experts, ExpertTensor, Layer, Linear, Norm
from .families import assemble, gated_mlp, grouped_attention, head_norms, projections
from .keys import Keys


def mixtral(keys: Keys) -> Architecture:
    hidden, attention = keys.number("hidden_size"), grouped_attention(keys)
    experts = _experts(keys, "num_local_experts", "intermediate_size")
    layer = Layer(
        linears=projections(hidden, attention),
        norms=(Norm(hidden, hidden),) * 2,
        attention=attention,
        mlp_width=0,
        experts=experts,
        other=experts.count * hidden,
    )
    return assemble(keys, ((layer, keys.number("num_hidden_layers")),), norm=Norm(hidden, hidden))


def qwen2_moe(keys: Keys) -> Architecture:
    hidden, attention = keys.number("hidden_size"), grouped_attention(keys)
    shared = keys.number("shared_expert_intermediate_size")
    experts = _experts(keys, "num_experts", "moe_intermediate_size")
    inner = projections(hidden, attention, bias=keys.flag("qkv_bias"))
    sparse = Layer(
        linears=(
            *inner,
            *gated_mlp("mlp.shared_expert", hidden, shared),
            Linear("mlp.shared_expert_gate", hidden, 1, in_mlp=True, adaptable=False),
        ),
        norms=(Norm(hidden, hidden),) * 2,
        attention=attention,
        mlp_width=shared,
        experts=experts,
        other=experts.count * hidden,
    )
    return _some_dense(keys, sparse, (*inner, *gated_mlp("mlp", hidden, keys.number("intermediate_size"))))


def qwen3_moe(keys: Keys) -> Architecture:
    hidden, attention = keys.number("hidden_size"), grouped_attention(keys)
    bias = keys.flag("attention_bias")
    experts = _experts(keys, "num_local_experts", "moe_intermediate_size")
    inner = projections(hidden, attention, bias=bias, output_bias=bias)
    sparse = Layer(
        linears=inner,
        norms=(*(Norm(hidden, hidden),) * 2, *head_norms(attention)),
        attention=attention,
        mlp_width=0,
        experts=experts,
        other=experts.count * hidden,
    )
    dense = gated_mlp("mlp", hidden, keys.number("intermediate_size"))
    return _some_dense(keys, sparse, (*inner, *_passed_by(dense)))


def gpt_oss(keys: Keys) -> Architecture:
    hidden, attention = keys.number("hidden_size"), grouped_attention(keys)
    bias = keys.flag("attention_bias")
    experts = _experts(keys, "num_local_experts", "intermediate_size", bias=True)
    layer = Layer(
        linears=projections(hidden, attention, bias=bias, output_bias=bias),
        norms=(Norm(hidden, hidden),) * 2,
        attention=attention,
        mlp_width=0,
        experts=experts,
        other=experts.count * (hidden + 1) + attention.heads,
    )
    return assemble(keys, ((layer, keys.number("num_hidden_layers")),), norm=Norm(hidden, hidden))


def deepseek(keys: Keys) -> Architecture:
    """DeepSeek-V2 and V3: keys and values from a latent vector, some layers without experts first."""
    hidden, heads = keys.number("hidden_size"), keys.number("num_attention_heads")
    bias = keys.flag("attention_bias")
    nope, rope, value = (keys.number(f"{name}_head_dim") for name in ("qk_nope", "qk_rope", "v"))
    latent, query_rank = keys.number("kv_lora_rank"), keys.optional("q_lora_rank")
    attention = Attention(heads, heads, nope + rope, value)
    queries: tuple[Linear, ...] = (Linear("self_attn.q_proj", hidden, attention.query_width),)
    norms = [Norm(hidden, hidden), Norm(hidden, hidden), Norm(latent, latent)]
    if query_rank:
        queries = (
            Linear("self_attn.q_a_proj", hidden, query_rank, bias),
            Linear("self_attn.q_b_proj", query_rank, attention.query_width),
        )
        norms.append(Norm(query_rank, query_rank))
    inner = (
        *queries,
        Linear("self_attn.kv_a_proj_with_mqa", hidden, latent + rope, bias),
        Linear("self_attn.kv_b_proj", latent, heads * (nope + value)),
        Linear("self_attn.o_proj", attention.output_width, hidden, bias),
    )
    width, each = keys.number("intermediate_size"), keys.number("moe_intermediate_size")
    experts = _experts(keys, "n_routed_experts", "moe_intermediate_size")
    shared = each * keys.number("n_shared_experts")
    depth = keys.number("num_hidden_layers")
    first = min(depth, keys.number("first_k_dense_replace", 0))
    dense = Layer((*inner, *_passed_by(gated_mlp("mlp", hidden, width))), tuple(norms), attention, width)
    sparse = Layer(
        (*inner, *_passed_by(gated_mlp("mlp.shared_experts", hidden, shared))),
        tuple(norms),
        attention,
        shared,
        experts=experts,
        other=experts.count * hidden,
    )
    layers = tuple((layer, count) for layer, count in ((dense, first), (sparse, depth - first)) if count)
    return assemble(keys, layers, norm=Norm(hidden, hidden))


def _experts(keys: Keys, count: str, width: str, *, bias: bool = False) -> Experts:
    """Gated, under the names that transformers 5 gives them."""
    hidden, inner = keys.number("hidden_size"), keys.number(width)
    tensors = (
        ExpertTensor("mlp.experts.gate_up_proj", hidden, 2 * inner),
        ExpertTensor("mlp.experts.down_proj", inner, hidden),
    )
    biases = 2 * inner + hidden if bias else 0
    return Experts(keys.number(count), keys.number("num_experts_per_tok"), hidden, inner, tensors, biases)


def _passed_by(linears: tuple[Linear, ...]) -> tuple[Linear, ...]:
    """Dense layers under the names that experts had in transformers 4: PEFT 0.21 means experts by them in Qwen 3 MoE
    and DeepSeek, so that all-linear leaves them out (`methods.target_modules.adaptable`)."""
    return tuple(replace(linear, adaptable=False) for linear in linears)


def _some_dense(keys: Keys, sparse: Layer, linears: tuple[Linear, ...]) -> Architecture:
    """Layers named by `mlp_only_layers`, and those that `decoder_sparse_step` passes over, have no experts.

    linears: of such a layer.
    """
    hidden, width, depth = (keys.number(name) for name in ("hidden_size", "intermediate_size", "num_hidden_layers"))
    only, step = keys.numbers("mlp_only_layers"), keys.number("decoder_sparse_step", 1)
    dense_count = sum(1 for index in range(depth) if index in only or (index + 1) % step)
    dense = Layer(linears, sparse.norms, sparse.attention, width)
    layers = tuple((layer, n) for layer, n in ((sparse, depth - dense_count), (dense, dense_count)) if n)
    return assemble(keys, layers, norm=Norm(hidden, hidden))
