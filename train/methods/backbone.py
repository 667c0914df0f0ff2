"""Where the decoder stands within a model, for TRL, which projects its output onto the vocabulary itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def name_backbone(model: PreTrainedModel) -> None:
    """Makes `model.base_model` the decoder, where it is the whole model.

    A class names its decoder by `base_model_prefix`. That of Llama 4's text model names what holds the decoder in the
    model with pictures alone, and `base_model` is then the model itself (transformers 5.24), whose output has no
    hidden states. The decoder is the one part that is a model of its own.
    """
    from transformers import PreTrainedModel

    if model.base_model is not model:
        return
    parts = [name for name, part in model.named_children() if isinstance(part, PreTrainedModel)]
    if len(parts) == 1:
        model.base_model_prefix = parts[0]
