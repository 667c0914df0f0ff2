"""What becomes of each key of Axolotl, LLaMA-Factory and TRL that has not simply another name here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from assay.aliases import canonical
from assay.errors import SettingsError
from assay.foreign.reading import Reading, usual

NEEDLESS = {
    "output_dir", "logging_steps", "logging_dir", "save_steps", "save_strategy", "saves_per_epoch", "evals_per_epoch",
    "save_total_limit", "save_safetensors", "save_only_model", "dataset_prepared_path", "load_best_model_at_end",
    "metric_for_best_model", "greater_is_better", "group_by_length", "pad_to_sequence_len", "overwrite_cache",
    "overwrite_output_dir", "preprocessing_num_workers", "dataset_processes", "dataloader_num_workers", "plot_loss",
    "do_train", "do_eval", "use_peft", "model_type", "tokenizer_type", "strict", "tf32",
    "lora_task_type", "flash_attention", "xformers_attention", "attn_implementation", "flash_attn", "debug",
    "use_cpu", "gradient_checkpointing_kwargs", "include_tokens_per_second", "ddp_timeout", "quantization_method",
    "eval_sample_packing", "resume_from_checkpoint", "auto_resume_from_checkpoints", "local_rank", "lora_model_dir",
    "dataset_dir", "eos_token", "train_on_eos", "eot_tokens", "roles_to_train", "dataset_train_split",
    "dataset_test_split", "excess_length_strategy",
}  # fmt: skip
"""What assay decides or does by itself: where files go, when they are saved, how batches are made."""

TRACKERS = {"wandb_project": "wandb", "use_wandb": "wandb", "mlflow_tracking_uri": "mlflow", "use_mlflow": "mlflow"}

SAME = {"lr_scheduler": "lr_scheduler_type", "per_device_batch_size": "per_device_train_batch_size",
        "quantization_type": "bnb_4bit_quant_type", "double_quantization": "bnb_4bit_use_double_quant",
        "use_bnb_nested_quant": "bnb_4bit_use_double_quant",
        "early_stopping_steps": "early_stopping_patience"}  # fmt: skip

MODEL_NAMES = ("base_model", "model_name_or_path")
REVISION_NAMES = ("revision_of_model", "model_revision", "revision")
LENGTH_NAMES = ("sequence_len", "cutoff_len", "max_length", "max_seq_length")
PRECISION = {"bf16": "bfloat16", "bfloat16": "bfloat16", "fp16": "float16", "float16": "float16"}


def _model(reading: Reading, _: str, value: Any) -> None:
    local = reading.folder / str(value)
    reading.foreign.model = str(local) if local.is_dir() else str(value)


def _revision(reading: Reading, _: str, value: Any) -> None:
    reading.foreign.revision = None if value == "main" else str(value)


def _length(reading: Reading, name: str, value: Any) -> None:
    reading.put(name, "max_length", value)
    cut = "dropped" if reading.foreign.tool == "Axolotl" else "cut"
    reading.note(
        name,
        f"records longer than {value} tokens were {cut} in silence; assay refuses them (truncation: raise), or "
        "drops or cuts them and says so",
    )


def _packing(reading: Reading, name: str, value: Any) -> None:
    if value:
        reading.put(name, "packing", True)
        reading.note(name, "packed records may have read each other there; assay packs so that they do not")


def _prompts_in_loss(reading: Reading, name: str, value: Any) -> None:
    if value:
        reading.put(name, "assistant_only_loss", False)
        reading.note(
            name, "prompts were in the loss and stay there; without assistant_only_loss: false answers alone are"
        )


def _assistant_only(reading: Reading, name: str, value: Any) -> None:
    if not value and reading.foreign.tool == "TRL":
        _prompts_in_loss(reading, name, True)


def _special_tokens(reading: Reading, name: str, value: Any) -> None:
    tokens = value if isinstance(value, Mapping) else {}
    for key in tokens:
        if key != "pad_token":
            reading.note(
                name, f"'{name}.{key}' is left out: assay takes the tokenizer's own and learns turns' ends from it"
            )
    if "pad_token" in tokens:
        _pad(reading, name, tokens["pad_token"], tokens.get("eos_token"))


ENDS = ("<|im_end|>", "<|eot_id|>", "</s>", "<|endoftext|>", "<|end_of_text|>", "<end_of_turn>", "<eos>", "<|end|>")


def _pad(reading: Reading, name: str, token: Any, eos: Any = None) -> None:
    if token == eos or token in ENDS:
        reading.note(
            name,
            f"pad_token {token} may end turns, and masking it would mask that end; assay takes a token that ends none",
        )
    else:
        reading.put(name, "pad_token", str(token))


def _pad_alone(reading: Reading, name: str, value: Any) -> None:
    _pad(reading, name, value, reading.document.data.get("eos_token"))


def _objective(reading: Reading, name: str, value: Any) -> None:
    """`rl` of Axolotl, `stage` of LLaMA-Factory. Raises SettingsError for what is no training on answers."""
    if value and value != "sft":
        raise SettingsError(
            f"'{name}: {value}' trains on something else than answers, and assay trains on answers (SFT)",
            where=reading.document.where((name,)),
            fix="name a file of supervised fine-tuning",
        )


WHOLE = "all weights were trained there; assay trains an adapter (LoRA), with settings of its own where none is named"


def _finetuning(reading: Reading, name: str, value: Any) -> None:
    if value == "full":
        reading.note(name, WHOLE)
    elif value != "lora":
        reading.note(name, f"'{name}: {value}' is left out: assay trains LoRA and QLoRA")


def _mixture(reading: Reading, name: str, value: Any) -> None:
    """TRL's `datasets` under one more key."""
    entries = value.get("datasets") if isinstance(value, Mapping) else None
    for entry in entries if isinstance(entries, list) else []:
        named = entry.get("path") or entry.get("id") if isinstance(entry, Mapping) else entry
        split = entry.get("split") if isinstance(entry, Mapping) else None
        _add_data(reading, name, f"{named}:{split}" if named and split else named)
    for key in value if isinstance(value, Mapping) else ():
        if key != "datasets":
            reading.note(name, f"'{name}.{key}' is nothing that assay has; left out")


