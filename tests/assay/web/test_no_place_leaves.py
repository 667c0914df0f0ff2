"""No saved page and no report says where on this machine the project lies."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from assay.cli import main
from assay.errors import AssayError
from assay.runs import RunStore
from assay.web.app import application
from assay.web.placing import placing
from assay.web.single_file import single_file
from assay.web.site import Site
from tests.train.web.training_store import FAST, write_records

OF_MODEL = ("evaluate.dtype=float32",)
POLICY = "question: regression\nmargin: 0.03\nsuites: {facts: {role: general}}\n"


def assay(*arguments: object) -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert ended.value.code in (None, 0, 3, 4), (arguments, said.getvalue())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Path]:
    """Curated, trained, merged, evaluated and judged by the commands, with absolute paths for all that they name."""
    folder = tmp_path_factory.mktemp("a project")
    before = Path.cwd()
    os.chdir(folder)
    write_records(folder / "colours.jsonl")
    store = folder / ".assay"
    suite = folder / "facts.yaml"
    suite.write_text("name: facts\ndata: facts.jsonl\nscorer: {name: exact_match}\n", encoding="utf-8")
    (folder / "facts.jsonl").write_text(
        "".join(
            f'{{"id": "i{n}", "prompt": "The red thing {n}?", "reference": "{"red" if n % 2 else "blue"}"}}\n'
            for n in range(12)
        ),
        encoding="utf-8",
    )
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    try:
        assay("curate", folder / "colours.jsonl")
        curated = newest(store, "curate")
        assay("train", curated, "--model", tiny_model, *FAST, "train.num_train_epochs=1")
        adapter = newest(store, "train") / "adapter"
        assay("merge", adapter, "--model", tiny_model, "-o", folder / "merged")
        assay("evaluate", "--model", tiny_model, "--adapter", adapter, "--suite", suite, *OF_MODEL)
        assay("gate", "--policy", folder / "policy.yaml")
        yield folder
    finally:
        os.chdir(before)


def newest(store: Path, stage: str) -> Path:
    return next(run.path for run in RunStore(store).manifests() if run.stage == stage).absolute()


def places(project: Path) -> set[str]:
    return {str(project), str(project.resolve())}


def addresses(site: Site) -> list[str]:
    """Every page that a link of a page leads to, from the start page on."""
    app, keys = application(site)
    waiting, seen = ["/"], {"/"}
    with TestClient(app, base_url="http://127.0.0.1:8765") as client:
        client.get("/", params={"token": keys.token()})
        while waiting:
            text = client.get(waiting.pop()).text
            for found in re.findall(r'href="(/[^"#]*)"', text):
                address = found.replace("&amp;", "&")
                path = address.partition("?")[0]
                if path not in seen and not path.startswith("/static") and not path.endswith((".csv", ".png", ".svg")):
                    seen.add(path)
                    waiting.append(address)
    return sorted(seen)


def test_every_saved_page_of_all_stages_is_without_the_store_s_place(project: Path) -> None:
    site = Site(RunStore(project / ".assay"), project / "reviews.jsonl", project, who="ana")
    stages = {run.stage for run in site.runs()}
    assert {"curate", "train", "merge", "evaluate", "gate"} <= stages
    found = addresses(site)
    assert len(found) > 15
    said = []
    for address in found:
        with contextlib.suppress(AssayError):
            html = single_file(site, address)
            said += [
                (address, html[max(0, at - 60) : at + 90]) for place in places(project) if (at := html.find(place)) >= 0
            ]
    assert said == []


def test_every_report_of_all_stages_is_without_it(project: Path, tmp_path: Path) -> None:
    store = RunStore(project / ".assay")
    written = 0
    for run in store.manifests():
        for page in ("", "data", "review", "training", "evaluation", "lineage"):
            file = tmp_path / f"{run.run}-{page}.html"
            chosen = ["--page", page] if page else []
            with contextlib.suppress(AssertionError):  # a run without that page
                assay("report", run.run, *chosen, "--store", store.root, "-o", file)
            if file.is_file():
                written += 1
                assert not [place for place in places(project) if place in file.read_text(encoding="utf-8")], file.name
    assert written >= 10


def test_what_a_gate_writes_for_people_is_without_it(project: Path) -> None:
    gate = next(run for run in RunStore(project / ".assay").manifests() if run.stage == "gate")
    for name in ("gate.html", "gate.md", "gate.xml", "certificate.json"):
        text = (gate.path / name).read_text(encoding="utf-8")
        assert not [place for place in places(project) if place in text], name


@pytest.fixture
def placed(tmp_path: Path) -> Callable[[object], str]:
    folder = tmp_path / "my work"
    return placing(Site(RunStore(folder / ".assay"), folder / "reviews.jsonl", folder))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{}/.assay/runs/gate-1/certificate.json", ".assay/runs/gate-1/certificate.json"),
        (
            "assay gate {}/.assay/runs/evaluate-1 --policy policy.yaml",
            "assay gate .assay/runs/evaluate-1 --policy policy.yaml",
        ),
        ("/data/models/base cannot be read", "base cannot be read"),
        ("{}", "my work"),
        ("and/or, 3/4, https://example.org/a/b and ../../x/y", "and/or, 3/4, https://example.org/a/b and ../../x/y"),
        ("['/srv/a/one.jsonl', \"/srv/b/two.jsonl\"]", "['one.jsonl', \"two.jsonl\"]"),
    ],
)
def test_a_place_is_named_from_the_project_or_by_its_name_alone(
    placed: Callable[[object], str], tmp_path: Path, line: str, said: str
) -> None:
    assert placed(line.replace("{}", str(tmp_path / "my work"))) == said


def test_data_outside_of_the_project_is_named_by_its_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, project = tmp_path / "somewhere_else" / "talks.jsonl", tmp_path / "project"
    outside.parent.mkdir()
    project.mkdir()
    write_records(outside)
    with outside.open("a", encoding="utf-8") as more:
        more.write('{"prompt": "Until when may I return it?", "completion": "Until 3 May 2027."}\n')
        more.write('{"prompt": "Until when may I return it?", "completion": "Until 9 June 2027."}\n')
    monkeypatch.chdir(project)
    assay("curate", outside)
    run = newest(project / ".assay", "curate").name
    site = Site(RunStore(project / ".assay"), project / ".assay" / "reviews.jsonl", project)
    for address in (f"/data/{run}", f"/data/{run}/records", f"/review/{run}"):
        html = single_file(site, address)
        assert "talks.jsonl" in html and "somewhere_else" not in html, address
