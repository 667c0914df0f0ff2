"""What may stand in data that nobody looked at: texts, JSON, turns, records and data sets, for hypothesis to draw from.

ASSAY_FUZZ=10 draws ten times as many examples as an ordinary run of the tests.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from assay.dataset import Dataset
from assay.records import ROLES, Json, Message, Record, Source, ToolCall, record_id, row_id

TIMES = int(os.environ.get("ASSAY_FUZZ", "1"))


def fuzz(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """So many examples in an ordinary run; fixtures are shared by all of them."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    count = max(1, examples * TIMES)
    return settings(max_examples=count, suppress_health_check=slow, phases=set(Phase) - {Phase.explain})


PIECES = (
    "", " ", "\n", "\0", "\ufeff", "\ud800", "\udfff\ud83d", "\ufffd", "\u202e", "é", "Ã©", "漢字", "ありがとう",
    "مرحبا", "👩‍👩‍👧", "e\u0301e\u0301", "I am", " ChatGPT", "As an AI", " language model,",
    "hope this helps", "The answer is the", " of and to", "12 * 7 = 86", "=", "1 + 1 = ", "<<", ">>",
    "20% of 50 is 10", "9", "1/0 = 1", "((((", "))", "²", "```python\n", "```json\n", "```yaml\n", "```\n",
    "~~~", "def f(:\n", '{"a": 1,}', '{"a": 1, "a": 2}', "[[[[", "NaN", "{{name}}", "[YOUR NAME]",
    "<insert date>", "${x}", "__X__", "%NAME%", "<|im_end|>", "</s>", "[INST]", "$$", "\\frac{1}{2}", "\\[",
    "https://x.org/a?b=c", "user@example.org", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00",
    "+49 30 1234567", "the same words ", "- ", "1. ", "| a | b |\n", "Yes.", "No,", "not", "2024-02-30",
    "Translate into German:", "JSON only", "repeat", "1e999", "-Infinity", "٣٫٥ ", "½", "10^400", "31/02/2024 ",
    "$1,2,3.4.5 ", "5 km ", "-0 ", "1e-400%", "Ⅷ", "𝟗", "ß", "İ", "\u2028", "\x85", "\x1b[2J", "\u200b", "<think>",
    "</think>", "&amp;", "<script>", "=cmd()", "sk-abcdefghijklmnopqrstuvwx1234567890ABCDEFGH", "aaaaaaaaaaaaaaaaab",
)  # fmt: skip

NUMBERS = (
    "0",
    "1e999",
    "-1e999",
    "NaN",
    "9" * 400,
    "1/3",
    "٤٢",
    "四十二",
    "1_000",
    "1.000,00",
    "12:61",
    "0x1F",
    "1e5",
    "−5",
)
"""What a number may be, put into sentences that otherwise agree."""

TEXT = st.one_of(
    st.none(),
    st.text(max_size=60),
    st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Z", "C", "M", "Cs"]), max_size=40),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.tuples(st.sampled_from(PIECES), st.integers(1, 400)).map(lambda given: given[0] * given[1]),
)
JSON_VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([2**63, -(2**70), 10**300, 1e308])
    | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SCHEMA = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["function", "object", 3, None]),
        "name": st.text(max_size=4) | st.integers(),
        "function": st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from(["f", "", None, 3]),
                "parameters": JSON_VALUE
                | st.just({"type": "object", "properties": {"a": {"type": ["x", None]}}, "required": 3}),
            },
        )
        | JSON_VALUE,
    },
)
CALL = st.builds(ToolCall, st.sampled_from(["f", "", "g\ud800"]), JSON_VALUE | TEXT, st.none() | st.text(max_size=3))
MESSAGE = st.builds(
    Message,
    st.sampled_from([*ROLES, "user", "assistant", "assistant", "narrator", "", "<|bot|>\ud800"]),
    TEXT,
    st.lists(CALL, max_size=2).map(tuple),
    st.none() | st.text(max_size=3),
    st.none() | st.text(max_size=3),
    st.none() | st.booleans(),
)


def record_of(messages: Sequence[Message], tools: Sequence[Json] = (), row: int = 0, meta: Json = None) -> Record:
    given, declared = tuple(messages), tuple(tools)
    source = Source("a.jsonl", row + 1, row)
    return Record(record_id(given, declared), row_id("fuzz", row), given, source, declared, meta=meta or {})


