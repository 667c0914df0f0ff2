"""`assay run` with `evaluate: {backend: openai}`: a stage is unchanged only while the server's models are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.evaluate.models import served_client
from assay.pipeline import run
from assay.pipeline.outcome import PipelineResult

SETTINGS = """\
version: 1
model_name_or_path: {model}
data: [{{path: data.jsonl}}]
curate: {{min_records: 10, split: {{validation: 0.2}}}}
train: {{load_in_4bit: false, dtype: float32, device: cpu, lora_r: 4, num_train_epochs: 1, learning_rate: 1.0e-2}}
evaluate:
  suites: [suite.yaml]
  backend: openai
  base_url: {url}
  served: {{base: plain, candidate: tuned}}
gate: {{policy: policy.yaml}}
"""


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def settings(tmp_path: Path, tiny_model: Path, openai_server: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(served_client, "TRIES", 1)
    colours = ("red", "blue", "green")
    data = [{"instruction": f"Which colour has thing {n}?", "output": f"It is {colours[n % 3]}, {n}."} for n in
            range(40)]  # fmt: skip
    write_lines(tmp_path / "data.jsonl", data)
    items = [{"id": n, "prompt": f"And cube {n}?", "reference": colours[n % 3]} for n in range(4)]
    write_lines(tmp_path / "items.jsonl", items)
    suite = "version: 1\nname: colours\ndata: items.jsonl\nscorer: contains\nmax_new_tokens: 4\n"
    (tmp_path / "suite.yaml").write_text(suite)
    (tmp_path / "policy.yaml").write_text("version: 1\nsuites: {colours: {role: domain}}\n")
    (tmp_path / "assay.yaml").write_text(SETTINGS.format(model=tiny_model, url=openai_server.url))
    return tmp_path / "assay.yaml"


def reused(result: PipelineResult) -> dict[str, bool]:
    return {stage.stage: stage.reused for stage in result.stages}


def test_what_the_server_serves_is_part_of_what_was_evaluated(
    settings: Path, openai_server: Any, served_weights: dict[str, Any]
) -> None:
    first = run(settings)
    assert first.decision is not None and not any(reused(first).values())
    assert reused(run(settings)) == {"curate": True, "train": True, "evaluate": True, "gate": True}
    # the same names, other weights behind them
    openai_server.models = {"plain": served_weights["tuned"], "tuned": served_weights["plain"]}
    assert reused(run(settings)) == {"curate": True, "train": True, "evaluate": False, "gate": False}
