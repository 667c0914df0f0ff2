"""A store whose runs hang together as a pipeline leaves them, made by the store itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from assay.runs import RunStore
from assay.web.app import application
from assay.web.site import Site

Open = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / ".assay")


@pytest.fixture
def site(store: RunStore, tmp_path: Path) -> Site:
    (store.root / "runs").mkdir(parents=True)
    return Site(store, tmp_path / "reviews.jsonl", tmp_path, {}, who="ana")


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    app, keys = application(site)
    with TestClient(app, base_url="http://127.0.0.1:8765") as client:
        client.get("/", params={"token": keys.token()})
        yield client


@pytest.fixture
def run(store: RunStore) -> Open:
    """run(stage, *parents, facts, settings, inputs, files) makes a run; its name."""
    made: list[str] = []

    def make(
        stage: str,
        *parents: str,
        facts: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        inputs: dict[str, str] | None = None,
        files: dict[str, str] | None = None,
    ) -> str:
        made.append(stage)
        with store.open(stage, {"call": len(made), **(settings or {})}, inputs or {}, parents) as opened:
            opened.started += len(made)
            opened.facts |= facts or {}
            for name, text in (files or {}).items():
                (opened.path / name).write_text(text, encoding="utf-8")
        return opened.id

    return make


@pytest.fixture
def pipeline(run: Open) -> Callable[..., list[str]]:
    """pipeline(verdict) makes curate, synth, curate, train, evaluate and gate; their names in that order."""

    def make(verdict: str = "PASS") -> list[str]:
        first = run("curate", facts={"counts": {"read": 793, "kept": 528, "repaired": 7}}, inputs={"data": "d" * 64})
        written = run("synth", first, facts={"accepted": 12}, settings={"provider": "openai", "model": "writer/one"})
        second = run("curate", written, facts={"counts": {"read": 547, "kept": 547, "repaired": 0}})
        trained = run(
            "train", second, facts={"validation_loss": 0.3591}, inputs={"general_data mix/general.jsonl": "e" * 64}
        )
        scored = run("evaluate", trained)
        return [first, written, second, trained, scored, run("gate", scored, facts={"verdict": verdict})]

    return make
