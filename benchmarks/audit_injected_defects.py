"""Claim: the audit finds defects that are planted by rule in records it has never seen.

    python benchmarks/audit_injected_defects.py DATA... [--share 0.03] [--seed 0]

Reads the user's own data, takes the records in which the audit finds nothing, damages a share of them in each of
the ways below, and audits the result. Prints for each way how many were damaged and found, and how many of the
untouched records are flagged by the same check because of what now stands beside them. (Alone they were not; this is
no measure of false alarms, for which people have to read what is flagged.) The damage is done at random places and
knows nothing of the checks' rules. What it leaves may be no defect at all, an answer cut exactly at the end of a
sentence for example, so that a recall of 1.00 is not to be expected.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from assay.curate.stage import audit
from assay.dataset import Dataset
from assay.findings import Severity
from assay.records import Message, Record, Source, record_id, row_id
from assay.sources import read


class Planted(NamedTuple):
    """way is the damage; check is the one that should find it."""

    way: str
    check: str
    records: tuple[Record, ...]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+")
    parser.add_argument("--share", type=float, default=0.03, help="of the records, for each way of damaging one")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    sound = sound_records(read(arguments.data))
    print(f"{len(sound):,} records in which the audit finds nothing")
    print(f"{'damage':24}{'check':24}{'planted':>8}{'found':>8}{'recall':>8}{'flagged of the untouched':>26}")
    for way, (check, planted, found, others) in measure(sound, arguments.share, arguments.seed).items():
        print(f"{way:24}{check:24}{planted:8}{found:8}{found / max(1, planted):8.2f}{others:26}")
    return 0


def sound_records(data: Dataset) -> list[Record]:
    audited = audit(data)
    flagged = {finding.row_id for finding in audited.findings}
    return [record for record in data.records() if record.row_id not in flagged and record.answer.strip()]


def measure(sound: Sequence[Record], share: float, seed: int) -> dict[str, tuple[str, int, int, int]]:
    """{way: (check, planted, found, untouched records that the check flags)}; one audit over all of it."""
    generator = random.Random(seed)
    order = generator.sample(range(len(sound)), len(sound))
    each = max(1, round(share * len(sound)))
    planted: list[Planted] = []
    for way, (check, damage) in WAYS.items():
        unfit, taken = [], 0
        while taken < each and order:
            index = order.pop()
            made = damage(sound[index], generator)
            if made:
                planted.append(Planted(way, check, tuple(made)))
                taken += 1
            else:
                unfit.append(index)
        order += unfit
    untouched = [sound[index] for index in order]
    rows = [record for item in planted for record in item.records] + untouched
    generator.shuffle(rows)
    numbered = [
        replace(
            record, id=record_id(record.messages, record.tools), row_id=row_id("injected", n), source=Source("x", n, n)
        )
        for n, record in enumerate(rows)
    ]
    place = {id(record): new.row_id for record, new in zip(rows, numbered, strict=True)}
    flags: dict[str, set[str]] = defaultdict(set)
    for finding in audit(Dataset.from_records(numbered)).findings:
        if finding.severity is not Severity.INFO:
            flags[finding.check].add(finding.row_id)
    count: Counter[str] = Counter(item.way for item in planted)
    found = Counter(item.way for item in planted if any(place[id(r)] in flags[item.check] for r in item.records))
    return {
        way: (check, count[way], found[way], sum(place[id(record)] in flags[check] for record in untouched))
        for way, (check, _) in WAYS.items()
    }


def _with_answer(record: Record, answer: str) -> Record:
    last = record.last_assistant_index
    assert last is not None
    return record.with_messages(
        replace(message, content=answer) if index == last else message for index, message in enumerate(record.messages)
    )


def _copy(record: Record, _: random.Random) -> list[Record]:
    return [record, replace(record, meta={"copy": True})]


def _edited_copy(record: Record, generator: random.Random) -> list[Record]:
    """One word in forty replaced by another word of the text; long texts only."""
    words = record.answer.split(" ")
    if len(words) < 40:
        return []
    edited = list(words)
    for _ in range(len(words) // 40):
        edited[generator.randrange(len(words))] = generator.choice(words)
    return [record, _with_answer(record, " ".join(edited))]


def _cut(record: Record, generator: random.Random) -> list[Record]:
    answer = record.answer.rstrip()
    if len(answer) < 120:
        return []
    return [_with_answer(record, answer[: generator.randint(len(answer) // 3, len(answer) * 9 // 10)])]


def _loop_of_words(record: Record, generator: random.Random) -> list[Record]:
    words = record.answer.split()
    if len(words) < 12:
        return []
    start, length = generator.randrange(len(words) - 8), generator.randint(1, 8)
    return [_with_answer(record, " ".join([*words[: start + length], *words[start : start + length] * 30]))]


def _loop_of_the_end(record: Record, generator: random.Random) -> list[Record]:
    sentences = re.findall(r"[^.!?]+[.!?]", record.answer)
    if not sentences or len(sentences[-1].split()) < 3:
        return []
    return [_with_answer(record, record.answer.rstrip() + sentences[-1].rstrip() * generator.randint(6, 20))]


def _variable(record: Record, generator: random.Random) -> list[Record]:
    """A name in the answer put back to the variable of a template."""
    names = list(re.finditer(r"(?<=[a-z,] )[A-Z][a-z]{3,}\b", record.answer))
    if not names:
        return []
    match = generator.choice(names)
    variable = generator.choice(
        ["{{name}}", "[Name]", "[YOUR NAME]", "<insert name>", "${user_name}", "{customer_name}"]
    )
    return [_with_answer(record, record.answer[: match.start()] + variable + record.answer[match.end() :])]


def _control_token(record: Record, generator: random.Random) -> list[Record]:
    token = generator.choice(["<|im_end|>", "<|endoftext|>", "</s>", "<|eot_id|>", "[/INST]", "<end_of_turn>", "<s>"])
    words = record.answer.split(" ")
    place = generator.choice([len(words), generator.randint(0, len(words))])
    return [_with_answer(record, " ".join([*words[:place], token, *words[place:]]))]


def _no_answer(record: Record, _: random.Random) -> list[Record]:
    return [record.with_messages(message for message in record.messages if message.role != "assistant")]


def _blank_turn(record: Record, generator: random.Random) -> list[Record]:
    index = generator.choice([n for n, message in enumerate(record.messages) if message.role in ("user", "assistant")])
    blank = generator.choice(["", " ", "\n\n", "\u200b"])
    return [
        record.with_messages(
            replace(m, content=blank, tool_calls=()) if n == index else m for n, m in enumerate(record.messages)
        )
    ]


def _two_of_a_side(record: Record, generator: random.Random) -> list[Record]:
    index = generator.choice([n for n, message in enumerate(record.messages) if message.role == "user"])
    messages = list(record.messages)
    messages.insert(index, Message("user", "One more thing before that."))
    return [record.with_messages(messages)]


def _other_number(record: Record, generator: random.Random) -> list[Record]:
    """The same prompt with another number in an answer of one line."""
    numbers = list(re.finditer(r"(?<![\w.,-])\d{1,6}(?![\w.,-]*\d)", record.answer))
    if not numbers or "\n" in record.answer.strip() or len(record.answer) > 400:
        return []
    match = generator.choice(numbers)
    other = str(int(match.group()) * 3 + generator.randint(1, 9))
    return [record, _with_answer(record, record.answer[: match.start()] + other + record.answer[match.end() :])]


def _refusal(record: Record, generator: random.Random) -> list[Record]:
    said = generator.choice(
        [
            "I'm sorry, but I can't help with that request.",
            "As an AI language model, I am unable to do this.",
            "I cannot provide an answer to this question.",
            "Unfortunately, I'm not able to assist with this.",
            "I must decline to answer that.",
        ]
    )
    return [record, _with_answer(record, said)]


WAYS: Mapping[str, tuple[str, Callable[[Record, random.Random], list[Record]]]] = {
    "copy": ("exact_duplicate", _copy),
    "copy, 1 word in 40": ("near_duplicate", _edited_copy),
    "cut at random": ("cut_off_answer", _cut),
    "loop of 1 to 8 words": ("repetition", _loop_of_words),
    "last sentence looped": ("repetition", _loop_of_the_end),
    "name to variable": ("unfilled_placeholder", _variable),
    "control token": ("special_token_in_text", _control_token),
    "answer removed": ("no_answer", _no_answer),
    "turn blanked": ("empty_turn", _blank_turn),
    "user speaks twice": ("role_order", _two_of_a_side),
    "another number": ("contradiction", _other_number),
    "refused as well": ("contradiction", _refusal),
}

if __name__ == "__main__":
    sys.exit(main())
