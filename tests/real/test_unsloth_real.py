"""`backend: unsloth` held against the same runs without, and what is passed to Unsloth against its installed source.

Unsloth's path for a GPU runs on this processor, its kernels in Triton's interpreter (`unsloth_runs`), which takes two
minutes of processor time; 4-bit weights and torch.compile are beyond that and need a GPU.

ASSAY_UNSLOTH_PYTHON names a Python that has assay, unsloth and unsloth_zoo, where the one of the tests has not.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PYTHON = os.environ.get("ASSAY_UNSLOTH_PYTHON") or (
    sys.executable if importlib.util.find_spec("unsloth") is not None else ""
)
pytestmark = pytest.mark.skipif(
    not PYTHON, reason="needs unsloth (set ASSAY_UNSLOTH_PYTHON to a Python that has it, and assay)"
)
RUNS: dict[str, Any] = {
    "float32": {"family": "llama", "settings": {"samples": 1}},
    "bfloat16": {
        "family": "llama",
        "settings": {"dtype": "bfloat16", "gradient_checkpointing": True, "num_train_epochs": 1, "samples": 1},
    },
}
ROOT = Path(__file__).parents[2]


class Ran(NamedTuple):
    """folder: of all runs; here: where the commands ran; said: on standard output."""

    folder: Path
    here: Path
    said: str

    def log(self, name: str, arm: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._text(name, arm, "log.jsonl").splitlines()]

    def facts(self, name: str, arm: str) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self._text(name, arm, "manifest.json"))["facts"]
        return facts

    def adapter(self, name: str, arm: str) -> dict[str, Any]:
        from safetensors.torch import load_file

        found: dict[str, Any] = load_file(str(self.folder / name / arm / "adapter" / "adapter_model.safetensors"))
        return found

    def _text(self, name: str, arm: str, file: str) -> str:
        return (self.folder / name / arm / file).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder, here = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("here")
    (folder / "runs.json").write_text(json.dumps(RUNS), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("UNSLOTH_COMPILE_LOCATION", None)
    said = ""
    for arm in ("unsloth", "plain"):
        command = [PYTHON, "-W", "ignore", "-m", "tests.real.unsloth_runs", str(folder), str(folder / "runs.json"), arm]
        done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        said += done.stdout
    return Ran(folder, here, said)


@pytest.mark.parametrize(("name", "close"), [("float32", 1e-5), ("bfloat16", 2e-2)])
def test_step_by_step_the_losses_and_gradients_are_those_of_transformers(ran: Ran, name: str, close: float) -> None:
    steps, plain = ran.log(name, "unsloth"), ran.log(name, "plain")
    assert len(steps) == len(plain) > 3
    for step, other in zip(steps, plain, strict=True):
        for key in ("step", "loss", "validation_loss", "learning_rate"):
            assert step.get(key) == (pytest.approx(other[key], rel=close) if key in other else None)
        if "grad_norm" in other:
            assert step["grad_norm"] == pytest.approx(other["grad_norm"], rel=3 * close)


def test_the_adapter_is_that_of_peft(ran: Ran) -> None:
    ours, plain = ran.adapter("float32", "unsloth"), ran.adapter("float32", "plain")
    assert ours.keys() == plain.keys()
    assert max(float((ours[key] - plain[key]).abs().max()) for key in ours) < 1e-5
    assert max(float(value.abs().max()) for key, value in ours.items() if "lora_B" in key) > 1e-3, "it has learned"
    configs = [
        json.loads((ran.folder / "float32" / arm / "adapter" / "adapter_config.json").read_text())
        for arm in ("unsloth", "plain")
    ]
    for config in configs:
        config["target_modules"].sort()
    assert configs[0] == configs[1]


def test_its_kernels_for_adapters_computed(ran: Ran) -> None:
    for name in RUNS:
        counts = json.loads((ran.folder / name / "unsloth" / "kernels.json").read_text())
        assert set(counts) == {"LoRA_MLP", "LoRA_QKV", "LoRA_W"} and min(counts.values()) > 8


def test_the_gradient_of_its_kernels_points_the_way_of_transformers_loss(ran: Ran) -> None:
    assert ran.facts("float32", "unsloth")["gradient_ratio"] == pytest.approx(1, abs=0.01)
    assert ran.facts("bfloat16", "unsloth")["gradient_ratio"] == pytest.approx(1, abs=0.05)


def test_the_answers_on_the_way_are_the_same(ran: Ran) -> None:
    ours, plain = ((ran.folder / "float32" / arm / "samples.jsonl").read_text() for arm in ("unsloth", "plain"))
    assert ours == plain and len(ours.splitlines()) == 3


def test_a_generation_leaves_checkpointing_on(ran: Ran) -> None:
    counts = json.loads((ran.folder / "bfloat16" / "unsloth" / "checkpointed.json").read_text())
    assert counts and all(counts)


def test_nothing_is_written_where_one_works_and_nothing_printed(ran: Ran) -> None:
    assert list(ran.here.iterdir()) == []
    assert all(line.startswith(tuple(RUNS)) for line in ran.said.splitlines())


def test_what_it_patches_is_imported_after_it(ran: Ran) -> None:
    """transformers is there for the tokenizer, without its models and trainers."""
    assert json.loads((ran.folder / "float32" / "unsloth" / "before.json").read_text()) == ["transformers"]


# What is passed, against the source as installed


@pytest.fixture(scope="module")
def source() -> Iterator[Path]:
    where = "import importlib.util as u; print(u.find_spec('unsloth').origin)"
    found = subprocess.run([PYTHON, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
    yield Path(found).parent


def parameters(path: Path, owner: str, name: str) -> dict[str, Any]:
    """{parameter: default as written} of a method."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner]
    methods = [node for node in classes[0].body if isinstance(node, ast.FunctionDef) and node.name == name]
    given = methods[0].args
    defaults = [None] * (len(given.args) - len(given.defaults)) + [ast.unparse(value) for value in given.defaults]
    return {argument.arg: default for argument, default in zip(given.args, defaults, strict=True)}


