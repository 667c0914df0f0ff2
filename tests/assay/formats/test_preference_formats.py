"""Preference data in every spelling gives its chosen side, and keeps the rejected one."""

import pytest

from assay.formats import FORMATS, Unreadable, detect
from assay.records import Message, Record, Source

WANTED = (Message("user", "Hole in my trousers?"), Message("assistant", "Mend it."))
TURNS = {
    "user": {"role": "user", "content": "Hole in my trousers?"},
    "chosen": {"role": "assistant", "content": "Mend it."},
    "rejected": {"role": "assistant", "content": "Take them off."},
}
SPELLINGS = {
    "TRL, text": {"prompt": "Hole in my trousers?", "chosen": "Mend it.", "rejected": "Take them off."},
    "TRL, turns": {"prompt": [TURNS["user"]], "chosen": [TURNS["chosen"]], "rejected": [TURNS["rejected"]]},
    "implicit prompt": {
        "chosen": [TURNS["user"], TURNS["chosen"]],
        "rejected": [TURNS["user"], TURNS["rejected"]],
    },
    "UltraFeedback": {
        "prompt": "Hole in my trousers?",
        "chosen": [TURNS["user"], TURNS["chosen"]],
        "rejected": [TURNS["user"], TURNS["rejected"]],
    },
    "HH-RLHF": {
        "chosen": "\n\nHuman: Hole in my trousers?\n\nAssistant: Mend it.",
        "rejected": "\n\nHuman: Hole in my trousers?\n\nAssistant: Take them off.",
    },
    "LLaMA-Factory, ShareGPT": {
        "conversations": [{"from": "human", "value": "Hole in my trousers?"}],
        "chosen": {"from": "gpt", "value": "Mend it."},
        "rejected": {"from": "gpt", "value": "Take them off."},
    },
    "LLaMA-Factory, Alpaca": {
        "instruction": "Hole in my trousers?",
        "input": "",
        "chosen": "Mend it.",
        "rejected": "Take them off.",
    },
    "LLaMA-Factory v1": {
        "chosen_messages": [TURNS["user"], {**TURNS["chosen"], "loss_weight": 1.0}],
        "rejected_messages": [TURNS["user"], {**TURNS["rejected"], "loss_weight": 1.0}],
    },
    "paired answers": {
        "question": "Hole in my trousers?",
        "response_j": "Mend it.",
        "response_k": "Take them off.",
    },
}


@pytest.mark.parametrize("row", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_gives_the_chosen_side(row: dict[str, object]) -> None:
    form = detect(row)
    assert form is FORMATS["preference"]
    parsed = form.read(row)
    assert parsed.messages == WANTED
    assert parsed.meta == {"rejected": [TURNS["rejected"]]}


def test_it_is_written_as_trl_reads_it() -> None:
    record = Record("id", "row", WANTED, Source("a", 1, 0), meta={"rejected": [TURNS["rejected"]]})
    assert FORMATS["preference"].write(record) == [SPELLINGS["TRL, turns"]]


def test_an_answer_without_a_prompt_is_no_record() -> None:
    with pytest.raises(Unreadable, match="no column holds its prompt"):
        FORMATS["preference"].read({"chosen": "a", "rejected": "b"})


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [TURNS["user"], TURNS["chosen"]], "label": True},
        {"prompt": "Hole in my trousers?", "completion": "Mend it.", "kto_tag": True},
        {"prompt": "Hole in my trousers?", "completion": "Mend it.", "label": "true"},
    ],
)
def test_rated_answers_are_read_where_they_are_wanted(row: dict[str, object]) -> None:
    form = detect(row)
    assert form is FORMATS["kto"]
    assert form.read(row).messages == WANTED
    unwanted = {key: False if key in ("label", "kto_tag") else value for key, value in row.items()}
    with pytest.raises(Unreadable, match="is false"):
        form.read(unwanted)


def test_preferred_output_of_openai() -> None:
    row = {
        "input": {"messages": [TURNS["user"]], "tools": [], "parallel_tool_calls": True},
        "preferred_output": [TURNS["chosen"]],
        "non_preferred_output": [TURNS["rejected"]],
    }
    form = detect(row)
    assert form is FORMATS["preferred_output"]
    parsed = form.read(row)
    assert parsed.messages == WANTED
    written = form.write(Record("id", "row", parsed.messages, Source("a", 1, 0), meta=parsed.meta))
    assert written == [{**row, "input": {"messages": [TURNS["user"]], "parallel_tool_calls": True}}]
