"""Tables with one message a row: grouped by conversation, ordered by time."""

import pytest

from assay.containers.raw import RawRow
from assay.formats import FORMATS, detect
from assay.records import Message

TABLE = FORMATS["message_table"]


def gathered(*rows: dict[str, object]) -> list[RawRow]:
    assert TABLE.gather is not None
    return list(TABLE.gather([RawRow(row, index + 1, index) for index, row in enumerate(rows)]))


def contents(row: RawRow) -> list[str | None]:
    return [message.content for message in TABLE.read(row.value).messages]


def test_messages_are_grouped_and_put_in_order() -> None:
    first, second = gathered(
        {"conversation_id": "x", "turn": 2, "role": "assistant", "content": "b"},
        {"conversation_id": "y", "turn": 1, "role": "user", "content": "c"},
        {"conversation_id": "x", "turn": 1, "role": "user", "content": "a"},
        {"conversation_id": "y", "turn": 10, "role": "user", "content": "e"},
        {"conversation_id": "y", "turn": 9, "role": "assistant", "content": "d"},
    )
    assert contents(first) == ["a", "b"]
    assert contents(second) == ["c", "d", "e"]
    assert (first.line, first.row, second.line, second.row) == (1, 0, 2, 1)


@pytest.mark.parametrize(
    "times",
    [
        ["10", "9"],
        ["2026-01-02T10:00:00+02:00", "2026-01-02T07:59:00+00:00"],
        ["2026-01-02", "2026-01-01"],
        ["b", "a"],
        [None, "2026-01-01"],
    ],
)
def test_the_order_is_that_of_numbers_dates_and_letters(times: list[str | None]) -> None:
    (row,) = gathered(
        {"thread_id": 1, "time": times[0], "role": "assistant", "content": "second"},
        {"thread_id": 1, "time": times[1], "role": "user", "content": "first"},
    )
    assert contents(row) == ["first", "second"]


def test_without_a_conversation_column_the_file_is_one_conversation_in_its_own_order() -> None:
    (row,) = gathered({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"})
    assert TABLE.read(row.value).messages == (Message("user", "a"), Message("assistant", "b"))


def test_a_message_of_no_conversation_is_a_fault() -> None:
    fault, row = gathered(
        {"conversation_id": "x", "role": "user", "content": "a"},
        {"conversation_id": None, "role": "user", "content": "b"},
    )
    assert fault.fault is not None
    assert fault.row == 1
    assert contents(row) == ["a"]


def test_a_row_with_role_and_content_is_recognised() -> None:
    assert detect({"chat_id": 1, "speaker": "customer", "text": "Hi"}) is TABLE
