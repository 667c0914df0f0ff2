"""What people decided holds on the next version of the data, as long as what they judged is the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from assay.curate.reviews.replay import REVIEWED, Replayed, apply_edits, replay, subjects_of
from assay.dataset import Dataset
from assay.findings import Finding, Severity
from assay.records import Message as Turn
from assay.records import Record, Source, record_id, row_id
from assay.reviews.review import Review, Subject, Verdict

Make = Callable[..., Record]


def found(*records: Record, check: str = "doubtful", group: str | None = None, kind: str = "x") -> list[Finding]:
    return [Finding.about(r, check, Severity.ERROR, "m", group=group, evidence={"kind": kind}) for r in records]


def decide(findings: Sequence[Finding], verdict: Verdict, record: Record, **rest: str) -> Review:
    """A person's decision about the finding about that record."""
    index = next(i for i, finding in enumerate(findings) if finding.record_id == record.id)
    return Review(subjects_of(findings)[index], verdict, "ada", **rest)


def run(records: Sequence[Record], findings: Sequence[Finding], *reviews: Review) -> Replayed:
    return replay(Dataset.from_records(records), findings, reviews)


def severities(replayed: Replayed) -> list[str]:
    return [f"{item.check} {item.severity}" for item in replayed.findings]


def moved(record: Record, line: int) -> Record:
    """The same content in another file: what the next version of the data makes of it."""
    return replace(record, row_id=row_id("next version", line), source=Source("b.jsonl", line, line - 1))


def test_a_finding_that_a_person_kept_moves_nothing_in_the_next_version(make: Make) -> None:
    record = make("Q", "A")
    keep = decide(found(record), Verdict.KEEP, record, note="fine")
    later = moved(record, 9)
    replayed = run([later], found(later), keep)
    assert severities(replayed) == ["doubtful info"]
    assert "(kept by ada)" in replayed.findings[0].message
    assert replayed.findings[0].evidence["reviewed"] == {"decision": "keep", "who": "ada", "note": "fine"}
    assert replayed.counts == {"kept": 1}


def test_another_check_and_other_evidence_are_asked_about_again_and_the_old_decision_is_told(make: Make) -> None:
    record = make("Q", "A")
    keep = decide(found(record), Verdict.KEEP, record)
    replayed = run([record], [*found(record, kind="y"), *found(record, check="other")], keep)
    assert severities(replayed) == ["doubtful error", "other error"]
    assert "a person said keep before; asked again, since it is another finding now" in replayed.findings[0].message
    assert replayed.counts == {"offered_again": 1}


def test_a_decision_about_a_group_holds_only_while_the_same_records_are_in_it(make: Make) -> None:
    one, two, three = make("Q", "A"), make("Q", "B"), make("Q", "C")
    before = found(one, two, group="g")
    keep, drop = decide(before, Verdict.KEEP, one), decide(before, Verdict.DROP, two)
    same = run([two, one], found(two, one, group="other name"), keep, drop)
    assert severities(same) == ["doubtful error", "doubtful info", f"{REVIEWED} error"]
    assert same.counts == {"kept": 1, "dropped": 1}
    changed = run([one, two, three], found(one, two, three, group="g"), keep, drop)
    assert severities(changed) == ["doubtful error"] * 3
    assert "other records are in the group now" in changed.findings[0].message
    assert changed.counts == {"offered_again": 2}
    gone = run([two], [], drop)
    assert gone.findings == () and gone.counts == {"not_found": 1}


def test_what_is_left_of_a_contradiction_when_the_others_were_dropped_is_none(make: Make) -> None:
    one, two, three = make("Q", "A"), make("Q", "B"), make("Q", "C")
    pair = found(one, two, check="contradiction", group="g")
    replayed = run([one, two], pair, decide(pair, Verdict.DROP, two, note="old"))
    assert severities(replayed) == ["contradiction info", "contradiction error", f"{REVIEWED} error"]
    assert "(nothing stands against it any more: the other was dropped by ada: old)" in replayed.findings[0].message
    group = found(one, two, three, check="contradiction", group="g")
    drops = [decide(group, Verdict.DROP, record) for record in (two, three)]
    assert severities(run([one, two, three], group, drops[0]))[0] == "contradiction error"
    assert severities(run([one, two, three], group, *drops))[0] == "contradiction info"
    assert (
        severities(run([one, two], found(one, two, check="other", group="g"), Review(Subject(two.id), Verdict.DROP)))[0]
        == "other error"
    )


