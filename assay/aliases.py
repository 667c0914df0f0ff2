"""Names that other tools, and earlier versions of TRL and transformers, gave to a setting.

A foreign name is accepted where its successor is a setting of the section, and answered with a notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Alias:
    """A setting under its canonical name; note adds what the reader should know, or is empty."""

    name: str
    value: Any
    note: str = ""


_RENAMED: dict[str, str] = {
    # former names of TRL, transformers and PEFT
    "max_seq_length": "max_length",
    "warmup_ratio": "warmup_steps",
    "torch_dtype": "dtype",
    "evaluation_strategy": "eval_strategy",
    "r": "lora_r",
    "rank": "lora_r",
    "alpha": "lora_alpha",
    "padding_free": "packing",
    "target_modules": "lora_target_modules",
    "target_parameters": "lora_target_parameters",
    "model_name": "model_name_or_path",
    "model": "model_name_or_path",
    # Axolotl
    "base_model": "model_name_or_path",
    "sequence_len": "max_length",
    "num_epochs": "num_train_epochs",
    "micro_batch_size": "per_device_train_batch_size",
    "sample_packing": "packing",
    "peft_init_lora_weights": "init_lora_weights",
    "tokens": "new_tokens",
    "train_on_inputs": "assistant_only_loss",
    "lora_target_linear": "lora_target_modules",
    "val_set_size": "validation",
    "peft_use_dora": "use_dora",
    "peft_use_rslora": "use_rslora",
    "warmup": "warmup_steps",
    "optimizer": "optim",
    # LLaMA-Factory
    "cutoff_len": "max_length",
    "lora_rank": "lora_r",
    "lora_target": "lora_target_modules",
    "quantization_bit": "load_in_4bit",
    "val_size": "validation",
    "neat_packing": "packing",
    "enable_liger_kernel": "use_liger_kernel",
    "use_unsloth": "backend",
    "pissa_init": "init_lora_weights",
    "add_tokens": "new_tokens",
    "new_special_tokens": "new_tokens",
    "add_special_tokens": "new_tokens",
    "mask_history": "completion_only_loss",
    "train_on_prompt": "assistant_only_loss",
    # ms-swift
    "model_id_or_path": "model_name_or_path",
    "quant_bits": "load_in_4bit",
    "split_dataset_ratio": "validation",
    "lora_dropout_p": "lora_dropout",
    # lm-eval
    "limit_samples": "limit",
    "fewshot": "num_fewshot",
    "num_fewshots": "num_fewshot",
    "include_paths": "include_path",
}


def _linear(value: Any) -> Any:
    return "all-linear" if value is True or value == "all" else value


def _pissa(value: Any) -> Any:
    return "pissa_niter_16" if value is True else True if value is False else value


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _unsloth(value: Any) -> Any:
    return "unsloth" if value is True else "trl" if value is False else value


def _reversed(value: Any) -> Any:
    return not value if isinstance(value, bool) else value


def _is_four_bit(value: Any) -> Any:
    return value in (4, "4", "4bit")


_CONVERTED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "lora_target_linear": (_linear, ""),
    "lora_target": (_linear, ""),
    "add_tokens": (_listed, ""),
    "new_special_tokens": (_listed, ""),
    "add_special_tokens": (_listed, ""),
    "use_unsloth": (_unsloth, ""),
    "pissa_init": (_pissa, " (pissa_niter_16 where this was true)"),
    "train_on_inputs": (_reversed, " (true where this was false)"),
    "train_on_prompt": (_reversed, " (true where this was false)"),
    "quantization_bit": (_is_four_bit, " (true for 4 bit)"),
    "quant_bits": (_is_four_bit, " (true for 4 bit)"),
    "warmup_ratio": (lambda value: value, " (a value below 1 is a share of all steps)"),
    "warmup": (lambda value: value, " (a value below 1 is a share of all steps)"),
}


def canonical(name: str, value: Any, known: Iterable[str]) -> Alias | None:
    """The canonical setting for a foreign name, or None when the section has no such successor."""
    successor = _RENAMED.get(name)
    if successor is None or successor not in set(known):
        return None
    convert, note = _CONVERTED.get(name, (lambda given: given, ""))
    return Alias(successor, convert(value), note)
