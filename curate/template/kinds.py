"""Kinds of conversations, as chat templates tell them apart: with a system turn, tools, calls, thinking, or without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from assay.records import Record

MOST_QUESTIONS = 3
MOST_SHOWN = 20
OTHERS = "all others"


def kind_of(record: Record) -> str:
    """For people: "system turn, 2 questions, tools, calls"."""
    messages = record.messages
    questions = sum(message.role == "user" for message in messages)
    many = f"{MOST_QUESTIONS} or more" if questions >= MOST_QUESTIONS else str(questions)
    holds = {
        "system turn": any(message.role in ("system", "developer") for message in messages),
        f"{many} question{'' if questions == 1 else 's'}": True,
        "tools": bool(record.tools),
        "calls": any(message.tool_calls for message in messages),
        "thinking": any(message.role == "assistant" and "</think>" in (message.content or "") for message in messages),
        "begins with an answer": bool(messages) and messages[0].role == "assistant",
        "ends without an answer": bool(messages) and messages[-1].role != "assistant",
    }
    return ", ".join(name for name, there in holds.items() if there)


def most_usual(kinds: Sequence[str]) -> list[str]:
    """The kinds of some records, the most usual first; where there are many, the rest are `OTHERS`."""
    counts = Counter(kinds)
    names = sorted(counts, key=lambda name: (-counts[name], name))
    if len(names) <= MOST_SHOWN:
        return names
    return [*names[: MOST_SHOWN - 1], OTHERS]
