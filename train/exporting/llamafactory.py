"""A run as LLaMA-Factory's YAML, with the dataset_info.json that names its data.

LLaMA-Factory does not render chat templates: it has its own, by name. `NAMED` holds what those of version 0.9.5 write
(`llamafactory/data/template.py`), so that a name is given only where it writes what the trained template writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from assay.chat import ChatTarget
from assay.chat_templates.templating import TemplateProblem
from assay.records import Json, Record

from .described_run import DescribedRun
from .foreign_file import ForeignFile, has_flags, jsonl, unsaid, warmup
from .turns import NotExpressible, Turns, take_apart

SAID = ("init_lora_weights", "loraplus_lr_ratio", "neftune_noise_alpha", "packing", "completion_only_loss",
        "bnb_4bit_quant_type")  # fmt: skip


AS_THEY_ARE = ("num_train_epochs", "per_device_train_batch_size", "gradient_accumulation_steps", "learning_rate",
               "lr_scheduler_type", "weight_decay", "max_grad_norm", "optim", "seed")  # fmt: skip


TAGS = {
    "role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant",
    "observation_tag": "tool", "function_tag": "function", "system_tag": "system",
}  # fmt: skip
"""Of the kind `sharegpt`. Its kind `openai` writes "detailed thinking off" into every system turn (0.9.5)."""


class Named(NamedTuple):
    """One of LLaMA-Factory's templates. user runs through the prompt of the answer; bos: whether it begins with it."""

    bos: bool
    system: tuple[str, str]
    user: tuple[str, str]
    answer_end: str
    default_system: str = ""


_IM = ("<|im_start|>system\n", "<|im_end|>\n")
_IM_USER = ("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n")
_HEADER = "<|start_header_id|>{}<|end_header_id|>\n\n"

NAMED: Mapping[str, Named] = {
    "chatml": Named(False, _IM, _IM_USER, "<|im_end|>\n"),
    "smollm2": Named(
        False, _IM, _IM_USER, "<|im_end|>\n", "You are a helpful AI assistant named SmolLM, trained by Hugging Face."
    ),
    "qwen": Named(
        False, _IM, _IM_USER, "<|im_end|>\n", "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
    ),
    "llama3": Named(
        True,
        (_HEADER.format("system"), "<|eot_id|>"),
        (_HEADER.format("user"), "<|eot_id|>" + _HEADER.format("assistant")),
        "<|eot_id|>",
    ),
    "gemma": Named(
        True,
        ("", ""),
        ("<start_of_turn>user\n", "<end_of_turn>\n<start_of_turn>model\n"),
        "<end_of_turn>\n",
    ),
    "phi4": Named(
        False,
        ("<|im_start|>system<|im_sep|>", "<|im_end|>"),
        ("<|im_start|>user<|im_sep|>", "<|im_end|><|im_start|>assistant<|im_sep|>"),
        "<|im_end|>",
    ),
    "phi": Named(False, ("<|system|>\n", "<|end|>\n"), ("<|user|>\n", "<|end|>\n<|assistant|>\n"), "<|end|>\n"),
    "granite3": Named(
        False,
        ("<|start_of_role|>system<|end_of_role|>", "<|end_of_text|>\n"),
        (
            "<|start_of_role|>user<|end_of_role|>",
            "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
        ),
        "<|end_of_text|>\n",
    ),
}


def turns_of(named: Named, bos: str) -> Turns:
    """What a named template writes around contents."""
    head = bos if named.bos else ""
    before, after = named.system
    user, to_answer = named.user
    if named is NAMED["gemma"]:  # the system turn stands within the first user turn
        return Turns(head + user, head + user, "\n\n", to_answer, named.answer_end + user, to_answer)
    default = f"{before}{named.default_system}{after}" if named.default_system else ""
    return Turns(head + default + user, head + before, after + user, to_answer, named.answer_end + user, to_answer)


def template_name(target: ChatTarget) -> str | None:
    """The name of the template that writes what the trained one writes; None where none of them does."""
    try:
        trained = take_apart(target)
    except (NotExpressible, TemplateProblem):
        return None
    bos = target.special_tokens.get("bos_token", "")
    names = [name for name, named in NAMED.items() if turns_of(named, bos) == trained]
    return names[0] if names else None


def llamafactory_file(run: DescribedRun, out: Path) -> ForeignFile:
    file = ForeignFile("LLaMA-Factory")
    recipe, settings = run.recipe, file.settings
    settings["model_name_or_path"] = run.model
    if run.revision is not None:
        settings["model_revision"] = run.revision
    targets = recipe["lora_target_modules"]
    settings |= {"stage": "sft", "do_train": True, "finetuning_type": "lora"}
    if recipe["load_in_4bit"]:
        settings |= {
            "quantization_bit": 4,
            "quantization_method": "bnb",
            "quantization_type": recipe["bnb_4bit_quant_type"],
        }
        settings["double_quantization"] = recipe["bnb_4bit_use_double_quant"]
    settings |= {
        "lora_rank": recipe["lora_r"],
        "lora_alpha": recipe["lora_alpha"],
        "lora_dropout": recipe["lora_dropout"],
        "lora_target": "all" if targets == "all-linear" else targets if isinstance(targets, str) else ",".join(targets),
        "use_dora": recipe["use_dora"],
        "use_rslora": recipe["use_rslora"],
    }
    _start(file, run)
    _template(file, run)
    _data(file, run, out.stem)
    _training(file, run)
    file.left_out += unsaid(run, SAID)
    return file


