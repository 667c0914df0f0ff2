"""Decoders without experts, from the keys of their configs, as transformers builds them."""

from __future__ import annotations

from dataclasses import replace

from .architecture import Architecture, Attention, Layer, Linear, Norm
from .keys import Keys


def gated_mlp(prefix: str, hidden: int, width: int, *, bias: bool = False) -> tuple[Linear, ...]:
    return (
        Linear(f"{prefix}.gate_proj", hidden, width, bias, in_mlp=True),
        Linear(f"{prefix}.up_proj", hidden, width, bias, in_mlp=True),
        Linear(f"{prefix}.down_proj", width, hidden, bias, in_mlp=True),
    )


def projections(
    hidden: int, attention: Attention, *, bias: bool = False, output_bias: bool = False
) -> tuple[Linear, ...]:
    """q, k, v and o by themselves, as most families have them."""
    return (
        Linear("self_attn.q_proj", hidden, attention.query_width, bias),
        Linear("self_attn.k_proj", hidden, attention.key_width, bias),
        Linear("self_attn.v_proj", hidden, attention.kv_heads * attention.value_dim, bias),
        Linear("self_attn.o_proj", attention.output_width, hidden, output_bias),
    )


def grouped_attention(keys: Keys) -> Attention:
    heads = keys.number("num_attention_heads")
    head_dim = keys.number("head_dim", keys.number("hidden_size") // heads)
    return Attention(heads, keys.number("num_key_value_heads", heads), head_dim, head_dim)


def head_norms(attention: Attention) -> tuple[Norm, ...]:
    """One norm for the queries' heads and one for the keys', each with the weights of a single head."""
    return (
        Norm(attention.head_dim, attention.query_width),
        Norm(attention.head_dim, attention.key_width),
    )


def assemble(
    keys: Keys,
    layers: tuple[tuple[Layer, int], ...],
    *,
    norm: Norm,
    head_bias: bool = False,
    path: str = "model.layers",
) -> Architecture:
    return Architecture(
        family=keys.family,
        vocabulary=keys.number("vocab_size"),
        hidden=keys.number("hidden_size"),
        layers=layers,
        final_norm=norm,
        tied=keys.flag("tie_word_embeddings"),
        head_bias=head_bias,
        context=keys.optional("max_position_embeddings"),
        path=path,
    )


def llama_like(
    keys: Keys, *, bias: bool, output_bias: bool, norms: int = 2, normed_heads: bool = False, mlp_bias: bool = False
) -> Architecture:
    hidden, width = keys.number("hidden_size"), keys.number("intermediate_size")
    attention = grouped_attention(keys)
    layer = Layer(
        linears=(
            *projections(hidden, attention, bias=bias, output_bias=output_bias),
            *gated_mlp("mlp", hidden, width, bias=mlp_bias),
        ),
        norms=(*[Norm(hidden, hidden)] * norms, *(head_norms(attention) if normed_heads else ())),
        attention=attention,
        mlp_width=width,
    )
    return assemble(keys, ((layer, keys.number("num_hidden_layers")),), norm=Norm(hidden, hidden))


def llama(keys: Keys) -> Architecture:
    bias = keys.flag("attention_bias")
    return llama_like(keys, bias=bias, output_bias=bias, mlp_bias=keys.flag("mlp_bias"))


def mistral(keys: Keys) -> Architecture:
    return llama_like(keys, bias=False, output_bias=False)


def qwen2(keys: Keys) -> Architecture:
    return llama_like(keys, bias=True, output_bias=False)


def qwen3(keys: Keys) -> Architecture:
    bias = keys.flag("attention_bias")
    return llama_like(keys, bias=bias, output_bias=bias, normed_heads=True)


def gemma(keys: Keys) -> Architecture:
    bias = keys.flag("attention_bias")
    return llama_like(keys, bias=bias, output_bias=bias)


def gemma2(keys: Keys) -> Architecture:
    bias = keys.flag("attention_bias")
    return llama_like(keys, bias=bias, output_bias=bias, norms=4)


def gemma3(keys: Keys) -> Architecture:
    bias = keys.flag("attention_bias")
    return llama_like(keys, bias=bias, output_bias=bias, norms=4, normed_heads=True)


def phi(keys: Keys) -> Architecture:
    """Phi-1 to Phi-2: attention and feed-forward side by side after one norm, biases everywhere."""
    hidden, width = keys.number("hidden_size"), keys.number("intermediate_size")
    attention = grouped_attention(keys)
    q, k, v, o = projections(hidden, attention, bias=True, output_bias=True)
    normed = head_norms(attention) if keys.flag("qk_layernorm") else ()
    layer = Layer(
        linears=(
            *(q, k, v),
            Linear("self_attn.dense", o.inputs, o.outputs, bias=True),
            Linear("mlp.fc1", hidden, width, bias=True, in_mlp=True),
            Linear("mlp.fc2", width, hidden, bias=True, in_mlp=True),
        ),
        norms=(Norm(hidden, hidden, bias=True), *(Norm(n.weights, n.width, bias=True) for n in normed)),
        attention=attention,
        mlp_width=width,
        mlp_saved=4,
    )
    count = keys.number("num_hidden_layers")
    return assemble(keys, ((layer, count),), norm=Norm(hidden, hidden, bias=True), head_bias=True)


def phi3(keys: Keys) -> Architecture:
    """Phi-3 and Phi-4: queries, keys and values from one matrix, gate and up from another."""
    hidden, width = keys.number("hidden_size"), keys.number("intermediate_size")
    attention = replace(grouped_attention(keys), fused=True)
    layer = Layer(
        linears=(
            Linear("self_attn.qkv_proj", hidden, attention.query_width + 2 * attention.key_width),
            Linear("self_attn.o_proj", attention.output_width, hidden),
            Linear("mlp.gate_up_proj", hidden, 2 * width, in_mlp=True),
            Linear("mlp.down_proj", width, hidden, in_mlp=True),
        ),
        norms=(Norm(hidden, hidden), Norm(hidden, hidden)),
        attention=attention,
        mlp_width=width,
    )
    return assemble(keys, ((layer, keys.number("num_hidden_layers")),), norm=Norm(hidden, hidden))


def falcon(keys: Keys) -> Architecture:
    """Falcon 7B (one key head), RW (no sharing, norms in a row), and 40B and 180B (the new decoder)."""
    hidden, heads = keys.number("hidden_size"), keys.number("num_attention_heads")
    new, bias = keys.flag("new_decoder_architecture"), keys.flag("bias")
    kv_heads = keys.number("num_kv_heads", heads) if new else 1 if keys.flag("multi_query") else heads
    head_dim = hidden // heads
    attention = Attention(heads, kv_heads, head_dim, head_dim, fused=True)
    width = keys.number("ffn_hidden_size", 4 * hidden)
    two_norms = not keys.flag("parallel_attn") or keys.number("num_ln_in_parallel_attn", 2 if new else 1) == 2
    fused = attention.query_width + 2 * attention.key_width

    def linear(name: str, inputs: int, outputs: int, *, in_mlp: bool = False) -> Linear:
        return Linear(name, inputs, outputs, bias, in_mlp=in_mlp, four_bit=False)

    layer = Layer(
        linears=(
            linear("self_attention.query_key_value", hidden, fused),
            linear("self_attention.dense", hidden, hidden),
            linear("mlp.dense_h_to_4h", hidden, width, in_mlp=True),
            linear("mlp.dense_4h_to_h", width, hidden, in_mlp=True),
        ),
        norms=(Norm(hidden, hidden, bias=True),) * (2 if two_norms else 1),
        attention=attention,
        mlp_width=width,
        mlp_saved=1,
    )
    count = keys.number("num_hidden_layers")
    return assemble(keys, ((layer, count),), norm=Norm(hidden, hidden, bias=True), path="transformer.h")
