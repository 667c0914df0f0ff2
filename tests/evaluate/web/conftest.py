"""A store with evaluations and gates, made by the stage itself, and a browser without a screen on its pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.evaluation_files import ITEM_SCHEMA, write
from assay.runs import Run, RunStore
from assay.web.app import application
from assay.web.site import Site

HOSTILE = "<script>alert('x')</script>{{ 7*7 }}{% raw %}\u202eevil\x1b[31m </td><img src=x onerror=alert(1)>"
POLICY = "version: 1\nmargin: 0.03\nguardrail: 0.1\n"


@contextmanager
def opened(root: Path, folders: dict[str, Path] | None = None) -> Iterator[TestClient]:
    app, keys = application(Site(RunStore(root / ".assay"), root / "reviews.jsonl", root, folders or {}, who="ana"))
    with TestClient(app, base_url="http://127.0.0.1:8765", headers={"origin": "http://127.0.0.1:8765"}) as client:
        client.get("/", params={"token": keys.token()})
        yield client


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    (tmp_path / ".assay" / "runs").mkdir(parents=True, exist_ok=True)
    with opened(tmp_path) as client:
        yield client


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Run]:
    """put(evaluation, name) keeps an evaluation as a run of the store."""
    store = RunStore(tmp_path / ".assay")
    calls: list[str] = []

    def keep(evaluation: Evaluation, name: str = "one", parents: tuple[str, ...] = ()) -> Run:
        calls.append(name)
        with store.open("evaluate", {"name": name, "call": len(calls)}, {}, parents) as run:
            run.started += len(calls)
            write(evaluation, run.path)
        return run

    return keep


@pytest.fixture
def judged(
    tmp_path: Path, put: Callable[..., Run], shell: Callable[..., tuple[int, str, str]]
) -> Callable[..., tuple[str, str]]:
    """judged(evaluation, policy, *arguments) puts it into the store and runs `assay gate`; (evaluation, gate)."""

    def gates() -> set[str]:
        return {found.run for found in RunStore(tmp_path / ".assay").manifests() if found.stage == "gate"}

    def judge(evaluation: Evaluation, policy: str = POLICY, *arguments: str) -> tuple[str, str]:
        run = put(evaluation)
        (tmp_path / "policy.yaml").write_text(policy, encoding="utf-8")
        before = gates()
        code, _, said = shell("gate", run.path, *arguments)
        assert code in (0, 3, 4), said
        [gate] = gates() - before
        return run.id, gate

    return judge


def with_outputs(evaluation: Evaluation, change: Callable[[dict[str, Any]], None]) -> Evaluation:
    """The evaluation with its rows changed in place."""
    rows = evaluation.items.to_pylist()
    for row in rows:
        change(row)
    return replace(evaluation, items=pa.Table.from_pylist(rows, schema=ITEM_SCHEMA))


@pytest.fixture
def passing(synthetic: Callable[..., Evaluation], suite: Any) -> Evaluation:
    domain = suite("support", n=200, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None)
    return synthetic(suite("arc_easy"), suite("grammar", n=600), domain)


@pytest.fixture
def blocked(synthetic: Callable[..., Evaluation], suite: Any) -> Evaluation:
    """`grammar` is ruined, and what the candidate says there is hostile."""
    domain = suite("support", n=200, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None,
                   slices=("refund", "login"), previous_gain=0.2)  # fmt: skip
    found = synthetic(suite("arc_easy", n=150), suite("grammar", n=150, gain=-0.3), domain)

    def change(row: dict[str, Any]) -> None:
        if row["suite"] == "grammar" and row["model"] == "candidate" and row["score"] == 0.0:
            row["output"] = HOSTILE

    return with_outputs(found, change)
