"""What names a run of training: other weights in the same folder are another model."""

from __future__ import annotations

import shutil
from pathlib import Path

from assay.chat import load_target
from assay.sources.convert import as_dataset
from assay.train.identity import input_digests
from tests.conftest import build_tiny_model

ROWS = [{"instruction": f"the cat {n}", "output": f"sat {n}"} for n in range(4)]


def digests(folder: Path) -> dict[str, str]:
    target = load_target(str(folder))
    return input_digests(as_dataset(ROWS), (), target, target.ref)


def test_weights_that_were_exchanged_are_not_taken_for_the_ones_that_were_trained(
    tiny_model: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    before = digests(model)
    assert digests(model) == before
    build_tiny_model(tmp_path / "other", seed=1)
    shutil.copy(tmp_path / "other" / "model.safetensors", model / "model.safetensors")
    after = digests(model)
    assert {name for name in before if before[name] != after[name]} == {"weights"}


def test_a_folder_without_weights_is_left_to_who_loads_it(tiny_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model, model)
    (model / "model.safetensors").unlink()
    assert "weights" not in digests(model)
