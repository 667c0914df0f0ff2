"""A project with two real trainings of the tiny model, and a browser's session on it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from assay.runs import RunStore
from assay.web.app import application
from assay.web.site import Site
from tests.train.web.training_store import FAST, HOST, HOSTILE, HOSTILE_FILE, assay, write_records

Open = Callable[[Path], TestClient]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Path:
    """The folder of a project: data whose every prompt and whose file name are hostile, trained with two ranks."""
    folder = tmp_path_factory.mktemp("project")
    write_records(folder / HOSTILE_FILE, said=HOSTILE)
    for rank in (4, 8):
        arguments = (HOSTILE_FILE, "--model", str(model_folder), *FAST, f"train.lora_r={rank}")
        assay(folder, "train", *arguments, "train.num_train_epochs=1")
    return folder


@pytest.fixture
def open_site() -> Iterator[Open]:
    """A browser's session on the store of a folder; its requests come from a page of ours."""
    with contextlib.ExitStack() as opened:

        def opening(folder: Path) -> TestClient:
            app, keys = application(Site(RunStore(folder / ".assay"), folder / "reviews.jsonl", folder, who="ana"))
            client = opened.enter_context(TestClient(app, base_url=f"http://{HOST}"))
            client.get("/", params={"token": keys.token()})
            client.headers["origin"] = f"http://{HOST}"
            return client

        yield opening
