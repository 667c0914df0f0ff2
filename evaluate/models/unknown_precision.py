"""An adapter that does not say in which precision its base was held in training.

What ships is what should be scored: an adapter trained over a base in NF4 corrects the errors of those four bits, and
has none to correct in 16 (Dettmers et al. 2023, section 4). Only assay's own adapters say which it was.
"""

from __future__ import annotations

from assay.models.adapters import base_of

from ..asking.leaks import adapter_card
from ..identity import Models, precision_of
from ..settings import EvaluateSettings

FOUR_BIT_NAMES = ("bnb-4bit", "4bit", "nf4")
"""In the name of a base, as Unsloth and others call copies in four bits."""


def unknown_precision(models: Models, settings: EvaluateSettings) -> str | None:
    """What must be said before and beside the scores; None where it is known, said in the settings, or the server's
    affair."""
    folder = models.candidate
    if folder is None or settings.load_in_4bit is not None or settings.backend == "openai":
        return None
    if adapter_card(folder) is not None:
        return None
    quantisation = precision_of(models, settings).quantisation
    held = f"in {quantisation.upper()}, as the last release's was" if quantisation else "not quantised"
    named = (base_of(folder) if (folder / "adapter_config.json").is_file() else None) or ""
    if quantisation is None and any(name in named.casefold() for name in FOUR_BIT_NAMES):
        return (
            f"{folder.name} was trained on {named} by its own config, a base in 4 bits, and is scored on one that is "
            "not quantised: evaluate.load_in_4bit=true scores it as it was trained"
        )
    return (
        f"{folder.name} has no assay.json, so in which precision its base was held in training is unknown; here it is "
        f"{held}: evaluate.load_in_4bit=true for QLoRA (NF4), =false for LoRA, says which"
    )
