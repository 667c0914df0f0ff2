"""What can be set in the `synth` section of assay.yaml."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from assay.errors import SettingsError
from assay.protocols import Price


def _check_price(price: Price | None, name: str) -> None:
    """A price below zero would let any cap be passed."""
    for part in ("input", "output", "cached_input", "cache_write"):
        value = getattr(price, part, None)
        if value is not None and not 0 <= value < math.inf:
            raise SettingsError(f"{name}.{part} should be 0 or more dollars a million tokens", fix=f"it is {value}")


def _check_address(url: str | None, name: str) -> None:
    """A name and password in an address would be written into manifests."""
    if url and "@" in urlsplit(url).netloc:
        raise SettingsError(
            f"{name} holds a name or password", fix="set api_key_env to the variable that holds the key"
        )


@dataclass(frozen=True)
class JudgeSettings:
    """The model that judges, where it is another than the one that writes. What is not set is the writer's, as far as
    the judge is asked at the same place; `price` only where it is the same model too.

    batch        in batch jobs; None: as the writer, at the same provider
    temperature  None leaves it to the provider
    """

    provider: str | None = None
    model: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    api: Literal["chat", "responses"] | None = None
    batch: bool | None = None
    price: Price | None = None
    max_tokens: int | None = None
    temperature: float | None = None

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_tokens <= 0:
            raise SettingsError("synth.judge.max_tokens should be above zero", fix=f"it is {self.max_tokens}")
        _check_price(self.price, "synth.judge.price")
        _check_address(self.base_url, "synth.judge.base_url")


@dataclass(frozen=True)
class SynthSettings:
    """Settings of a generation run.

    provider      a name from `synth/providers/`: openai, anthropic, openai_compatible, azure, bedrock, vertex, local
    model         the provider's name for it; for `local` the default is the model being trained
    base_url      host of an OpenAI-compatible server; the only host that is then spoken to
    api_key_env   environment variable that holds the key; its value is never stored or printed
    api           of OpenAI and Azure: chat (completions) or responses
    batch         ask in batch jobs (openai, anthropic): half the price, and answers within a day
    personal_data what happens to personal data before a seed or document leaves the machine: mask (placeholders, put
                  back in the answer), block (nothing that holds some is sent) or send
    methods       {generator: {count: accepted records wanted, ...}}
    verify        {step: false} leaves one out, {step: {...}} sets it; steps that ask a model run only when named
    judge         the model of the step `judge`, {provider, model, base_url, price, ...}; naming one turns the step on;
                  without one the writer judges itself, which is said
    min_new       a method ends when less than this share of its last drafts was accepted and new (see docs/synth.md)
    max_declined  a method ends when the model or its provider has declined so many prompts in a row; 0 turns it off
    require_acceptance  share of the records that must be good, as a one-sided 95 % lower bound of what people found
                  (`assay review`); below it none of them trains; 0 or null asks for no review
    max_usd       cap in dollars, never exceeded: what requests in flight could cost is reserved
    max_requests  cap on requests sent, retries included
    temperature   None leaves it to the provider (some models take no other value; `local` uses 0.8)
    price         in dollars a million tokens; needed for a paid model that is not in the dated list of prices
    """

    enabled: bool = False
    provider: str = "local"
    model: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    api: Literal["chat", "responses"] = "chat"
    batch: bool = False
    batch_poll_seconds: float = 30.0
    personal_data: Literal["mask", "block", "send"] = "mask"
    methods: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"paraphrase": {"count": 50}})
    verify: Mapping[str, Any] = field(default_factory=dict)
    judge: JudgeSettings | None = None
    min_new: float = 0.2
    max_declined: int = 20
    require_acceptance: float | None = 0.95
    max_usd: float = 5.0
    max_requests: int = 1000
    price: Price | None = None
    max_tokens: int = 256
    temperature: float | None = None
    concurrency: int = 8
    timeout: float = 60.0
    max_retries: int = 6
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("max_usd", "max_tokens", "timeout", "batch_poll_seconds"):
            if not getattr(self, name) > 0:  # a NaN is not, and no cap would hold with one
                raise SettingsError(f"synth.{name} should be above zero", fix=f"it is {getattr(self, name)}")
        _check_price(self.price, "synth.price")
        _check_address(self.base_url, "synth.base_url")
        if not self.methods:
            raise SettingsError("synth.methods names no method", fix="write {paraphrase: {count: 50}}")
        if self.max_retries < 0:
            raise SettingsError("synth.max_retries should be 0 or more", fix=f"it is {self.max_retries}")
        if self.require_acceptance is not None and not 0 <= self.require_acceptance < 1:
            raise SettingsError(
                f"synth.require_acceptance is {self.require_acceptance}, but should be a share below 1",
                fix="write 0.95; 0 asks for no review",
            )
        if self.max_declined < 0:
            raise SettingsError("synth.max_declined should be 0 or more", fix=f"it is {self.max_declined}")
        for name in ("max_requests", "concurrency"):
            if getattr(self, name) < 1:
                raise SettingsError(f"synth.{name} should be at least 1", fix=f"it is {getattr(self, name)}")
