"""A suite on the embedded model: lm-eval's own backend answers and scores the exported task as assay does the suite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.chat import load_target
from assay.errors import ModelError
from assay.evaluate.identity import Models
from assay.evaluate.settings import EvaluateSettings
from assay.evaluate.stage import evaluate
from assay.evaluate.suites.export import export_suite
from assay.models import resolve
from assay.models.embedded import DEFAULT_MODEL
from assay.suites import read_suite
from tests.evaluate.lm_eval_runs.made import logged, run_lm_eval

ITEMS = [
    {
        "messages": [
            {"role": "system", "content": "Answer with one word."},
            {"role": "user", "content": "What is the capital of France?"},
        ],
        "reference": "Paris",
    },
    {
        "messages": [
            {"role": "user", "content": "My name is Ann."},
            {"role": "assistant", "content": "Hello Ann!"},
            {"role": "user", "content": "What is my name?"},
        ],
        "reference": "Ann",
    },
    {"prompt": "How many legs does a spider have?", "reference": "8"},
    {"prompt": "What colour is the sky on a clear day?", "reference": "blue"},
    {"prompt": "Name the largest ocean.", "reference": "Pacific"},
    {"prompt": "Translate 'Haus' into English.", "reference": "house"},
]


def test_conversations_are_answered_and_scored_alike(tmp_path: Path) -> None:
    try:
        model = resolve(DEFAULT_MODEL).path
    except ModelError as error:
        pytest.skip(f"the embedded model cannot be had here: {error}")
    rows = [json.dumps({"id": f"i{number}", **item}) for number, item in enumerate(ITEMS)]
    (tmp_path / "items.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    header = "version: 1\nname: support\ndata: items.jsonl\nscorer: contains\nmax_new_tokens: 16\n"
    (tmp_path / "support.yaml").write_text(header, encoding="utf-8")
    suite = read_suite(tmp_path / "support.yaml")
    export_suite(suite, tmp_path / "tasks")
    run_lm_eval(
        {"pretrained": str(model)},
        tmp_path / "tasks",
        tmp_path / "out",
        ("support",),
        apply_chat_template=True,
        batch_size=1,
    )
    settings = EvaluateSettings(dtype="float32", damaged_items=0)
    own = evaluate(Models(load_target(DEFAULT_MODEL)), (suite,), settings).items.to_pylist()
    theirs = {row["doc"]["id"]: row for row in logged(tmp_path / "out", "support")}
    assert {row["score"] for row in own} == {0.0, 1.0}
    for row in own:
        other = theirs[row["item_id"]]
        assert (row["output"], row["score"]) == (other["filtered_resps"][0], other["contains"])
