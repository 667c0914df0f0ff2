"""The settings file that the form writes, given to a shell as it is, is planned as the page said."""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from assay.cli import main
from assay.runs import RunStore
from assay.train.web.drafts import Drafts, _write_new
from assay.web.site import Site
from tests.train.web.training_store import within, write_records

Open = Callable[[Path], TestClient]


def planned(folder: Path, settings: str) -> dict[str, object]:
    out = io.StringIO()
    with within(folder), contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
        main(["plan", "-c", settings, "--json", "--quiet"])
    assert not ended.value.code
    found: dict[str, object] = json.loads(out.getvalue())
    return found


def test_a_shell_plans_what_the_page_said(tmp_path: Path, model_folder: Path, open_site: Open) -> None:
    write_records(tmp_path / "my 'data'.jsonl", 8)
    (tmp_path / "assay.yaml").write_text("train: {dtype: float32, device: cpu, effective_batch_size: 4}\n")
    form = {
        "path": "my 'data'.jsonl", "model_path": str(model_folder), "preset": "formatting", "num_train_epochs": "2",
        "learning_rate": "1e-3", "lora_r": "4", "others": "yes",
    }  # fmt: skip
    put = open_site(tmp_path).post("/training/new", data=form, follow_redirects=False)
    drafts = Drafts(Site(RunStore(tmp_path / ".assay"), tmp_path / "reviews.jsonl", tmp_path, who="ana"))
    until = time.monotonic() + 240
    while not (look := drafts.get(put.headers["location"].rpartition("/")[2]).look):
        assert time.monotonic() < until
        time.sleep(0.2)
    name = _write_new(tmp_path, drafts.all()[0].text)
    said, found = dict(look["plan"]), planned(tmp_path, name)
    for plan in (said, found):
        plan.pop("here")  # what is free on the machine differs from one moment to the next
    assert said == found
    assert look["preview"]["steps"] == found["steps"] == 4
