"""A plan: what a run takes before anything is spent. Shape, lengths and settings in, a plan out; no weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assay.errors import ModelError, SourceError

from ..recipe import Hardware, Recipe, resolve
from ..settings import TrainSettings
from .advice import Advice, advise
from .architecture import Architecture
from .cards import Card
from .effort import Effort, effort
from .machine import Machine
from .memory import Memory, adapter_file_bytes, moments, peak_memory
from .sharing import sharded
from .workload import METHODS, Lengths, Method, Setup, lora_of, setup_of

COMFORTABLE = 0.9
"""Share of a card's memory up to which a peak is said to fit: the figures are right to within a tenth."""

CARDS_TOGETHER = (1, 2, 4, 8)
GPU = Hardware("cuda:0", computes_bf16=True)


@dataclass(frozen=True)
class Subject:
    """What is planned for.

    vocabulary    of the tokenizer, None where there is none at hand
    chat_template whether the model has one, None where it is not known
    file_dtype    of the weights in the file
    """

    name: str
    architecture: Architecture
    vocabulary: int | None = None
    chat_template: bool | None = None
    file_dtype: str = "bfloat16"


@dataclass(frozen=True)
class Fit:
    """One method on one kind of card. cards: how many it takes, None when eight do not do; peak: of each of them;
    tight: the peak is above nine tenths of the card."""

    method: Method
    cards: int | None
    peak: int
    tight: bool


@dataclass(frozen=True)
class CardPlan:
    """best: LoRA where it fits on one card, else QLoRA, else what takes the fewest cards; effort is of that one."""

    card: Card
    fits: tuple[Fit, ...]
    best: Fit | None
    effort: Effort | None


@dataclass(frozen=True)
class Change:
    """One setting changed, the rest as planned. peak with it, and what it saves; in bytes."""

    setting: str
    peak: int
    saves: int


@dataclass(frozen=True)
class Here:
    """On this machine. fits: the recipe as it is configured."""

    machine: Machine
    recipe: Recipe
    memory: Memory
    fits: bool


@dataclass(frozen=True)
class Plan:
    """peaks: by method, on a GPU; step: of the method `planned`, whose peak may be at another moment; tokens: of the
    whole run; changes: of the method `planned`."""

    subject: Subject
    lengths: Lengths
    recipe: Recipe
    peaks: dict[Method, Memory]
    planned: Method
    step: Memory
    lora_parameters: int
    adapter_bytes: int
    tokens: float
    cards: tuple[CardPlan, ...]
    changes: tuple[Change, ...]
    advice: tuple[Advice, ...]
    here: Here | None


def plan(
    subject: Subject,
    lengths: Lengths,
    settings: TrainSettings,
    cards: Sequence[Card],
    machine: Machine | None = None,
) -> Plan:
    """settings decide the recipe as `assay train` does. Raises SourceError, ModelError, SettingsError."""
    _check(subject, lengths)
    recipe = _resolve(settings, lengths, GPU)
    architecture = subject.architecture
    setups = {method: setup_of(recipe, lengths, method, subject.file_dtype) for method in METHODS}
    peaks = {method: peak_memory(architecture, setup) for method, setup in setups.items()}
    planned: Method = "qlora" if recipe.load_in_4bit else "lora"
    tokens = recipe.num_train_epochs * lengths.tokens
    plans = tuple(_on_card(architecture, setups, card, tokens) for card in cards)
    return Plan(
        subject=subject,
        lengths=lengths,
        recipe=recipe,
        peaks=peaks,
        planned=planned,
        step=next(one for one in moments(architecture, setups[planned]) if one.moment == "step"),
        lora_parameters=architecture.lora_parameters(lora_of(recipe)),
        adapter_bytes=adapter_file_bytes(architecture, lora_of(recipe)),
        tokens=tokens,
        cards=plans,
        changes=_changes(subject, settings, lengths, peaks[planned].peak),
        advice=advise(architecture, recipe, lengths, subject.chat_template, settings.preset),
        here=None if machine is None else _here(subject, lengths, settings, machine),
    )


def _resolve(settings: TrainSettings, lengths: Lengths, hardware: Hardware) -> Recipe:
    return resolve(
        settings,
        records=lengths.records,
        longest=lengths.longest,
        pad_token_id=0,
        hardware=hardware,
        validated=settings.validation > 0,
    )


