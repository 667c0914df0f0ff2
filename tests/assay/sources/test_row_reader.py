"""No row crashes the reader, whatever it holds: hypothesis draws rows that nobody would write."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.containers.raw import RawRow
from assay.dataset import Dataset
from assay.formats import FORMATS, NotCarried
from assay.formats.conversation import TURN_COLUMNS
from assay.sources import reading as sources
from assay.sources.row_reader import Layout, RowReader

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = sorted(
    {
        *TURN_COLUMNS,
        *("instruction", "input", "output", "system", "history", "context", "response", "instances"),
        *("prompt", "completion", "chosen", "rejected", "chosen_messages", "rejected_messages", "label", "kto_tag"),
        *("preferred_output", "non_preferred_output", "question", "answer", "tools", "functions", "images"),
        *("role", "from", "content", "value", "text", "name", "weight", "train", "type", "tool_calls", "function_call"),
        *("function", "arguments", "conversation_id", "turn", "tool_call_id", "reasoning_content", "id"),
    }
)
texts = st.sampled_from(
    ["user", "gpt", "function_call", "tool", "assistant", "[]", "{}", '[{"role": "user"}]', "\n\nHuman: a"]
)
values = st.recursive(
    scalars | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=12,
)
turns = st.fixed_dictionaries(
    {
        "messages": st.lists(
            st.fixed_dictionaries(
                {"role": st.sampled_from(["system", "user", "assistant", "tool", "developer", "narrator"])},
                optional={
                    "content": st.none() | st.text(max_size=5),
                    "name": st.text(max_size=3),
                    "tool_call_id": st.text(max_size=3),
                    "weight": st.sampled_from([0, 1]),
                    "at": scalars,
                    "tool_calls": st.lists(
                        st.fixed_dictionaries(
                            {"name": st.text(max_size=3), "arguments": values},
                            optional={"id": st.text(max_size=3)},
                        ),
                        max_size=2,
                    ),
                },
            ),
            min_size=1,
            max_size=4,
        )
    },
    optional={"tools": st.lists(st.fixed_dictionaries({"name": st.text(max_size=3)}, optional={"parameters": values}))},
)
rows = st.dictionaries(st.sampled_from(KEYS), values, max_size=5) | values


def read(values: list[Any], layout: Layout) -> Dataset:
    reader = RowReader()
    reader.read([RawRow(value, None, row) for row, value in enumerate(values)], "drawn", "digest", layout)
    return reader.finish()


@given(st.lists(rows, max_size=4))
def test_every_row_is_a_record_or_a_fault(drawn: list[Any]) -> None:
    data = read(drawn, Layout(preference=True))
    seen = {record.source.row for record in data.records()} | {fault.source.row for fault in data.faults}
    grouped = "one message a row" in data.notes[0]
    assert seen <= set(range(len(drawn)))
    assert grouped or seen == set(range(len(drawn)))


@pytest.mark.parametrize("name", FORMATS)
@given(drawn=rows)
def test_a_format_forced_on_any_row_reads_it_or_says_why_not(name: str, drawn: Any) -> None:
    data = read([drawn], Layout(format=FORMATS[name]))
    assert data.rows_read >= 1


@given(rows)
def test_columns_mapped_on_any_row_read_it_or_say_why_not(drawn: Any) -> None:
    row = {**drawn, "q": drawn.get("prompt"), "a": drawn.get("answer", "x")} if isinstance(drawn, dict) else drawn
    assert read([row, {"q": "x", "a": "y"}], Layout.of("auto", {"prompt": "q", "answer": "a"})).rows_read == 2


@pytest.mark.parametrize("name", FORMATS)
@given(drawn=turns | rows)
def test_whatever_is_read_and_can_be_written_is_read_again_as_the_same_record(name: str, drawn: Any) -> None:
    for record in read([drawn], Layout(preference=True)).records():
        try:
            written = FORMATS[name].write(record)
        except NotCarried:
            continue
        again = read(json.loads(json.dumps(written)), Layout(format=FORMATS[name]))
        assert not again.faults
        assert again.table["record_id"].to_pylist() == [record.id]


@pytest.mark.parametrize("depth", [50, 200, 5_000])
def test_nesting_of_any_depth_is_survived(depth: int) -> None:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    assert read([{"messages": value}, {"prompt": "a", "completion": "b", "deep": value}], Layout()).rows_read == 2


def test_of_several_instances_in_a_row_the_faulty_one_is_a_fault_of_its_own() -> None:
    reader = RowReader()
    instances = [{"input": "1", "output": "2"}, None, {"input": "3", "output": "4"}]
    raw = RawRow({"instruction": "Add one.", "instances": instances}, 1, 0)
    reader.read([raw], "a.jsonl", "digest", Layout())
    data = reader.finish()
    assert (len(data), len(data.faults)) == (2, 1)
    assert len(set(data.row_ids())) == 3


def test_a_column_whose_name_breaks_the_line_is_named_on_one(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"role": [], "\\n": "7"}\n', encoding="utf-8")
    (fault,) = sources.read([str(tmp_path / "a.jsonl")]).faults
    assert "no known format has the columns role, \\n;" in fault.message
