"""Conversations of every kind that a chat template treats in a way of its own, to measure template checks on.

About 100 words each, from `benchmarks.corpus`, so that they are the same on any machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from assay.records import Json, Message, Record, Source, ToolCall
from benchmarks.corpus import make_corpus

TOOL_LISTS = 8
"""Lists of tools that a data set of one application draws from."""

Make = Callable[[int, Sequence[str]], tuple[Sequence[Message], Sequence[Json]]]
"""(number of the record, its words) to its messages and tools."""


def _shares(words: Sequence[str], parts: int) -> list[str]:
    size = max(1, len(words) // parts)
    return [" ".join(words[part * size : (part + 1) * size]) or "yes" for part in range(parts)]


def _turns(words: Sequence[str], questions: int) -> list[Message]:
    shares = _shares(words, 2 * questions)
    return [Message(("user", "assistant")[place % 2], text) for place, text in enumerate(shares)]


def one_question(number: int, words: Sequence[str]) -> tuple[Sequence[Message], Sequence[Json]]:
    return _turns(words, 1), ()


def three_questions(number: int, words: Sequence[str]) -> tuple[Sequence[Message], Sequence[Json]]:
    return _turns(words, 3), ()


def system_turn(number: int, words: Sequence[str]) -> tuple[Sequence[Message], Sequence[Json]]:
    return [Message("system", "Answer the customer."), *_turns(words, 1)], ()


def thinking(number: int, words: Sequence[str]) -> tuple[Sequence[Message], Sequence[Json]]:
    first, hm, said, second, so, last = _shares(words, 6)
    turns = (
        Message("user", first),
        Message("assistant", f"<think>\n{hm}\n</think>\n\n{said}"),
        Message("user", second),
        Message("assistant", f"<think>\n{so}\n</think>\n\n{last}"),
    )
    return turns, ()


def with_tools(number: int, words: Sequence[str]) -> tuple[Sequence[Message], Sequence[Json]]:
    return _turns(words, 1), _tools(number % TOOL_LISTS)


def with_calls(number: int, words: Sequence[str]) -> tuple[Sequence[Message], Sequence[Json]]:
    tools = _tools(number % TOOL_LISTS)
    return _called(number, words, tools), tools


def with_own_tools(number: int, words: Sequence[str]) -> tuple[Sequence[Message], Sequence[Json]]:
    """No two records declare the same."""
    tools = _tools(TOOL_LISTS + number)
    return _called(number, words, tools), tools


def _called(number: int, words: Sequence[str], tools: Sequence[Json]) -> list[Message]:
    first, said, second, found, last = _shares(words, 5)
    out = [Message("user", first)]
    for turn, (text, answer) in enumerate(((said, second), (found, last))):
        name = tools[(number + turn) % len(tools)]["function"]["name"]
        call = f"c{(number * 7919 + turn) % 10**8:08}"
        arguments = {"place": text.split()[0], "days": number % 7 + 1, "exact": number % 2 == 0}
        out += [
            Message("assistant", None, (ToolCall(name, arguments, call),)),
            Message("tool", f'{{"state": "{text}", "degrees": {number % 40 - 5}}}', tool_call_id=call, name=name),
            Message("assistant", answer),
        ]
        if turn == 0:
            out.append(Message("user", f"and {words[0]}?"))
    return out


def _tools(seed: int) -> tuple[Json, ...]:
    """Three tools with two to four parameters each, as of an API."""
    made = random.Random(seed)
    verbs, nouns = ("get", "find", "list", "book"), ("weather", "train", "room", "price", "route", "table")
    out = []
    for noun in made.sample(nouns, 3):
        properties: dict[str, Json] = {
            "place": {"type": "string", "description": f"The place, or its number in list {made.randrange(9999)}."},
            "days": {"type": "integer", "description": "How many days ahead."},
            "exact": {"type": "boolean", "description": "Whether near matches are left out."},
            "unit": {"type": "string", "enum": ["metric", "imperial"], "description": "The unit of the answer."},
        }
        kept = dict(list(properties.items())[: made.randint(3, 4)])
        parameters = {"type": "object", "properties": kept, "required": ["place"]}
        name = f"{made.choice(verbs)}_{noun}"
        described = {"name": name, "description": f"Looks up the {noun} of a place.", "parameters": parameters}
        out.append({"type": "function", "function": described})
    return tuple(out)


KINDS: Mapping[str, Make] = {
    "one question": one_question,
    "three questions": three_questions,
    "system turn": system_turn,
    "thinking": thinking,
    "tools": with_tools,
    "tool calls": with_calls,
    "own tools": with_own_tools,
}


def records_of(kind: str, count: int) -> list[Record]:
    """As many records of a kind, each with other words."""
    corpus = make_corpus(count)
    out = []
    for row, (prompt, answer) in enumerate(zip(corpus.prompts, corpus.answers, strict=True)):
        messages, tools = KINDS[kind](row, [*prompt.split(), *answer.split()])
        source = Source("corpus", row + 1, row)
        out.append(Record(f"{row:016x}", f"{row:016x}", tuple(messages), source, tools=tuple(tools)))
    return out
