"""The start page tells the newest verdict from older ones, and what is so now from what a run said as it began."""

from __future__ import annotations

import json
from pathlib import Path

from assay.locks import held
from assay.runs import RunStore
from assay.web.single_file import single_file
from assay.web.site import Site


def site_in(folder: Path) -> Site:
    return Site(RunStore(folder / ".assay"), folder / "reviews.jsonl", folder, who="ana")


def gated(store: RunStore, verdict: str) -> str:
    with store.open("gate", {"verdict": verdict}, {}) as run:
        decision = {"verdict": verdict, "reasons": [f"why <b>{verdict}</b>"]}
        (run.path / "decision.json").write_text(json.dumps(decision), encoding="utf-8")
    return run.id


def test_an_empty_store_says_what_to_type(tmp_path: Path) -> None:
    page = single_file(site_in(tmp_path), "/")
    assert "holds no run yet" in page and "assay demo" in page


def test_the_newest_verdict_says_which_it_is_and_that_there_are_others(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    first = gated(site.store, "PASS")
    assert first in single_file(site, "/") and "the newest of" not in single_file(site, "/")
    path = site.store.root / "runs" / first / "manifest.json"
    path.write_text(path.read_text().replace('"started": "20', '"started": "19'))
    second = gated(site.store, "BLOCK")
    page = single_file(site, "/")
    assert f"{second}, " in page and "2 verdicts" in page
    assert "The adapter should not be released." in page
    assert "why &lt;b&gt;BLOCK&lt;/b&gt;" in page


def test_a_run_whose_process_is_gone_has_stopped(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    with site.store.open("train", {}, {}) as run:
        pass
    manifest = run.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"done"', '"running"'))
    assert ">stopped<" in single_file(site, "/")
    with held(run.path, "this run"):
        assert ">running<" in single_file(site, "/")


def test_a_run_whose_queue_cannot_be_opened_has_a_card_without_its_numbers(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    with site.store.open("curate", {}, {}) as run:
        (run.path / "data.parquet").write_bytes(b"")
        reasons = ["curate would drop 1, hold 2 of 3 rows (contradiction)"]
        summary = {"read": 3, "held": 2, "fit": {"verdict": "FIT_AFTER_CURATION", "reasons": reasons}}
        (run.path / "summary.json").write_text(json.dumps(summary))
    page = single_file(site, "/")
    assert "of 3 records" in page and "left to decide" not in page
    assert "curate dropped 1, held 2 of 3 rows (contradiction)" in page


def test_folders_that_were_opened_are_named_with_their_word_and_lead_to_their_page(tmp_path: Path) -> None:
    folders = {"release": {"decision.json": {"verdict": "PASS"}}, "shipped": {"parity.json": {"outcome": "<b>FAIL"}}}
    for name, files in folders.items():
        (tmp_path / name).mkdir()
        for file, data in files.items():
            (tmp_path / name / file).write_text(json.dumps(data), encoding="utf-8")
    (tmp_path / "other").mkdir()
    store = RunStore(tmp_path / ".assay")
    site = Site(
        store, tmp_path / "r.jsonl", tmp_path, {name: tmp_path / name for name in (*folders, "other")}, who="ana"
    )
    page = single_file(site, "/")
    said = page[page.index("Opened beside the store") :]
    assert said.index("release") < said.index("PASS") < said.index("shipped") < said.index("&lt;B&gt;FAIL".lower())
    assert "other" not in said and "<b>FAIL" not in page


def test_the_list_of_runs_says_what_a_gate_came_to_in_words_and_colour(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    blocked = gated(site.store, "BLOCK")
    with site.store.open("train", {}, {}):
        pass
    page = single_file(site, "/")
    table = page[page.index("<h2>Runs</h2>") :]
    assert '<span class="tag block">BLOCK</span> <span class="small soft">The adapter should not be released.' in table
    assert table.count(">done<") == 1
    (site.store.root / "runs" / blocked / "decision.json").write_text("[]")
    assert single_file(site, "/").count(">done<") == 2  # what it decided cannot be read
