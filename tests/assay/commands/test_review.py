"""`assay review` as a person uses it: a real command, a real terminal, real keys; and nothing decided is ever lost."""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path

import pytest

from assay.cli import main
from assay.dataset import Dataset
from assay.records import Message, Record, Source, record_id, row_id
from assay.reviews.journal import read_reviews
from assay.reviews.review import READING, Subject, Verdict, latest, readings, skipped
from assay.reviews.sample import reading_order
from tests.terminal import Terminal, terminal

READY = "[q]uit"
HOSTILE = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \u202egnp.exe \x9b2J"
COLOURS = re.compile(r"\x1b\[\d{1,3}m")


def generated(number: int, answer: str = "", **meta: object) -> Record:
    messages = (Message("user", f"Where is parcel {number}?"), Message("assistant", answer or f"It left, {number}."))
    lineage = {"method": "evolve" if number % 2 else "paraphrase", "model": "m-1", "checks": ["template"], **meta}
    return Record(
        record_id(messages),
        row_id("synth", number),
        messages,
        Source("synth:paraphrase", None, number),
        origin="synthetic",
        parents=(SEED.id,),
        meta={"synth": lineage},
    )


_SEED = (Message("user", "Where is my parcel?"), Message("assistant", "On its way."))
SEED = Record(record_id(_SEED), row_id("seeds", 0), _SEED, Source("seeds.jsonl", 1, 0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which `assay synth -o more` accepted 70 records, one of them hostile."""
    quote = {"location": "guide.md, Returns", "start": 10, "end": 31, "quote": "Parcels take 3 days."}
    records = [generated(0, f"{HOSTILE} {'x' * 400}", sources=[quote]), *map(generated, range(1, 70))]
    Dataset.from_records(records).write_parquet(tmp_path / "more" / "accepted.parquet")
    Dataset.from_records([SEED]).write_parquet(tmp_path / "more" / "seeds.parquet")
    return tmp_path


def decided(folder: Path) -> dict[str, bool]:
    return readings(read_reviews(folder / ".assay" / "reviews.jsonl"))


def order(folder: Path) -> list[str]:
    accepted = Dataset.read_parquet(folder / "more" / "accepted.parquet")
    return [placed.record.id for placed in reading_order(list(accepted.records()))]


def press(opened: Terminal, key: str) -> str:
    """Types a key and waits for what is shown after it."""
    opened.type(key)
    return opened.wait_for(READY)


def unwrapped(shown: str) -> str:
    return " ".join(shown.split())


def test_keys_decide_and_each_decision_is_on_the_disk_before_the_next_record_is_shown(folder: Path) -> None:
    first, second, third, fourth, *_ = order(folder)
    with terminal("review", "more", "--terminal", folder=folder) as opened:
        assert first in opened.wait_for(READY)
        shown = press(opened, "a")
        assert decided(folder) == {first: True}
        assert second in shown and "58 more reviews" in unwrapped(shown)
        opened.type("r")
        opened.wait_for("why")
        shown = press(opened, "inventd\x7fed a date\n")
        assert decided(folder) == {first: True, second: False}
        assert third in shown and "needs 68 more reviews: all that are left" in unwrapped(shown)
        shown = press(opened, "s")
        assert fourth in shown and "1 skipped" in unwrapped(shown)
        assert skipped(read_reviews(folder / ".assay" / "reviews.jsonl")) == {third}
        assert second in press(opened, "u")
        assert decided(folder) == {first: True}
        opened.type("q")
        assert opened.end() == 0
    notes = [review.note for review in read_reviews(folder / ".assay" / "reviews.jsonl") if review.note]
    assert notes == ["invented a date"]


def test_what_a_person_wrote_in_the_editor_takes_the_place_of_the_record(folder: Path) -> None:
    editor = folder / "editor.py"
    editor.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "path.write_text(path.read_text().replace('It left', 'It is late'))"
    )
    env = {"EDITOR": f"{sys.executable} {editor}"}
    first = next(name for name in order(folder) if name != generated(0, f"{HOSTILE} {'x' * 400}").id)
    with terminal("review", "more", "--terminal", folder=folder, env=env) as opened:
        shown = opened.wait_for(READY)
        while first not in shown:
            shown = press(opened, "s")
        press(opened, "e")
        opened.type("q")
        assert opened.end() == 0
    held = latest(read_reviews(folder / ".assay" / "reviews.jsonl"))
    edit = held[Subject(first)]
    assert edit.verdict is Verdict.REPAIR and (edit.messages[-1].content or "").startswith("It is late, ")
    assert held[Subject(first, READING)].verdict is Verdict.WRONG


def test_an_editor_that_breaks_the_turns_or_fails_changes_nothing(folder: Path) -> None:
    editor = folder / "editor.py"
    editor.write_text("import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('gone')")
    env = {"EDITOR": f"{sys.executable} {editor}"}
    with terminal("review", "more", "--terminal", folder=folder, env=env) as opened:
        opened.wait_for(READY)
        assert "not edited: the lines that part the turns were changed" in press(opened, "e")
    with terminal("review", "more", "--terminal", folder=folder, env={"EDITOR": "/nowhere/editor"}) as opened:
        opened.wait_for(READY)
        assert "not edited" in press(opened, "e")
        opened.type("q")
        assert opened.end() == 0
    assert not (folder / ".assay").exists()


def test_keys_that_were_typed_ahead_are_all_taken(folder: Path) -> None:
    with terminal("review", "more", "--terminal", folder=folder) as opened:
        opened.wait_for(READY)
        opened.type("aaarno\naq")
        assert opened.end() == 0
    first = order(folder)[:5]
    assert decided(folder) == dict(zip(first, (True, True, True, False, True), strict=True))


def test_text_of_records_moves_nothing_and_hides_nothing_in_the_terminal(folder: Path) -> None:
    hostile = generated(0, f"{HOSTILE} {'x' * 400}").id
    with terminal("review", "more", "--terminal", folder=folder) as opened:
        shown = opened.wait_for(READY)
        while hostile not in shown:
            shown = press(opened, "a")
    assert r"\x1b[31mred\x1b[0m \x1b]0;title\x07 \u202egnp.exe \x9b2J" in shown
    assert [sign for sign in COLOURS.sub("", shown) if not sign.isprintable() and sign not in "\r\n"] == []


def test_the_seed_the_source_and_what_was_checked_stand_beside_a_record(folder: Path) -> None:
    hostile = generated(0, f"{HOSTILE} {'x' * 400}").id
    with terminal("review", "more", "--terminal", folder=folder) as opened:
        shown = opened.wait_for(READY)
        assert "generated by m-1" in shown and "passed: template" in shown
        assert "seed, seeds.jsonl:1" in shown and "assistant: On its way." in shown
        while hostile not in shown:
            shown = press(opened, "a")
    assert "source, guide.md, Returns, characters 10 to 31" in shown and "Parcels take 3 days." in shown


def test_control_c_and_a_kill_between_two_decisions_lose_nothing(folder: Path) -> None:
    first, second, third, *_ = order(folder)
    with terminal("review", "more", "--terminal", folder=folder) as opened:
        opened.wait_for(READY)
        press(opened, "a")
        opened.type("\x03")
        assert opened.end() == 130
    assert decided(folder) == {first: True}
    with terminal("review", "more", "--terminal", folder=folder) as opened:
        assert second in opened.wait_for(READY)
        press(opened, "a")
        opened.kill(signal.SIGKILL)
    assert decided(folder) == {first: True, second: True}
    with terminal("review", "more", "--terminal", folder=folder) as opened:
        assert third in opened.wait_for(READY)


def test_two_reviewers_at_once_lose_no_decision(folder: Path) -> None:
    with (
        terminal("review", "more", "--terminal", folder=folder) as one,
        terminal("review", "more", "--terminal", folder=folder) as other,
    ):
        for opened in (one, other):
            opened.wait_for(READY)
        one.type("a")
        one.wait_for(READY)  # the other is still shown the record that is now decided
        one.type("a" * 19)
        other.type("rbad\n" * 20)
        for opened, left in ((one, 19), (other, 20)):
            for _ in range(left):
                opened.wait_for(READY)
            opened.type("q")
        assert one.end() == other.end() == 0
    assert "meanwhile" in other.seen
    said = [review.verdict for review in read_reviews(folder / ".assay" / "reviews.jsonl")]
    assert (said.count(Verdict.RIGHT), said.count(Verdict.WRONG)) == (20, 20)


def test_fifty_nine_clean_reviews_meet_the_rule_and_fifty_eight_do_not(folder: Path) -> None:
    with terminal("review", "more", "--terminal", folder=folder) as opened:
        opened.wait_for(READY)
        for number in range(1, 60):
            shown = press(opened, "a")
            assert ("that meets require_acceptance 0.95" in unwrapped(shown)) == (number == 59)


def test_without_a_terminal_it_says_how_things_stand(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        main(["review", "more", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert (found["records"], found["needed"], found["accepted"]) == (70, 59, False)
    with pytest.raises(SystemExit):
        main(["review", "more"])
    assert "nobody has read any of the 70" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["review", "nowhere"], "no run 'nowhere'"),
        (["review"], "name one run"),
        (["review", "."], "holds nothing that waits"),
        (["review", "more", "--terminal"], "needs a terminal"),
        (["review", "more", "--set", "synth.require_acceptance=95"], "should be a share below 1"),
    ],
)
def test_what_cannot_be_reviewed_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert says in error and error.count("\n") == 1


def test_decisions_survive_the_next_version_of_the_set(folder: Path) -> None:
    with terminal("review", "more", "--terminal", folder=folder) as opened:
        opened.wait_for(READY)
        press(opened, "a")
        opened.type("q")
        opened.end()
    first = order(folder)[0]
    kept = [r for r in Dataset.read_parquet(folder / "more" / "accepted.parquet").records() if r.id == first]
    new = [generated(number) for number in range(200, 230)]
    Dataset.from_records([*new, *kept]).write_parquet(folder / "again" / "accepted.parquet")
    with terminal("review", "again", "--terminal", folder=folder) as opened:
        shown = opened.wait_for(READY)
    assert "1 read, 0 rejected" in unwrapped(shown) and "2 of 31" in shown
