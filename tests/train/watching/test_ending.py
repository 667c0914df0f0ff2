"""The end of a run: score, answers before and after, one suggestion first; no text where it is kept back."""

from __future__ import annotations

import json
from pathlib import Path

from assay.train.watching.advice import Advice
from assay.train.watching.ending import ending
from assay.train.watching.samples import Sample

FIRST = Advice("num_train_epochs", 3, 1, "validation turned")
SECOND = Advice("lora_r", 16, 8, "validation turned")
RESULT = {
    "best_step": 4, "score": 0.5, "score_before": 0.25, "advice": [FIRST.to_json(), SECOND.to_json()],
}  # fmt: skip


def write_samples(folder: Path) -> None:
    taken = [Sample(step, "a", "What?", "red", answer) for step, answer in ((0, "zq"), (4, "red"), (8, "blue"))]
    (folder / "samples.jsonl").write_text("".join(json.dumps(one.to_json()) + "\n" for one in taken))


def test_score_answers_and_one_thing_to_try(tmp_path: Path) -> None:
    write_samples(tmp_path)
    assert list(ending(RESULT, tmp_path, redact=False)) == [
        "  score 50.0% (before training 25.0%) on the items that selected",
        "",
        "  answers to unseen prompts, before training and at step 4",
        "",
        "  prompt     What?",
        "  reference  red",
        "  before     zq",
        "  after      red",
        "",
        "  try next, and nothing else with it: train.num_train_epochs=1 (now 3): validation turned",
        "  after that, perhaps: train.lora_r=8 (now 16): validation turned",
    ]


def test_text_of_records_is_kept_back(tmp_path: Path) -> None:
    write_samples(tmp_path)
    shown = "\n".join(ending(RESULT, tmp_path, redact=True))
    assert "What?" not in shown and "zq" not in shown and "try next" in shown


def test_a_run_with_nothing_to_say_says_nothing(tmp_path: Path) -> None:
    assert list(ending({"best_step": 4, "score": None, "advice": []}, tmp_path, redact=False)) == []
    assert list(ending({"best_step": 4}, tmp_path, redact=False)) == []  # a run of before there was advice
