"""Instructions with answers that the halves did not read: self-instruct's user-oriented ones, FastChat's questions with
reference answers, LitGPT's fixtures, LLaMA-Factory's tool-calling chats, and IFEval's prompts."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.contradiction_sets.changes import denial, names_in, with_other_date, with_other_number
from benchmarks.contradiction_sets.fresh.refusals import ANSWERS, REFUSALS
from benchmarks.contradiction_sets.item import Item

OPEN = re.compile(
    r"(?:Please )?(?:Write|Create|Design|Suggest|Come up|Think of|Make up|Brainstorm|Compose|Generate|List|Give|Name"
    r"|Draft|Recommend|Propose|Imagine|Develop)\b"
)


DECLINES = re.compile(r"\b(?:sorry|unable|can't|cannot|don't have|not able|apologi[sz]e|afraid)\b", re.IGNORECASE)


class Answered(NamedTuple):
    source: str
    prompt: str
    answer: str


def make(folder: Path, chance: random.Random) -> Iterator[Item]:
    rows = list(dict.fromkeys(row for row in _rows(folder) if row.prompt.strip() and row.answer.strip()))
    rows = [row for row in rows if not DECLINES.search(row.answer[:200])]
    for row in rows:
        yield from _changed(row, chance)
        yield Item("refusal", f"{row.source} and a refusal", row.prompt, row.answer, chance.choice(REFUSALS))
        yield Item("two refusals, two answers", row.source, row.prompt, *chance.sample(REFUSALS, 2))
        yield Item("two refusals, two answers", row.source, row.prompt, row.answer, chance.choice(ANSWERS) + row.answer)
        items = re.findall(r"^(?:\d+\.|[-*]) (.*)$", row.answer, re.MULTILINE)
        if len(items) >= 3:
            told = "\n".join(f"{number}) {item}" for number, item in enumerate(items, 1))
            yield Item("format of the same content", row.source, row.prompt, "\n".join(f"- {i}" for i in items), told)
    asked = [row for row in rows if OPEN.match(row.prompt) and "\n" not in row.prompt]
    for step in (1, 2, 3, 5, 7, 11, 13):
        for one, other in zip(asked, [*asked[step:], *asked[:step]], strict=True):
            yield Item("open-ended", one.source, one.prompt, one.answer, other.answer)
    for prompt in _prompts(folder):
        if OPEN.match(prompt) and "\n" not in prompt:
            yield Item("open-ended", "prompts alone", prompt, *(row.answer for row in chance.sample(asked, 2)))


def _changed(row: Answered, chance: random.Random) -> Iterator[Item]:
    """An answer and the same with another number, date or name, or denied."""
    if OPEN.match(row.prompt) or len(row.answer) > 1_500:
        return
    if (changed := with_other_number(row.answer, chance)) is not None:
        yield Item("number", row.source, row.prompt, row.answer, changed)
    if (changed := with_other_date(row.answer, chance)) is not None:
        yield Item("date", row.source, row.prompt, row.answer, changed)
    if len(row.answer) < 600 and (denied := denial(row.answer)) is not None:
        yield Item("polarity", f"{row.source}, denied", row.prompt, row.answer, denied)
    names = names_in(row.answer)
    if names and len(row.answer) < 400:
        other = chance.choice(["Ingrid Solberg", "Valparaiso", "Harcourt", "Mount Kenya", "Tomas Blaha"])
        yield Item("entity", row.source, row.prompt, row.answer, row.answer.replace(chance.choice(names), other))


def _rows(folder: Path) -> Iterator[Answered]:
    base = folder / "instruction"
    for row in _lines(base / "self_instruct/human_eval/user_oriented_instructions.jsonl"):
        for instance in row["instances"]:
            prompt = "\n\n".join(filter(None, [row["instruction"], instance["input"]]))
            yield Answered("self-instruct", prompt, instance["output"])
    for name in ("alpaca", "dolly", "longform_train", "longform_val"):
        for row in json.loads((base / f"litgpt_fixtures/{name}.json").read_text(encoding="utf-8")):
            told = "\n\n".join(filter(None, [row.get("instruction"), row.get("input") or row.get("context")]))
            yield Answered("litgpt", told, row.get("output") or row.get("response") or "")
    judged = base / "fastchat/fastchat/llm_judge/data/mt_bench"
    questions = {row["question_id"]: row["turns"][0] for row in _lines(judged / "question.jsonl")}
    for row in _lines(judged / "reference_answer/gpt-4.jsonl"):
        yield Answered("fastchat", questions[row["question_id"]], row["choices"][0]["turns"][0])
    for row in json.loads((base / "llamafactory/glaive_toolcall_en_demo.json").read_text(encoding="utf-8")):
        turns = row["conversations"]
        if turns[0]["from"] == "human" and turns[1]["from"] == "gpt":
            yield Answered("glaive", turns[0]["value"], turns[1]["value"])
        elif len(turns) > 3 and turns[3]["from"] == "gpt":
            yield Answered("glaive", turns[0]["value"], turns[3]["value"])


def _prompts(folder: Path) -> Iterator[str]:
    for row in _lines(folder / "instruction/fastchat/fastchat/llm_judge/data/vicuna_bench/question.jsonl"):
        yield row["turns"][0]
    for row in _lines(folder / "general/ifeval_sample/ifeval_first44.jsonl"):
        yield row["prompt"]


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
