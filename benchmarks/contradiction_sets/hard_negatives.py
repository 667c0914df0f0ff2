"""Pairs that only look like contradictions, of the halves "tune" and "test"."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from benchmarks.contradiction_sets.changes import (
    date_forms,
    denial,
    in_other_date_form,
    in_other_unit,
    in_words,
    names_in,
    untokenized,
    with_other_number,
)
from benchmarks.contradiction_sets.item import NEWS, PICTURE, Item
from benchmarks.contradiction_sets.real import Answered, Real, completion, split, subject

_OPEN = (
    r"(?:Generate|Create|Write|Suggest|Name|List|Give|Design|Compose|Come up|Brainstorm|Construct|Imagine"
    r"|Provide)\b"
)


def open_ended(data: Real, chance: random.Random) -> Iterator[Item]:
    """The answers of two records that ask for the same sort of thing, under the prompt of one of them."""
    groups: dict[str, list[Answered]] = defaultdict(list)
    for row in data.alpaca:
        declines = re.search(r"\bAs an AI|\bI(?:'m| am) (?:sorry|an AI)", row.answer)
        if (match := re.match(_OPEN, row.prompt)) and "\n" not in row.prompt and not declines:
            groups[match.group()].append(row)
    for rows in groups.values():
        for one, other in zip(rows, [*rows[1:], *rows[:1]], strict=True):
            yield Item("open-ended", one.source, one.prompt, one.answer, other.answer)
        for one, other in zip(rows, [*rows[5:], *rows[:5]], strict=True):
            yield Item("open-ended", one.source, one.prompt, one.answer, other.answer)


def inputs(data: Real, chance: random.Random) -> Iterator[Item]:
    rows = data.banking[:250]
    for one, other in zip(rows, [*rows[40:], *rows[:40]], strict=True):
        prompt = "Which intent has this message?\n"
        yield Item(
            "other input", "banking77", prompt + one["text"], one["category"], other["category"], prompt + other["text"]
        )
    for name, answers in data.t0.items():
        for one, other in zip(answers, [*answers[1:], *answers[:1]], strict=True):
            if one["prompt"] != other["prompt"]:
                yield Item("other input", name, one["prompt"], completion(one), completion(other), other["prompt"])


def rewordings(data: Real, chance: random.Random) -> Iterator[Item]:
    for row in data.truthful:
        answers = split(row["Correct Answers"])
        for one, other in list(combinations(answers, 2))[:3]:
            yield Item("right in other words (TruthfulQA)", "truthfulqa", row["Question"], one, other)
    for source, one, other in data.paraphrases():
        yield Item("paraphrase (MRPC, PAWS, QQP, STS)", source, NEWS, one, other)
    for one, other, label in chance.sample(data.cad, 3000):
        if label in ("entailment", "neutral"):
            yield Item(f"{label} (CAD)", "cad", PICTURE, one, other)
    for row in data.fever:
        if row["gold_label"] == "SUPPORTS":
            claim = untokenized(row["claim"])
            prompt = f"What is known about this? {subject(claim)}"
            yield Item("supported claim (FEVER)", "fever", prompt, untokenized(row["evidence"]), claim)


def quantities(data: Real, chance: random.Random) -> Iterator[Item]:
    rows = [*data.factual(), *(Answered("gsm8k", row["question"], row["question"]) for row in data.gsm8k)]
    for row in rows:
        if (same := in_other_unit(row.answer)) is not None:
            yield Item("rounding, units", row.source, row.prompt, row.answer, same)


def number_words(data: Real, chance: random.Random) -> Iterator[Item]:
    rows = [*data.factual(), *(Answered("gsm8k", row["question"], row["question"]) for row in data.gsm8k[::2])]
    for row in rows:
        if (same := in_words(row.answer)) is not None:
            yield Item("number in words", row.source, row.prompt, row.answer, same)


def same_dates(data: Real, chance: random.Random) -> Iterator[Item]:
    rows = [*data.factual(), *(Answered(source, NEWS, one) for source, one, _ in data.paraphrases())]
    for row in rows:
        if (same := in_other_date_form(row.answer)) is not None:
            yield Item("date in other form", row.source, row.prompt, row.answer, same)
    for number in range(330):
        day, month, year = chance.randint(1, 28), chance.randrange(12), chance.randint(1801, 2024)
        one, other = chance.sample(date_forms(day, month, year), 2)
        subject = chance.choice(["The contract was signed", "The museum opened", "The bridge was finished"])
        yield Item(
            "date in other form", f"made {number}", "When was it?", f"{subject} on {one}.", f"{subject} on {other}."
        )


def same_polarity(data: Real, chance: random.Random) -> Iterator[Item]:
    for index, (question, decision, conclusion) in enumerate(data.pubmed):
        if decision == "maybe":
            yield Item("same polarity", "pubmedqa", question, "maybe", conclusion)
        elif index % 3 == 0:
            yield Item("same polarity", "pubmedqa", question, decision, f"{decision.title()}. {conclusion}")
        elif index % 3 == 1:
            yield Item("same polarity", "pubmedqa", question, decision, conclusion)
        else:
            yield Item("same polarity", "pubmedqa", question, f"{decision.title()}, it seems so.", conclusion)


def same_labels(data: Real, chance: random.Random) -> Iterator[Item]:
    for row in data.banking[:400]:
        label = row["category"].replace("_", " ")
        other = chance.choice([label.title(), f"The intent is {label}.", f"**{row['category']}**", f"Intent: {label}"])
        prompt = f"Which intent has this message?\n{row['text']}"
        yield Item("label in other form", "banking77", prompt, row["category"], other)
    for row in data.t0.get("ag_news_classify", []):
        label = completion(row)
        other = chance.choice([label.lower(), f"It is {label}.", f"The label is {label}.", f'"{label}"'])
        yield Item("label in other form", "ag_news", row["prompt"], label, other)


def same_refusals(data: Real, chance: random.Random) -> Iterator[Item]:
    generic = sorted({t for a in data.completions.values() for lab, t in a if lab.startswith("2") and len(t) < 160})
    for prompt, answers in data.completions.items():
        for sort in ("1", "2"):
            same = [text for label, text in answers if label.startswith(sort)]
            for one, other in combinations(same, 2):
                yield Item("two refusals, two answers", "xstest", prompt, one, other)
            if sort == "2" and same:
                yield Item("two refusals, two answers", "xstest", prompt, same[0], chance.choice(generic))


def same_formats(data: Real, chance: random.Random) -> Iterator[Item]:
    for row in data.banking[:200]:
        value = {"intent": row["category"], "language": "en", "length": len(row["text"])}
        turned = dict(reversed(value.items()))
        other = chance.choice([json.dumps(turned), json.dumps(value, indent=2), f"```json\n{json.dumps(turned)}\n```"])
        yield Item(
            "format of the same content", "banking77", f"Read the message.\n{row['text']}", json.dumps(value), other
        )
    for row in data.alpaca:
        items = re.findall(r"^\d+\. (.*)$", row.answer, re.MULTILINE)
        if len(items) >= 3:
            bullets = "\n".join(f"- {item}" for item in items)
            yield Item("format of the same content", row.source, row.prompt, row.answer, bullets)
        elif row.answer.count(". ") >= 2:
            marked = re.sub(r"\b([A-Z]\w+)\b", r"**\1**", row.answer, count=2).replace(". ", ".\n\n")
            yield Item("format of the same content", row.source, row.prompt, row.answer, marked)


def aliases(data: Real, chance: random.Random) -> Iterator[Item]:
    for row in data.factual():
        full = [name for name in names_in(row.answer) if len(name.split()) == 2]
        if full and len(row.answer) < 400:
            first, last = full[0].split()
            short = chance.choice([last, f"{first[0]}. {last}"])
            yield Item("another form of a name", row.source, row.prompt, row.answer, row.answer.replace(full[0], short))
            yield Item("another form of a name", row.source, f"Who or what is it? {row.prompt}", full[0], last)


def other_prompts(data: Real, chance: random.Random) -> Iterator[Item]:
    """Prompts that differ in one number, name, denial or content word, with answers that differ in kind."""
    questions = [row["Question"] for row in data.truthful] + [question for question, _, _ in data.pubmed]
    questions += [row.prompt for row in data.alpaca if "\n" not in row.prompt]
    pool = sorted({name for question in questions for name in names_in(question)})
    wordy = sorted({word for question in questions for word in re.findall(r"\b[a-z]{5,9}\b", question)})
    for question in questions:
        changes = [with_other_number(question, chance), denial(question)]
        names = names_in(question)
        if names:
            changes.append(question.replace(names[0], chance.choice(pool)))
        content = re.findall(r"\b[a-z]{5,9}\b", question)
        if content:
            changes.append(re.sub(rf"\b{content[-1]}\b", chance.choice(wordy), question, count=1))
        for changed in filter(None, changes):
            if changed != question:
                yield Item("another prompt by one word", "prompts", question, "Yes.", "No.", changed)
    for row in data.t0.get("glue_qqp_duplicate", ()):
        match = re.search(r'questions "(.*)" and "(.*)"\. Are', row["prompt"])
        if match and completion(row) == "no":
            yield Item("another prompt by one word", "qqp", match.group(1), "Yes.", "No.", match.group(2))


MAKERS = (
    open_ended,
    inputs,
    rewordings,
    quantities,
    number_words,
    same_dates,
    same_polarity,
    same_labels,
    same_refusals,
    same_formats,
    aliases,
    other_prompts,
)
