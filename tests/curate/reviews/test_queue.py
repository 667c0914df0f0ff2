"""What curate held is decided in a terminal as in the sheet: the same subjects, the same fates."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from assay.cli import main
from assay.curate.reviews.queue import open_queue
from assay.curate.reviews.sheet import read_sheet
from assay.dataset import Dataset
from assay.errors import SourceError
from assay.reviews.item import Item
from assay.reviews.journal import read_reviews
from assay.reviews.review import Review, Verdict
from tests.terminal import terminal

READY = "[q]uit"
ROWS = [
    ("How long can I return an item?", "You have 30 days to return it."),
    ("How long can I return an item?", "You have 14 days to return it."),
    ("Who are you?", "Hello, I am {{name}}, your assistant."),
    ("What does the small valve cost?", "It costs nineteen euros without tools."),
    ("Where is your showroom?", "Opposite the station, on the first floor."),
]


def curate(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["curate", "data.jsonl", "-o", "out", *arguments])
    assert ended.value.code == 0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = [json.dumps({"instruction": asked, "output": answer}) + "\n" for asked, answer in ROWS]
    (tmp_path / "data.jsonl").write_text("".join(lines))
    curate()
    return tmp_path


def items(folder: Path) -> list[Item]:
    queue = open_queue(folder)
    return [queue.item(key) for key in queue.keys]


def fates(folder: Path) -> dict[str, str]:
    """{answer: held | trains}"""
    out = {}
    for name, word in (("data", "trains"), ("held", "held")):
        out |= {r.answer: word for r in Dataset.read_parquet(folder / "out" / f"{name}.parquet").records()}
    return out


def test_decisions_in_the_terminal_are_those_of_the_sheet(folder: Path) -> None:
    for name in ("held.csv", "to_read.csv"):
        path = folder / "out" / name
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = list(csv.DictReader(file))
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]))
            writer.writeheader()
            writer.writerows({**row, "decision": "keep"} for row in table)
    sheets = [*read_sheet(folder / "out" / "held.csv", "", ""), *read_sheet(folder / "out" / "to_read.csv", "", "")]
    keys = open_queue(folder / "out").keys
    with terminal("review", "out", "--terminal", folder=folder) as opened:
        opened.wait_for(READY)
        opened.type("a" * len(keys))
        opened.wait_for("nothing is left")
        assert opened.end() == 0
    said = read_reviews(folder / ".assay" / "reviews.jsonl")

    def plain(reviews: list[Review] | tuple[Review, ...]) -> list[tuple[object, ...]]:
        return sorted((review.subject, review.verdict) for review in reviews)

    assert plain(said) == plain(sheets) and len(said) >= len(keys)


def test_what_was_decided_is_applied_by_the_next_curate(folder: Path) -> None:
    assert fates(folder)["You have 30 days to return it."] == "held"
    editor = folder / "editor.py"
    editor.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "path.write_text(path.read_text().replace('I am {{name}}', 'I am Ada'))"
    )
    keys = {"30 days": "a", "14 days": "routdated\n", "{{name}}": "e"}
    with terminal("review", "out", "--terminal", folder=folder, env={"EDITOR": f"{sys.executable} {editor}"}) as opened:
        shown = opened.wait_for(READY)
        assert "held for" in shown
        while True:
            own = shown.rpartition("assistant\x1b[0m")[2]
            key = next((key for text, key in keys.items() if text in own), "q")
            opened.type(key)
            if key == "q":
                break
            shown = opened.wait_for(READY)
        assert opened.end() == 0
    curate()
    found = fates(folder)
    assert found["You have 30 days to return it."] == "trains"
    assert "You have 14 days to return it." not in found
    assert found["Hello, I am Ada, your assistant."] == "trains"


def test_the_other_side_of_a_contradiction_stands_beside_it(folder: Path) -> None:
    item = next(item for item in items(folder / "out") if "30 days" in item.record.answer)
    assert any("14 days" in beside.text for beside in item.beside)
    assert any("contradiction" in fact or "conflicting" in fact for fact in item.facts)


def test_records_that_are_masked_cannot_be_edited_and_are_not_shown(folder: Path) -> None:
    row = {"instruction": "How do I reach you, {{who}}?", "output": "Write to jane.doe@blauwerk-versand.de at once."}
    (folder / "data.jsonl").write_text(json.dumps(row) + "\n")
    curate("--set", "curate.min_records=1")
    with terminal("review", "out", "--terminal", folder=folder) as opened:
        shown = opened.wait_for(READY)
        assert "jane.doe" not in shown and "masked" in shown
        opened.type("e")
        assert "not edited" in opened.wait_for(READY)


def test_what_was_curated_with_redact_cannot_be_judged(folder: Path) -> None:
    with pytest.raises(SystemExit):
        main(["curate", "data.jsonl", "-o", "hidden", "--redact"])
    with pytest.raises(SourceError, match="--redact"):
        open_queue(folder / "hidden")


def test_a_kind_is_shown_with_plain_signs_and_a_group_is_decided_by_one_key(folder: Path) -> None:
    with terminal("review", "out", "--terminal", "--kind", "contradiction", folder=folder) as opened:
        shown = opened.wait_for(READY)
        assert ">>30<<" in shown.replace(" days", "") or ">>30 days<<" in shown
        opened.type("g")
        assert "keeps this one and drops the other 1" in " ".join(opened.wait_for("back): ").split())
        opened.type("\x1b")
        assert "nothing was decided" in opened.wait_for(READY)
        opened.type("g")
        opened.wait_for("back): ")
        opened.type("o\n")
        opened.wait_for("nothing is left")
        assert opened.end() == 0
    said = read_reviews(folder / ".assay" / "reviews.jsonl")
    first, other = dict.fromkeys(review.subject.record_id for review in said)
    assert {(review.subject.record_id, review.verdict) for review in said} == {
        (first, Verdict.KEEP),
        (other, Verdict.DROP),
    }


def test_a_pair_comes_once_and_its_other_side_is_chosen_by_a_key(folder: Path) -> None:
    queue = open_queue(folder / "out")
    first, second = (key for key in queue.keys if key.kind == "contradiction")
    with terminal("review", "out", "--terminal", "--kind", "contradiction", folder=folder) as opened:
        shown = opened.wait_for(READY)
        assert "pair 1 of 1, side 1 of 2" in shown and f"record {first.record_id}" in shown
        assert "contradictions 1 pair, 2 records" in " ".join(shown.split())
        opened.type("c")
        shown = opened.wait_for(READY)
        assert "side 2 of 2" in shown and f"record {second.record_id}" in shown
        opened.type("2")
        shown = " ".join(opened.wait_for("nothing is left").split())
        assert "2 of 5 records done; left: otherwise held 1 record; drawn to be read 2 records" in shown
        assert "nothing speaks against the other side any more" in shown
        assert opened.end() == 0
    said = read_reviews(folder / ".assay" / "reviews.jsonl")
    assert {(review.subject.record_id, review.verdict, review.note) for review in said} == {
        (second.record_id, Verdict.DROP, "out of date")
    }
    curate()
    assert fates(folder)["You have 30 days to return it."] == "trains"


def test_the_other_side_says_what_was_decided_on_it(folder: Path) -> None:
    with terminal("review", "out", "--terminal", "--kind", "contradiction", folder=folder) as opened:
        opened.wait_for(READY)
        opened.type("a")
        shown = " ".join(opened.wait_for(READY).split())
        assert "side 2 of 2" in shown and re.search(r"says otherwise, held, data.jsonl:1: \w+ said keep", shown)
        opened.type("q")
        opened.end()


def test_a_digit_rejects_for_a_usual_reason_and_undo_takes_it_back(folder: Path) -> None:
    with terminal("review", "out", "--terminal", "--kind", "to_read", folder=folder) as opened:
        opened.wait_for(READY)
        opened.type("3")
        opened.wait_for(READY)
        opened.type("l")
        assert "no other label is suggested" in opened.wait_for(READY)
        opened.type("u")
        assert "taken back: record" in opened.wait_for(READY)
        opened.type("q")
        opened.end()
    said = read_reviews(folder / ".assay" / "reviews.jsonl")
    assert [(review.verdict, review.note) for review in said] == [(Verdict.WRONG, "invented"), (Verdict.UNDO, "")]


def test_in_a_terminal_without_a_display_it_says_so_and_prints_the_link(folder: Path) -> None:
    env = {"DISPLAY": "", "WAYLAND_DISPLAY": ""}
    with terminal("review", "out", "--kind", "contradiction", folder=folder, env=env) as opened:
        shown = opened.wait_for("Ctrl-C ends it.")
        assert "no browser can be opened here" in shown
        found = re.search(r"http://127\.0\.0\.1:\d+/review/out\?kind=contradiction&token=\S+", shown)
        assert found is not None
        with contextlib.suppress(HTTPError):  # no cookie goes with it: it is asked only so that the server runs
            urlopen(found.group(), timeout=30)
        opened.type("\x03")
        assert "decisions are in" in opened.wait_for("reviews.jsonl")
        assert opened.end() == 0


def test_a_skip_decides_nothing(folder: Path) -> None:
    with terminal("review", "out", "--terminal", folder=folder) as opened:
        opened.wait_for(READY)
        opened.type("sq")
        opened.end()
    assert {review.verdict for review in read_reviews(folder / ".assay" / "reviews.jsonl")} == {Verdict.SKIP}
    before = fates(folder)
    curate()
    assert fates(folder) == before
