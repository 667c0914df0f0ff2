"""No name in an address leads out of the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import NoSuchRunError
from assay.runs import RunStore
from assay.web.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    store = RunStore(tmp_path / ".assay")
    with store.open("curate", {}, {}) as run:
        (run.path / "summary.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    opened = tmp_path / "out"
    opened.mkdir()
    return Site(store, tmp_path / "reviews.jsonl", tmp_path, {"out": opened})


def test_the_command_that_applies_decisions_names_a_journal_where_curate_would_not_look(tmp_path: Path) -> None:
    usual = Site(RunStore(tmp_path / ".assay"), tmp_path / ".assay" / "reviews.jsonl", tmp_path)
    assert usual.applying == "assay curate"
    elsewhere = Site(RunStore(tmp_path / "my store"), tmp_path / "my store" / "reviews.jsonl", tmp_path)
    assert elsewhere.applying == "assay curate --reviews 'my store/reviews.jsonl'"
    (tmp_path / "assay.yaml").write_text("version: 1\n")
    assert Site(elsewhere.store, tmp_path / "reviews.jsonl", tmp_path).applying == "assay curate"


@pytest.mark.parametrize(
    "name", ["..", ".", "", "../..", "a/b", "a\\..", "\x00", "-rf", "%2e%2e", "nowhere", "x" * 5000]
)
def test_a_name_that_is_no_run_is_refused(site: Site, name: str) -> None:
    with pytest.raises(NoSuchRunError):
        site.folder(name)


def test_a_run_and_an_opened_folder_are_found(site: Site, tmp_path: Path) -> None:
    run = site.runs("curate")[0]
    assert site.folder(run.run) == run.path
    assert site.folder("out") == tmp_path / "out"
    assert site.manifest("out") is None


def test_a_link_out_of_the_store_is_no_run(site: Site, tmp_path: Path) -> None:
    (tmp_path / ".assay" / "runs" / "curate-link").symlink_to(tmp_path)
    with pytest.raises(NoSuchRunError):
        site.folder("curate-link")


@pytest.mark.parametrize("name", ["../../../secret.txt", "../manifest.json", "/etc/passwd", "", "nowhere"])
def test_no_file_outside_a_run_is_read(site: Site, name: str) -> None:
    with pytest.raises(NoSuchRunError):
        site.file(site.runs()[0].run, name)


def test_a_link_out_of_a_run_is_not_followed(site: Site, tmp_path: Path) -> None:
    run = site.runs()[0]
    (run.path / "leak.json").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(NoSuchRunError):
        site.file(run.run, "leak.json")
