"""docs/training.md is true: its settings, defaults, presets and files are those of the code."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import yaml

from assay.config import Document, parse
from assay.dataset import Dataset
from assay.train.recipe import Hardware, resolve
from assay.train.settings import PRESETS, TrainSettings
from assay.train.trained import Trained

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, list[str]]:
    """{first cell: the other cells} of the first table under a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return {row[0].strip("`"): row[1:] for row in rows[2:]}


def test_every_setting_is_on_the_page_and_no_other() -> None:
    assert sorted(table("Settings")) == sorted(field.name for field in dataclasses.fields(TrainSettings))


def test_the_defaults_on_the_page_are_the_ones_that_are_used() -> None:
    cpu = Hardware("cpu", computes_bf16=True)
    recipe = resolve(TrainSettings(), records=5000, longest=99, pad_token_id=0, hardware=cpu, validated=True)
    used = dataclasses.asdict(TrainSettings()) | {
        name: value for name, value in recipe.to_json().items() if getattr(TrainSettings(), name, 0) is None
    }
    words = {
        "by preset", "twice", "from the data", "on a GPU", "the longest", "about six", "one that", "auto", "0.3 where"
    }  # fmt: skip
    for name, (default, _) in table("Settings").items():
        shown = default.strip("`")
        if not any(shown.startswith(word) for word in words):
            given = yaml.safe_load(shown.replace("2e-4", "2.0e-4"))
            assert (() if given == "none" and used[name] == () else given) == used[name], name


def test_the_presets_on_the_page_are_the_ones_there_are() -> None:
    shown = {name: (int(rank), purpose) for name, (rank, purpose) in table("Presets").items()}
    assert shown == {name: (preset.lora_r, preset.purpose) for name, preset in PRESETS.items()}


def test_the_example_is_settings() -> None:
    block = re.search(r"```yaml train\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    settings, notices = parse(TrainSettings, Document(yaml.safe_load(block[1])))
    assert settings.lora_r == 16
    assert not notices


def test_the_files_on_the_page_are_those_of_a_run(
    train_tiny: Callable[..., Trained], make_colours: Callable[..., Dataset], tmp_path: Path
) -> None:
    train_tiny(make_colours(8, 2), tmp_path, num_train_epochs=1)
    named = {name.strip("`/ ") for cell in table("What it leaves") for name in cell.split(",")}
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert named <= found
    assert {path.name for path in tmp_path.iterdir()} - {"manifest.json"} <= named
