"""The start page tells the newest verdict from older ones, and what is so now from what a run said as it began."""

from __future__ import annotations

import json
from pathlib import Path

from assay.locks import held
from assay.reviews.journal import append
from assay.reviews.review import Review, Subject, Verdict
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


def test_what_people_decided_is_counted_by_record(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    with site.store.open("curate", {}, {}) as run:
        (run.path / "data.parquet").write_bytes(b"")
        (run.path / "summary.json").write_text(json.dumps({"read": 3, "held": 2, "fit": {"verdict": "FIT"}}))
    assert "People have decided" not in single_file(site, "/")
    subjects = (Subject("a", "contradiction", "g"), Subject("a", "label_noise"), Subject("b"))
    append(site.journal, [Review(subject, Verdict.DROP, "ana", "now") for subject in subjects])
    assert "People have decided on 2 records, in" in single_file(site, "/")
