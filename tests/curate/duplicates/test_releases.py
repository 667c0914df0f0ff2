"""New data is checked against earlier releases by an index in a real Redis server on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.cli import main
from assay.errors import SettingsError, StorageError
from assay.records import Record
from tests.curate.conftest import free_port

Make = Callable[..., Record]

pytest.importorskip("datasketch")
pytest.importorskip("redis")

TEXT = (
    "my order has not arrived although it was to be here last week and the courier says that nobody was at home "
    "which is not true since I was in all day waiting for it with the door open and a kettle on for him and the dog"
)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments])
    out, err = capsys.readouterr()
    return int(stopped.value.code or 0), out, err


@pytest.fixture
def server(redis_server: str | None) -> str:
    if redis_server is None:
        pytest.skip("redis-server is not installed")
    return redis_server


def test_what_an_earlier_release_holds_is_found_and_what_it_does_not_is_not(server: str, make: Make) -> None:
    from assay.curate.duplicates.releases import Releases

    old = [make(TEXT, "We are looking for it."), make("Where is it?", "In town."), make("", "")]
    index = Releases(f"{server}#found")
    assert index.add(old, "v1") == 3
    again = Releases(f"{server}#found")
    new = [make(TEXT.replace("dog", "cat"), "We are looking for it."), make("Where is it?", "In town."), make("A", "B")]
    near, same, other = again.look_up(new, 0.8)
    assert near is not None and not near.identical and 0.8 <= near.similarity < 1
    assert (near.release, near.source, near.row_id) == ("v1", str(old[0].source), old[0].row_id)
    assert same is not None and same.identical
    assert other is None
    assert again.names() == {"v1": 3}


def test_a_release_that_is_added_twice_is_held_once(server: str, make: Make) -> None:
    from assay.curate.duplicates.releases import Releases

    records = [make(f"question number {number}", "yes") for number in range(5)]
    index = Releases(f"{server}#twice")
    assert [index.add(records, "v1"), index.add(records, "v1")] == [5, 0]
    assert index.names() == {"v1": 5}


def test_indexes_of_other_names_know_nothing_of_each_other(server: str, make: Make) -> None:
    from assay.curate.duplicates.releases import Releases

    record = make(TEXT, "ok")
    Releases(f"{server}#one").add([record], "v1")
    assert list(Releases(f"{server}#other").look_up([record], 0.8)) == [None]


def test_the_commands_add_a_release_and_check_the_next_one(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    turns = [
        {"prompt": f"{TEXT} and that was on day {number} of it all", "completion": "Sorry."} for number in range(4)
    ]
    Path("old.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in [turns[0], {"prompt": "Hi", "completion": "Yes?"}])
    )
    Path("new.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in [turns[1], {"prompt": "Bye", "completion": "Bye."}])
    )
    index = f"{server}#typed"
    code, _, err = run(capsys, "curate", "old.jsonl", "-o", "v1", "--index", index, "--release", "v1")
    assert code == 0 and "2 records added to the index as the release v1" in err
    _, out, _ = run(capsys, "audit", "new.jsonl", "--index", index, "--json")
    findings = [item for item in json.loads(out)["findings"] if item["check"] == "earlier_release"]
    assert [item["source"]["line"] for item in findings] == [1]
    assert "old.jsonl:1 of the release v1" in findings[0]["message"]


def test_a_server_that_is_not_there_is_one_line() -> None:
    from assay.curate.duplicates.releases import Releases

    with pytest.raises(StorageError, match="does not answer"):
        Releases(f"redis://:secret@127.0.0.1:{free_port()}/0")
    with pytest.raises(SettingsError, match="Redis"):
        Releases("http://example.org")


def test_a_release_without_an_index_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text('{"prompt": "Hi", "completion": "Yes?"}\n')
    code, _, err = run(capsys, "curate", "a.jsonl", "--release", "v1")
    assert code == 2 and "--index" in err
