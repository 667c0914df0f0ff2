"""What the guide would say about this plan, each with its why."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from ..settings import PRESETS
from .architecture import Architecture
from .workload import Lengths, lora_of

SMALL, RATE_OF_SMALL = 0.5e9, 5e-4
"""Parameters of a base below which the usual rate is too low, and the least that does (docs/training.md)."""


@dataclass(frozen=True)
class Advice:
    what: str
    why: str


def advise(
    architecture: Architecture, recipe: Recipe, lengths: Lengths, chat_template: bool | None, preset: str
) -> tuple[Advice, ...]:
    """chat_template: whether the model has one, None where that is not known."""
    found = [_instruct(chat_template), _method(recipe), _rank(architecture, recipe, lengths, preset)]
    found += [_experts(architecture, recipe)] if architecture.has_experts else []
    found += [*_rate(architecture, recipe), *_too_long(architecture, recipe, lengths)]
    if architecture.four_bit_weights == 0 and recipe.load_in_4bit:
        found.append(
            Advice(
                "set load_in_4bit: false",
                f"transformers builds {architecture.family} of linear layers of its own class, which bitsandbytes "
                "does not replace: 4 bits would save nothing",
            )
        )
    return tuple(found)


def _instruct(chat_template: bool | None) -> Advice:
    if chat_template is False:
        return Advice(
            "take the instruct variant of this model, or write a template into its folder as chat_template.jinja",
            "it has no chat template, so it is a base: nothing says where a turn begins or ends, `assay train` refuses "
            "it, and a few thousand records would have to teach it to follow instructions and to stop, too",
        )
    if chat_template is None:
        return Advice(
            "train the instruct variant rather than the base",
            "it follows instructions and ends its turns already, so that the records are left to teach the task; a "
            "base has no chat template, and must be given one that serving uses too",
        )
    return Advice("the model has a chat template", "training and inference write conversations alike")


def _method(recipe: Recipe) -> Advice:
    if recipe.load_in_4bit:
        return Advice(
            "LoRA (load_in_4bit: false) where the card has room for it, else QLoRA",
            "4 bits save three quarters of the weights' memory; every pass unpacks them, which takes time, and the "
            "adapter is trained against weights that are rounded",
        )
    return Advice(
        "LoRA as it is set; QLoRA (load_in_4bit: true) on a card where it does not fit",
        "16-bit weights are not unpacked at every pass and not rounded",
    )


def _rank(architecture: Architecture, recipe: Recipe, lengths: Lengths, preset: str) -> Advice:
    trained = lengths.tokens * lengths.predicted
    parameters = architecture.lora_parameters(lora_of(recipe))
    purpose = PRESETS[preset].purpose
    usual = f"rank {PRESETS[preset].lora_r} is the preset's for {purpose}"
    if trained > 2 * parameters:
        return Advice(
            f"try lora_r: {2 * recipe.lora_r} beside {recipe.lora_r}",
            f"{_many(trained)} trained tokens are more than twice the adapter's {_many(parameters)} "
            f"parameters, and an adapter falls behind full fine-tuning when the data exceed what it can hold; {usual}",
        )
    if lengths.records < 300 and recipe.lora_r > 8:
        return Advice(
            f"try lora_r: 8 beside {recipe.lora_r}",
            f"{lengths.records} records are little: a smaller adapter learns them by heart later; {usual}",
        )
    return Advice(
        f"lora_r: {recipe.lora_r}",
        f"{usual}; {_many(trained)} trained tokens against {_many(parameters)} parameters",
    )


def _many(number: float) -> str:
    """28412 -> '28,412', 4884480 -> '4.9M'"""
    return f"{number / 1e6:.1f}M" if number >= 1e6 else f"{number:,.0f}"


def _rate(architecture: Architecture, recipe: Recipe) -> list[Advice]:
    if architecture.parameters >= SMALL or recipe.learning_rate >= RATE_OF_SMALL:
        return []
    return [
        Advice(
            f"try learning_rate: {RATE_OF_SMALL:g} beside {recipe.learning_rate:g}",
            "models below 0.5 billion parameters take, and need, higher rates than the default of larger ones",
        )
    ]


def _too_long(architecture: Architecture, recipe: Recipe, lengths: Lengths) -> list[Advice]:
    longest, context = min(recipe.max_length, lengths.longest), architecture.context
    if context is None or longest <= context:
        return []
    return [
        Advice(
            f"plan for records of {context:,} tokens at most (--longest {context})",
            f"the model has {context:,} positions, and `assay train` drops or cuts records of {longest:,}",
        )
    ]


def _experts(architecture: Architecture, recipe: Recipe) -> Advice:
    share = architecture.expert_weights / architecture.parameters
    if recipe.lora_target_parameters:
        return Advice(
            "know that the experts stay in 16 bits, and that adapting them takes time",
            f"transformers keeps them as one tensor, {share:.0%} of the weights: bitsandbytes quantises plain linear "
            "layers alone, and PEFT adds to every expert at every pass",
        )
    also = "; lora_target_parameters: experts adapts them" if architecture.targetable_experts else ""
    return Advice(
        f"know that the experts stay as they are, in 16 bits too{also}",
        f"transformers keeps them as one tensor, {share:.0%} of the weights: bitsandbytes quantises plain linear "
        "layers alone, and all-linear leaves the experts out",
    )