def dataset_of(records: Sequence[Record]) -> Dataset:
    """The records as rows of one file."""
    return Dataset.from_records(
        record_of(record.messages, record.tools, row, record.meta) for row, record in enumerate(records)
    )


RECORD = st.builds(
    record_of,
    st.lists(MESSAGE, max_size=5),
    st.lists(SCHEMA | JSON_VALUE, max_size=2),
    st.just(0),
    st.dictionaries(st.text(max_size=4), JSON_VALUE, max_size=2),
)

PROMPTS = st.sampled_from(
    ["When was it?", "How far is it from A to B?", "Is it open?", "Which intent has this?\nlost card", "Write a poem.",
     "Wie weit ist es?", "¿Cuándo fue?", "多远？", "いつですか", "متى كان ذلك؟", "Translate into German: the cat", "",
     "\ud800"]
)  # fmt: skip
ANSWERS = st.one_of(
    st.sampled_from(NUMBERS).map(lambda number: f"It is {number} km from A to B, as the sign in the park says."),
    st.sampled_from(NUMBERS).map(lambda number: f"It was on March {number}, 19{number}, in the town of Arles."),
    st.sampled_from(["Yes.", "No.", "Yes, it is open.", "It is not open.", "lost_card", "card_arrival", "LOST CARD"]),
    st.sampled_from(['{"a": 1}', '{"a": 2}', "I'm sorry, but I can't help with that.", "- a\n- b", "**A** and B"]),
    st.sampled_from(["Das ist nicht so.", "Das ist so.", "Son 5 km.", "五公里", "没有", "はい", "لا", "١٩٩٩"]),
    TEXT.map(lambda text: text or ""),
)
ALIKE = st.builds(
    lambda system, prompt, answer: (
        record_of([Message("user", prompt), Message("assistant", answer)])
        if system is None
        else record_of([Message("system", system), Message("user", prompt), Message("assistant", answer)])
    ),
    st.none() | TEXT,
    PROMPTS | TEXT,
    ANSWERS,
)
"""Few prompts and many answers, so that records repeat and contradict each other."""


def _edited(given: tuple[Record, str, int]) -> Record:
    record, piece, place = given
    words = [word for message in record.messages for word in (message.content or "").split(" ")]
    words[place % (len(words) + 1) : place % (len(words) + 1) + 1] = [piece]
    half = len(words) // 2
    turns = [Message("user", " ".join(words[:half])), Message("assistant", " ".join(words[half:]))]
    return record_of(turns, record.tools, 0, dict(record.meta))


@st.composite
def data_sets(draw: st.DrawFn, most: int = 12) -> list[Record]:
    """Some records, and copies and edited copies of them."""
    drawn = draw(st.lists(RECORD | ALIKE | ALIKE, min_size=1, max_size=most))
    copies = draw(st.lists(st.sampled_from(drawn), max_size=4))
    pieces = st.sampled_from(PIECES)
    edits = draw(st.lists(st.tuples(st.sampled_from(drawn), pieces, st.integers(0, 50)).map(_edited), max_size=4))
    return draw(st.permutations([*drawn, *copies, *edits]))


def deep(levels: int) -> Json:
    """An object within an object, and so on."""
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def huge_records(turns: int, size: int) -> list[Record]:
    """Too large for hypothesis to draw: that many turns, deep JSON, and so many characters of one kind."""
    call = Message("assistant", None, (ToolCall("f", deep(900)), ToolCall("f", "{" * 5_000)))
    talk = [Message(("user", "assistant")[n % 2], f"turn {n % 7}") for n in range(turns)]
    texts = (piece * (size // len(piece)) for piece in ("a", "a b ", "9", "(", "漢", "Ã©", "\n", "[[", "**", "aA1+/"))
    told = " ".join(f"It is {n} km and {n * n} kg on day {n % 28}, not {n % 3}." for n in range(size // 40))
    return [
        record_of([Message("user", "x"), call, Message("tool", "y", tool_call_id="z")], [deep(50)]),
        record_of(talk),
        record_of([Message("assistant", "yes")] * turns),
        *(record_of([Message("user", "What is it?"), Message("assistant", text)]) for text in texts),
        *(record_of([Message("user", "How far?"), Message("assistant", told + end)]) for end in ("", " No.", " 7.")),
        record_of([Message("user", told), Message("assistant", "7")]),
    ]
