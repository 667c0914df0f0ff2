"""Evaluations without a model, of which the gate is a pure function; and a tiny model with adapters to score."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.cli import main
from assay.evaluate.evaluation import (
    AdapterEvidence,
    Evaluation,
    Leak,
    ModelName,
    ModelScore,
    SuiteResult,
)
from assay.evaluate.evaluation_files import ITEM_SCHEMA

LABELS = ("billing", "delivery", "returns", "login", "warranty")


@dataclass
class SyntheticSuite:
    """One suite whose answers are labels. p_* are chances of a right answer; the candidate differs from the base on
    a share `discordance` of items at least, and on as many more as the difference needs.

    p_damaged  None leaves the damaged model out, and the zero adapter; damaged_items limits it to the first so many
    zero_flips items of 20 that an adapter which adds nothing answers otherwise than the base
    fixed      scores and answers of every model are the base's: an extractor that never looks at the model
    """

    name: str
    n: int = 500
    p_base: float = 0.6
    gain: float = 0.0
    discordance: float = 0.08
    p_damaged: float | None = 0.2
    damaged_items: int | None = None
    chance: float | None = 0.2
    kind: str = "lm_eval"
    cluster_size: int = 1
    fixed: bool = False
    previous_gain: float | None = None
    zero_flips: int = 0
    slices: Sequence[str] = ()
    scorer: dict[str, Any] = field(default_factory=lambda: {"name": "exact_match"})


def right_answers(suite: SyntheticSuite, rng: np.random.Generator) -> dict[ModelName, np.ndarray]:
    """[n] whether each model answers right. Items of a cluster share their fate."""
    n, size = suite.n, suite.cluster_size
    base = np.repeat(rng.random(-(-n // size)) < suite.p_base, size)[:n]

    def changed(gain: float) -> np.ndarray:
        move = max(suite.discordance, abs(gain))
        up, down = (move + gain) / 2, (move - gain) / 2
        u = np.repeat(rng.random(-(-n // size)), size)[:n]
        to_right = u < up / max(1 - suite.p_base, 1e-9)
        to_wrong = u < down / max(suite.p_base, 1e-9)
        return np.where(base, ~to_wrong, to_right)

    answers: dict[ModelName, np.ndarray] = {"base": base, "candidate": base if suite.fixed else changed(suite.gain)}
    if suite.previous_gain is not None:
        answers["previous"] = changed(suite.previous_gain)
    if suite.p_damaged is not None:
        damaged = base if suite.fixed else rng.random(n) < suite.p_damaged
        answers["damaged"] = damaged[: suite.damaged_items]
        answers["zero"] = np.where(np.arange(len(base[:20])) < suite.zero_flips, ~base[:20], base[:20])
    return answers


def suite_rows(suite: SyntheticSuite, rng: np.random.Generator) -> list[dict[str, Any]]:
    references = rng.choice(LABELS, size=suite.n)
    wrong = [LABELS[(LABELS.index(r) + 1 + rng.integers(len(LABELS) - 1)) % len(LABELS)] for r in references]
    rows = []
    for model, right in right_answers(suite, rng).items():
        for i, good in enumerate(right):
            rows.append(
                {
                    "suite": suite.name,
                    "item_id": f"{suite.name}-{i}",
                    "prompt_hash": f"{i:064x}",
                    "model": model,
                    "score": float(good),
                    "output": str(references[i]) if good else wrong[i],
                    "logprob": None,
                    "slice": suite.slices[i % len(suite.slices)] if suite.slices else None,
                    "cluster": f"c{i // suite.cluster_size}" if suite.cluster_size > 1 else None,
                    "reference": str(references[i]),
                }
            )
    return rows


def suite_result(suite: SyntheticSuite, rows: Sequence[dict[str, Any]]) -> SuiteResult:
    scores = []
    for model in ("base", "candidate", "previous", "damaged", "zero"):
        of_model = [row["score"] for row in rows if row["model"] == model]
        if of_model:
            mean = float(np.mean(of_model))
            scores.append(ModelScore(model, len(of_model), mean, mean, mean))  # type: ignore[arg-type]
    return SuiteResult(
        suite=suite.name,
        kind=suite.kind,  # type: ignore[arg-type]
        scores=tuple(scores),
        chance=suite.chance,
        binary=True,
        data_sha256="0" * 64,
        scorer=suite.scorer,
    )


def build_evaluation(
    *suites: SyntheticSuite,
    seed: int = 0,
    leaks: tuple[Leak, ...] | None = (),
    evidence: AdapterEvidence | None = AdapterEvidence(1000, True, True, 1.0),  # noqa: B008
    settings: dict[str, object] | None = None,
) -> Evaluation:
    rng = np.random.default_rng(seed)
    rows = {suite.name: suite_rows(suite, rng) for suite in suites}
    flat = [row for of_suite in rows.values() for row in of_suite]
    return Evaluation(
        suites=tuple(suite_result(suite, rows[suite.name]) for suite in suites),
        items=pa.Table.from_pylist(flat, schema=ITEM_SCHEMA),
        identity={
            "base": {"name": "tiny", "revision": "r1", "weights_sha256": "1" * 64, "quantisation": None},
            "adapter": {"adapter_model.safetensors": "2" * 64},
            "previous": None,
            "tokenizer_sha256": "3" * 64,
            "template_sha256": "4" * 64,
            "seed": 0,
        },
        evidence={} if evidence is None else {"candidate": evidence},
        leaks=leaks,
        settings=settings or {},
    )


def exact_match(
    result: SuiteResult, outputs: Sequence[str], references: Sequence[str], contexts: Sequence[str | None]
) -> list[float] | None:
    return [float(output == reference) for output, reference in zip(outputs, references, strict=True)]


@pytest.fixture
def synthetic() -> Callable[..., Evaluation]:
    """build_evaluation(*suites, ...)"""
    return build_evaluation


@pytest.fixture
def suite() -> type[SyntheticSuite]:
    return SyntheticSuite


@pytest.fixture
def rescore() -> Callable[..., list[float] | None]:
    return exact_match


@pytest.fixture(scope="session")
def target(tiny_model: Path) -> Any:
    """The chat side of the tiny model."""
    from assay.chat import load_target

    return load_target(str(tiny_model))


TOOL_TEMPLATE = (
    "{%- if tools %}<|im_start|>system\n<tools>{% for tool in tools %}{{ tool | tojson }}{% endfor %}</tools>"
    "<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] or '' }}"
    "{% for call in message['tool_calls'] or [] %}<tool_call>{{ call['function'] | tojson }}</tool_call>{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML with tools and calls as Hermes and Qwen have them."""


