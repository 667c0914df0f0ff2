"""Training with Liger's kernels is training without them: the kernels are computed here, by Triton's interpreter.

Small random models are trained by `assay.train` as a user's are, in a process of its own, once with Liger's kernels and
once without, in float32 unless a case says otherwise. No GPU takes part, so that nothing is said of speed, nor of what
Triton's compiler makes of a kernel.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.real.liger_runs import make_model, records, write

if any(importlib.util.find_spec(name) is None for name in ("triton", "liger_kernel", "trl")):
    pytest.skip("needs triton and liger-kernel", allow_module_level=True)

EXACT = 2e-5
"""In float32: losses in nats; norms of gradients to ten times and each tensor of the adapter to five times this, as a
share."""


@dataclass(frozen=True)
class Case:
    """replaced: what the run says that Liger computes; within: as EXACT, where rounding is coarser; head: TRL's fused
    head is computed by its Triton kernels too."""

    family: str
    settings: dict[str, Any]
    replaced: str = "3 RMSNorm, 1 SwiGLUMLP, rotary positions"
    within: float = EXACT
    head: bool = False


CASES: dict[str, Case] = {
    "Llama": Case("llama", {"samples": 1}, "5 RMSNorm, 2 SwiGLUMLP, rotary positions"),
    "Mistral": Case("mistral", {}),
    "Qwen 2": Case("qwen2", {}),
    "Qwen 3": Case("qwen3", {}, "5 RMSNorm, 1 SwiGLUMLP, rotary positions"),
    "Gemma": Case("gemma", {}, "1 GEGLUMLP, 3 RMSNorm, rotary positions"),
    "Gemma 2": Case("gemma2", {}, "1 GEGLUMLP, 5 RMSNorm, rotary positions"),
    "Gemma 3": Case("gemma3", {"samples": 1}, "1 GEGLUMLP, 7 RMSNorm, rotary positions"),
    "Phi 3, part of a head rotated": Case("phi3", {}, "1 Phi3SwiGLUMLP, 3 RMSNorm, rotary positions"),
    "Granite": Case("granite", {}),
    "DoRA": Case("mistral", {"use_dora": True}),
    "new tokens": Case("llama", {"new_tokens": ["<a>"]}, "5 RMSNorm, 2 SwiGLUMLP, rotary positions"),
    "new tokens, head apart": Case("llama, head apart", {"new_tokens": ["<a>"]}),
    "packing": Case("mistral", {"packing": True}),
    "prompts too": Case("mistral", {"assistant_only_loss": False}),
    "NF4": Case("llama", {"load_in_4bit": True}, "5 RMSNorm, 2 SwiGLUMLP, rotary positions"),
    "checkpointing": Case("llama", {"gradient_checkpointing": True}, "5 RMSNorm, 2 SwiGLUMLP, rotary positions"),
    "general records": Case("mistral", {"general_data": ["general.jsonl"], "general_ratio": 0.3}),
    "the head as on a GPU": Case("mistral", {}, head=True),
    "a capped head as on a GPU": Case("gemma2", {}, "1 GEGLUMLP, 5 RMSNorm, rotary positions", head=True),
    "bfloat16": Case("mistral", {"dtype": "bfloat16"}, within=0.02),
    "NF4 in bfloat16": Case("mistral", {"dtype": "bfloat16", "load_in_4bit": True}, within=0.02),
}


def environment(*more: Path) -> dict[str, str]:
    paths = os.pathsep.join([*map(str, more), str(ROOT)])
    return {**os.environ, "PYTHONPATH": paths, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the runs that the chosen tests look at, made by one process."""
    folder = tmp_path_factory.mktemp("liger")
    chosen = {
        item.callspec.params.get("name")
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    } | {"Llama"}
    wanted = {
        name: {"family": case.family, "settings": case.settings, "head": case.head} for name, case in CASES.items()
    }
    wanted |= {
        name: {"family": family, "settings": settings, "head": False} for name, (family, settings, _) in REFUSED.items()
    }
    wanted = {name: run for name, run in wanted.items() if name in chosen}
    (folder / "runs.json").write_text(json.dumps(wanted), encoding="utf-8")
    command = [sys.executable, "-m", "tests.real.liger_runs", str(folder), str(folder / "runs.json")]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "adapter" / "adapter_model.safetensors"))


