"""A training that the form starts: seen beforehand, watched, stopped, gone on with, and found complete by a shell."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from assay.locks import holder, is_held
from assay.runs import RunStore, sources_digest
from assay.train.web.drafts import Drafts
from assay.web.site import Site
from tests.train.web.training_store import assay, write_records

Open = Callable[[Path], TestClient]

PATIENCE = 240.0
"""Seconds for a process that imports torch on a machine that others use too."""


def until(client: TestClient, address: str, sign: str) -> str:
    """The page, once it has the sign."""
    ends = time.monotonic() + PATIENCE
    while True:
        shown = client.get(address).text
        if re.search(sign, shown):
            return shown
        assert time.monotonic() < ends, re.sub(r"\n\s*\n", "\n", shown)
        time.sleep(0.25)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_records(tmp_path / "my 'data'.jsonl")
    (tmp_path / "assay.yaml").write_text(
        "train: {dtype: float32, device: cpu, samples: 1, effective_batch_size: 8, early_stopping_patience: 0}\n"
    )
    sources_digest.cache_clear()
    return tmp_path


def test_it_is_seen_started_once_stopped_and_ends(project: Path, model_folder: Path, open_site: Open) -> None:
    client = open_site(project)
    form = {
        "path": "my 'data'.jsonl", "model_path": str(model_folder), "preset": "formatting", "num_train_epochs": "40",
        "learning_rate": "1e-3", "others": "yes",
    }  # fmt: skip
    put = client.post("/training/new", data=form, follow_redirects=False)
    assert put.status_code == 303
    before = until(client, put.headers["location"], "Start ")
    assert "36 records train, 4 validate" in before
    assert "LoRA in float32 takes" in before
    assert list(project.glob("*.yaml")) == [project / "assay.yaml"]
    assert "NOT FIT" in until(client, put.headers["location"], "class=.tag (?!running)")

    for _ in range(2):
        client.post(f"{put.headers['location']}/start")
    run_page = watched(client, put.headers["location"])
    shown = until(client, run_page, r"Step \d+ of 180")
    assert sorted(path.name for path in project.glob("*.yaml")) == ["assay-train-1.yaml", "assay.yaml"]
    assert "data-reload" in shown
    client.post(f"{run_page}/stop")
    shown = until(client, run_page, r'class="tag stopped"')
    assert "goes on from the checkpoint of step" in shown
    assert "assay train -c assay-train-1.yaml" in shown
    stopped_at = int(re.search(r"Stopped at step (\d+) of 180", shown).group(1))  # type: ignore[union-attr]
    assert 0 < stopped_at < 180

    client.post(f"{put.headers['location']}/start")
    shown = until(client, run_page, r'class="tag done"')
    assert f"going on from step {stopped_at}" in shown
    assert "step 180" in shown

    name = run_page.rpartition("/")[2]
    assert f"unchanged since {name}" in assay(project, "train", "-c", "assay-train-1.yaml")
    assert [run.run for run in RunStore(project / ".assay").manifests()] == [name]
    assert "This very training was done before" in client.get(put.headers["location"]).text or name in shown


def watched(client: TestClient, draft: str) -> str:
    """The address of the run that the draft's page leads to."""
    ends = time.monotonic() + PATIENCE
    while True:
        answer = client.get(draft, follow_redirects=False)
        if answer.status_code == 303:
            return answer.headers["location"]
        assert time.monotonic() < ends, answer.text
        time.sleep(0.25)


def test_what_train_would_refuse_is_said_before(project: Path, model_folder: Path, open_site: Open) -> None:
    (project / "empty.jsonl").write_text('{"prompt": "a question without an answer?"}\n')
    client = open_site(project)
    put = client.post(
        "/training/new", data={"path": "empty.jsonl", "model_path": str(model_folder), "preset": "domain"}
    )
    address = str(put.url.path)
    shown = until(client, address, "It would be refused|could not be looked at")
    assert "It would be refused" in shown
    assert "<strong>data</strong>" in shown
    assert "Start the training" not in shown
    assert 'value="empty.jsonl"' in client.get(f"/training/new?draft={address.rpartition('/')[2]}").text
    assert not list(project.glob(".assay-look-*"))


def test_what_ends_before_its_first_step_says_why(project: Path, open_site: Open) -> None:
    """The file was edited after it was written; its text is shown as it is."""
    site = Site(RunStore(project / ".assay"), project / "reviews.jsonl", project, who="ana")
    draft = Drafts(site).keep("version: 1\ndata: [{path: gone.jsonl}]\nmodel_name_or_path: nowhere/at all\n", {})
    client = open_site(project)
    client.post(f"/training/draft/{draft.id}/start")
    shown = until(client, f"/training/draft/{draft.id}", 'class="tag failed"')
    assert "It ended before its first step" in shown
    assert "assay: " in shown
    assert "Traceback" not in shown
    assert "assay-train-1.yaml" in client.get("/training").text
    assert not is_held(draft.folder / "running")
    assert holder(draft.folder / "running") is None
