"""What a request can cost at most, and what it did cost, in US dollars."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from assay.protocols import Generation, GenerationRequest, Price

TOKENS_A_MESSAGE = 16
"""More than any provider adds to a message for roles and separators."""

TOKENS_OF_TOOLS = 1024
"""More than the system prompt that a provider adds where tools or a schema are declared (Anthropic's: 346 to 675)."""

CACHE_WRITE = 1.25
"""Anthropic's factor on the price of input that is put into the cache for five minutes; nobody's is higher."""


def worst_usd(request: GenerationRequest, price: Price) -> float:
    """Upper bound of what a request can cost; infinite for a prompt that may be longer than the price is for.

    A byte-level tokenizer makes at most one token of a byte, so the bytes of the text bound the input.
    """
    most = most_input_tokens(request)
    if price.most_input is not None and most > price.most_input:
        return math.inf
    return (most * _dearest_input(price) + request.max_tokens * price.output) / 1e6


def most_input_tokens(request: GenerationRequest) -> int:
    most = sum(len((m.content or "").encode()) + TOKENS_A_MESSAGE for m in request.messages)
    most += sum(
        len(json.dumps([call.name, call.arguments, call.id]).encode()) + TOKENS_A_MESSAGE
        for message in request.messages
        for call in message.tool_calls
    )
    if request.schema is not None or request.tools:
        most += TOKENS_OF_TOOLS + len(json.dumps([request.schema, list(request.tools)]).encode())
    return most


def actual_usd(generation: Generation, price: Price) -> float:
    """By the tokens that the provider counted."""
    plain = generation.input_tokens - generation.cached_tokens - generation.written_tokens
    cached = price.input if price.cached_input is None else price.cached_input
    return (
        max(0, plain) * price.input
        + generation.cached_tokens * cached
        + generation.written_tokens * _write(price)
        + generation.output_tokens * price.output
    ) / 1e6


def scaled(price: Price, factor: float) -> Price:
    """Of all kinds of tokens alike, as a batch job's are."""
    return replace(
        price,
        input=price.input * factor,
        output=price.output * factor,
        cached_input=None if price.cached_input is None else price.cached_input * factor,
        cache_write=None if price.cache_write is None else price.cache_write * factor,
    )


def _dearest_input(price: Price) -> float:
    """A provider may keep a prompt unasked, and charge for it."""
    return max(price.input, _write(price))


def _write(price: Price) -> float:
    return price.input * CACHE_WRITE if price.cache_write is None else price.cache_write
