"""A search finds what reading every record would find, little by little or at once, and no expression holds it up."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.curate.web.columns import Columns, columns_of
from assay.curate.web.listing import List
from assay.curate.web.query import Query, fault_of, query_of
from assay.curate.web.searching import Scan, looking, marks_of
from assay.dataset import Dataset
from assay.records import Message, Record, Source, ToolCall, record_id
from assay.text import conversation_text

Make = Callable[..., Record]

TEXTS = (
    'The user\'s role is "content".',
    'a "quoted"\nline\tand \\ backslash \x07 bell',
    "STRASSE und Straße, ÄRGER und ärger",
    "half a pair \ud800 and ärger",
    "你好，世界",
    "plain",
    '{"role":"assistant","content":"nested"}',
    "",
)


def record(number: int, *turns: Message, **rest: object) -> Record:
    return Record(record_id(turns), f"{number:016x}", turns, Source("a.jsonl", number + 1, number), **rest)  # type: ignore[arg-type]


def written(folder: Path, records: list[Record]) -> Columns:
    Dataset.from_records(records).write_parquet(folder / "data.parquet")
    return columns_of(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("searched")


@pytest.fixture(scope="module")
def searched(folder: Path) -> tuple[Columns, list[Record]]:
    rows = [record(at, Message("user", text), Message("assistant", text[::-1])) for at, text in enumerate(TEXTS)]
    call = (ToolCall("weather", {"town": "Oslo", "days": [1, 2]}, "c1"),)
    rows.append(record(90, Message("system", "Be kind."), Message("user", "Go."), Message("assistant", None, call)))
    rows.append(
        record(
            91, Message("user", "One?"), Message("assistant", "1"), Message("user", "Two?"), Message("assistant", "2")
        )
    )
    return written(folder, rows), rows


def hits(columns: Columns, **asked: str) -> list[int]:
    scan = Scan(columns, None, Query(**asked))
    scan.extend(10**9, 60)
    assert scan.walk.ended
    return scan.hits


def readable(record: Record) -> str:
    return conversation_text(record.messages).encode("utf-8", "replace").decode()


@pytest.mark.parametrize(
    "wanted",
    ["user", "role", "content", '"', "\\", "\n", '"quoted"\nline', "assistant", "ärger", "世界", "PLAIN", "zzz",
     '"content":"', ": ", ", 2", " [1", 'days": [1, 2]', "oslo", "\\n", "[", "half a pair", "\x07"],
)  # fmt: skip
def test_a_text_is_found_in_what_is_said_and_not_in_how_it_is_stored(
    searched: tuple[Columns, list[Record]], wanted: str
) -> None:
    columns, rows = searched
    assert hits(columns, q=wanted) == [at for at, row in enumerate(rows) if wanted.lower() in readable(row).lower()]


@given(st.text(st.sampled_from('aB"\\\n{}:,ä你 \x00'), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_text_is_found_as_reading_would(searched: tuple[Columns, list[Record]], wanted: str) -> None:
    columns, rows = searched
    assert hits(columns, q=wanted) == [at for at, row in enumerate(rows) if wanted.lower() in readable(row).lower()]


@pytest.mark.parametrize("pattern", ["^plain", r"\bO\w+o\b", "(?i)STRASSE", "a.*b", r"[^\x00-\x7f]{2}", "x|s$", "^$"])
def test_an_expression_is_found_as_pythons_would(searched: tuple[Columns, list[Record]], pattern: str) -> None:
    columns, rows = searched
    assert hits(columns, q=pattern, kind="regex") == [
        at for at, row in enumerate(rows) if re.search(pattern.replace("$", r"\Z"), readable(row))
    ]


@pytest.mark.parametrize("pattern", ["(", "a{2,1}", r"(a)\1", "(?<=a)b", "[z-a]", "*"])
def test_a_bad_expression_is_one_line(pattern: str) -> None:
    query = query_of({"q": pattern, "kind": "regex"})
    (line,) = query.problems()
    assert "\n" not in line and fault_of(pattern) in line


def test_no_expression_holds_it_up(tmp_path: Path) -> None:
    columns = written(tmp_path, [record(0, Message("user", "a" * 30_000 + "!"), Message("assistant", "b"))])
    began = time.process_time()
    assert hits(columns, q="^(a+)+$", kind="regex") == []
    assert marks_of(["a" * 30_000 + "!"], Query(q="^(a|a)*$", kind="regex")) == [None]
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("turns", "rows"), [("one", [*range(8), 8]), ("several", [9]), ("system", [8]), ("tools", [8])]
)
def test_turns_are_told_from_text_that_looks_like_them(
    searched: tuple[Columns, list[Record]], turns: str, rows: list[int]
) -> None:
    assert hits(searched[0], turns=turns) == rows


def test_a_column_is_asked_for_by_its_value(tmp_path: Path) -> None:
    turns = (Message("user", "a"), Message("assistant", "b"))
    metas: list[dict[str, object]] = [{"slice": "refunds"}, {"slice": "re"}, {"slice": 3}, {}, {"slice": None}]
    columns = written(tmp_path, [record(at, *turns, meta=meta) for at, meta in enumerate(metas)])
    assert hits(columns, where="slice=refunds") == [0]
    assert hits(columns, where="slice=3") == [2]
    assert query_of({"where": "slice"}).problems()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Columns:
    """Several row groups."""
    long = "word " * 60
    rows = [record(at, Message("user", f"{long}{at}"), Message("assistant", "yes")) for at in range(15_000)]
    return written(tmp_path_factory.mktemp("many"), rows)


def test_little_by_little_finds_what_at_once_finds(many: Columns) -> None:
    scan, rounds = Scan(many, None, Query(q="77")), 0
    while not scan.walk.ended:
        scan.extend(10**9, 0)
        rounds += 1
        assert rounds < 10_000
    assert rounds > 1
    assert scan.hits == [at for at in range(15_000) if "77" in str(at)]


def test_a_page_reads_no_further_than_it_has_to(many: Columns) -> None:
    scan = Scan(many, None, Query(q="word"))
    scan.extend(50, 60)
    assert 50 <= len(scan.hits) < 15_000
    assert not scan.walk.ended


def test_a_page_that_is_full_is_not_asked_for_again(many: Columns, tmp_path: Path) -> None:
    """What is not counted yet is no reason to load a page anew under the eyes of a reader."""
    found = List(many, Query(q="word 1"), tmp_path).matches(51, 60)
    assert not found.doing and not found.exact
    assert 51 <= found.total < 15_000
    rare = List(many, Query(q="77"), tmp_path).matches(10**6, 60)
    assert rare.exact and not rare.doing


def test_of_filtered_rows_alone_texts_are_read(many: Columns) -> None:
    scan = Scan(many, np.array([7, 770, 14_077]), Query(q="77"))
    scan.extend(10**9, 60)
    assert scan.hits == [770, 14_077]
    assert scan.walk.total == 3


def test_rows_all_over_the_file_are_found(many: Columns) -> None:
    """Units of a walk read several row groups each: with the same threads for both they would wait for each other."""
    shuffled = np.random.default_rng(1).permutation(15_000)
    scan = Scan(many, shuffled, Query(q="77"))
    scan.extend(10**9, 60)
    assert scan.walk.ended
    assert scan.hits == [at for at in range(15_000) if "77" in str(at)]


def test_marks_are_where_the_hit_is() -> None:
    texts = ["Ärger: a.b (x)", "nothing"]
    assert marks_of(texts, Query(q="A.B (")) == [(7, 12), None]
    assert marks_of(texts, Query(q=r"(a|z)\.(b)", kind="regex")) == [(7, 10), None]


def test_what_is_asked_stands_in_the_address() -> None:
    query = query_of({"q": "a b&c", "kind": "regex", "fate": "held", "order": "nonsense", "other": "x", "min": "ten"})
    assert query.address() == "q=a+b%26c&kind=regex&fate=held&min=ten"
    assert query.problems() == ["'ten' is no number of characters"]
    assert looking(query) is not None
