"""Plain columns: a prompt and an answer, under the names that are usual for them, or mapped by `columns`.

question/answer, instruction/response, input/output, ... are found alone; text/category and the like need
`columns: {prompt: text, answer: category}`, since a guess could train on the wrong column.
"""

from __future__ import annotations

from typing import Any

from assay.formats.format import Format, Parsed, Row, Unreadable
from assay.formats.pairs import PairColumns, read_pair, write_pair
from assay.records import Json, Record

PROMPTS = ("prompt", "question", "query", "instruction", "request", "problem", "input", "user", "human")
ANSWERS = ("answer", "response", "output", "completion", "reply", "solution", "target", "assistant")
SYSTEMS = ("system", "system_prompt")
HISTORY = "history"
OWN = PairColumns("prompt", "answer")


def fits(row: Row) -> bool:
    return any(name in row for name in PROMPTS) and any(name in row for name in ANSWERS)


def read(row: Row) -> Parsed:
    prompt = next((name for name in PROMPTS if name in row), None)
    answer = next((name for name in ANSWERS if name in row), None)
    if prompt is None or answer is None:
        raise Unreadable(f"no column for the {'prompt' if prompt is None else 'answer'}; name it in `columns`")
    system = next((name for name in SYSTEMS if name in row), None)
    history = HISTORY if _is_history(row.get(HISTORY)) else None
    parsed = read_pair(row, PairColumns(prompt, answer, system=system, history=history))
    if (prompt, answer) == (OWN.prompt, OWN.answer):
        return parsed
    return parsed._replace(remarks=(f"'{prompt}' as the prompt, '{answer}' as the answer",))


def _is_history(value: Json) -> bool:
    """[[prompt, answer], ...], as ms-swift and data-juicer write earlier turns; a table may mean something else."""
    return isinstance(value, list | tuple) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(one, str) for one in pair)
        for pair in value
    )


def write(record: Record) -> list[dict[str, Any]]:
    return write_pair(record, OWN)


FORMAT = Format(
    name="question_answer",
    title="prompt and answer columns",
    fits=fits,
    read=read,
    write=write,
    columns={"prompt": "prompt", "answer": "answer", "system": "system"},
)