def _start(file: ForeignFile, run: DescribedRun) -> None:
    start = str(run.recipe.get("init_lora_weights", True))
    if start.startswith("pissa"):
        file.settings["pissa_init"] = True
        if "niter" in start:
            file.settings["pissa_iter"] = int(start.rpartition("_")[2])
    elif start not in ("True", "gaussian"):
        file.left_out.append(f"init_lora_weights: {start}; LLaMA-Factory has no place for it")
    if run.recipe.get("loraplus_lr_ratio", 1.0) != 1:
        file.settings["loraplus_lr_ratio"] = run.recipe["loraplus_lr_ratio"]


def _template(file: ForeignFile, run: DescribedRun) -> None:
    name = template_name(run.target)
    if name is None:
        file.left_out.append(
            "the chat template: none of LLaMA-Factory's named ones that assay knows writes what was trained. Without "
            "`template` it guesses one from the tokenizer's; compare a sample before you trust it"
        )
        return
    file.settings["template"] = name
    if NAMED[name].answer_end.endswith("\n"):
        file.left_out.append(
            "LLaMA-Factory trains on the line break after an answer too; assay on its stop token alone"
        )


def _data(file: ForeignFile, run: DescribedRun, name: str) -> None:
    settings, recipe = file.settings, run.recipe
    info: dict[str, object] = {}
    for split, key in (("train", "dataset"), ("validation", "eval_dataset")):
        if not run.records[split]:
            continue
        path, entry = f"{name}.{split}.jsonl", f"{name}_{split}"
        has_tools = any(record.tools for record in run.records[split])
        file.data[path] = jsonl(
            {
                "messages": turns_as_tagged(record),
                **({"tools": json.dumps(record.tools) if record.tools else ""} if has_tools else {}),
            }
            for record in run.records[split]
        )
        columns = {"messages": "messages", **({"tools": "tools"} if has_tools else {})}
        info[entry] = {"file_name": path, "formatting": "sharegpt", "columns": columns, "tags": dict(TAGS)}
        settings[key] = entry
    _say_what_is_otherwise(file, [record for records in run.records.values() for record in records])
    settings.setdefault("dataset", f"{name}_train")
    file.data["dataset_info.json"] = json.dumps(info, indent=2, ensure_ascii=False) + "\n"
    settings |= {"dataset_dir": ".", "cutoff_len": int(recipe["max_length"]), "packing": bool(recipe.get("packing"))}
    settings["train_on_prompt"] = not recipe["assistant_only_loss"]
    settings["mask_history"] = bool(recipe.get("completion_only_loss", False))
    file.left_out.append("cutoff_len cuts longer records in silence; assay refuses them, so none of these is longer")


def turns_as_tagged(record: Record) -> list[Json]:
    """The messages under `TAGS`; an answer that calls tools is a turn of its own kind, whose content is the calls."""
    turns: list[Json] = []
    for message in record.messages:
        if message.tool_calls:
            calls = [{"name": call.name, "arguments": call.arguments} for call in message.tool_calls]
            turns.append({"role": "function", "content": json.dumps(calls, ensure_ascii=False)})
        else:
            turns.append({"role": message.role, "content": message.content or ""})
    return turns


def is_taken(record: Record) -> bool:
    """Whether questions and answers alternate, after one system turn at most: what is otherwise is left out."""
    roles = [message.role for message in record.messages]
    roles = roles[1:] if roles[:1] == ["system"] else roles
    asks, answers = roles[::2], roles[1::2]
    return len(asks) == len(answers) and {*asks} <= {"user", "tool"} and {*answers} <= {"assistant"}


def _say_what_is_otherwise(file: ForeignFile, records: Sequence[Record]) -> None:
    if has_flags(records):
        file.left_out.append("`train: false` of single answers: LLaMA-Factory trains on all answers, or on the last")
    left = sum(not is_taken(record) for record in records)
    if left:
        file.left_out.append(f"{left} records whose questions and answers do not alternate: LLaMA-Factory drops them")
    if any(record.tools or any(message.tool_calls for message in record.messages) for record in records):
        file.left_out.append("tools and their calls: LLaMA-Factory writes them in its own words, not the template's")
    both = sum(bool(message.tool_calls and message.content) for record in records for message in record.messages)
    if both:
        file.left_out.append(f"the text beside the tool calls of {both} answers: LLaMA-Factory takes the calls alone")


def _training(file: ForeignFile, run: DescribedRun) -> None:
    recipe, settings = run.recipe, file.settings
    share, steps = warmup(run)
    settings |= {
        **{key: recipe[key] for key in AS_THEY_ARE},
        "warmup_steps": share if share is not None else steps,
        "disable_gradient_checkpointing": not recipe["gradient_checkpointing"],
        "bf16": recipe["dtype"] == "bfloat16",
        "fp16": recipe["dtype"] == "float16",
        **({"use_cpu": True} if recipe["device"] == "cpu" else {}),
        "report_to": recipe["report_to"],
        "output_dir": "./llamafactory-out",
    }
    if recipe.get("neftune_noise_alpha", 0.0):
        settings["neftune_noise_alpha"] = recipe["neftune_noise_alpha"]
    if run.records["validation"]:
        every = recipe["eval_steps"]
        settings |= {"eval_strategy": "steps", "eval_steps": every, "save_strategy": "steps", "save_steps": every}
        settings |= {"load_best_model_at_end": True, "metric_for_best_model": "eval_loss", "greater_is_better": False}
        if recipe["early_stopping_patience"]:
            settings["early_stopping_steps"] = recipe["early_stopping_patience"]
    file.left_out.append(f"the padding token: LLaMA-Factory takes the tokenizer's own, assay {run.pad_token}")
