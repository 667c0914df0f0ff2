"""Curves of runs that ended oddly, and of runs that have little in common; and commands that can be pasted."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from assay.runs import RunStore
from assay.train.watching.steps import StepLog
from assay.train.web.curves import not_numbers, thinned
from tests.shown_commands import fault_of, shown_commands

Open = Callable[[Path], TestClient]


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained / ".assay", tmp_path / ".assay")
    return tmp_path


def runs_of(folder: Path) -> list[str]:
    return [run.run for run in RunStore(folder / ".assay").manifests() if run.stage == "train"]


def logged(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def relogged(run: Path, entries: list[dict[str, Any]]) -> None:
    (run / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def test_one_evaluation_alone_is_a_point_on_the_curve(copied: Path, open_site: Open) -> None:
    name = runs_of(copied)[0]
    run = copied / ".assay" / "runs" / name
    entries = logged(run)
    kept = next(entry for entry in entries if "validation_loss" in entry)
    relogged(run, [entry for entry in entries if "validation_loss" not in entry or entry is kept])
    shown = open_site(copied).get(f"/training/{name}").text
    assert f"<title>validation loss: {kept['validation_loss']:.4g} at {kept['step']}</title>" in shown
    relogged(run, [kept])
    shown = open_site(copied).get(f"/training/{name}").text
    assert "<figcaption>Loss" in shown and "Learning rate" not in shown.partition("Recipe")[0]


def test_a_run_that_crashed_says_why_and_shows_what_it_had(copied: Path, open_site: Open) -> None:
    name = runs_of(copied)[0]
    run = copied / ".assay" / "runs" / name
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "outcome": "failed", "error": "CUDA out of <memory>"}))
    (run / "log.jsonl").write_text("\n".join((run / "log.jsonl").read_text().splitlines()[:3]) + '\n{"step": 2, "ep')
    shown = open_site(copied).get(f"/training/{name}").text
    assert "CUDA out of &lt;memory&gt;" in shown and '<span class="tag failed">' in shown
    assert "<figcaption>Loss" in shown


def test_a_loss_that_is_no_number_is_said_since_no_curve_can_show_it(copied: Path, open_site: Open) -> None:
    name = runs_of(copied)[0]
    run = copied / ".assay" / "runs" / name
    entries = logged(run)
    trained = [entry for entry in entries if "loss" in entry]
    for entry in trained[1:]:
        entry["loss"], entry["grad_norm"] = float("nan"), float("inf")
    relogged(run, entries)
    client = open_site(copied)
    shown = client.get(f"/training/{name}").text
    first = trained[1]["step"]
    assert re.search(rf"The training loss of (step {first}|\d+ steps, first of step {first},) is no number", shown)
    assert "nan," not in shown and ",nan" not in shown
    for address in ("/training", f"/training/compare?run={name}", f"/training/{name}?save=1"):
        assert client.get(address).status_code == 200


def test_of_a_long_run_what_is_no_number_takes_no_point_from_the_curve() -> None:
    points = [(step, float("nan") if step % 7 == 0 else float(step)) for step in range(3000)]
    assert len(thinned(points, most=400)) > 300
    assert not_numbers([StepLog(1, 0.1, 1.0, loss=1.0)]) == []
    assert not_numbers([StepLog(3, 0.1, 1.0, validation_loss=float("inf"))]) == [
        "The validation loss of step 3 is no number: what was learned from then on is lost."
    ]


def test_six_runs_with_unlike_steps_are_six_lines_over_one_axis(copied: Path, open_site: Open) -> None:
    one = copied / ".assay" / "runs" / runs_of(copied)[0]
    manifest = json.loads((one / "manifest.json").read_text())
    names = []
    for number in range(6):
        path = one.parent / f"train-{number:012x}"
        shutil.copytree(one, path)
        (path / "manifest.json").write_text(json.dumps({**manifest, "run": path.name}))
        entries = [{**entry, "step": entry["step"] * (1 + 3 * number)} for entry in logged(one)]
        relogged(path, entries[: 2 + number])
        names.append(path.name)
    client = open_site(copied)
    page = client.get("/training/compare", params={"run": names})
    assert page.status_code == 200
    assert {f'class="curve c{number}"' in page.text for number in range(6)} == {True}
    assert all(page.text.count(f"</svg> {name}</span>") >= 1 for name in names)
    assert client.get("/training/compare", params={"run": [*names, one.name]}).status_code == 404


def test_sixty_runs_stand_on_two_pages(copied: Path, open_site: Open) -> None:
    one = copied / ".assay" / "runs" / runs_of(copied)[0]
    manifest = json.loads((one / "manifest.json").read_text())
    for number in range(58):
        path = one.parent / f"train-{number:012x}"
        path.mkdir()
        (path / "manifest.json").write_text(json.dumps({**manifest, "run": path.name}))
    client = open_site(copied)
    first, second = (client.get("/training", params={"page": number}).text for number in (1, 2))
    assert (first.count("<tr data-row>"), second.count("<tr data-row>")) == (50, 10)
    assert 'href="/training?page=2" data-key="n"' in first


def test_every_command_of_the_pages_of_training_works_when_it_is_pasted(trained: Path, open_site: Open) -> None:
    client = open_site(trained)
    put = client.post("/training/new", data={"path": "", "data": "", "model": "smollm2-135m-instruct"})
    pages = ["/training", "/training/new", *(f"/training/{name}" for name in runs_of(trained))]
    texts = [put.text, *(client.get(path).text for path in pages)]
    commands = [command for text in texts for command in shown_commands(text)]
    assert any(command.startswith("assay evaluate --model") and "/adapter" in command for command in commands)
    assert [fault for command in commands if (fault := fault_of(command))] == []
