"""A press is written whole, once, and taken back by whoever did it; nothing of others is lost on the way."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from assay.reviews.journal import append, read_reviews
from assay.reviews.review import READING, SECOND_READING, Review, Subject, Verdict, latest, readings
from assay.reviews.standing import Journal, Standing, journal_at
from assay.reviews.steps import (
    About,
    Action,
    Author,
    Decision,
    last_step,
    second_reading,
    seen_digest,
    undo,
    write,
)

ANA, BEN = (
    Author("ana", "a" * 24, lambda: "2026-01-02T03:04:05Z"),
    Author("ben", "b" * 24, lambda: "2026-01-02T03:05:05Z"),
)
HELD = About("r1", (Subject("r1", "contradiction", "g", "e"), Subject("r1", "label_noise", "", "f")), {"found": "x"})
READ = About("r2", (Subject("r2", READING),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reviews.jsonl"


def now(path: Path) -> dict[Subject, Verdict]:
    return {subject: review.verdict for subject, review in latest(read_reviews(path)).items()}


def press(path: Path, about: About, action: Action, author: Author, number: int, **more: str | None) -> bool:
    decision = Decision(about, action, answer=more.get("answer"))
    return write(path, [decision], author, f"{author.session}.{number}", more.get("expected")).written


def test_a_step_says_all_that_a_decision_is_about_and_with_which_press(path: Path) -> None:
    assert press(path, HELD, Action.DROP, ANA, 1)
    lines = read_reviews(path)
    assert now(path) == dict.fromkeys(HELD.subjects, Verdict.DROP)
    assert [line.shown for line in lines] == [{"found": "x", "step": f"{ANA.session}.1"}] * 2


def test_the_same_form_sent_twice_is_written_once(path: Path) -> None:
    assert press(path, READ, Action.KEEP, ANA, 1)
    outcome = write(path, [Decision(READ, Action.KEEP)], ANA, f"{ANA.session}.1", "")
    assert (outcome.written, outcome.again) == (False, True)
    assert len(read_reviews(path)) == 1


def test_what_was_decided_after_the_page_came_is_not_replaced_unasked(path: Path) -> None:
    _, standing = journal_at(path).now()
    seen = seen_digest(standing, [READ])
    assert press(path, READ, Action.KEEP, ANA, 1)
    outcome = write(path, [Decision(READ, Action.DROP)], BEN, f"{BEN.session}.1", seen)
    assert not outcome.written and not outcome.again
    assert [(review.who, review.verdict) for review in outcome.before] == [("ana", Verdict.RIGHT)]
    assert readings(read_reviews(path)) == {"r2": True}
    _, standing = journal_at(path).now()
    assert press(path, READ, Action.DROP, BEN, 2, expected=seen_digest(standing, [READ]))
    assert readings(read_reviews(path)) == {"r2": False}


def test_undo_gives_back_what_held_before_and_goes_on_to_the_step_before(path: Path) -> None:
    press(path, READ, Action.KEEP, ANA, 1)
    press(path, HELD, Action.KEEP, ANA, 2)
    press(path, HELD, Action.DROP, ANA, 3)
    assert undo(path, ANA).records == ("r1",)
    assert now(path) == {**dict.fromkeys(HELD.subjects, Verdict.KEEP), Subject("r2", READING): Verdict.RIGHT}
    assert undo(path, ANA).records == ("r1",)
    assert now(path) == {Subject("r2", READING): Verdict.RIGHT}
    assert undo(path, ANA).records == ("r2",)
    assert now(path) == {} and undo(path, ANA).step == ""
    assert press(path, READ, Action.DROP, ANA, 4)
    assert undo(path, ANA).records == ("r2",) and now(path) == {}


def test_undo_never_takes_back_what_somebody_else_said_meanwhile(path: Path) -> None:
    press(path, HELD, Action.KEEP, ANA, 1)
    press(path, READ, Action.KEEP, ANA, 2)
    press(path, READ, Action.DROP, BEN, 1)
    found = undo(path, ANA)
    assert [(review.who, review.verdict) for review in found.by] == [("ben", Verdict.WRONG)] and not found.records
    assert readings(read_reviews(path)) == {"r2": False}
    assert undo(path, ANA, [found.step]).records == ("r1",)
    assert undo(path, BEN).records == ("r2",)
    assert readings(read_reviews(path)) == {"r2": True}


def test_undo_is_that_of_one_browser_and_lasts_over_a_crash(path: Path) -> None:
    press(path, READ, Action.KEEP, ANA, 1)
    assert undo(path, Author("ana", "c" * 24)).step == ""
    with path.open("ab") as file:
        file.write(b'{"record_id": "r2", "deci')  # the machine went off in the middle of a line
    assert [line.subject.record_id for line in last_step(path, ANA.session)] == ["r2"]
    assert undo(path, ANA).records == ("r2",) and now(path) == {}


def test_an_edit_in_place_of_a_decision_is_all_that_holds(path: Path) -> None:
    press(path, HELD, Action.DROP, ANA, 1)
    press(path, HELD, Action.RELABEL, ANA, 2, answer="card_arrival")
    assert now(path) == {Subject("r1"): Verdict.RELABEL}
    press(path, HELD, Action.KEEP, ANA, 3)
    assert now(path) == dict.fromkeys(HELD.subjects, Verdict.KEEP)


def test_a_skip_of_what_is_decided_leaves_it_decided(path: Path) -> None:
    press(path, READ, Action.KEEP, ANA, 1)
    press(path, READ, Action.SKIP, BEN, 1)
    assert readings(read_reviews(path)) == {"r2": True}
    press(path, HELD, Action.SKIP, BEN, 2)
    assert journal_at(path).now()[1].was_skipped("r1")
    press(path, HELD, Action.KEEP, BEN, 3)
    assert not journal_at(path).now()[1].was_skipped("r1")


def test_several_records_are_one_step(path: Path) -> None:
    write(path, [Decision(HELD, Action.KEEP), Decision(READ, Action.DROP)], ANA, f"{ANA.session}.1", "")
    assert set(undo(path, ANA).records) == {"r1", "r2"} and now(path) == {}


def test_a_second_reading_decides_nothing_and_can_be_taken_back(path: Path) -> None:
    press(path, READ, Action.KEEP, ANA, 1)
    second_reading(path, "r2", Verdict.WRONG, BEN, f"{BEN.session}.1", "invented")
    second_reading(path, "r2", Verdict.WRONG, BEN, f"{BEN.session}.1", "invented")
    assert readings(read_reviews(path)) == {"r2": True} and len(read_reviews(path)) == 2
    standing = journal_at(path).now()[1]
    assert standing.second["r2", "ben"].note == "invented"
    assert read_reviews(path)[-1].subject == Subject("r2", SECOND_READING)
    assert undo(path, BEN).records == ("r2",)
    assert not journal_at(path).now()[1].second and readings(read_reviews(path)) == {"r2": True}


def test_a_journal_read_on_holds_the_same_as_one_read_anew(path: Path) -> None:
    journal = Journal(path)
    assert journal.now()[0] == ()
    for number in range(5):
        press(path, READ if number % 2 else HELD, Action.KEEP if number % 3 else Action.DROP, ANA, number)
        reviews, standing = journal.now()
        assert reviews == read_reviews(path)
        assert standing.about("r1") == Standing.of(reviews).about("r1")


def test_a_line_that_somebody_took_out_by_hand_does_not_hold_any_more(path: Path) -> None:
    journal = Journal(path)
    press(path, HELD, Action.DROP, ANA, 1)
    press(path, READ, Action.DROP, ANA, 2)
    assert journal.now()[1].about("r1")
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[-1])
    reviews, standing = journal.now()
    assert len(reviews) == 1 and not standing.about("r1") and standing.about("r2")
    with path.open("ab") as file:
        file.write(b'{"record_id": "r3", "decision": "drop"}')  # no line end, as some editors leave it
    assert journal.now()[1].about("r3")
    press(path, HELD, Action.KEEP, ANA, 3)
    assert len(journal.now()[0]) == 4


def _decide(path: Path, who: str) -> None:
    for number in range(40):
        append(path, [Review(Subject(f"{who}{number}"), Verdict.DROP, who)])
        about = About(f"both{number}", (Subject(f"both{number}"),))
        write(path, [Decision(about, Action.KEEP)], Author(who, who * 24), f"{who * 24}.{number}", "")


def test_two_processes_lose_no_decision_and_replace_none_unasked(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_decide, args=(path, who)) for who in ("x", "y")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    names = [review.subject.record_id for review in read_reviews(path)]
    own = sorted(f"{who}{number}" for who in ("x", "y") for number in range(40))
    assert sorted(name for name in names if not name.startswith("both")) == own
    assert sorted(name for name in names if name.startswith("both")) == sorted(f"both{number}" for number in range(40))
