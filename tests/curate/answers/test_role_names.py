"""Roles by other names are repaired where the name leaves no doubt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.curate.answers.role_names import meant_by
from assay.curate.checks.unknown_role import unknown_role
from assay.records import ROLES, Message, Record, Source, record_id, row_id


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Human", "user"),
        ("gpt", "assistant"),
        ("Assistant ", "assistant"),
        ("<|assistant|>", "assistant"),
        ("USER:", "user"),
        ("bot_1", "assistant"),
        ("[model]", "assistant"),
        ("Asistente", "assistant"),
        ("用户", "user"),
        ("tool_response", "tool"),
        ("### Response:", "assistant"),
        ("narrator", None),
        ("", None),
        ("user or assistant", None),
        ("1", None),
    ],
)
def test_the_role_that_is_meant(name: str, role: str | None) -> None:
    assert meant_by(name) == role


@given(st.text(max_size=40))
def test_any_name_is_a_known_role_or_none(name: str) -> None:
    assert meant_by(name) in (*ROLES, None)


def record_of(*messages: Message) -> Record:
    return Record(record_id(messages), row_id("t", 0), messages, Source("a.jsonl", 1, 0))


def test_the_repair_changes_roles_and_nothing_else() -> None:
    record = record_of(Message("Human:", " Hi "), Message("<bot>", "Hello", name="x"), Message("user", "?"))
    assert unknown_role.repair is not None
    repaired = unknown_role.repair(record)
    assert [(m.role, m.content, m.name) for m in repaired.messages] == [
        ("user", " Hi ", None),
        ("assistant", "Hello", "x"),
        ("user", "?", None),
    ]


def test_one_name_in_doubt_leaves_the_record_as_it_is() -> None:
    record = record_of(Message("Human:", "Hi"), Message("narrator", "It rains."))
    assert unknown_role.repair is not None and unknown_role.repair(record) == record
