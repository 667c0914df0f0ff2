"""Formats with a prompt and an answer in columns: Alpaca, Dolly, question/answer, Self-Instruct, prompt/completion."""

import pytest

from assay.formats import FORMATS, NotCarried, Unreadable, detect
from assay.records import Json, Message, Record, Source

PAIR = (Message("user", "Add.\n1, 2"), Message("assistant", "3"))


@pytest.mark.parametrize(
    ("row", "name", "messages"),
    [
        ({"instruction": "Add.", "input": "1, 2", "output": "3"}, "alpaca", PAIR),
        ({"instruction": "Add.", "input": "", "output": "3"}, "alpaca", (Message("user", "Add."), PAIR[1])),
        ({"instruction": "Add.", "input": None, "output": "3"}, "alpaca", (Message("user", "Add."), PAIR[1])),
        ({"instruction": "Add.", "input": "1, 2", "response": "3"}, "alpaca", PAIR),
        ({"instruction": "Add.", "context": "1, 2", "response": "3", "category": "sums"}, "dolly", PAIR),
        ({"instruction": "Add.", "instances": [{"input": "1, 2", "output": "3"}]}, "self_instruct", PAIR),
        ({"prompt": "Add.\n1, 2", "completion": "3"}, "prompt_completion", PAIR),
        ({"question": "Add.\n1, 2", "answer": "3"}, "question_answer", PAIR),
        ({"instruction": "Add.\n1, 2", "response": "3"}, "question_answer", PAIR),
        ({"input": "Add.\n1, 2", "output": "3"}, "question_answer", PAIR),
        (
            {"question": "Add.\n1, 2", "answer": "3", "system": "Sums."},
            "question_answer",
            (Message("system", "Sums."), *PAIR),
        ),
    ],
)
def test_a_row_is_recognised_and_read(row: dict[str, object], name: str, messages: tuple[Message, ...]) -> None:
    form = detect(row)
    assert form is not None
    assert form.name == name
    assert form.read(row).messages == messages


def test_alpaca_takes_system_and_history() -> None:
    row = {"instruction": "c", "input": "", "output": "d", "system": "s", "history": [["a", "b"]]}
    assert [(m.role, m.content) for m in FORMATS["alpaca"].read(row).messages] == [
        ("system", "s"),
        ("user", "a"),
        ("assistant", "b"),
        ("user", "c"),
        ("assistant", "d"),
    ]


def test_earlier_turns_beside_a_query_and_a_response_are_turns() -> None:
    """ms-swift and data-juicer write {"system", "query", "response", "history": [[query, response], ...]}."""
    row = {"system": "s", "query": "c", "response": "d", "history": [["a", "b"]]}
    parsed = FORMATS["question_answer"].read(row)
    assert [(m.role, m.content) for m in parsed.messages] == [
        ("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"),
    ]  # fmt: skip
    assert parsed.meta == {}


@pytest.mark.parametrize("history", ["bought twice", None, 3, ["a", "b"], [["a"]], [["a", 1]]])
def test_a_history_that_is_no_turns_stays_beside_the_record(history: Json) -> None:
    parsed = FORMATS["question_answer"].read({"query": "c", "response": "d", "history": history})
    assert [m.content for m in parsed.messages] == ["c", "d"]
    assert parsed.meta == {"history": history}


def test_alpaca_gives_the_input_back_to_its_column() -> None:
    alpaca = FORMATS["alpaca"]
    row = {"instruction": "Add.", "input": "1, 2", "output": "3", "id": 9}
    parsed = alpaca.read(row)
    assert alpaca.write(Record("id", "row", parsed.messages, Source("a", 1, 0), meta=parsed.meta)) == [row]


def test_a_column_of_meta_never_overwrites_one_of_the_format() -> None:
    record = Record("id", "row", PAIR, Source("a", 1, 0), meta={"output": "another"})
    assert FORMATS["alpaca"].write(record)[0] == {
        "instruction": "Add.\n1, 2",
        "input": "",
        "output": "3",
        "meta_output": "another",
    }


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"instruction": "a", "output": None}, "output is empty"),
        ({"instruction": "a", "output": 4}, "output is a number, not text; quote it, or name the column in `columns`"),
        ({"instruction": "a", "output": float("nan")}, "output is empty"),
        ({"instruction": ["a"], "output": "b"}, "instruction is a list"),
        ({"instruction": "a", "output": "b", "history": [["x"]]}, "pair 1 of history"),
        ({"instruction": "a", "instances": []}, "no instance"),
        ({"instruction": "a", "instances": ["b"]}, "an instance is text"),
    ],
)
def test_cells_that_are_no_text_are_named(row: dict[str, object], said: str) -> None:
    form = detect(row)
    assert form is not None
    with pytest.raises(Unreadable, match=said.replace("(", r"\(")):
        form.read(row)


def test_a_seed_with_several_instances_is_several_rows() -> None:
    split = FORMATS["self_instruct"].split
    assert split is not None
    rows = split({"instruction": "a", "instances": [{"input": "1", "output": "2"}, {"input": "3", "output": "4"}]})
    assert [row["instances"] for row in rows] == [[{"input": "1", "output": "2"}], [{"input": "3", "output": "4"}]]


def test_prompt_and_completion_may_be_lists_of_messages() -> None:
    row = {
        "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}],
        "completion": [{"role": "assistant", "content": "b"}],
    }
    parsed = FORMATS["prompt_completion"].read(row)
    assert [m.role for m in parsed.messages] == ["system", "user", "assistant"]
    assert FORMATS["prompt_completion"].write(Record("id", "row", parsed.messages, Source("a", 1, 0))) == [row]


@pytest.mark.parametrize("name", ["alpaca", "dolly", "question_answer", "self_instruct"])
@pytest.mark.parametrize(
    ("record", "said"),
    [
        (Record("id", "row", PAIR, Source("a", 1, 0), ({"type": "function"},)), "declared tools"),
        (Record("id", "row", PAIR[:1], Source("a", 1, 0)), "ending on the assistant"),
        (Record("id", "row", (PAIR[0], Message("assistant", "3", train=False)), Source("a", 1, 0)), "weight"),
        (Record("id", "row", (PAIR[0], Message("assistant", None)), Source("a", 1, 0)), "without content"),
    ],
)
def test_what_a_pair_cannot_hold_is_refused(name: str, record: Record, said: str) -> None:
    with pytest.raises(NotCarried, match=said):
        FORMATS[name].write(record)
