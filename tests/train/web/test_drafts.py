"""Trainings that were put together: those that nobody started are forgotten after a while, and no other."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from assay.locks import held
from assay.runs import RunStore
from assay.storage import write_json
from assay.train.web.drafts import LOOKING, STARTED, Draft, Drafts
from assay.train.web.preparing import DAY, KEPT_DAYS, prepare
from assay.web.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(RunStore(tmp_path / ".assay"), tmp_path / "reviews.jsonl", tmp_path, who="ana")


def old(site: Site, text: str, days: float = KEPT_DAYS + 1) -> Draft:
    draft = Drafts(site).keep(text, {"preset": "domain"})
    for path in draft.folder.rglob("*"):
        os.utime(path, (time.time() - days * DAY,) * 2)
    return draft


def left(site: Site) -> set[str]:
    return {draft.text for draft in Drafts(site).all()}


def test_what_was_never_started_is_forgotten_after_a_while(site: Site) -> None:
    old(site, "forgotten")
    old(site, "young", KEPT_DAYS - 1)
    Drafts(site).keep("new", {})
    prepare(site)
    assert left(site) == {"young", "new"}


def test_what_was_started_or_is_looked_at_stays(site: Site) -> None:
    write_json(old(site, "started").folder / STARTED, {"file": "assay-train-1.yaml"})
    with held(old(site, "looked at").folder / LOOKING, "this"):
        prepare(site)
        assert left(site) == {"started", "looked at"}
    prepare(site)
    assert left(site) == {"started"}


def test_a_draft_that_is_put_together_again_stays(site: Site) -> None:
    old(site, "again")
    Drafts(site).keep("again", {})
    prepare(site)
    assert left(site) == {"again"}


def test_the_settings_that_a_killed_look_left_in_the_project_go(site: Site) -> None:
    for name, age in ((".assay-look-a.yaml", 2 * DAY), (".assay-look-b.yaml", 60), ("assay-train-1.yaml", 9 * DAY)):
        path = site.project / name
        path.write_text("version: 1\n")
        os.utime(path, (time.time() - age,) * 2)
    prepare(site)
    assert {path.name for path in site.project.glob("*.yaml")} | {
        path.name for path in site.project.glob(".assay-look-*")
    } == {".assay-look-b.yaml", "assay-train-1.yaml"}