def _check(subject: Subject, lengths: Lengths) -> None:
    if not lengths.records or not lengths.tokens:
        raise SourceError(
            "there is no record to plan for", fix="name data that holds some, or give --records and --tokens"
        )
    vocabulary = subject.architecture.vocabulary
    if subject.vocabulary is not None and subject.vocabulary > vocabulary:
        raise ModelError(
            f"the tokenizer has {subject.vocabulary:,} tokens and the model {vocabulary:,}: some have no embedding",
            where=subject.name,
            fix="take the tokenizer that came with the model, or resize its embeddings",
        )


def _on_card(architecture: Architecture, setups: dict[Method, Setup], card: Card, tokens: float) -> CardPlan:
    fits = tuple(_fit(architecture, setup, card) for setup in setups.values())
    possible = [fit for fit in fits if fit.cards is not None and fit.method != "full"]
    preference = {"lora": 0, "qlora": 1}
    best = min(possible, key=lambda fit: (fit.cards, preference[fit.method]), default=None)
    if best is None or best.cards is None:
        return CardPlan(card, fits, None, None)
    return CardPlan(card, fits, best, effort(architecture, setups[best.method], tokens, card, best.cards))


def _fit(architecture: Architecture, setup: Setup, card: Card) -> Fit:
    peak = 0
    for count in CARDS_TOGETHER:
        peak = sharded(architecture, setup, count).peak
        if peak <= card.memory:
            return Fit(setup.method, count, peak, peak > COMFORTABLE * card.memory)
    return Fit(setup.method, None, peak, tight=True)


def _changes(subject: Subject, settings: TrainSettings, lengths: Lengths, peak: int) -> tuple[Change, ...]:
    """Each by itself; those that save nothing are left out, the one that saves most comes first."""
    found = []
    for name, changed, shorter in _alternatives(settings, lengths):
        recipe = _resolve(changed, shorter, GPU)
        method: Method = "qlora" if recipe.load_in_4bit else "lora"
        memory = peak_memory(subject.architecture, setup_of(recipe, shorter, method, subject.file_dtype))
        if memory.peak < peak:
            found.append(Change(name, memory.peak, peak - memory.peak))
    return tuple(sorted(found, key=lambda change: -change.saves))


def _alternatives(settings: TrainSettings, lengths: Lengths) -> Iterator[tuple[str, TrainSettings, Lengths]]:
    recipe = _resolve(settings, lengths, GPU)
    change = dataclasses.replace
    if not recipe.load_in_4bit:
        yield "load_in_4bit: true", change(settings, load_in_4bit=True), lengths
    if not recipe.gradient_checkpointing:
        yield "gradient_checkpointing: true", change(settings, gradient_checkpointing=True), lengths
    batch = recipe.per_device_train_batch_size
    if batch > 1:
        half = change(settings, per_device_train_batch_size=batch // 2, gradient_accumulation_steps=None)
        one = change(settings, per_device_train_batch_size=1, gradient_accumulation_steps=None)
        if batch > 2 and recipe.effective_batch_size % (batch // 2) == 0:
            yield f"per_device_train_batch_size: {batch // 2}", half, lengths
        yield "per_device_train_batch_size: 1", one, lengths
    if lengths.longest >= 64:
        half_length = lengths.longest // 2
        records, tokens = lengths.checked
        shorter = change(lengths, longest=half_length, checked=(records, min(tokens, half_length)))
        fixed = change(
            settings,
            per_device_train_batch_size=batch,
            gradient_accumulation_steps=recipe.gradient_accumulation_steps,
            effective_batch_size=None,
            max_length=half_length,
        )
        yield f"max_length: {half_length} (longer records are dropped or cut)", fixed, shorter
    if recipe.lora_r > 8:
        yield "lora_r: 8", change(settings, lora_r=8), lengths


def _here(subject: Subject, lengths: Lengths, settings: TrainSettings, machine: Machine) -> Here:
    recipe = _resolve(settings, lengths, machine.hardware)
    method: Method = "qlora" if recipe.load_in_4bit else "lora"
    memory = peak_memory(subject.architecture, setup_of(recipe, lengths, method, subject.file_dtype))
    return Here(machine, recipe, memory, memory.peak + machine.imports <= machine.available)
