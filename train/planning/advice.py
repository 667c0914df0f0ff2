"""What the guide would say about this plan, each with its why."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from ..settings import PRESETS
from .architecture import Architecture
from .workload import Lengths


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
            "take the instruct variant of this model, or give it a template with chat_template",
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
    parameters = architecture.lora_parameters(recipe.lora_r, recipe.lora_target_modules)
    purpose = PRESETS[preset].purpose
    usual = f"rank {PRESETS[preset].lora_r} is the preset's for {purpose}"
    if trained > 2 * parameters:
        return Advice(
            f"try lora_r: {2 * recipe.lora_r} beside {recipe.lora_r}",
            f"{trained / 1e6:.1f}M trained tokens are more than twice the adapter's {parameters / 1e6:.1f}M "
            f"parameters, and an adapter falls behind full fine-tuning when the data exceed what it can hold; {usual}",
        )
    if lengths.records < 300 and recipe.lora_r > 8:
        return Advice(
            f"try lora_r: 8 beside {recipe.lora_r}",
            f"{lengths.records} records are little: a smaller adapter learns them by heart later; {usual}",
        )
    return Advice(
        f"lora_r: {recipe.lora_r}",
        f"{usual}; {trained / 1e6:.1f}M trained tokens against {parameters / 1e6:.1f}M parameters",
    )


def _experts(architecture: Architecture, recipe: Recipe) -> Advice:
    if not architecture.expert_targets:
        return Advice(
            "know that the experts stay as they are, in 16 bits too",
            "transformers keeps them as one tensor: bitsandbytes quantises plain linear layers alone, and PEFT adapts "
            "only attention here",
        )
    dropout = f"set lora_dropout: 0 (it is {recipe.lora_dropout}); " if recipe.lora_dropout else ""
    return Advice(
        f"{dropout}or adapt attention alone: lora_target_modules: [q_proj, k_proj, v_proj, o_proj]",
        "transformers keeps the experts as one tensor, which stays in 16 bits under load_in_4bit; PEFT adapts it by "
        "adding to every expert at every pass, and only without dropout",
    )
