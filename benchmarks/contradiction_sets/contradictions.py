"""Pairs that contradict each other, of the halves "tune" and "test"."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator

from benchmarks.contradiction_sets.changes import denial, names_in, untokenized, with_other_date, with_other_number
from benchmarks.contradiction_sets.item import NEWS, PICTURE, Item
from benchmarks.contradiction_sets.real import Real, completion, crossed, subject


def numbers(data: Real, chance: random.Random) -> Iterator[Item]:
    for row in data.factual():
        if (changed := with_other_number(row.answer, chance)) is not None:
            yield Item("number", row.source, row.prompt, row.answer, changed)
    for row in data.gsm8k[::3]:
        solution, _, result = row["answer"].rpartition("#### ")
        solution = re.sub(r"<<.*?>>", "", solution)
        other = str(int(result.replace(",", "")) + chance.choice([1, 2, 5, 10]))
        yield Item("number", "gsm8k", row["question"], f"{solution}The answer is {result}.", f"The answer is {other}.")
        yield Item("number", "gsm8k", row["question"] + " Answer with a number.", result, other)
    for source, one, other in data.paraphrases():
        if (changed := with_other_number(other, chance)) is not None:
            yield Item("number", f"{source}, reworded", NEWS, one, changed)


def dates(data: Real, chance: random.Random) -> Iterator[Item]:
    for row in data.factual():
        if (changed := with_other_date(row.answer, chance)) is not None:
            yield Item("date", row.source, row.prompt, row.answer, changed)
    for row in data.fever:
        claim = untokenized(row["claim"])
        if row["gold_label"] == "SUPPORTS" and (changed := with_other_date(claim, chance)) is not None:
            yield Item("date", "fever", f"What is known about this? {subject(claim)}", claim, changed)
    for source, one, other in data.paraphrases():
        if (changed := with_other_date(other, chance)) is not None:
            yield Item("date", f"{source}, reworded", NEWS, one, changed)


def polarity(data: Real, chance: random.Random) -> Iterator[Item]:
    for index, (question, decision, conclusion) in enumerate(data.pubmed):
        if decision in ("yes", "no"):
            other = "no" if decision == "yes" else "yes"
            first, second = (
                (decision, other) if index % 2 else (f"{decision.title()}. {conclusion}", f"{other.title()}.")
            )
            yield Item("polarity", "pubmedqa", question, first, second)
    for row in data.truthful:
        for right, wrong in crossed(row, 2):
            starts = right.split(",")[0].lower(), wrong.split(",")[0].lower()
            if set(starts) == {"yes", "no"}:
                yield Item("polarity", "truthfulqa", row["Question"], right, wrong)
    for row in data.factual():
        if (denied := denial(row.answer)) is not None and len(row.answer) < 600:
            yield Item("polarity", f"{row.source}, denied", row.prompt, row.answer, denied)


def labels(data: Real, chance: random.Random) -> Iterator[Item]:
    names = sorted({row["category"] for row in data.banking})
    for row in data.banking[:400]:
        other = chance.choice([name for name in names if name != row["category"]])
        yield Item("label", "banking77", f"Which intent has this message?\n{row['text']}", row["category"], other)
    for name in ("ag_news_classify", "glue_mrpc_equivalent"):
        rows = data.t0.get(name, [])
        labels = sorted({completion(row) for row in rows})
        for row in rows:
            own = completion(row)
            other = chance.choice([label for label in labels if label != own])
            yield Item("label", name, row["prompt"], own, other)
    for row in data.t0.get("sciq_Multiple_Choice_Closed_Book_", []):
        choices = re.findall(r"^- (.*)$", row["prompt"], re.MULTILINE)
        own = completion(row)
        wrong = [choice for choice in choices if choice != own]
        if wrong:
            yield Item("label", "sciq", row["prompt"], own, chance.choice(wrong))


def refusals(data: Real, chance: random.Random) -> Iterator[Item]:
    for prompt, answers in data.completions.items():
        complying = [text for label, text in answers if label.startswith("1")]
        refusing = [text for label, text in answers if label.startswith("2")]
        for right, refused in zip(complying, refusing, strict=False):
            yield Item("refusal", "xstest", prompt, right, refused)
    generic = sorted({t for a in data.completions.values() for lab, t in a if lab.startswith("2") and len(t) < 160})
    for row in data.alpaca[::3]:
        yield Item("refusal", "alpaca and a refusal of xstest", row.prompt, row.answer, chance.choice(generic))


def formats(data: Real, chance: random.Random) -> Iterator[Item]:
    for row in data.banking[:250]:
        label = row["category"].replace("_", " ").lower()
        value = json.dumps({"intent": row["category"], "language": "en"})
        prose = chance.choice(
            [f"The customer writes about {label}.", f"Intent: {label}", f"This message is about {label}, I think."]
        )
        yield Item("format", "banking77", f"Read the message.\n{row['text']}", value, prose)
    for question, decision, conclusion in data.pubmed[:250]:
        value = json.dumps({"decision": decision, "conclusion": conclusion})
        yield Item("format", "pubmedqa", question, value, f"{conclusion} So the answer is {decision}.")


def entities(data: Real, chance: random.Random) -> Iterator[Item]:
    rows = [row for row in data.factual() if len(row.answer) < 400]
    pool = sorted({name for row in rows for name in names_in(row.answer)})
    for row in rows:
        own = names_in(row.answer)
        if not own:
            continue
        name = chance.choice(own)
        other = chance.choice([n for n in pool if not set(n.split()) & set(name.split()) and n not in row.answer])
        yield Item("entity", row.source, row.prompt, row.answer, row.answer.replace(name, other))
    for row in data.t0.get("sciq_Multiple_Choice_Closed_Book_", []):
        choices = re.findall(r"^- (.*)$", row["prompt"], re.MULTILINE)
        question = row["prompt"].split("\n")[0].removeprefix("Q: ")
        wrong = [choice for choice in choices if choice != completion(row)]
        if wrong:
            yield Item("entity", "sciq", question, completion(row), chance.choice(wrong))


def free(data: Real, chance: random.Random) -> Iterator[Item]:
    for one, other, label in chance.sample(data.cad, 4000):
        if label == "contradiction":
            yield Item("free", "cad", PICTURE, one, other)
    for row in data.fever:
        if row["gold_label"] == "REFUTES":
            claim = untokenized(row["claim"])
            prompt = f"What is known about this? {subject(claim)}"
            yield Item("free", "fever", prompt, untokenized(row["evidence"]), claim)
    for row in data.truthful:
        for right, wrong in crossed(row, 2):
            yield Item("free", "truthfulqa", row["Question"], right, wrong)


MAKERS = (numbers, dates, polarity, labels, refusals, formats, entities, free)
