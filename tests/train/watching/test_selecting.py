"""The checkpoint with the best generated score is kept, and the items that chose it never judge it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from assay.chat import ChatTarget, inference_prompt
from assay.dataset import Dataset
from assay.errors import SettingsError, SuiteError
from assay.evaluate.asking.item_split import part_by
from assay.evaluate.asking.leaks import find_leaks, training_prompts
from assay.evaluate.suites.selecting import make_selection
from assay.models import ModelRef
from assay.protocols import Selection, SelectionItem
from assay.records import Message
from assay.suites import EvaluationText, read_suite
from assay.train.settings import TrainSettings
from assay.train.stage import train
from assay.train.trained import Trained

Make = Callable[..., Dataset]
TEXTS = ("red thing 99?", "blue thing 98?")


def selection(target: ChatTarget, score: Callable[[str], float]) -> Selection:
    items = [
        SelectionItem(f"i{n}", tuple(inference_prompt([Message("user", text)], target)), text, score)
        for n, text in enumerate(TEXTS)
    ]
    return Selection("support", "f" * 64, 4, tuple(items))


def run(data: Dataset, out: Path, target: ChatTarget, ref: ModelRef, chosen: Selection | None) -> Trained:
    settings = TrainSettings(
        load_in_4bit=False, dtype="float32", device="cpu", learning_rate=5e-3, num_train_epochs=2, samples=0,
        effective_batch_size=8, eval_steps=2, early_stopping_patience=0,
        selection_suite="none" if chosen is None else "support.yaml",
    )  # fmt: skip
    return train(data, settings, out, target, ref, selection=chosen)


def test_the_score_decides_and_the_losses_are_those_of_a_run_without(
    make_colours: Make, target: ChatTarget, model_ref: ModelRef, tmp_path: Path
) -> None:
    """Scores of five evaluations, two items each: the second after the start is best, and a later one equals it."""
    given = iter([0.1, 0.1, 0.2, 0.2, 0.9, 0.9, 0.4, 0.4, 0.9, 0.9])
    chosen = selection(target, lambda _: next(given))
    scored = run(make_colours(32, 8), tmp_path / "a", target, model_ref, chosen)
    plain = run(make_colours(32, 8), tmp_path / "b", target, model_ref, None)
    losses = [[(entry.step, entry.loss, entry.validation_loss) for entry in one.log] for one in (scored, plain)]
    assert losses[0] == losses[1]
    assert [entry.score for entry in scored.log if entry.score is not None] == [0.1, 0.2, 0.9, 0.4, 0.9]
    assert (scored.best_step, plain.best_step) == (4, 8)
    assert (scored.score, scored.score_before) == (0.9, 0.1)
    assert scored.validation_loss == {step: loss for step, _, loss in losses[0] if loss is not None}[4]

    card = json.loads((scored.adapter / "assay.json").read_text())
    assert card["selected_on"] == {
        "suite": "support", "data_sha256": "f" * 64, "part": "selection", "items": ["i0", "i1"],
    }  # fmt: skip
    assert json.loads((tmp_path / "a" / "manifest.json").read_text())["facts"]["selected_on"] == card["selected_on"]
    known = training_prompts(scored.adapter)
    assert known is not None
    texts = [EvaluationText("support", "x", TEXTS[0].upper()), EvaluationText("support", "y", "another thing?")]
    assert [(leak.item_id, leak.record_id) for leak in find_leaks(known, texts)] == [("x", "i0")]
    splits = pq.read_table(scored.adapter / "trained_records.parquet").column("split").to_pylist()
    assert (splits.count("selection"), splits.count("train"), splits.count("validation")) == (2, 32, 8)


@pytest.mark.parametrize(
    ("settings", "says"),
    [({}, "no items of it were handed in"), ({"validation": 0}, "there are no validation records to evaluate")],
)
def test_a_suite_that_cannot_select_is_refused(
    settings: dict[str, Any], says: str, make_colours: Make, target: ChatTarget, tmp_path: Path
) -> None:
    chosen = selection(target, lambda _: 1.0) if settings else None
    with pytest.raises(SettingsError, match=says):
        train(
            make_colours(8), TrainSettings(device="cpu", selection_suite="s.yaml", **settings), tmp_path, target,
            selection=chosen,
        )  # fmt: skip


def write_suite(folder: Path, scorer: str) -> Path:
    lines = [
        {"id": f"q{n}", "prompt": f"What about {n}?", "reference": str(n), "choices": [str(n), "no"]} for n in range(60)
    ]
    (folder / "s.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    path = folder / "s.yaml"
    path.write_text(f"version: 1\nname: s\ndata: s.jsonl\nscorer: {scorer}\nmax_new_tokens: 8\n")
    return path


def test_items_of_a_suite_are_of_the_half_that_selects(target: ChatTarget, tmp_path: Path) -> None:
    suite = read_suite(write_suite(tmp_path, "exact_match"))
    made = make_selection(suite, target, 10)
    assert len(made.items) == 10 and made.max_new_tokens == 8
    assert {part_by(item.text, None) for item in made.items} == {"selection"}
    assert made.items == tuple(sorted(made.items, key=lambda item: int(item.id[1:])))
    first = made.items[0]
    assert (first.score(first.id[1:]), first.score("no")) == (1.0, 0.0)
    assert list(first.prompt) == inference_prompt([Message("user", f"What about {first.id[1:]}?")], target)
    assert len(make_selection(suite, target, 1000).items) < 60


def test_a_scorer_of_likelihoods_cannot_select(target: ChatTarget, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="so it cannot select checkpoints; leave selection_suite out"):
        make_selection(read_suite(write_suite(tmp_path, "multiple_choice")), target, 10)
