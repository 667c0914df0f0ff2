"""The embedded model: right gradients on real records, and a killed run that ends as an undisturbed one."""

from __future__ import annotations

import dataclasses
import json
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.chat import ChatTarget, TemplateProblem, encode_all, load_target
from assay.dataset import Dataset
from assay.errors import TrainingError
from assay.families import assign_families
from assay.models.embedded import DEFAULT_MODEL, EMBEDDED, is_installed
from assay.project import bundled
from assay.runs import Run
from assay.sources import read
from assay.split import split
from assay.train.prepared import prepare
from assay.train.settings import TrainSettings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed(EMBEDDED[DEFAULT_MODEL]), reason="`assay model install` fetches the model"),
]
RECORDS = 48
KILLED_AT = 5
TRAIN = """
import os, signal, sys
from pathlib import Path
from assay.chat import load_target
from assay.dataset import Dataset
from assay.train.settings import TrainSettings
from assay.train.stage import train

model, data, out, step = sys.argv[1:]

def kill(progress):
    if progress.step == int(step):
        os.kill(os.getpid(), signal.SIGKILL)

settings = TrainSettings(device="cpu", learning_rate=1e-3, num_train_epochs=1.5, effective_batch_size=8, eval_steps=3,
                         early_stopping_patience=0)
target = load_target(model)
trained = train(Dataset.read_parquet(Path(data)), settings, Path(out), target, target.ref, on_progress=kill)
print("resumed from", trained.resumed_from)
"""


@pytest.fixture(scope="module")
def target() -> ChatTarget:
    return load_target(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def tickets(target: ChatTarget) -> Dataset:
    """Short records of the sample data that the template can render, split by families."""
    data = assign_families(read([str(bundled("tickets.jsonl"))]))
    records = list(data.records())
    encoded = zip(records, encode_all(records, target), strict=True)
    usable = [r for r, one in encoded if not isinstance(one, TemplateProblem) and len(one.input_ids) <= 128]
    chosen = random.Random(0).sample(usable, RECORDS)
    return split(Dataset.from_records(dataclasses.replace(record, split="") for record in chosen), 0.15, 0)


def losses(out: Path) -> list[tuple[int, float]]:
    entries = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [(entry["step"], entry["loss"]) for entry in entries if "loss" in entry]


def start(out: Path, data: Path, step: int) -> subprocess.CompletedProcess[str]:
    arguments = [DEFAULT_MODEL, str(data), str(out), str(step)]
    return subprocess.run([sys.executable, "-c", TRAIN, *arguments], capture_output=True, text=True)


def test_a_killed_run_of_the_real_model_ends_as_an_undisturbed_one(tickets: Dataset, tmp_path: Path) -> None:
    data = tmp_path / "data.parquet"
    tickets.write_parquet(data)
    killed = start(tmp_path / "killed", data, KILLED_AT)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again = start(tmp_path / "killed", data, -1)
    assert "resumed from 3" in again.stdout, again.stderr
    whole = start(tmp_path / "whole", data, -1)
    assert "resumed from 0" in whole.stdout, whole.stderr
    resumed, undisturbed = losses(tmp_path / "killed"), losses(tmp_path / "whole")
    for (step, one), (_, other) in zip(resumed, undisturbed, strict=True):
        print(f"step {step:2}  resumed {one:.6f}  undisturbed {other:.6f}")
    assert [step for step, _ in resumed] == [step for step, _ in undisturbed]
    assert resumed[-1][1] == pytest.approx(undisturbed[-1][1], abs=1e-3)


@pytest.mark.parametrize("repacks", [False, True], ids=["as assay loads it", "with the library's repacking"])
def test_the_gradient_check_has_clear_room_on_the_real_model(
    repacks: bool, tickets: Dataset, target: ChatTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten batches in NF4 and bfloat16 are all right; one with repacked weights, which are slow, is caught."""
    import bitsandbytes

    from assay.models import load_base
    from assay.train.checkpoints import Checkpoints
    from assay.train.head import answers_only_head
    from assay.train.progress import Watch
    from assay.train.trainer import build_trainer, check_first_gradient

    if repacks and not bitsandbytes.functional.has_avx512bf16():
        pytest.skip("bitsandbytes repacks on processors with AVX512-BF16 alone")
    settings = TrainSettings(device="cpu", dtype="bfloat16")
    prepared = prepare(tickets, settings, target)
    model = load_base(target.ref, load_in_4bit=True, dtype="bfloat16", device="cpu")
    for module in model.modules():
        if repacks and isinstance(module, bitsandbytes.nn.Linear4bit):
            module.support_avx512bf16_for_cpu = True
    checkpoints = Checkpoints(Run("train", "digest", tmp_path, {}, {}, (), False))
    watch = Watch(tmp_path / "log.jsonl", 1, 1, 1, 1, print)
    trainer: Any = build_trainer(model, prepared.recipe, prepared.rows, target, checkpoints, watch, resumes=False)
    generator = random.Random(1)
    for _ in range(1 if repacks else 10):
        rows = dataclasses.replace(prepared.rows, training=tuple(generator.sample(prepared.rows.training, 4)))
        with answers_only_head():
            if repacks:
                with pytest.raises(TrainingError, match="the gradient is wrong"):
                    check_first_gradient(trainer, rows, prepared.recipe)
            else:
                evidence = check_first_gradient(trainer, rows, prepared.recipe)
                assert evidence.agreement == pytest.approx(1, abs=0.005)
                assert evidence.ratio == pytest.approx(1, abs=0.005)
