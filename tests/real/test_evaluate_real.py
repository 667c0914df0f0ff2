"""assay's model behind lm-eval's tasks against lm-eval's own `hf` backend, on the embedded model with real weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.chat import ChatTarget, load_target
from assay.errors import ModelError
from assay.evaluate.evaluation import Evaluation
from assay.evaluate.identity import Models
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.stage import evaluate
from assay.models import load_base
from assay.models.embedded import DEFAULT_MODEL
from assay.project import bundled

ITEMS = 60
LONG_ITEMS = 20
"""Of tasks with long prompts, which lm-eval computes anew for every option."""

GENERATED = 8
BUNDLED = ("assay_facts", "assay_grammar")


@pytest.fixture(scope="module")
def target() -> ChatTarget:
    try:
        return load_target(DEFAULT_MODEL)
    except ModelError as error:
        pytest.skip(f"the embedded model cannot be had here: {error}")


@pytest.fixture(scope="module")
def adapter(target: ChatTarget, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LoRA weights large enough to change answers."""
    import torch
    from peft import LoraConfig, get_peft_model

    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(0)
    config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(load_base(target.ref), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    model.save_pretrained(str(folder), save_embedding_layers=False)
    return folder


@pytest.fixture(scope="module")
def backends(target: ChatTarget, adapter: Path) -> dict[str, Any]:
    """lm-eval's own model class over the base, and over the base with the adapter, each loaded by itself."""
    from lm_eval.models.huggingface import HFLM
    from peft import PeftModel

    base: Any = load_base(target.ref, dtype="float32")
    adapted = PeftModel.from_pretrained(load_base(target.ref, dtype="float32"), str(adapter)).eval()
    models = {"base": base, "candidate": adapted}
    return {name: HFLM(pretrained=model, tokenizer=target.tokenizer, batch_size=8) for name, model in models.items()}


def lm_eval_samples(backend: Any, tasks: list[str], folder: Path, limit: int) -> dict[str, list[dict[str, Any]]]:
    """Of each task, in order, from lm-eval's own loop."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(folder), include_defaults=False)
    with contextlib.chdir(folder):
        found = lm_eval.simple_evaluate(
            backend, tasks=tasks, task_manager=manager, limit=limit, log_samples=True, bootstrap_iters=0
        )
    return {task: sorted(found["samples"][task], key=lambda sample: int(sample["doc_id"])) for task in tasks}


def assay_scores(target: ChatTarget, adapter: Path | None, tasks: list[str], folder: Path, limit: int) -> Evaluation:
    settings = EvaluateSettings(tasks=tuple(tasks), include_path=str(folder), limit=limit, damaged_items=0)
    return evaluate(Models(target, adapter), (), settings)


def rows_of(evaluation: Evaluation, task: str, model: str) -> Iterator[dict[str, Any]]:
    return (row for row in evaluation.items.to_pylist() if row["suite"] == task and row["model"] == model)


def assert_same_choices(
    found: Evaluation, backends: dict[str, Any], tasks: list[str], folder: Path, limit: int
) -> None:
    for model, backend in backends.items():
        for task, samples in lm_eval_samples(backend, tasks, folder, limit).items():
            rows = list(rows_of(found, task, model))
            assert [row["score"] for row in rows] == [sample["acc"] for sample in samples]
            for row, sample in zip(rows, samples, strict=True):
                logprobs = [float(response[0]) for response in sample["filtered_resps"]]
                assert row["logprob"] == pytest.approx(max(logprobs), abs=1e-4)
    for task in tasks:
        base, candidate = ([row["logprob"] for row in rows_of(found, task, model)] for model in backends)
        assert max(abs(a - b) for a, b in zip(base, candidate, strict=True)) > 0.01  # else the adapter was not there


def test_whole_texts_are_as_likely_as_sums_in_float64_say(
    target: ChatTarget, backends: dict[str, Any], shared: Path
) -> None:
    """lm-eval's own sum over 49,152 logits is taken in float32, and is off by some 4e-6; it offers float64."""
    import torch
    from lm_eval.api.instance import Instance

    from assay.evaluate.models.causal_model import CausalModel
    from assay.evaluate.models.lm_eval_model import AssayLM, Limits

    problems = (shared / "data" / "general" / "gsm8k" / "test.jsonl").read_text(encoding="utf-8").splitlines()[:8]
    asked = [
        Instance("loglikelihood_rolling", {}, (problem,), 0, metadata=("t", number, 1))
        for number, problem in enumerate(problems)
    ]
    for backend in backends.values():
        own = AssayLM(CausalModel(backend.model), target, Limits(4096, backend.max_length))
        found = own.loglikelihood_rolling(asked, disable_tqdm=True)
        assert found == pytest.approx(backend.loglikelihood_rolling(asked, disable_tqdm=True), rel=1e-5)
        backend.softmax_dtype = torch.float64
        try:
            assert found == pytest.approx(backend.loglikelihood_rolling(asked, disable_tqdm=True), rel=1e-6)
        finally:
            backend.softmax_dtype = None


def test_bundled_tasks_score_as_in_lm_eval(target: ChatTarget, adapter: Path, backends: dict[str, Any]) -> None:
    found = assay_scores(target, adapter, list(BUNDLED), bundled("general/small"), ITEMS)
    assert_same_choices(found, backends, list(BUNDLED), bundled("general/small"), ITEMS)


@pytest.fixture(scope="module")
def general(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ARC-Challenge as multiple choice with examples, one BBH task as multiple choice and one as generation."""
    folder = tmp_path_factory.mktemp("tasks")
    data = shared / "data" / "general"

    def task(name: str, file: Path, field: str | None = None, **config: Any) -> None:
        kwargs = {"data_files": {"test": str(file)}} | ({"field": field} if field else {})
        content = {"task": name, "dataset_path": "json", "dataset_kwargs": kwargs, "test_split": "test"} | config
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))

    task(
        "arc",
        data / "llm_adapters_benchmarks" / "ARC-Challenge" / "test.json",
        output_type="multiple_choice",
        doc_to_text="{{instruction}}\nThe correct answer is",
        doc_to_choice=["answer1", "answer2", "answer3", "answer4", "answer5"],
        doc_to_target="answer",
        metric_list=[{"metric": "acc"}],
    )
    bbh = data / "bbh" / "bbh"
    task(
        "boolean",
        bbh / "boolean_expressions.json",
        field="examples",
        output_type="multiple_choice",
        doc_to_text="Q: {{input}}\nA:",
        doc_to_choice=["True", "False"],
        doc_to_target="target",
        fewshot_split="test",
        num_fewshot=3,
        metric_list=[{"metric": "acc"}],
    )
    task(
        "dates",
        bbh / "date_understanding.json",
        field="examples",
        output_type="generate_until",
        doc_to_text="Q: {{input}}\nA: Let us think step by step.",
        doc_to_target="{{target}}",
        generation_kwargs={"until": ["Q:"], "max_gen_toks": 24, "do_sample": False},
        metric_list=[{"metric": "exact_match", "ignore_case": True}],
        filter_list=[
            {
                "name": "option",
                "filter": [{"function": "regex", "regex_pattern": r"(\([A-F]\))"}, {"function": "take_first"}],
            }
        ],
    )
    return folder


def test_multiple_choice_from_files_scores_as_in_lm_eval(
    target: ChatTarget, adapter: Path, backends: dict[str, Any], general: Path
) -> None:
    tasks = ["arc", "boolean"]
    found = assay_scores(target, adapter, tasks, general, LONG_ITEMS)
    assert_same_choices(found, backends, tasks, general, LONG_ITEMS)


def test_generated_answers_are_lm_evals(
    target: ChatTarget, adapter: Path, backends: dict[str, Any], general: Path
) -> None:
    found = assay_scores(target, adapter, ["dates"], general, GENERATED)
    for model, backend in backends.items():
        samples = lm_eval_samples(backend, ["dates"], general, GENERATED)["dates"]
        rows = list(rows_of(found, "dates", model))
        assert [row["output"] for row in rows] == [sample["resps"][0][0] for sample in samples]
        assert [row["score"] for row in rows] == [sample["exact_match"] for sample in samples]
        assert len({row["output"] for row in rows} - {""}) > 3