def passed(name: str) -> set[str]:
    """The names that assay passes to a method of FastLanguageModel."""
    tree = ast.parse((ROOT / "train" / "methods" / "unsloth.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    (call,) = [node for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr == name]
    return {keyword.arg for keyword in call.keywords if keyword.arg}


def test_what_is_passed_is_what_it_takes(source: Path) -> None:
    loads = parameters(source / "models" / "loader.py", "FastLanguageModel", "from_pretrained")
    # The rest goes on to transformers' from_pretrained.
    assert passed("from_pretrained") - loads.keys() == {"local_files_only", "use_safetensors"}
    adapts = parameters(source / "models" / "llama.py", "FastLlamaModel", "get_peft_model")
    assert passed("get_peft_model") - adapts.keys() == {"exclude_modules"}, "goes on to PEFT's LoraConfig"


def test_its_defaults_are_the_reason_for_what_is_passed(source: Path) -> None:
    loads = parameters(source / "models" / "loader.py", "FastLanguageModel", "from_pretrained")
    assert (loads["use_exact_model_name"], loads["load_in_4bit"], loads["trust_remote_code"]) == (
        "False",
        "True",
        "False",
    )
    assert loads["use_gradient_checkpointing"] == "'unsloth'"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("models/_utils.py", '"UNSLOTH_DISABLE_STATISTICS" in os.environ'),
        ("models/rl_replacements.py", "UNSLOTH_IGNORED_TOKENIZER_NAMES"),
        ("models/llama.py", 'getattr(self, "_unsloth_fast_path", False)'),
        ("models/llama.py", "model._unsloth_gradient_checkpointing ="),
        ("../unsloth_zoo/compiler.py", '"UNSLOTH_COMPILE_LOCATION"'),
        ("../unsloth_zoo/device_type.py", '"UNSLOTH_DISABLE_CPU_FALLBACK"'),
    ],
)
def test_the_names_that_assay_leans_on_are_there(source: Path, file: str, name: str) -> None:
    assert name in (source / file).read_text(encoding="utf-8")


def test_the_architectures_are_those_with_a_model_of_their_own(source: Path) -> None:
    from assay.train.methods.unsloth import ARCHITECTURES

    text = (source / "models" / "loader.py").read_text(encoding="utf-8")
    for name in ARCHITECTURES:
        assert f'if model_type == "{name}":' in text