@pytest.fixture(scope="session")
def tool_target(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The chat side of the tiny model with a template that shows tools."""
    from assay.chat import load_target

    template = tmp_path_factory.mktemp("template") / "tools.jinja"
    template.write_text(TOOL_TEMPLATE, encoding="utf-8")
    return load_target(str(tiny_model), chat_template=str(template))


def build_adapter(base: Path, folder: Path, seed: int = 1, scale: float = 0.3, **lora: Any) -> Path:
    """A LoRA adapter of random weights. scale is the deviation of B, which PEFT starts at zero."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    config = LoraConfig(**{"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"} | lora)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name or "embedding_A" in name:
            torch.nn.init.normal_(parameter, std=scale)
    model.save_pretrained(str(folder), save_embedding_layers=False)
    (folder / "README.md").unlink()
    return folder


def write_card(adapter: Path, target: Any, prompts: Mapping[str, str] | None = None, **changed: Any) -> None:
    """The adapter's assay.json, as training writes it. prompts are those of the training records, by record id."""
    import pyarrow.parquet as pq

    from assay.suites import prompt_keys

    card = {
        "version": 1,
        "run": "train-0",
        "base": target.name,
        "revision": target.revision,
        "template_sha256": target.template_sha256,
        "tokenizer_sha256": target.tokenizer_sha256,
        "data_digests": [{"run": "curate-0", "digest": "d" * 64}],
        "training_records": "trained_records.parquet",
        "quantisation": None,
        "bnb_4bit_use_double_quant": None,
        "dtype": "float32",
    }
    (adapter / "assay.json").write_text(json.dumps(card | changed), encoding="utf-8")
    keys = {name: prompt_keys(text) for name, text in (prompts or {}).items()}
    columns = {
        "record_id": pa.array(list(keys), pa.string()),
        "prompt_sha256": pa.array([key.exact for key in keys.values()], pa.string()),
        "normalised_prompt_sha256": pa.array([key.normalised for key in keys.values()], pa.string()),
    }
    pq.write_table(pa.table(columns), adapter / "trained_records.parquet")


@pytest.fixture(scope="session")
def tiny_adapter(tiny_model: Path, target: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter for the tiny model, with its card; read it, do not change it."""
    folder = build_adapter(tiny_model, tmp_path_factory.mktemp("adapter"))
    write_card(folder, target, {"r1": "an unrelated question"})
    return folder


@pytest.fixture
def make_adapter(tiny_model: Path, target: Any, tmp_path: Path) -> Callable[..., Path]:
    """make(name, card=True, prompts=..., seed=..., scale=..., **LoraConfig) -> folder"""

    def make(name: str, *, card: bool = True, prompts: Mapping[str, str] | None = None, **settings: Any) -> Path:
        folder = build_adapter(tiny_model, tmp_path / name, **settings)
        if card:
            write_card(folder, target, prompts)
        return folder

    return make


@pytest.fixture
def card() -> Callable[..., None]:
    """write_card(adapter, target, prompts, **changed)"""
    return write_card


@pytest.fixture
def make_suite(tmp_path: Path) -> Callable[..., Path]:
    """make(name, rows, **header) writes NAME.yaml and NAME.jsonl; gives the YAML's path."""
    import yaml

    def make(name: str, rows: Sequence[Mapping[str, Any]], **header: Any) -> Path:
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        content = {"version": 1, "name": name, "data": f"{name}.jsonl", "scorer": "exact_match"} | header
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    return make


@pytest.fixture
def make_task(tmp_path: Path) -> Callable[..., Path]:
    """make(name, rows, **config) writes an lm-eval task with its data below tasks/; gives that folder."""
    import yaml

    def make(name: str, rows: Sequence[Mapping[str, Any]], **config: Any) -> Path:
        folder = tmp_path / "tasks"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        content = {
            "task": name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": f"{name}.jsonl"}},
            "test_split": "test",
            "output_type": "multiple_choice",
            "doc_to_text": "{{question}}",
            "doc_to_choice": "choices",
            "doc_to_target": "answer",
            "metric_list": [{"metric": "acc"}],
        } | config
        text = yaml.safe_dump({key: value for key, value in content.items() if value is not None}, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text.replace("'!function ", "!function ").replace("_fn'", "_fn"))
        return folder

    return make


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `assay ARGUMENTS` in the test's folder; gives (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def remember(tmp_path: Path) -> Callable[..., Any]:
    """remember(evaluation, name, verdict, **identity) puts an evaluation of the adapter NAME, and its gate, into the
    store at tmp_path / ".assay"; gives the run. started orders them: the later call is the newer run."""
    from dataclasses import replace

    from assay.evaluate.evaluation_files import write
    from assay.runs import Run, RunStore
    from assay.storage import sha256_file

    store = RunStore(tmp_path / ".assay")
    calls: list[str] = []

    def put(evaluation: Evaluation, name: str, verdict: str | None = "PASS", **identity: Any) -> Run:
        adapter = tmp_path / name
        adapter.mkdir(exist_ok=True)
        (adapter / "adapter_model.safetensors").write_bytes(name.encode())
        files = {"adapter_model.safetensors": sha256_file(adapter / "adapter_model.safetensors")}
        whole = replace(
            evaluation,
            identity={**evaluation.identity, "adapter": files, **identity},
            settings={**evaluation.settings, "paths": {"adapter": str(adapter)}},
        )
        calls.append(name)
        with store.open("evaluate", {"name": name, "call": len(calls)}, {}) as run:
            run.started += len(calls)
            write(whole, run.path)
        if verdict is not None:
            with store.open("gate", {"call": len(calls)}, {}, (run.id,)) as gate:
                gate.started += len(calls)
                gate.facts["verdict"] = verdict
        return run

    return put
