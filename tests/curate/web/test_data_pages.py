"""What holds data, its overview, and its records: searched, filtered, paged, exported, saved."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from assay.cli import main
from assay.curate.web.listing import PAGE_ROWS
from assay.runs import RunStore
from assay.web.app import application
from assay.web.single_file import single_file
from assay.web.site import Site
from tests.curate.web.record_store import Store, chat, curated, holder, write_rows

SCRIPT = "<script>window.pwned = 1</script>"
TEMPLATE = "{{ 7 * 7 }} {% raw %}"
DIRECTION = "pay \u202e001\u202c now"
CONTROL = "bell \x07 null \x00"
FORMULA = '=HYPERLINK("http://evil.example")'
MAIL = "otto.brandt@posteo.de"


def rows() -> list[Any]:
    usual = [
        chat(f"What is the name of thing number {number}?", f"Its name is w{number}.", slice="names")
        for number in range(120)
    ]
    odd = [chat(text, text) for text in (SCRIPT, TEMPLATE, DIRECTION, CONTROL, FORMULA)]
    return [
        *usual,
        *odd,
        chat("When is it?", "On 3 May."),
        chat("When is it?", "On 4 May."),
        chat("Where do I write to?", f"Write to {MAIL} and wait for an answer, which comes within three days."),
        chat("Empty?", ""),
        "{half",
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    write_rows(folder / "data.jsonl", rows())
    return curated(folder, "data.jsonl", "-o", "out")


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with holder(store.folder) as asking:
        yield asking


def listed(client: TestClient, store: Store, query: str = "") -> str:
    answer = client.get(f"/data/{store.run}/records{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def lines(page: str) -> list[int]:
    """The lines of data.jsonl that the page lists, in order."""
    return [int(found) for found in re.findall(r">data\.jsonl:(\d+)</a>", page)]


def test_where_one_run_alone_holds_data_it_is_shown(client: TestClient, store: Store) -> None:
    answer = client.get("/data")
    assert (answer.status_code, answer.headers["location"]) == (302, f"/data/{store.run}")


def test_several_are_listed_opened_folders_first(store: Store) -> None:
    site = Site(
        RunStore(store.folder / ".assay"), store.folder / "r.jsonl", store.folder, {"out": store.folder / "out"}
    )
    page = single_file(site, "/data")
    assert page.index(">out<") < page.index(store.run)
    assert "FIT" in page or "NOT JUDGED" in page


def test_without_data_it_says_what_to_do(tmp_path: Path) -> None:
    with holder(tmp_path) as client:
        assert "assay curate DATA -o OUT" in client.get("/data").text


def test_findings_of_an_audit_are_shown_and_said_to_have_no_records(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["audit", str(store.folder / "data.jsonl"), "-o", "looked", "--quiet", "--workers", "1"])
    site = Site(RunStore(tmp_path / ".assay"), tmp_path / "r.jsonl", tmp_path, {"looked": tmp_path / "looked"})
    assert "assay curate DATA -o OUT" in single_file(site, "/data")
    page = single_file(site, "/data/looked")
    assert "keeps no records" in page and "contradiction" in page
    app, keys = application(site)
    with TestClient(app, base_url="http://127.0.0.1:8765") as client:
        client.get("/data/looked", params={"token": keys.token()})
        answer = client.get("/data/looked/records")
    assert answer.status_code == 404 and "assay curate DATA -o OUT" in answer.text


def test_the_overview_says_what_the_summary_says(client: TestClient, store: Store) -> None:
    summary = json.loads((store.path / "summary.json").read_text())
    page = html.unescape(client.get(f"/data/{store.run}").text)
    for reason in summary["fit"]["reasons"]:
        assert reason.replace("curate would drop 2, hold 2", "curate dropped 2, held 2") in page
    for check in summary["findings"]:
        assert f"/records?check={check}" in page and f"/review/{store.run}?kind={check}" in page
    assert "words" in page and "Turns" in page and "Origin" in page
    assert summary["overview"]["shape"]["unit"] == "words"
    assert summary["overview"]["shape"]["structures"] == {"user, assistant": summary["kept"] + summary["repaired"]}


def test_a_run_of_an_older_version_says_what_is_not_there(store: Store, tmp_path: Path) -> None:
    shutil.copytree(store.folder / "out", tmp_path / "old")
    path = tmp_path / "old" / "summary.json"
    summary = json.loads(path.read_text())
    del summary["overview"]["shape"]
    path.write_text(json.dumps(summary))
    site = Site(RunStore(tmp_path / ".assay"), tmp_path / "r.jsonl", tmp_path, {"old": tmp_path / "old"})
    assert "Characters: this is of an older version" in single_file(site, "/data/old")
    path.write_text(json.dumps({"read": 5}))
    assert "Curate again" in single_file(site, "/data/old")
    path.unlink()
    assert "no summary.json here" in single_file(site, "/data/old")


def test_all_rows_are_listed_in_the_order_of_the_data(client: TestClient, store: Store) -> None:
    first, last = listed(client, store), listed(client, store, "?page=3")
    assert '<span class="strong">130 records</span>' in first
    assert lines(first) == list(range(1, PAGE_ROWS + 1))
    assert lines(last) == list(range(101, 130))
    assert "this row could not be read as a record" in last
    assert lines(listed(client, store, "?page=99999999")) == lines(last)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?fate=held", [126, 127]),
        ("?check=contradiction", [126, 127]),
        ("?check=contradiction&fate=kept", []),
        ("?severity=error&fate=dropped&check=empty_turn", [129]),
        ("?q=number+11%3F", [12]),
        ("?q=NUMBER+11%3F&kind=regex", []),
        ("?q=%28%3Fi%29NUMBER+11%5C%3F&kind=regex", [12]),
        ("?q=thing&where=slice=names&min=55", list(range(101, 121))),
        ("?where=slice=names&q=w119", [120]),
        ("?turns=several", []),
        ("?source=nowhere.jsonl", []),
        ("?origin=synthetic", []),
        ("?check=no_such_check", []),
        ("?order=longest&fate=held", [126, 127]),
    ],
)
def test_what_is_asked_for_is_listed(client: TestClient, store: Store, query: str, found: list[int]) -> None:
    page = listed(client, store, query)
    assert lines(page) == found
    assert f'<span class="strong">{len(found)} record' in page


def test_the_longest_come_first(client: TestClient, store: Store) -> None:
    assert lines(listed(client, store, "?order=longest"))[0] == 128
    shortest = listed(client, store, "?order=shortest&max=20")
    sizes = [int(size) for size in re.findall(r'<td class="number">(\d+)</td>', shortest)]
    assert sizes == sorted(sizes) and max(sizes) <= 20


def test_a_bad_expression_is_one_line_on_the_page(client: TestClient, store: Store) -> None:
    page = listed(client, store, "?q=%28open&kind=regex")
    assert page.count('role="alert"') == 1
    assert "no regular expression that can be searched: missing )" in page


def test_filters_that_are_on_are_shown_and_each_can_be_taken_away(client: TestClient, store: Store) -> None:
    page = html.unescape(listed(client, store, "?q=may&check=contradiction&fate=held"))
    assert '"?q=may&fate=held"' in page and '"?check=contradiction&fate=held"' in page
    record = re.search(r'href="(/data/[^"]+/record/[^"]+)"', page)
    assert record is not None and "?q=may&check=contradiction&fate=held" in record.group(1)
    assert client.get(record.group(1)).status_code == 200
    assert f"/review/{store.run}?kind=contradiction" in page
    assert '<mark class="hit">May</mark>' in page


@pytest.mark.parametrize("text", [SCRIPT, TEMPLATE, DIRECTION, CONTROL, FORMULA])
def test_text_in_a_list_is_shown_and_never_interpreted(client: TestClient, store: Store, text: str) -> None:
    page = listed(client, store, "?page=3")
    assert SCRIPT not in page and "\u202e" not in page and "\x07" not in page and "\x00" not in page
    shown = {DIRECTION: "pay ⟨U+202E⟩001⟨U+202C⟩ now", CONTROL: "bell ⟨U+0007⟩ null ⟨U+0000⟩"}.get(text, text)
    assert shown in html.unescape(page)


def test_what_is_searched_is_never_interpreted(client: TestClient, store: Store) -> None:
    hostile = '"><svg onload=alert(1)>{{7*7}}\u202e'
    for name in ("q", "check", "fate", "source", "split", "where", "like", "min"):
        page = client.get(f"/data/{store.run}/records", params={name: hostile}).text
        assert "<svg onload" not in page and "\u202e" not in re.sub(r'value="[^"]*"', "", page)


def exported(client: TestClient, store: Store, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/data/{store.run}/records.csv{query}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_list_goes_into_a_spreadsheet_that_computes_nothing_of_it(client: TestClient, store: Store) -> None:
    all_ = exported(client, store)
    assert len(all_) == 130
    assert [row["answer"] for row in all_ if "HYPERLINK" in row["answer"]] == [f"'{FORMULA}"]
    assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for row in all_ for cell in row.values())
    assert [row["source"] for row in exported(client, store, "?fate=held")] == ["data.jsonl:126", "data.jsonl:127"]
    assert [row["columns"] for row in exported(client, store, "?q=w119")] == ["slice=names"]


def test_personal_data_leaves_neither_in_the_export_nor_in_a_saved_page(client: TestClient, store: Store) -> None:
    assert MAIL in listed(client, store, "?q=write+to")
    assert MAIL not in listed(client, store, "?q=write+to&save=1")
    (row,) = exported(client, store, "?q=write+to")
    assert MAIL not in row["answer"] and "and wait for an answer" in row["answer"]


def test_a_saved_list_has_neither_form_nor_link(client: TestClient, store: Store) -> None:
    page = listed(client, store, "?fate=held&save=1")
    assert "<form" not in page and 'href="/' not in page and "On 3 May." in page
    redacted = listed(client, store, "?fate=held&save=1&redact=1")
    assert "On 3 May." not in redacted


@pytest.mark.parametrize("path", ["nowhere", "nowhere/records", "..%2f..%2fetc/records", "nowhere/records.csv"])
def test_what_is_not_there_is_not_there(client: TestClient, path: str) -> None:
    assert client.get(f"/data/{path}").status_code == 404
