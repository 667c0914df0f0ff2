"""What a new version changes is told by content: what moved is unchanged, what was edited is no loss and no gain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from assay.curate.outputs import write_curated
from assay.curate.pages.diff import render_diff, write_diff
from assay.curate.stage import curate
from assay.curate.versions.difference import Difference, compare
from assay.curate.versions.edited import find_edits
from assay.curate.versions.version import Version, read_version
from assay.dataset import Dataset
from assay.errors import SourceError
from assay.findings import ledger_schema
from assay.records import Record, Source, row_id

Make = Callable[..., Record]


def version(
    name: str, records: Sequence[Record], fates: Sequence[str] = (), checks: dict[str, int] | None = None
) -> Version:
    """A curated version: records with a split train, the others are held."""
    import pyarrow as pa

    data = Dataset.from_records(records)
    rows = pa.table(
        {
            "row_id": data.table.column("row_id"),
            "record_id": data.table.column("record_id"),
            "fate": pa.array(fates or ["kept"] * len(records)),
            "reasons": pa.array([[] if fate == "kept" else ["why"] for fate in fates or ["kept"] * len(records)]),
        }
    )
    training = Dataset.from_records(record for record in records if record.split)
    return Version(name, rows, data, training, checks or {"x": 1})


def moved(records: Sequence[Record]) -> list[Record]:
    return [
        replace(record, row_id=row_id("moved", line), source=Source("b.jsonl", line, line))
        for line, record in enumerate(reversed(records))
    ]


def test_records_that_only_moved_are_unchanged(make: Make) -> None:
    records = [make(f"Q{n}?", f"A{n}.") for n in range(5)]
    found = compare(version("a", records), version("b", moved(records)))
    assert (found.unchanged, found.added, found.removed, found.edited) == (5, (), (), ())
    assert found.warnings() == []


def test_edits_are_found_by_parent_prompt_answer_or_words(make: Make) -> None:
    old = [
        make("Ask one?", "The first answer of all."),
        make("Where is the shop?", "In the second street on the left."),
        make("When does it close?", "It closes at eight in the evening."),
        make("How long is the guarantee of the thermostat?", "It is two years from the day of the order."),
        make("Gone?", "Gone."),
    ]
    new = [
        make("Entirely other words", "And other ones", parents=(old[0].id,)),
        make("Where is the shop?", "In the third street."),
        make("At what time is closing?", "It closes at eight in the evening."),
        make("How long is the guarantee of a thermostat?", "It is three years from the day of the order."),
        make("Come?", "Come."),
    ]
    edits = find_edits(old, new)
    assert [(old.index(edit.old), new.index(edit.new), edit.how) for edit in edits] == [
        (0, 0, "parent"),
        (1, 1, "answer"),
        (2, 2, "prompt"),
        (3, 3, "both"),
    ]
    found = compare(version("a", old), version("b", new))
    assert (len(found.added), len(found.removed), len(found.edited)) == (1, 1, 4)


def test_each_record_is_in_one_edit_at_most(make: Make) -> None:
    old = [make("Same?", f"Answer number {n}.") for n in range(3)]
    new = [make("Same?", f"Reply number {n}.") for n in range(5)]
    edits = find_edits(old, new)
    assert len(edits) == 3
    assert len({edit.new.row_id for edit in edits}) == 3


def split(record: Record, side: str, family: str = "") -> Record:
    return replace(record, split=side, family=family or record.id)


def test_a_record_that_moved_from_validation_to_train_is_a_leak(make: Make) -> None:
    one, two, three = make("Q1", "A1"), make("Q2", "A2"), make("Q3?", "A long answer to question three.")
    edit = make("Q3?", "A long answer to the question three.")
    old = version("a", [split(one, "validation"), split(two, "train"), split(three, "validation")])
    new = version("b", [split(one, "train"), split(two, "validation"), split(edit, "train")])
    found = compare(old, new)
    assert [(move.before, move.after, move.edited, move.records) for move in found.moves] == [
        ("validation", "train", False, 1),
        ("validation", "train", True, 1),
        ("train", "validation", False, 1),
    ]
    assert len(found.leaks) == 2
    first = found.warnings()[0]
    assert first.startswith("1 record is trained on now, and it was in the validation split before")
    assert "a model of the old version knows them" in found.warnings()[2]


def test_a_family_that_was_parted_and_stands_on_both_sides_is_told(make: Make) -> None:
    one, two = make("Q1", "A1"), make("Q2", "A2")
    old = version("a", [split(one, "train", "f"), split(two, "train", "f")])
    renamed = version("b", [split(one, "train", "g"), split(two, "train", "g")])
    parted = version("c", [split(one, "train", "g"), split(two, "validation", "h")])
    assert compare(old, renamed).parted == 0
    assert compare(old, parted).parted == 1


def test_fates_are_those_of_the_best_row_and_name_the_reasons(make: Make) -> None:
    one, two = make("Q", "A"), make("Q2", "A2")
    copy = replace(one, row_id=row_id("copy", 1))
    old = version("a", [one, copy, two], ["kept", "dropped", "held"])
    new = version("b", moved([one, two]), ["kept", "dropped"])
    found = compare(old, new)
    assert [(change.before, change.after, change.records) for change in found.fates] == [
        ("held (why)", "kept", 1),
        ("kept", "dropped (why)", 1),
    ]
    assert found.records == (2, 2)


def test_rows_are_counted_by_fate_and_so_are_added_edited_and_removed_records(make: Make) -> None:
    asked = [make(f"How does the number {n} relate to {n * 7}?", f"By a factor, as {n} shows.") for n in range(3)]
    edited = make("How does the number 0 relate to 0?", "By a factor, as anybody can see.")
    old = version("a", [asked[1], asked[2], make("How does the number 0 relate to 0?", "By nothing at all, I fear.")],
                  ["kept", "held", "dropped"])  # fmt: skip
    new = version("b", [*moved(asked[1:2]), edited, make("Who?", "Ada.")], ["held", "kept", "repaired"])
    found = compare(old, new)
    assert [tuple(count) for count in found.by_fate] == [
        ("read", 3, 3), ("kept", 1, 1), ("repaired", 0, 1), ("held", 1, 1), ("dropped", 1, 0)
    ]  # fmt: skip
    assert found.fates_of == {
        "unchanged": {"held": 1}, "edited": {"kept": 1}, "added": {"repaired": 1}, "removed": {"held": 1}
    }  # fmt: skip
    assert {(change.before, change.after, change.edited) for change in found.fates} == {
        ("kept", "held (why)", False),
        ("dropped (why)", "kept", True),
    }


def test_the_page_counts_by_fate_and_shows_what_changed_it_and_why(make: Make, tmp_path: Path) -> None:
    records = [
        make("How long?", "You have 30 days to return it."),
        *(make(f"Q {n * 37}?", f"A {n}.") for n in range(9)),
    ]
    for name, rows in (
        ("old", records),
        ("new", [*moved(records), make("How long?", "You have 14 days to return it.")]),
    ):
        write_curated(curate(Dataset.from_records(rows)), tmp_path / name)
    found = compare(read_version(str(tmp_path / "old")), read_version(str(tmp_path / "new")))
    assert [(change.before, change.after) for change in found.fates] == [("kept", "held (contradiction)")]
    write_diff(found, tmp_path / "diff.html")
    html = (tmp_path / "diff.html").read_text()
    assert "By fate" in html and "held (contradiction)" in html
    assert "You have 30 days" in html.split('id="fates"')[1].split("<h2>")[0]
    text = render_diff(found)
    assert "rows by fate" in text and "9 unchanged" not in text and "10 unchanged (9 kept, 1 held)" in text
    write_diff(found.without_text(), tmp_path / "redacted.html")
    assert "30 days" not in (tmp_path / "redacted.html").read_text()


def test_checks_and_labels_are_counted_before_and_after(make: Make) -> None:
    old = [make(f"Say {n}", "yes" if n < 15 else "no") for n in range(20)]
    new = [make(f"Say {n}", "yes" if n < 10 else "no") for n in range(20)]
    found = compare(version("a", old, checks={"loop": 3, "same": 1}), version("b", new, checks={"same": 1, "cut": 2}))
    assert [tuple(count) for count in found.checks] == [("loop", 3, 0), ("cut", 0, 2)]
    assert {tuple(count) for count in found.labels} == {("yes", 15, 10), ("no", 5, 10)}


@pytest.fixture
def curated(make: Make, tmp_path: Path) -> Difference:
    records = [make(f"Question {n * 37}?", f"Answer {n * 91}.") for n in range(12)]
    newer = [*moved(records[2:]), make("<script>alert(1)</script>?", "A {{ 7 * 7 }} b."), make("Why?", "")]
    for name, rows in (("old", records), ("new", newer)):
        write_curated(curate(Dataset.from_records(rows)), tmp_path / name)
    return compare(read_version(str(tmp_path / "old")), read_version(str(tmp_path / "new")))


def test_two_folders_that_curate_wrote_are_compared(curated: Difference, tmp_path: Path) -> None:
    assert (curated.unchanged, len(curated.added), len(curated.removed)) == (10, 2, 2)
    assert ("empty_turn", 0, 1) in [tuple(count) for count in curated.checks]
    text = render_diff(curated)
    assert "10 unchanged (10 kept), 0 edited, 2 added (1 kept, 1 dropped), 2 removed (2 kept)" in text
    assert len(text.splitlines()) <= 40
    body = curated.to_json()
    assert body["added"]["records"] == 2 and len(body["added"]["record_ids"]) == 2


def test_the_page_shows_texts_as_text(curated: Difference, tmp_path: Path) -> None:
    write_diff(curated, tmp_path / "diff.html")
    html = (tmp_path / "diff.html").read_text()
    assert "&lt;script&gt;" in html and "<script" not in html
    assert "{{ 7 * 7 }}" in html and "49 b" not in html


def test_data_files_are_compared_without_fates(tmp_path: Path) -> None:
    for name, answers in (("a", "xy"), ("b", "xz")):
        lines = [f'{{"instruction": "Question {n}?", "output": "{answer}"}}\n' for n, answer in enumerate(answers)]
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
    found = compare(*(read_version(str(tmp_path / f"{name}.jsonl")) for name in "ab"))
    assert (found.unchanged, len(found.edited), found.fates, found.moves, found.by_fate) == (1, 1, (), (), ())


def test_a_folder_with_a_damaged_ledger_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ledger.parquet").write_text("no Parquet")
    with pytest.raises(SourceError, match="is no folder that `assay curate -o` wrote"):
        read_version(str(tmp_path))
    with pytest.raises(SourceError):
        read_version(str(tmp_path / "nothing"))
    assert "fate" in ledger_schema().names