def _tracker(reading: Reading, name: str, value: Any) -> None:
    chosen = [one for one in (value if isinstance(value, list) else [value]) if one not in (None, "none")]
    if len(chosen) == 1 and chosen[0] != "all":
        reading.put(name, "report_to", chosen[0])
    elif chosen:
        reading.note(name, f"'{name}: {value}' is left out: assay reports to one tracker; report_to names it")


def _adapter_kind(reading: Reading, name: str, value: Any) -> None:
    if value not in ("lora", "qlora"):
        reading.note(name, f"'{name}: {value}' is left out: assay trains LoRA and QLoRA")
    elif value == "qlora":
        reading.foreign.train["load_in_4bit"] = True


def _four_bit(reading: Reading, _: str, value: Any) -> None:
    reading.foreign.train["load_in_4bit"] = bool(value)


def _bits(reading: Reading, name: str, value: Any) -> None:
    reading.foreign.train["load_in_4bit"] = str(value) == "4"
    if str(value) != "4":
        _eight_bit(reading, name, value)


def _eight_bit(reading: Reading, name: str, value: Any) -> None:
    if value:
        reading.note(name, f"'{name}: {value}' is left out: assay trains over 4 or 16 bits; load_in_4bit chooses")


def _precision(reading: Reading, name: str, value: Any) -> None:
    wanted = PRECISION.get(name) or PRECISION.get(str(value))
    if value is True or name == "dtype":
        if wanted is not None:
            reading.put(name, "dtype", wanted)
        elif value != "auto":
            reading.put(name, "dtype", value)


def _targets(reading: Reading, name: str, value: Any) -> None:
    if name == "lora_target_linear" and not value:
        return
    if value is True or value in ("all", "all-linear", ["all-linear"]):
        reading.put(name, "lora_target_modules", "all-linear")
        return
    reading.put(name, "lora_target_modules", value.split(",") if isinstance(value, str) and "," in value else value)


def _template(reading: Reading, name: str, value: Any) -> None:
    if value in ("tokenizer_default", "jinja"):
        return
    shown = str(value).splitlines()[0][:60] if str(value) else ""
    reading.note(
        name,
        f"'{name}: {shown}' is left out: assay trains in the chat template that the base brings. Compare them, since "
        "what answers later must be asked in the template of training",
    )


def _gradient_checkpointing(reading: Reading, name: str, value: Any) -> None:
    on = not value if name.startswith("disable") else bool(value)
    reading.put(name, "gradient_checkpointing", on)


def _data_sets(reading: Reading, name: str, value: Any) -> None:
    for entry in value if isinstance(value, list) else [value]:
        place = entry.get("path") if isinstance(entry, Mapping) else entry
        files = entry.get("data_files") if isinstance(entry, Mapping) else None
        places = [files] if isinstance(files, str) else files if isinstance(files, list) else [place]
        for one in places:
            _add_data(reading, name, one)
        kind = entry.get("type") if isinstance(entry, Mapping) else None
        if isinstance(kind, Mapping):
            reading.note(
                name, "a prompt format of one's own is left out: assay finds the columns, or --columns names them"
            )


