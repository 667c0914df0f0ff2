"""Pages over stores that are half-written, old, tiny or huge: each says what is there, and none fails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from tests.conftest import build_tiny_model
from tests.curate.web.record_store import Store, chat, curated, holder, loaded, write_rows

MANY = 10_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """With a conversation of MANY turns; the model that the pages render it by was named afterwards."""
    folder = tmp_path_factory.mktemp("odd")
    build_tiny_model(folder / "model")
    days = [chat("When is it?", f"On {number} May.") for number in (3, 4)]
    turns = [f"turn {number}" for number in range(MANY)]
    write_rows(folder / "data.jsonl", [*days, chat(*turns), chat("Empty?", ""), "{half"])
    made = curated(folder, "data.jsonl")
    manifest = json.loads((made.path / "manifest.json").read_text())
    manifest["inputs"]["model"] = f"{folder / 'model'}@None"
    (made.path / "manifest.json").write_text(json.dumps(manifest))
    return made


@pytest.fixture
def copied(store: Store, tmp_path: Path) -> Store:
    shutil.copytree(store.folder, tmp_path / "copy")
    return Store(tmp_path / "copy", store.run)


def pages(store: Store) -> list[str]:
    data = f"/data/{store.run}"
    lists = [f"{data}/records", f"{data}/records?check=contradiction", f"{data}/records?q=may", f"{data}/records.csv"]
    records = [store.page(row["row_id"]) for row in store.rows()] + [store.page(store.at(1), "?view=tokens")]
    return ["/", "/data", data, *lists, f"{data}/records?order=longest&min=1", f"{data}/records?label=x", *records]


def statuses(client: TestClient, addresses: list[str]) -> dict[str, int]:
    """Those that are neither shown nor said in one line to be not there or damaged."""
    found = {}
    for address in addresses:
        answer = client.get(address)
        said = answer.text.count("<p>") <= 2 and "Traceback" not in answer.text
        if answer.status_code not in (200, 302) and not (answer.status_code in (404, 500) and said):
            found[address] = answer.status_code
        assert answer.status_code != 500 or "That did not work" in answer.text, address
    return found


FILES = ("data.parquet", "held.parquet", "dropped.parquet", "ledger.parquet", "findings.parquet", "overview.parquet")


@pytest.mark.parametrize("name", [*FILES, "summary.json", "manifest.json", "to_read.csv"])
def test_a_run_without_one_of_its_files_is_shown_as_far_as_it_goes(copied: Store, name: str) -> None:
    addresses = pages(copied)
    (copied.path / name).unlink()
    with holder(copied.folder) as client:
        assert statuses(client, addresses) == {}
        assert client.get("/").status_code == 200
        assert client.get("/data").status_code in (200, 302)


@pytest.mark.parametrize("name", [*FILES, "summary.json", "manifest.json"])
def test_a_run_with_a_file_that_is_cut_off_is_shown_or_says_which(copied: Store, name: str) -> None:
    addresses = pages(copied)
    path = copied.path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with holder(copied.folder) as client:
        assert statuses(client, addresses) == {}
        assert client.get("/").status_code == 200


def test_a_run_that_is_being_written_is_running_and_has_no_page_yet(copied: Store) -> None:
    for path in copied.path.iterdir():
        if path.name not in ("manifest.json", "data.parquet"):
            path.unlink()
    manifest = json.loads((copied.path / "manifest.json").read_text())
    (copied.path / "manifest.json").write_text(json.dumps({**manifest, "outcome": "running", "outputs": {}}))
    with holder(copied.folder) as client:
        assert client.get("/").status_code == 200
        assert client.get(f"/data/{copied.run}").status_code == 200
        assert client.get(f"/data/{copied.run}/records").status_code == 200


OLD = {
    "findings.parquet": ("span_text", "span_start", "evidence", "group", "severity"),
    "ledger.parquet": ("kept_row_id", "new_record_id", "reasons", "source_file"),
    "data.parquet": ("family", "origin", "parents", "split", "meta", "source_line"),
}


@pytest.mark.parametrize(("name", "column"), [(name, column) for name, columns in OLD.items() for column in columns])
def test_a_table_of_another_version_without_a_column_is_shown_or_named(copied: Store, name: str, column: str) -> None:
    addresses = pages(copied)
    table = pq.read_table(copied.path / name)
    pq.write_table(table.drop_columns([column]), copied.path / name)
    with holder(copied.folder) as client:
        assert statuses(client, addresses) == {}


def test_ten_thousand_turns_are_shown_in_part_counted_and_not_rendered(store: Store) -> None:
    with holder(store.folder) as client:
        row = store.at(3)
        page = client.get(store.page(row)).text
        assert f"{MANY - 200:,} more turns" in page and len(page) < 400_000
        for view in ("template", "tokens"):
            assert f"{MANY:,} turns is not rendered here" in client.get(store.page(row, f"?view={view}")).text
        assert "tokens are trained" in loaded(client, store.page(store.at(1), "?view=tokens"))
        assert f"{MANY:,} turns" in client.get(f"/data/{store.run}/records").text.replace("10000", "10,000")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("one")
    write_rows(folder / "data.jsonl", [chat("Alone?", "Quite.")])
    curated(folder, "data.jsonl")
    with holder(folder) as client:
        yield client


def test_data_of_one_record_has_an_overview_a_list_and_a_page(one: TestClient) -> None:
    data = one.get("/data").headers["location"]
    page = one.get(data).text
    assert "1 row was read" in page
    assert one.get(f"{data}/records").text.count("<tr data-row>") == 1
    for query in ("?q=alone", "?order=longest", "?label=x", "?kind=meaning&q=alone", "?prompt=1-1"):
        assert one.get(f"{data}/records{query}").status_code == 200