def logged(folder: Path, *keys: str) -> list[float]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line[key] for line in lines for key in keys if key in line]


@pytest.mark.parametrize("name", CASES)
def test_losses_gradients_and_adapter_are_those_without_liger(name: str, runs: Path) -> None:
    case, ours, plain = CASES[name], runs / name / "liger", runs / name / "plain"
    assert not (ours / "error.txt").exists(), (ours / "error.txt").read_text(encoding="utf-8")
    losses = logged(plain, "loss", "validation_loss")
    assert len(losses) >= 6 and len(set(losses)) == len(losses), "it learns, or this says nothing"
    assert logged(ours, "loss", "validation_loss") == pytest.approx(losses, abs=case.within)
    assert logged(ours, "grad_norm") == pytest.approx(logged(plain, "grad_norm"), rel=10 * case.within)
    own, theirs = weights(ours), weights(plain)
    assert own.keys() == theirs.keys()
    for tensor in theirs:
        # Adam makes a step of a gradient that is rounding alone: single elements are further apart.
        assert (own[tensor] - theirs[tensor]).norm() <= 5 * case.within * theirs[tensor].norm(), tensor


@pytest.mark.parametrize("name", CASES)
def test_a_run_says_what_liger_computes_and_how_little_that_changes(name: str, runs: Path) -> None:
    case = CASES[name]
    said = (runs / name / "liger" / "said.txt").read_text(encoding="utf-8")
    found = re.search(
        r"note: Liger \S+ computes (.*) in Triton's interpreter, which is slow; on some records the loss differs by "
        r"(\S+), the gradient by (\S+) of its length",
        said,
    )
    assert found is not None, said
    assert found[1] == case.replaced
    assert max(float(found[2]), float(found[3])) <= case.within * 3
    assert "Liger" not in (runs / name / "plain" / "said.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["Llama", "Gemma 3"])
def test_answers_while_it_runs_are_the_same(name: str, runs: Path) -> None:
    ours, plain = ((runs / name / kind / "samples.jsonl").read_text(encoding="utf-8") for kind in ("liger", "plain"))
    assert ours == plain and len(ours.splitlines()) == 3


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a family without kernels": (
        "gpt2", {}, r"Liger \S+ has no kernels for the architecture 'gpt2'; leave it out",
    ),
    "an activation that Liger's block does not have": (
        "llama, relu", {}, r"compute something else than LlamaForCausalLM: the loss of some .*; leave it out",
    ),
    "experts past their adapter": (
        "mixtral", {"lora_target_parameters": "experts"}, r"Liger computes experts past their adapter; leave one",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_liger_would_train_otherwise_is_refused_in_one_line(name: str, runs: Path) -> None:
    _, _, line = REFUSED[name]
    said = (runs / name / "liger" / "error.txt").read_text(encoding="utf-8")
    assert re.search(line, said) and "\n" not in said
    assert not (runs / name / "liger" / "log.jsonl").exists() and not (runs / name / "liger" / "adapter").exists()
    assert (runs / name / "plain" / "adapter").is_dir(), "without Liger it trains"


def test_models_that_are_loaded_afterwards_are_transformers_own(runs: Path) -> None:
    """The plain run of each case comes after the other in one process; the same run in a fresh one has its losses."""
    alone = {"Llama": {"family": "llama", "settings": {}}}
    (runs / "alone.json").write_text(json.dumps(alone), encoding="utf-8")
    code = (
        "import json, sys, pathlib; from tests.real.liger_runs import one; folder = pathlib.Path(sys.argv[1]); "
        "(folder / 'alone').mkdir(); one(folder / 'alone' / 'plain', 'llama', {}, liger=False)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(runs)], cwd=ROOT, env=environment(), capture_output=True)
    assert done.returncode == 0, done.stderr
    after, fresh = runs / "Llama" / "plain", runs / "alone" / "plain"
    assert logged(after, "loss", "validation_loss", "grad_norm") == logged(
        fresh, "loss", "validation_loss", "grad_norm"
    )
    assert all((weights(after)[name] == tensor).all() for name, tensor in weights(fresh).items())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model and records, for commands; Python is told to interpret kernels before anything of it runs."""
    folder = tmp_path_factory.mktemp("commands")
    make_model(folder / "model", "mistral")
    write(folder / "data.jsonl", records(8))
    (folder / "interpreted").mkdir()
    code = "from tests.real.triton_interpreter import interpret\n\ninterpret()\n"
    (folder / "interpreted" / "sitecustomize.py").write_text(code, encoding="utf-8")
    return folder


def command(place: Path, out: str, *more: str) -> subprocess.CompletedProcess[str]:
    settings = (
        "train.load_in_4bit=false", "train.dtype=float32", "train.lora_dropout=0", "train.learning_rate=0.003",
        "train.num_train_epochs=2", "train.effective_batch_size=4", "train.per_device_train_batch_size=2",
        "train.eval_steps=2", "train.samples=0", "train.validation=0.25", "train.use_liger_kernel=true",
    )  # fmt: skip
    given = [sys.executable, "-m", "assay", "train", "data.jsonl", "--model", "model", "-o", out, *settings, *more]
    given += ["--set", f"store={out}-store"]
    variables = environment(place / "interpreted")
    return subprocess.run(given, cwd=place, env=variables, capture_output=True, text=True, timeout=900)


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_processes_have_the_losses_of_one_without_liger(strategy: str, place: Path) -> None:
    if not (place / "alone").is_dir():
        alone = command(place, "alone", "train.use_liger_kernel=false")
        assert alone.returncode == 0, alone.stderr
    done = command(place, strategy, "--processes", "2", "--strategy", strategy)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Liger") == 1, "the second process says nothing"
    losses = logged(place / "alone", "loss", "validation_loss")
    assert logged(place / strategy, "loss", "validation_loss") == pytest.approx(losses, abs=EXACT)
    own, theirs = weights(place / strategy), weights(place / "alone")
    assert own.keys() == theirs.keys()
    assert all((own[name] - tensor).abs().max() <= 1e-4 for name, tensor in theirs.items())


KEPT = """
import json, sys
from dataclasses import replace
from pathlib import Path
from tests.real.triton_interpreter import interpret
interpret()
from liger_kernel.transformers import _apply_liger_kernel_to_instance
from assay.train.planning.activations import saved_of_layer
from assay.train.planning.reading import from_config
from tests.train.planning.test_activations import CASES, really_saved

def changed(base):
    _apply_liger_kernel_to_instance(model=base, fused_linear_cross_entropy=False, cross_entropy=False)

found = {}
for name in sys.argv[2:]:
    values, setup, work = CASES[name]
    work = replace(work, liger=True, sequence=24)
    one, three = (really_saved(values, setup, work, layers, Path(sys.argv[1]), changed) for layers in (1, 3))
    architecture = from_config({**values, "num_hidden_layers": 3}, name)
    ((layer, _),) = architecture.layers
    adapted = architecture.adapted(setup.lora)
    plain = sum(saved_of_layer(layer, setup, replace(work, liger=False), adapted))
    found[name] = [sum(saved_of_layer(layer, setup, work, adapted)), (three - one) / 2, plain]
print(json.dumps(found))
"""
PLANNED = ("Llama, bfloat16", "Llama, float32", "Llama, NF4", "Llama, no dropout", "Qwen3", "Gemma 3", "Phi-3")


def test_a_layer_keeps_what_the_plan_says(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KEPT, str(tmp_path), *PLANNED]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name, (planned, kept, plain) in json.loads(done.stdout.splitlines()[-1]).items():
        assert planned == pytest.approx(kept, rel=0.03), name
        assert planned < plain, name
