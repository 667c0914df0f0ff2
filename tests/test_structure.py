"""The rules of the house: where things are, who may import whom, and what may be loaded at start-up."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("curate", "synth", "train", "evaluate")
HEAVY = {
    "accelerate", "anthropic", "bitsandbytes", "datasets", "gguf", "huggingface_hub", "jinja2", "lm_eval", "matplotlib",
    "numba", "numpy", "openai", "pandas", "peft", "pyarrow", "pydantic", "scipy", "tokenizers", "torch", "transformers",
    "trl", "yaml",
}  # fmt: skip


def sources(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def core_sources() -> list[Path]:
    return [path for path in sources(ROOT / "assay") if path.relative_to(ROOT / "assay").parts[0] not in STAGES]


def top_level_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Modules imported when the file is; imports for type checkers alone do not count."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def all_imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_stands_at_the_top_and_is_linked_without_an_init(stage: str) -> None:
    link = ROOT / "assay" / stage
    assert link.is_symlink() and os.readlink(link) == f"../{stage}"  # noqa: PTH115
    assert not (ROOT / stage / "__init__.py").exists()
    assert (ROOT / stage / "stage.py").is_file()


def test_tests_have_no_init_so_that_mirrored_names_do_not_collide() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_the_core_and_its_own_siblings_but_no_other_stage(stage: str) -> None:
    others = tuple(f"assay.{other}" for other in STAGES)
    faults = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sources(ROOT / stage)
        for line, name in all_imports(path)
        if name.startswith(others) or (name in STAGES and name != "evaluate")
    ]
    assert not faults


def test_the_core_imports_no_stage() -> None:
    """assay.stages and assay.api are the doors: they name stages for type checkers and load them when asked."""
    stages = tuple(f"assay.{stage}" for stage in STAGES)
    faults = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in core_sources()
        if path.name not in ("api.py", "stages.py")
        for line, name in all_imports(path)
        if name.startswith(stages)
    ]
    assert not faults


def test_nothing_heavy_is_imported_at_the_top_of_core_commands_and_plugins() -> None:
    plugins = [ROOT / "curate/checks", ROOT / "synth/generators", ROOT / "synth/providers", ROOT / "evaluate/scorers"]
    commands = [path for stage in STAGES for path in (ROOT / stage).glob("*command.py")]
    faults = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in [*core_sources(), *sources(*plugins), *commands]
        for line, name in top_level_imports(path)
        if name.partition(".")[0] in HEAVY
    ]
    assert not faults


def modules_after(statement: str) -> set[str]:
    code = f"import sys, json; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.partition(".")[0] for name in json.loads(done.stdout.strip().splitlines()[-1])}


@pytest.mark.parametrize("statement", ["import assay", "import assay.api", "import assay.stages", "import assay.cli"])
def test_importing_assay_loads_nothing_heavy(statement: str) -> None:
    assert not modules_after(statement) & HEAVY


def test_help_takes_at_most_a_fifth_of_a_second() -> None:
    """The processor's time of the fastest of five runs: the machine may be busy, the command is not."""
    import resource

    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "assay.cli", "--help"], capture_output=True, check=True, cwd=ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) <= 0.2


def test_hugging_faces_evaluate_is_importable_from_the_root() -> None:
    code = "import evaluate, sys; assert callable(evaluate.load); print(evaluate.__file__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "site-packages" in done.stdout


def test_every_verb_names_a_command_that_exists() -> None:
    import click

    from assay.cli import VERBS, cli

    for verb in VERBS:
        command = cli.get_command(click.Context(cli), verb)  # type: ignore[arg-type]
        assert command is not None and command.help, verb


def all_sources() -> list[Path]:
    return [*core_sources(), *sources(*(ROOT / stage for stage in STAGES))]


def test_every_package_folder_is_listed_for_the_wheel() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    folders = {path.parent.relative_to(ROOT).parts for path in all_sources()}
    found = {".".join(parts if parts[0] == "assay" else ("assay", *parts)) for parts in folders}
    assert found <= listed


def test_no_source_names_a_path_of_one_machine() -> None:
    names = ("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/")
    faults = [str(path) for path in all_sources() if any(name in path.read_text(encoding="utf-8") for name in names)]
    assert not faults
