"""The settings of `evaluate`, in lm-eval's names where it has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from assay.suites.general import IncludePath

from .asking.item_split import ItemPart


@dataclass(frozen=True)
class EvaluateSettings:
    """What is scored, and how.

    suites               paths of domain suites (YAML)
    tasks                names of lm-eval tasks; a name of a group or tag stands for its tasks
    include_path         folder of lm-eval task YAML, or several; without it the tasks that come with lm-eval are meant
    num_fewshot          examples in the prompt of each task; None leaves it to the task
    apply_chat_template  for tasks; a suite says it for itself
    items                all, or the part of each suite that selects among candidates, or the part that judges the one
    limit                items of each suite and task, from the front
    stop_early           ask the gate as items come in, and stop once its verdict is proved
    load_in_4bit         None: as the adapter was trained, as its assay.json says
    dtype                of the weights that are not quantised: auto, float32, bfloat16, float16
    backend              whose forward pass: assay's own, lm-eval's hf or vllm, or that of a server (openai)
    batch_size           rows of a batch of the backend hf
    model_args           of the backend vllm: further arguments of vLLM's engine, such as gpu_memory_utilization
    base_url             of the backend openai: the server's address, mostly up to /v1
    served               of the backend openai: the names under which the server has base, candidate and previous; one
                         that is on a server of its own as NAME@ADDRESS
    api                  of the backend openai: completions takes prompts, chat conversations
    num_concurrent       of the backend openai: requests under way at once
    tokenized_requests   of the backend openai: prompts are sent as token ids, and not as text
    batch_tokens         tokens of one forward pass, padding included; the same batches for every model
    max_length           context in tokens; None: the model's
    damaged_items        items of each suite that the damaged model answers, at most; 0 leaves it out
    slightly_damaged_items  items of each suite that a slightly damaged model answers, at most; 0 leaves it out
    zero_items           items of each suite that an adapter which adds nothing answers, at most; 0 leaves it out
    allow_code           a suite's scorer may run code that a model wrote, walled in (docs/suites.md)
    seed                 of the noise and of the choice of items for the damaged model
    """

    suites: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    include_path: IncludePath = None
    num_fewshot: int | None = None
    apply_chat_template: bool = False
    items: ItemPart = "all"
    limit: int | None = None
    stop_early: bool = False
    load_in_4bit: bool | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    backend: Literal["assay", "hf", "vllm", "openai"] = "assay"
    batch_size: int = 8
    model_args: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    base_url: str | None = None
    served: Mapping[Literal["base", "candidate", "previous"], str] = field(default_factory=dict)
    api: Literal["completions", "chat"] = "completions"
    num_concurrent: int = 1
    tokenized_requests: bool = True
    batch_tokens: int = 4096
    max_length: int | None = None
    damaged_items: int = 150
    slightly_damaged_items: int = 150
    zero_items: int = 20
    allow_code: bool = False
    seed: int = 0
