"""A run as the YAML of `trl sft --config`.

TRL refuses `assistant_only_loss` for a template without generation markers, and cuts long records in silence. So the
data is written as token ids and labels, which TRL takes as they are: the very ones that assay trains on.
"""

from __future__ import annotations

from pathlib import Path

from .described_run import DescribedRun
from .foreign_file import ForeignFile, jsonl, unsaid

SAID = ("init_lora_weights", "neftune_noise_alpha", "completion_only_loss", "packing", "bnb_4bit_quant_type")

AS_THEY_ARE = ("num_train_epochs", "per_device_train_batch_size", "gradient_accumulation_steps", "learning_rate",
               "lr_scheduler_type", "warmup_steps", "weight_decay", "max_grad_norm", "optim", "gradient_checkpointing",
               "seed")  # fmt: skip


def trl_file(run: DescribedRun, out: Path) -> ForeignFile:
    file = ForeignFile("TRL")
    recipe, settings = run.recipe, file.settings
    settings["model_name_or_path"] = run.model
    if run.revision is not None:
        settings["model_revision"] = run.revision
    _data(file, run, out.stem)
    targets = recipe["lora_target_modules"]
    settings |= {
        "dtype": recipe["dtype"],
        "use_peft": True,
        "load_in_4bit": recipe["load_in_4bit"],
        "bnb_4bit_quant_type": recipe["bnb_4bit_quant_type"],
        "use_bnb_nested_quant": recipe["bnb_4bit_use_double_quant"],
        **{key: recipe[key] for key in ("lora_r", "lora_alpha", "lora_dropout", "use_rslora", "use_dora")},
        "lora_target_modules": [targets] if isinstance(targets, str) else list(targets),
    }
    if isinstance(targets, str) and targets != "all-linear":
        file.left_out.append("lora_target_modules is a regular expression, and TRL's file takes names alone")
    if recipe.get("init_lora_weights", True) is not True:
        file.left_out.append(f"init_lora_weights: {recipe['init_lora_weights']}; TRL's file has no place for it")
    _training(file, run)
    file.left_out += unsaid(run, SAID)
    return file


def _data(file: ForeignFile, run: DescribedRun, name: str) -> None:
    """A folder with train.jsonl and validation.jsonl, which `datasets` takes for splits."""
    folder = f"{name}_data"
    for split, rows in run.rows.items():
        if rows:
            file.data[f"{folder}/{split}.jsonl"] = jsonl({"input_ids": ids, "labels": labels} for ids, labels in rows)
    file.settings |= {"dataset_name": folder, "dataset_train_split": "train"}
    if run.rows["validation"]:
        file.settings["dataset_test_split"] = "validation"


def _training(file: ForeignFile, run: DescribedRun) -> None:
    recipe, settings = run.recipe, file.settings
    settings |= {
        "max_length": None,  # the records are as long as assay lets them be; a limit of TRL's would cut in silence
        "packing": False,
        "assistant_only_loss": False,  # the labels say it already
        "pad_token": run.pad_token,
        "eos_token": run.stop_text,
        **{key: recipe[key] for key in AS_THEY_ARE},
        "bf16": recipe["dtype"] == "bfloat16",
        "fp16": recipe["dtype"] == "float16",
        **({"use_cpu": True} if recipe["device"] == "cpu" else {}),
        "report_to": recipe["report_to"],
        "output_dir": "./trl-out",
    }
    if recipe.get("neftune_noise_alpha", 0.0):
        settings["neftune_noise_alpha"] = recipe["neftune_noise_alpha"]
    if recipe.get("packing"):
        file.left_out.append("packing: TRL packs by its own plan, with flash attention alone; it is off here")
    if run.rows["validation"]:
        every = recipe["eval_steps"]
        settings |= {"eval_strategy": "steps", "eval_steps": every, "save_strategy": "steps", "save_steps": every}
        settings |= {"load_best_model_at_end": True, "metric_for_best_model": "eval_loss", "greater_is_better": False}
        if recipe["early_stopping_patience"]:
            patience = recipe["early_stopping_patience"]
            file.left_out.append(f"early_stopping_patience: {patience}; `trl sft` has no callback for it")
    file.left_out.append("records of like length do not share a batch as they do in assay")
