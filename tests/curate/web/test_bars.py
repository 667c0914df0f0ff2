"""Every bar of an overview leads to its records: as many as the bar says, and the ones that pandas finds."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from starlette.testclient import TestClient

from assay.curate.web.overview import Typed, overview_of
from assay.runs import RunStore
from assay.web.plots import Bars
from assay.web.single_file import single_file
from assay.web.site import Site
from tests.curate.web.record_store import Store, chat, curated, holder, write_rows
from tests.shown_commands import fault_of, shown_commands


def labelled(count: int = 60) -> list[object]:
    labels = ("refund", "delivery", 'odd "one" & <b>')
    rows: list[object] = [
        chat(f"Ticket {number}: where is the {'very ' * (number % 7)}late parcel of mine?", labels[number % 3])
        for number in range(count)
    ]
    return [*rows, chat("First?", "refund", "Then?", "delivery"), chat("Nothing?", ""), "{half"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("bars")
    write_rows(folder / "my data.jsonl", labelled())
    return curated(folder, "my data.jsonl", "-o", "out")


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with holder(store.folder) as asking:
        yield asking


def site_of(store: Store) -> Site:
    return Site(RunStore(store.folder / ".assay"), store.folder / "r.jsonl", store.folder, who="ana")


def said(page: str) -> int:
    found = re.search(r'<span class="strong">([\d,]+) records?</span>', page)
    assert found is not None, page
    return int(found[1].replace(",", ""))


def test_each_bar_leads_to_as_many_records_as_it_says(client: TestClient, store: Store) -> None:
    shown = overview_of(site_of(store), store.run)
    assert shown.parts is not None and shown.parts.title == "Labels" and shown.fates is not None
    plots: list[Bars] = [shown.fates, shown.parts, *shown.small, *shown.styles]
    assert {plot.title for plot in plots} >= {"Labels", "Origin", "Language", "Source", "Turns"}
    rows = [(plot.title, row) for plot in plots for row in plot.rows]
    assert len(rows) > 12
    for title, row in rows:
        assert row.href or row.text.startswith("0 "), (title, row.name)
        if not row.href:
            continue
        page = client.get(row.href).text
        assert said(page) == int(row.text.split()[0].replace(",", "")), (title, row.name)
    for item in shown.lengths:
        for column, count in zip(item.plot.columns, item.plot.counts, strict=True):
            assert said(client.get(column.href).text) == count, column.text
    for check in shown.checks:
        assert said(client.get(check.records).text) == check.found


def test_bars_are_links_for_the_mouse_and_for_the_keyboard_and_stand_as_text(client: TestClient, store: Store) -> None:
    page = client.get(f"/data/{store.run}").text
    label = f"/data/{store.run}/records?label=refund"
    assert f'<th scope="row"><a href="{label}">refund</a>' in page
    assert f'<a class="pressed" href="{label}" tabindex="-1" aria-hidden="true"><svg' in page
    spans = re.findall(
        rf'<a href="/data/{store.run}/records\?prompt=(\d+-\d+)" aria-label="(\d+ to \d+|\d+) words: \d+">', page
    )
    assert spans
    for span, text in spans:
        assert f'<a href="/data/{store.run}/records?prompt={span}">{text} words</a>' in page
    saved = single_file(site_of(store), f"/data/{store.run}")
    assert "<a " not in saved and "words</th>" in saved


def test_a_filter_of_the_overview_is_shown_kept_and_combined(client: TestClient, store: Store) -> None:
    page = html.unescape(client.get(f"/data/{store.run}/records?label=refund&prompt=8-15&q=parcel").text)
    assert "label: refund ×" in page and "prompt: 8-15 words ×" in page
    assert '<input type="hidden" name="label" value="refund">' in page
    data = pd.read_parquet(store.path / "overview.parquet")
    own = data[(data.label == "refund") & data.prompt_words.between(8, 15)]
    assert said(page) == len(own) > 0
    wrong = client.get(f"/data/{store.run}/records?prompt=few").text
    assert "is no range of lengths" in wrong and said(wrong) == 63


def test_what_is_hostile_in_a_label_stays_text(client: TestClient, store: Store) -> None:
    page = client.get(f"/data/{store.run}").text
    assert "<b>" not in page
    (row,) = (row for row in overview_of(site_of(store), store.run).parts.rows if "odd" in row.name)  # type: ignore[union-attr]
    assert said(client.get(row.href).text) == 20


def test_a_run_of_an_older_version_has_bars_that_lead_nowhere_and_says_so(store: Store, tmp_path: Path) -> None:
    shutil.copytree(store.folder, tmp_path / "old")
    (tmp_path / "old" / ".assay" / "runs" / store.run / "overview.parquet").unlink()
    with holder(tmp_path / "old") as client:
        page = client.get(f"/data/{store.run}").text
        assert "records?label=" not in page and "records?fate=usable&amp;source=" in page
        assert "Curate again, and each bar leads to its records." in page
        listed = client.get(f"/data/{store.run}/records?label=refund").text
        assert said(listed) == 0 and "curate again to list by it" in listed


def test_of_much_data_it_is_said_of_how_many_records_it_is_known(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.curate.overview.shape.SAMPLED", 20)
    monkeypatch.setattr("assay.curate.overview.overview.SAMPLED", 40)
    write_rows(tmp_path / "data.jsonl", labelled(59))
    small = curated(tmp_path, "data.jsonl")
    with holder(tmp_path) as client:
        page = client.get(f"/data/{small.run}/records?label=refund").text
        assert re.search(r"this is known of 40 of \d\d usable records, evenly drawn", page)
        page = client.get(f"/data/{small.run}/records?structure=user,+assistant").text
        assert re.search(r"this is known of 20 of \d\d usable records, evenly drawn", page)


def test_with_redact_labels_are_numbers_there_as_on_the_page(store: Store, tmp_path: Path) -> None:
    write_rows(tmp_path / "data.jsonl", labelled())
    hidden = curated(tmp_path, "data.jsonl", "--redact")
    names = set(pd.read_parquet(hidden.path / "overview.parquet").label)
    assert names and all(re.fullmatch(r"label \d+", name) for name in names)
    with holder(tmp_path) as client:
        assert said(client.get(f"/data/{hidden.run}/records?label=label+1").text) > 0


def test_data_leads_to_a_training_on_it_and_says_where_it_is_not_fit(client: TestClient, store: Store) -> None:
    page = client.get(f"/data/{store.run}").text
    assert f'href="/training/new?data={store.run}" data-key="a">Train on this' in page
    form = client.get(f"/training/new?data={store.run}").text
    assert f'<option value="{store.run}" selected>' in form
    summary = json.loads((store.path / "summary.json").read_text())
    verdicts = {"NOT_FIT": "though it is not fit", "NOT_JUDGED": "which was not judged", "FIT": ""}
    for verdict, words in verdicts.items():
        (store.path / "summary.json").write_text(json.dumps({**summary, "fit": {"verdict": verdict}}))
        shown = overview_of(site_of(store), store.run).trains
        assert shown.startswith("Train on this") and words in shown
    (store.path / "summary.json").write_text(json.dumps({**summary, "kept": 0, "repaired": 0}))
    assert overview_of(site_of(store), store.run).trains == ""
    (store.path / "summary.json").write_text(json.dumps(summary))


def test_every_command_of_the_pages_of_data_works_when_it_is_pasted(client: TestClient, store: Store) -> None:
    row = store.at(1)
    pages = (
        "/",
        "/data",
        f"/data/{store.run}",
        f"/data/{store.run}/records",
        store.page(row),
        "/training/new",
        "/review",
    )
    commands = [command for path in pages for command in shown_commands(client.get(path, follow_redirects=True).text)]
    assert any("'my data.jsonl'" in command for command in commands)
    assert any(f"runs/{store.run}/to_read.csv" in command for command in commands)
    assert [fault for command in commands if (fault := fault_of(command))] == []


def test_a_command_names_the_model_of_then_or_leaves_both_to_assay_yaml(store: Store) -> None:
    alone = Typed(store.path, ("a b.jsonl", "c.jsonl"), "some/model", project=False)
    assert alone.command("assay curate DATA -o OUT") == "assay curate 'a b.jsonl' c.jsonl --model some/model -o OUT"
    assert alone.command("assay audit DATA --model NAME") == "assay audit 'a b.jsonl' c.jsonl --model NAME"
    assert alone.command("assay synth DATA -o MORE") == "assay synth 'a b.jsonl' c.jsonl -o MORE"
    elsewhere = Typed(store.path, ("a.jsonl",), "", project=False, reviews="demo/reviews.jsonl", purpose="formatting")
    assert elsewhere.command("assay curate DATA -o OUT") == (
        "assay curate a.jsonl -o OUT --reviews demo/reviews.jsonl --set curate.purpose=formatting"
    )
    of_project = Typed(store.path, ("a b.jsonl",), "some/model", project=True)
    assert of_project.command("assay curate DATA -o OUT") == "assay curate -o OUT"
    assert of_project.command("assay synth DATA -o MORE") == "assay synth 'a b.jsonl' -o MORE"
    (store.folder / "assay.yaml").write_text("version: 1\ndata: [{path: my data.jsonl}]\n")
    commands = [item.command for item in overview_of(site_of(store), store.run).doing]
    (store.folder / "assay.yaml").unlink()
    assert any(command.startswith("assay curate -o OUT") for command in commands)
