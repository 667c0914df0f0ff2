"""The trainer of a run, as `train` builds it, for tests of what one method changes in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.chat import ChatTarget
from assay.dataset import Dataset
from assay.models import ModelRef, load_base
from assay.runs import Run
from assay.train.checkpoints import Checkpoints
from assay.train.prepared import prepare
from assay.train.progress import Watch
from assay.train.settings import TrainSettings
from assay.train.trainer import build_trainer

USUAL: dict[str, Any] = {"load_in_4bit": False, "dtype": "float32", "device": "cpu", "num_train_epochs": 2}


@pytest.fixture(scope="session")
def make_trainer(model_ref: ModelRef, target: ChatTarget) -> Callable[..., Any]:
    """(data, folder, **settings) -> SFTTrainer, in full precision unless the settings say otherwise."""

    def build(data: Dataset, out: Path, **settings: Any) -> Any:
        chosen = TrainSettings(**{**USUAL, **settings})
        prepared = prepare(data, chosen, target)
        checkpoints = Checkpoints(Run("train", "digest", out, {}, {}, (), False))
        out.mkdir(parents=True, exist_ok=True)
        watch = Watch(out / "log.jsonl", 1, 1, 1, 1, print)
        model = load_base(model_ref, load_in_4bit=chosen.load_in_4bit, dtype="float32", device="cpu")
        return build_trainer(model, prepared.recipe, prepared.rows, target, checkpoints, watch, resumes=False)

    return build
