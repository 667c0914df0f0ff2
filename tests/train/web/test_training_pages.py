"""Runs, one run and several side by side: what is shown is what the run wrote, and nothing of it is interpreted."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from assay.locks import held
from assay.runs import RunStore
from tests.browser import browser, serious_findings, served
from tests.train.web.training_store import HOSTILE_FILE

Open = Callable[[Path], TestClient]


def runs_of(folder: Path) -> list[str]:
    return [run.run for run in RunStore(folder / ".assay").manifests() if run.stage == "train"]


def facts(folder: Path, name: str) -> dict[str, object]:
    manifest = json.loads((folder / ".assay" / "runs" / name / "manifest.json").read_text())
    return manifest["facts"] | manifest["facts"]["recipe"]


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    """A store of its own, to be damaged."""
    shutil.copytree(trained / ".assay", tmp_path / ".assay")
    return tmp_path


def unfinished(folder: Path, name: str) -> Path:
    """The run as a process leaves it that is killed between two steps."""
    run = folder / ".assay" / "runs" / name
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["outcome"] = "running"
    for fact in ("steps", "validation_loss", "validation_loss_before", "best_step", "seconds"):
        del manifest["facts"][fact]
    (run / "manifest.json").write_text(json.dumps(manifest))
    (run / "recipe.json").unlink()
    return run


def test_every_run_stands_with_its_losses(trained: Path, open_site: Open) -> None:
    shown = open_site(trained).get("/training").text
    for name in runs_of(trained):
        known = facts(trained, name)
        assert f'href="/training/{name}"' in shown
        assert f"{known['validation_loss_before']:.3f} → {known['validation_loss']:.3f}" in shown
    assert HOSTILE_FILE not in shown
    assert "&lt;img src=x onerror=alert(2)&gt;.jsonl" in shown


def test_one_run_shows_curves_answers_records_recipe_and_ledger(trained: Path, open_site: Open) -> None:
    name = runs_of(trained)[0]
    known = facts(trained, name)
    shown = open_site(trained).get(f"/training/{name}").text
    for title in ("Loss, nats", "Learning rate", "Gradient norm", "Tokens a second"):
        assert f"<figcaption>{title}" in shown
    assert "40 rows read" in shown
    assert f"{known['validation_loss']:.3f} at step {known['best_step']}" in shown
    assert "twice lora_r" in shown
    assert shown.count('aria-label="Record ') == 3
    assert shown.count('aria-label="Prompt ') == 1
    assert '<mark class="hit">' in shown


def test_nothing_of_a_prompt_is_interpreted(trained: Path, open_site: Open) -> None:
    client = open_site(trained)
    for address in (f"/training/{runs_of(trained)[0]}", "/training", "/training/new"):
        shown = client.get(address).text
        assert "<script>alert" not in shown
        assert "\u202e" not in shown
        assert "<img" not in shown
    shown = client.get(f"/training/{runs_of(trained)[0]}").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7*7 }} ⟨U+202E⟩evil ⟨U+0007⟩" in shown


def test_side_by_side_what_differs_is_marked(trained: Path, open_site: Open) -> None:
    one, other = runs_of(trained)
    shown = open_site(trained).get("/training/compare", params={"run": [one, other]}).text
    differing = re.findall(r'<tr class="differs"><th scope="row"><code>(\w+)', shown)
    assert differing == ["lora_r", "lora_alpha"]
    assert "<figcaption>Validation loss" in shown
    assert shown.count("<polyline") == 4
    assert "alone has nothing" in open_site(trained).get("/training/compare", params={"run": one}).text
    assert open_site(trained).get("/training/compare").status_code == 200


@pytest.mark.parametrize("name", ["train-000000000000", "..%2f..", "new2"])
def test_what_is_no_run_is_not_there(trained: Path, open_site: Open, name: str) -> None:
    client = open_site(trained)
    assert client.get(f"/training/{name}").status_code == 404
    assert client.get("/training/compare", params={"run": name}).status_code == 404
    assert client.post(f"/training/{name}/stop").status_code == 404


def test_a_killed_run_is_stopped_and_a_held_one_runs(copied: Path, open_site: Open) -> None:
    name = runs_of(copied)[0]
    run = unfinished(copied, name)
    client = open_site(copied)
    shown = client.get(f"/training/{name}").text
    assert '<span class="tag stopped">stopped</span>' in shown
    assert "data-reload" not in shown
    assert "the same command begins again" in shown
    with held(run, "this run"):
        shown = client.get(f"/training/{name}").text
        assert '<span class="tag running">running</span>' in shown
        assert "data-reload" in shown
        assert f'action="/training/{name}/stop"' in shown
        assert "data-reload" in client.get("/training").text


@pytest.mark.parametrize("left", [(), ("log.jsonl",), ("trained_records.parquet", "ledger.parquet")])
def test_a_run_of_which_little_is_left_says_what_is_not_there(
    copied: Path, open_site: Open, left: tuple[str, ...]
) -> None:
    name = runs_of(copied)[0]
    run = copied / ".assay" / "runs" / name
    for path in run.iterdir():
        if path.is_file() and path.name not in ("manifest.json", *left):
            path.write_bytes(b"not what it was") if path.suffix == ".parquet" else path.unlink()
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "facts": None, "inputs": None, "parents": []}))
    client = open_site(copied)
    for address in ("/training", f"/training/{name}", f"/training/compare?run={name}"):
        assert client.get(address).status_code == 200


def test_saved_it_opens_from_disk_and_without_texts_it_quotes_none(trained: Path, open_site: Open) -> None:
    client = open_site(trained)
    name = runs_of(trained)[0]
    for address, run in (("/training", None), (f"/training/{name}", None), ("/training/compare", name)):
        saved = client.get(address, params={"save": "1", **({"run": run} if run else {})}).text
        assert "<form method" not in saved
        assert "<a href" not in saved
        assert "<script" not in saved
    redacted = client.get(f"/training/{name}", params={"save": "1", "redact": "1"}).text
    assert re.search(r"thing \d", client.get(f"/training/{name}").text)
    assert not re.search(r"thing \d", redacted)


def test_in_a_browser_nothing_runs_and_axe_finds_nothing_serious(trained: Path) -> None:
    with browser() as opened, served(trained) as server:
        page = opened.new_page()
        alerts: list[str] = []
        page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
        page.goto(server.link)
        one, other = runs_of(trained)
        for address in ("/training", f"/training/{one}", f"/training/compare?run={one}&run={other}", "/training/new"):
            page.goto(server.root + address)
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 900})
                assert serious_findings(page) == []
                assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.goto(server.root + "/training")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/training/{one}")
        assert alerts == []
