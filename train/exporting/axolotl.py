"""A run as Axolotl's YAML (https://docs.axolotl.ai/docs/config-reference.html)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .described_run import DescribedRun
from .foreign_file import ForeignFile, conversation, jsonl, unsaid, warmup

SAID = ("init_lora_weights", "loraplus_lr_ratio", "neftune_noise_alpha", "packing", "completion_only_loss",
        "bnb_4bit_quant_type")  # fmt: skip


def axolotl_file(run: DescribedRun, out: Path) -> ForeignFile:
    file = ForeignFile("Axolotl")
    _model(file, run)
    _data(file, run, out.stem)
    _training(file, run)
    file.left_out += unsaid(run, SAID)
    silent = sum(
        message.role == "assistant" and not message.content and message.train is not False
        for records in run.records.values() for record in records for message in record.messages
    )  # fmt: skip
    if silent:
        file.left_out.append(
            f"{silent} answers without text (tool calls alone): Axolotl keeps them out of the loss, their end token too"
        )
    file.left_out.append("records of like length do not share a batch as they do in assay (group_by_length sorts more)")
    return file


def _model(file: ForeignFile, run: DescribedRun) -> None:
    recipe, settings = run.recipe, file.settings
    settings["base_model"] = run.model
    if run.revision is not None:
        settings["revision_of_model"] = run.revision
    settings |= {"adapter": "qlora" if recipe["load_in_4bit"] else "lora", "load_in_4bit": recipe["load_in_4bit"]}
    if recipe["load_in_4bit"]:
        kwargs = {
            "bnb_4bit_quant_type": recipe["bnb_4bit_quant_type"],
            "bnb_4bit_use_double_quant": recipe["bnb_4bit_use_double_quant"],
        }
        settings["bnb_config_kwargs"] = kwargs
    settings |= {key: recipe[key] for key in ("lora_r", "lora_alpha", "lora_dropout")}
    targets = recipe["lora_target_modules"]
    if targets == "all-linear":
        settings["lora_target_linear"] = True
    else:
        settings["lora_target_modules"] = targets if isinstance(targets, str) else list(targets)
    for name, key in (("use_dora", "peft_use_dora"), ("use_rslora", "peft_use_rslora")):
        if recipe[name]:
            settings[key] = True
    if recipe.get("init_lora_weights", True) is not True:
        settings["peft_init_lora_weights"] = recipe["init_lora_weights"]
    settings["special_tokens"] = {"pad_token": run.pad_token}


def _data(file: ForeignFile, run: DescribedRun, name: str) -> None:
    settings, recipe = file.settings, run.recipe
    settings |= {"chat_template": "jinja", "chat_template_jinja": run.target.template}
    only_last = bool(recipe.get("completion_only_loss", False))
    for split, key in (("train", "datasets"), ("validation", "test_datasets")):
        if not run.records[split]:
            continue
        path = f"{name}.{split}.jsonl"
        file.data[path] = jsonl(conversation(record, only_last=only_last) for record in run.records[split])
        settings[key] = [_dataset(path, split, run)]
    if "datasets" not in settings:
        settings["datasets"] = [_dataset("train.jsonl", "train", run)]
    settings["eot_tokens"] = [run.stop_text]
    settings["train_on_inputs"] = not recipe["assistant_only_loss"]
    length = int(recipe["max_length"])
    settings |= {
        "sequence_len": length,
        "excess_length_strategy": "raise",
        "sample_packing": bool(recipe.get("packing")),
    }
    settings["pad_to_sequence_len"] = False


def _dataset(path: str, split: str, run: DescribedRun) -> dict[str, Any]:
    found: dict[str, Any] = {"path": path, "ds_type": "json", "type": "chat_template", "field_messages": "messages"}
    if split == "validation":
        found["split"] = "train"  # a file of JSON lines has the one split
    roles = ["assistant"] if run.recipe["assistant_only_loss"] else ["system", "user", "assistant"]
    return {**found, "message_field_training": "train", "roles_to_train": roles, "train_on_eos": "turn"}


def _training(file: ForeignFile, run: DescribedRun) -> None:
    recipe, settings = run.recipe, file.settings
    share, steps = warmup(run)
    settings |= {
        "num_epochs": recipe["num_train_epochs"],
        "micro_batch_size": recipe["per_device_train_batch_size"],
        "gradient_accumulation_steps": recipe["gradient_accumulation_steps"],
        "learning_rate": recipe["learning_rate"],
        "lr_scheduler": recipe["lr_scheduler_type"],
        **({"warmup_ratio": share} if share is not None else {"warmup_steps": steps}),
        "weight_decay": recipe["weight_decay"],
        "max_grad_norm": recipe["max_grad_norm"],
        "optimizer": recipe["optim"],
        "gradient_checkpointing": recipe["gradient_checkpointing"],
        "bf16": recipe["dtype"] == "bfloat16",
        "fp16": recipe["dtype"] == "float16",
        "tf32": False,
    }
    if recipe.get("loraplus_lr_ratio", 1.0) != 1:
        settings["loraplus_lr_ratio"] = recipe["loraplus_lr_ratio"]
    if recipe.get("neftune_noise_alpha", 0.0):
        settings["neftune_noise_alpha"] = recipe["neftune_noise_alpha"]
    if run.records["validation"]:
        settings |= {"eval_steps": recipe["eval_steps"], "save_steps": recipe["eval_steps"]}
        settings |= {"load_best_model_at_end": True, "metric_for_best_model": "eval_loss", "greater_is_better": False}
        if recipe["early_stopping_patience"]:
            settings["early_stopping_patience"] = recipe["early_stopping_patience"]
    settings |= {"seed": recipe["seed"], "output_dir": "./axolotl-out"}
    if recipe["report_to"] not in ("none", None):
        file.left_out.append(f"report_to: {recipe['report_to']} is set by Axolotl's own keys (use_wandb, use_mlflow)")
