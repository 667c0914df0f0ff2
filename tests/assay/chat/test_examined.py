"""What the checks are told without token ids is what the token ids say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.chat import ChatTarget, Encoded, TemplateProblem, encode_all, examine_all, load_target
from assay.chat.boundaries import Edge, boundaries_of
from assay.chat.examined import Examined
from assay.records import Message, Record, Source, ToolCall, record_id

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEMPLATES = {
    "chatml": CHATML,
    "answer_in_the_word_of_the_prompt": CHATML.replace("assistant\n{% endif %}", "assistant{% endif %}").replace(
        "{{ m.role }}\n", "{{ m.role }}{{ '\n' if m.role != 'assistant' }}"
    ),
    "two_line_breaks": CHATML.replace("assistant\n{% endif %}", "assistant\n\n{% endif %}").replace(
        "m.role }}\n", "m.role }}\n\n"
    ),
    "end_is_no_token": CHATML.replace("<|im_end|>", "</turn>"),
    "end_is_no_stop": CHATML.replace("<|im_end|>", "<unused0>"),
    "no_end": "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}",
}


def record(*turns: str | Message) -> Record:
    roles = ("user", "assistant")
    messages = tuple(t if isinstance(t, Message) else Message(roles[i % 2], t) for i, t in enumerate(turns))
    return Record(record_id(messages), "row", messages, Source("a.jsonl", 1, 0))


@pytest.fixture(scope="module")
def targets(tiny_model: Path) -> dict[str, ChatTarget]:
    return {name: load_target(str(tiny_model), chat_template=text) for name, text in TEMPLATES.items()}


def assert_told_the_same(records: list[Record], target: ChatTarget) -> None:
    for examined, encoded in zip(examine_all(records, target), encode_all(records, target), strict=True):
        if isinstance(encoded, TemplateProblem):
            assert isinstance(examined, TemplateProblem)
            assert (examined.check, examined.kind, examined.message) == (encoded.check, encoded.kind, encoded.message)
        else:
            assert isinstance(examined, Examined)
            assert (examined.text, examined.answers, examined.notes) == (encoded.text, encoded.answers, encoded.notes)
            assert examined.encoded() == encoded
            if examined.fewer_tokens_than(len(encoded.input_ids) - 1):
                raise AssertionError("a text was said to have fewer tokens than it has")


@pytest.mark.parametrize("name", TEMPLATES)
def test_notes_and_problems_are_those_of_the_token_ids(targets: dict[str, ChatTarget], name: str) -> None:
    words = ["yes", "\nno", " the cat", "", "<|im_end|>", "<|endoftext|> x", "🙂", "\ud83d", "\u0301", "1234", "a\n\nb"]
    records = [record(a, b) for a in words for b in words] + [record(a, b, b, a) for a in words for b in words]
    records.append(record("a", Message("assistant", None, (ToolCall("look", {"at": "cat"}, "c1"),))))
    assert_told_the_same(records, targets[name])


@given(turns=st.lists(st.text(max_size=12), min_size=2, max_size=4), name=st.sampled_from(sorted(TEMPLATES)))
def test_notes_and_problems_of_any_text(targets: dict[str, ChatTarget], turns: list[str], name: str) -> None:
    assert_told_the_same([record(*turns)] * 3, targets[name])


def test_ordinary_records_are_not_tokenised(targets: dict[str, ChatTarget], monkeypatch: pytest.MonkeyPatch) -> None:
    records = [record(f"question {i}", "the answer") for i in range(100)]
    list(examine_all(records, targets["chatml"]))
    pieces: list[int] = []
    monkeypatch.setattr("assay.chat.boundaries.tokenize", lambda texts, target: pieces.append(len(texts)))
    monkeypatch.setattr("assay.chat.examined.tokenize", lambda texts, target: pieces.append(len(texts)))
    assert all(isinstance(item, Examined) for item in examine_all(records, targets["chatml"]))
    assert pieces == []


PLAIN = "Which of the two towns was the older one, and whose was the bridge? " * 12
STARTS = (
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>",
    PLAIN + "{}",
    PLAIN + "it's {}\n\n### Response:\n",
    "<|im_start|>user\n" + PLAIN + "{}<|im_end|>\n<|im_start|>assistant\n\n",
    "<|im_start|>user\n" + PLAIN + "<|im_end|>{}Assistant:",
    PLAIN + "<|im_<|im_end|>{}",
)
PIECES = st.text(max_size=12) | st.text("aeAE '.:\n\t1", max_size=9)


@given(before=PIECES, after=PIECES, start=st.sampled_from(STARTS))
def test_an_edge_is_what_the_tokens_of_the_whole_and_of_the_part_say(
    targets: dict[str, ChatTarget], before: str, after: str, start: str
) -> None:
    """With an added token shortly before it, and with nothing but words."""
    target = targets["chatml"]
    try:
        text = (start.replace("{}", before) + after).encode().decode()
    except UnicodeEncodeError:
        return
    cut = len(text) - len(after)
    whole, part = (target.tokenizer(piece)["input_ids"] for piece in (text, text[:cut]))
    offsets = target.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    straddled = any(start < cut < end for start, end in offsets)
    alike = whole[: len(part)] == part
    expected = Edge.STRADDLED if straddled else Edge.CLEAN if alike else Edge.DIFFERENT
    assert boundaries_of(target).edge(text, cut) in (expected, None)


def test_every_turn_that_ends_in_no_stop_token_is_said(targets: dict[str, ChatTarget]) -> None:
    (encoded,) = encode_all([record("a", "b", "c", "d")], targets["end_is_no_token"])
    assert isinstance(encoded, Encoded)
    assert [(note.kind, note.turn) for note in encoded.notes] == [("not_a_token", 1), ("not_a_token", 3)]


NO_TOKENS = (
    "{% for m in messages %}### {{ m.role }}:\n{{ m.content }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}### assistant:\n{% endif %}"
)


def test_long_texts_without_added_tokens_are_not_tokenised_whole(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = load_target(str(tiny_model), chat_template=NO_TOKENS)
    records = [record(f"{PLAIN} question {i}", f"The answer {i}. {PLAIN}") for i in range(40)]
    assert_told_the_same(records, target)
    whole: list[int] = []
    monkeypatch.setattr("assay.chat.examined.tokenize", lambda texts, target: whole.append(len(texts)))
    assert all(isinstance(item, Examined) for item in examine_all(records, target))
    assert whole == []


def test_an_earlier_answer_that_shares_a_token_with_its_prompt_is_said_without_the_tokens_of_the_whole(
    targets: dict[str, ChatTarget], monkeypatch: pytest.MonkeyPatch
) -> None:
    target, records = targets["chatml"], [record("a", "\nno", "b", f"so {i}") for i in range(40)]
    assert_told_the_same(records, target)
    left_out = [
        [note.kind for note in item.notes] for item in examine_all(records, target) if isinstance(item, Examined)
    ]
    whole: list[int] = []
    monkeypatch.setattr("assay.chat.examined.tokenize", lambda texts, target: whole.append(len(texts)))
    assert len(list(examine_all(records, target))) == len(left_out) == 40
    assert whole == []