def _add_data(reading: Reading, name: str, place: Any) -> None:
    if not isinstance(place, str) or not place:
        reading.note(name, "a data set without a path is left out")
        return
    local = reading.folder / place
    reading.foreign.data.append(str(local) if local.exists() else place)


def _validation_data(reading: Reading, name: str, _: Any) -> None:
    reading.note(
        name, f"'{name}' is left out: assay sets whole families of the data aside, as validation and as a suite"
    )


def _named_data(reading: Reading, name: str, value: Any) -> None:
    """LLaMA-Factory names entries of dataset_info.json."""
    info = reading.folder / str(reading.document.data.get("dataset_dir", "data")) / "dataset_info.json"
    names = [part.strip() for part in value.split(",")] if isinstance(value, str) else list(value)
    for one in names:
        if info.is_file():
            reading.foreign.data.append(f"{info}:{one}")
        else:
            reading.note(name, f"'{one}' is left out: {info} is not here")


def _max_steps(reading: Reading, name: str, value: Any) -> None:
    if int(value) > 0:
        reading.note(name, f"'{name}: {value}' is left out: assay counts epochs (num_train_epochs)")


def _trust(reading: Reading, name: str, value: Any) -> None:
    if value:
        reading.note(name, "'trust_remote_code' is left out: read that code first, then set it in assay.yaml yourself")


def _left_out_if_set(reading: Reading, name: str, value: Any) -> None:
    if value:
        reading.note(name, f"'{name}' is left out: assay trains LoRA's matrices alone")


def _quantisation(reading: Reading, name: str, value: Any) -> None:
    for key, one in (value if isinstance(value, Mapping) else {}).items():
        take(reading, str(key), one)


SPECIAL: Mapping[str, Callable[[Reading, str, Any], None]] = {
    **dict.fromkeys(MODEL_NAMES, _model),
    **dict.fromkeys(REVISION_NAMES, _revision),
    **dict.fromkeys(LENGTH_NAMES, _length),
    **dict.fromkeys(("sample_packing", "packing", "neat_packing"), _packing),
    **dict.fromkeys(("train_on_inputs", "train_on_prompt"), _prompts_in_loss),
    "assistant_only_loss": _assistant_only,
    "special_tokens": _special_tokens,
    "pad_token": _pad_alone,
    "adapter": _adapter_kind,
    **dict.fromkeys(("rl", "stage"), _objective),
    "finetuning_type": _finetuning,
    "dataset_mixture": _mixture,
    "report_to": _tracker,
    "load_in_4bit": _four_bit,
    "quantization_bit": _bits,
    "load_in_8bit": _eight_bit,
    **dict.fromkeys(("bf16", "fp16", "float16", "bfloat16", "dtype", "torch_dtype"), _precision),
    **dict.fromkeys(("lora_target_linear", "lora_target_modules", "lora_target"), _targets),
    **dict.fromkeys(("chat_template", "template", "chat_template_path", "chat_template_jinja"), _template),
    **dict.fromkeys(("gradient_checkpointing", "disable_gradient_checkpointing"), _gradient_checkpointing),
    "datasets": _data_sets,
    "dataset_name": _add_data,
    "dataset": _named_data,
    **dict.fromkeys(("test_datasets", "eval_dataset"), _validation_data),
    "max_steps": _max_steps,
    "trust_remote_code": _trust,
    "bnb_config_kwargs": _quantisation,
    **dict.fromkeys(("lora_modules_to_save", "additional_target"), _left_out_if_set),
}


def take(reading: Reading, name: str, value: Any) -> None:
    """Takes a key over, or says why not."""
    if value is None or name in NEEDLESS:
        return
    special = SPECIAL.get(name)
    if special is not None:
        special(reading, name, value)
    elif name in TRACKERS:
        if value:
            reading.foreign.train["report_to"] = TRACKERS[name]
    else:
        _plain(reading, name, value)


def _plain(reading: Reading, name: str, value: Any) -> None:
    found = canonical(name, value, reading.known)
    successor, given = (SAME.get(name, name), value) if found is None else (found.name, found.value)
    if successor not in reading.known:
        reading.note(name, f"'{name}' is nothing that assay has; left out")
    elif given != usual(reading.settings, successor):
        reading.put(name, successor, given)
