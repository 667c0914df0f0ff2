"""What a forward pass computes: every beginning once, each branch apart, and little padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from assay.evaluate.models.packing import Bounds, Request, Row, batches, groups, pack, paths

BOUNDS = Bounds(batch_tokens=4096, reads=1000, pass_tokens=16)


def random_ids(rng: np.random.Generator, low: int, high: int) -> tuple[int, ...]:
    return tuple(int(token) for token in rng.integers(4, 400, size=rng.integers(low, high)))


def multiple_choice(rng: np.random.Generator, items: int, beginning: tuple[int, ...] = ()) -> list[Request]:
    requests = []
    for _ in range(items):
        context = beginning + random_ids(rng, 1, 30)
        requests += [Request(context, random_ids(rng, 1, 6)) for _ in range(rng.integers(1, 5))]
    return requests


def rows_of(requests: Sequence[Request], bounds: Bounds = BOUNDS, max_length: int = 2048) -> list[Row]:
    return pack(paths(requests, max_length), 0, bounds)


def seen_from(row: Row, column: int) -> tuple[int, ...]:
    """The tokens that a column sees, itself included."""
    return tuple(token for at, token in enumerate(row.ids[: column + 1]) if row.ends[at] > column)


def distinct_beginnings(requests: Sequence[Request]) -> int:
    """Nodes of the tree of all requests: no method that computes a token after what precedes it computes fewer."""
    whole = [context + continuation[:-1] for context, continuation in requests]
    return len({ids[:length] for ids in whole for length in range(1, len(ids) + 1)})


def test_options_of_one_context_share_a_row() -> None:
    (row,) = rows_of([Request((1, 2, 3), (4, 5)), Request((1, 2, 3), (6, 7)), Request((1, 2), (4,))])
    assert row.ids == (1, 2, 3, 4, 6) and row.positions == (0, 1, 2, 3, 3) and row.ends == (5, 5, 5, 4, 5)
    assert row.branched
    assert sorted((read.request, read.column, read.token) for read in row.reads) == [
        (0, 2, 4), (0, 3, 5), (1, 2, 6), (1, 4, 7), (2, 1, 4),
    ]  # fmt: skip


def test_a_minimal_pair_parts_where_it_differs() -> None:
    (row,) = rows_of([Request((1, 2, 3, 4), (5, 6)), Request((1, 2, 7, 4), (5, 6))])
    assert row.ids == (1, 2, 3, 4, 5, 7, 4, 5)


@pytest.mark.parametrize("beginning", [0, 40])
def test_every_read_sees_its_own_request_and_nothing_else(beginning: int) -> None:
    rng = np.random.default_rng(beginning)
    requests = multiple_choice(rng, 60, random_ids(rng, beginning, beginning + 1) if beginning else ())
    answered: dict[int, int] = {}
    for shared, rows in groups(requests, 2048, BOUNDS):
        for row in rows:
            for read in row.reads:
                context, continuation = requests[read.request]
                number = answered.get(read.request, 0)
                assert shared + seen_from(row, read.column) == context + continuation[:number]
                assert row.positions[read.column] == len(context) + number - 1
                assert read.token == continuation[number]
                answered[read.request] = number + 1
    assert answered == {number: len(request.continuation) for number, request in enumerate(requests)}


def test_items_of_one_pattern_are_computed_nearly_once() -> None:
    rng = np.random.default_rng(1)
    patterns = [random_ids(rng, 3, 6) for _ in range(4)]
    requests = [
        Request(patterns[n % 4] + random_ids(rng, 1, 4), random_ids(rng, 1, 3)) for n in range(150) for _ in range(4)
    ]
    computed = sum(len(batch) * len(batch[0].ids) for batch in batches(rows_of(requests), BOUNDS))
    assert computed < 1.05 * distinct_beginnings(requests)


def test_a_beginning_is_computed_apart_where_more_than_a_few_rows_have_it() -> None:
    beginning = tuple(range(100, 130))
    few, many = (
        [Request((*beginning, 1, n), (option, 7)) for n in range(items) for option in (3, 4)] for items in (4, 200)
    )
    ((shared, (row,)),) = groups(few, 64, BOUNDS)
    assert shared == () and row.ids[:30] == beginning
    ((shared, rows),) = groups(many, 64, BOUNDS)
    assert shared == (*beginning, 1) and len(rows) < 8
    assert all(row.ids[0] != 100 and row.positions[0] == 31 for row in rows)


def test_long_texts_that_share_nothing_stand_alone_and_need_no_mask() -> None:
    rng = np.random.default_rng(2)
    requests = [Request(random_ids(rng, 1, 2), random_ids(rng, 90, 150)) for _ in range(20)]
    rows = rows_of(requests)
    assert len(rows) == 20 and not any(row.branched for row in rows)


def test_options_of_a_long_context_share_it() -> None:
    rng = np.random.default_rng(3)
    context = random_ids(rng, 1500, 1501)
    assert len(rows_of([Request(context, random_ids(rng, 20, 30)) for _ in range(4)])) == 1


def test_without_branches_a_row_holds_what_goes_on_from_its_end() -> None:
    requests = [Request((1, 2, 3), (4, 5)), Request((1, 2, 3), (6,)), Request((1, 2), (4,)), Request((1, 2), (9, 8))]
    rows = rows_of(requests, Bounds(64, 1000, 16, longest_branched=0))
    assert [row.ids for row in rows] == [(1, 2, 3, 4), (1, 2, 9)]
    assert not any(row.branched for row in rows)


def test_a_branched_row_stays_within_the_window_with_what_is_cached() -> None:
    rng = np.random.default_rng(4)
    requests = multiple_choice(rng, 80, random_ids(rng, 30, 31))
    bounds = Bounds(4096, 1000, 16, longest_branched=70)
    for beginning, rows in groups(requests, 2048, bounds):
        assert all(len(beginning) + len(row.ids) <= 70 for row in rows if row.branched)
    short = Bounds(4096, 1000, 16, longest_branched=40)
    assert all(not beginning for beginning, _ in groups(requests, 2048, short))


def test_a_context_that_is_too_long_loses_its_beginning() -> None:
    (path,) = paths([Request(tuple(range(10, 30)), (1, 2, 3))], max_length=8)
    assert path.ids == (24, 25, 26, 27, 28, 29, 1, 2) and path.first == 5


def test_batches_hold_what_they_may_padding_included() -> None:
    rng = np.random.default_rng(5)
    ((_, rows),) = groups(multiple_choice(rng, 200), 64, BOUNDS)
    rows += [Row((1,) * n, tuple(range(n)), (n,) * n, ()) for n in range(min(len(row.ids) for row in rows) - 1, 0, -1)]
    made = list(batches(rows, Bounds(500, 100, pass_tokens=9)))
    assert [row for batch in made for row in batch] == rows and 1 < len(made) < len(rows)
    for batch in made:
        width = len(batch[0].ids)
        assert len(batch) == 1 or width * len(batch) <= 500
        assert len(batch) == 1 or sum(row.read_columns for row in batch) <= 100
        assert sum(width - len(row.ids) for row in batch) <= 9