def test_a_drop_stays_a_drop_whatever_the_check_says_now(make: Make) -> None:
    record, other = make("Q", "A"), make("Q", "B")
    drop = decide(found(record), Verdict.DROP, record, note="outdated")
    replayed = run([other, record], [], drop)
    assert severities(replayed) == [f"{REVIEWED} error"]
    assert replayed.findings[0].row_id == record.row_id
    assert replayed.findings[0].message == "dropped by ada: outdated"
    assert run([other], [], drop).counts == {"not_here": 1}


def test_of_identical_copies_a_drop_leaves_one(make: Make) -> None:
    one, two, three = (make("Q", "A") for _ in range(3))
    findings = found(one, two, three, check="exact_duplicate", group="g")
    replayed = run([one, two, three], findings, decide(findings, Verdict.DROP, one))
    assert [item.row_id for item in replayed.findings if item.check == REVIEWED] == [two.row_id, three.row_id]


def test_a_record_kept_as_a_whole_stays_whatever_is_found_but_as_one_of_identical_copies(make: Make) -> None:
    one, two, other = make("Q", "A"), make("Q", "A"), make("Q", "B")
    keep = Review(Subject(one.id), Verdict.KEEP)
    findings = [*found(one), *found(one, other, group="n"), *found(one, two, check="exact_duplicate", group="g")]
    assert severities(run([one, two, other], findings, keep)) == [
        "doubtful info", "doubtful info", "doubtful error", "exact_duplicate error", "exact_duplicate error",
    ]  # fmt: skip


def test_right_waives_nothing_and_wrong_drops(make: Make) -> None:
    one, two = make("Q", "A"), make("Q", "B")
    right, wrong = Review(Subject(one.id), Verdict.RIGHT), Review(Subject(two.id), Verdict.WRONG)
    replayed = run([one, two], found(one), right, wrong)
    assert severities(replayed) == ["doubtful error", f"{REVIEWED} error"]


def test_an_undone_decision_and_a_fact_change_nothing(make: Make) -> None:
    record = make("Q", "A")
    keep = decide(found(record), Verdict.KEEP, record)
    assert severities(run([record], found(record), keep, replace(keep, verdict=Verdict.UNDO))) == ["doubtful error"]
    fact = [replace(found(record)[0], severity=Severity.INFO)]
    assert run([record], fact, keep).findings == tuple(fact)


def test_an_edit_is_applied_before_the_checks_look_and_the_old_id_is_remembered(make: Make) -> None:
    records = [make("Q", str(number)) for number in range(5)]
    edit = Review(Subject(records[3].id), Verdict.REPAIR, answer="right")
    again = Review(Subject(edit.edited(records[3]).id), Verdict.RELABEL, answer="better")
    edited = apply_edits(Dataset.from_records(records), [edit, again])
    assert [record.answer for record in edited.data.records()] == ["0", "1", "2", "better", "4"]
    assert edited.data.row_ids() == [record.row_id for record in records]
    assert edited.originals == {records[3].row_id: records[3].id}
    assert replay(edited.data, [], [edit], edited.originals).counts == {"edited": 1}


def test_edits_that_lead_back_to_where_they_began_end(make: Make) -> None:
    one, two = make("Q", "A"), make("Q", "B")
    there, back = (
        Review(Subject(one.id), Verdict.REPAIR, answer="B"),
        Review(Subject(two.id), Verdict.REPAIR, answer="A"),
    )
    edited = apply_edits(Dataset.from_records([one]), [there, back])
    assert next(edited.data.records()).answer in ("A", "B")


def test_without_decisions_nothing_changes(make: Make) -> None:
    record = make("Q", "A")
    data = Dataset.from_records([record])
    assert apply_edits(data, []).data is data
    assert replay(data, found(record), []).findings == tuple(found(record))


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(list(Verdict)), st.booleans()), max_size=12))
def test_no_finding_is_lost_and_every_drop_is_of_a_record_that_is_there(
    given_reviews: list[tuple[int, Verdict, bool]],
) -> None:
    turns = [(Turn("user", "Q"), Turn("assistant", str(number))) for number in range(3)]
    records = [Record(record_id(turn), row_id("t", row), turn, Source("a", row, row)) for row, turn in enumerate(turns)]
    findings = found(*records, group="g")
    ids = [record.id for record in records] + ["not here"]
    reviews = [
        Review(Subject(ids[index], "doubtful" if about else ""), verdict, answer="x")
        for index, verdict, about in given_reviews
    ]
    replayed = run(records, findings, *reviews)
    assert [item.row_id for item in replayed.findings[:3]] == [record.row_id for record in records]
    assert {item.check for item in replayed.findings[3:]} <= {REVIEWED}
    assert len({item.row_id for item in replayed.findings[3:]}) == len(replayed.findings[3:])
