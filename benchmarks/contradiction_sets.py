"""Pairs of answers that contradict each other, and pairs that only look it, built from a folder of real data.

Used by contradictions.py. The folder holds CAD (`pairs/cad_nli`), FEVER symmetric (`pairs/fever_symmetric`), PubMedQA,
TruthfulQA, XSTest with completions, banking77, GSM8K, and instruction data with paraphrase pairs; each says where it
comes from. Numbers, dates, names and notations are changed by the rules below, which share no code with the checks.
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

POSITIVE = ("number", "date", "polarity", "label", "refusal", "format", "entity", "free")


_PICTURE, _NEWS = "Describe the picture.", "What happened?"


class Item(NamedTuple):
    """Two records of one context. kind is one of POSITIVE for a contradiction; else the name of a hard negative."""

    kind: str
    source: str
    prompt: str
    first: str
    second: str
    second_prompt: str | None = None

    @property
    def half(self) -> str:
        """ "tune" or "test", by the hash of what the pair was made from."""
        own = self.first if self.prompt in (_PICTURE, _NEWS) else ""
        digest = hashlib.sha256(f"{self.source}\0{self.prompt}\0{own}".encode("utf-8", "replace")).digest()
        return "test" if digest[0] % 2 else "tune"


def build(folder: Path) -> list[Item]:
    """Every item, the same on each call."""
    data = Real(folder)
    makers = (
        _numbers, _dates, _polarity, _labels, _refusals, _formats, _entities, _free, _open_ended, _inputs, _rewordings,
        _quantities, _number_words, _same_dates, _same_polarity, _same_labels, _same_refusals, _same_formats, _aliases,
        _other_prompts,
    )  # fmt: skip
    found = [item for make in makers for item in make(data, random.Random(make.__name__))]
    return list(dict.fromkeys(item for item in found if item.first.strip() and item.second.strip()))


class Answered(NamedTuple):
    source: str
    prompt: str
    answer: str


class Real:
    """The real data, read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        alpaca = json.loads((folder / "instruction/llamafactory/alpaca_en_demo.json").read_text(encoding="utf-8"))
        self.alpaca = [
            Answered("alpaca", "\n\n".join(filter(None, [row["instruction"], row["input"]])), row["output"])
            for row in alpaca
        ]
        self.truthful = self._csv("general/truthfulqa/TruthfulQA.csv")
        pubmed = json.loads((folder / "domain/pubmedqa/ori_pqal.json").read_text(encoding="utf-8"))
        self.pubmed = [(row["QUESTION"], row["final_decision"], row["LONG_ANSWER"]) for row in pubmed.values()]
        cad = (folder / "pairs/cad_nli/all_combined").glob("*.tsv")
        self.cad = [line.split("\t") for path in sorted(cad) for line in path.read_text().splitlines()[1:]]
        fever = (folder / "pairs/fever_symmetric/symmetric_v0.2").glob("*.jsonl")
        self.fever = [row for path in sorted(fever) for row in _lines(path)]
        self.banking = self._csv("domain/banking77/train.csv")[::7]
        self.gsm8k = _lines(folder / "general/gsm8k/test.jsonl")
        t0 = folder / "instruction/t0_prompt_completion"
        self.t0 = {path.stem: _lines(path) for path in sorted(t0.glob("*.jsonl"))}
        xstest = folder / "pii_safety/xstest/model_completions"
        self.completions: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for path in sorted(xstest.glob("*.csv")):
            for row in csv.DictReader(path.open(encoding="utf-8")):
                self.completions[row["prompt"]].append((row["final_label"], row["completion"].strip()))

    def _csv(self, name: str) -> list[dict[str, str]]:
        with (self.folder / name).open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def factual(self) -> Iterator[Answered]:
        """Questions with answers that state facts."""
        for row in self.alpaca:
            if re.match(_FACTUAL, row.prompt) and "\n" not in row.prompt:
                yield row
        for row in self.truthful:
            for answer in split(row["Correct Answers"]):
                yield Answered("truthfulqa", row["Question"], answer)
        for question, _, conclusion in self.pubmed:
            yield Answered("pubmedqa", question, conclusion)
        for row in self.fever:
            yield Answered("fever", f"What is known about this? {_subject(row['claim'])}", untokenized(row["evidence"]))

    def paraphrases(self) -> Iterator[tuple[str, str, str]]:
        """(source, text, the same in other words), as people judged them."""
        for row in self.t0.get("glue_mrpc_equivalent", ()):
            lines = row["prompt"].strip().splitlines()
            if _completion(row) == "equivalent":
                yield "mrpc", untokenized(lines[-2]), untokenized(lines[-1])
        for row in self.t0.get("paws_labeled_final_Meaning", ()):
            match = re.search(r"Sentence 1: (.*)\nSentence 2: (.*)\nQ", row["prompt"])
            if match and _completion(row).lower() == "yes":
                yield "paws", untokenized(match.group(1)), untokenized(match.group(2))
        for row in self.t0.get("glue_qqp_duplicate", ()):
            match = re.search(r'questions "(.*)" and "(.*)"\. Are', row["prompt"])
            if match and _completion(row) == "yes":
                yield "qqp", match.group(1), match.group(2)
        path = self.folder / "pairs/semeval_sts/2016/question-question.test.tsv"
        for line in path.read_text(encoding="utf-8").splitlines():
            score, one, other = [*line.split("\t"), "", ""][:3]
            if score.strip() and float(score) >= 4.0:
                yield "sts", one, other


_FACTUAL = (
    r"(?:What|How|Which|When|Who|Where|Why|Explain|Calculate|Find|Determine|Identify|Convert|Describe"
    r"|Compare|Is|Are)\b"
)
_OPEN = (
    r"(?:Generate|Create|Write|Suggest|Name|List|Give|Design|Compose|Come up|Brainstorm|Construct|Imagine"
    r"|Provide)\b"
)


# ---------------------------------------------------------------------------------------- contradictions


def _numbers(data: Real, chance: random.Random) -> Iterator[Item]:
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
            yield Item("number", f"{source}, reworded", _NEWS, one, changed)


def _dates(data: Real, chance: random.Random) -> Iterator[Item]:
    for row in data.factual():
        if (changed := with_other_date(row.answer, chance)) is not None:
            yield Item("date", row.source, row.prompt, row.answer, changed)
    for row in data.fever:
        claim = untokenized(row["claim"])
        if row["gold_label"] == "SUPPORTS" and (changed := with_other_date(claim, chance)) is not None:
            yield Item("date", "fever", f"What is known about this? {_subject(claim)}", claim, changed)
    for source, one, other in data.paraphrases():
        if (changed := with_other_date(other, chance)) is not None:
            yield Item("date", f"{source}, reworded", _NEWS, one, changed)


def _polarity(data: Real, chance: random.Random) -> Iterator[Item]:
    for index, (question, decision, conclusion) in enumerate(data.pubmed):
        if decision in ("yes", "no"):
            other = "no" if decision == "yes" else "yes"
            first, second = (
                (decision, other) if index % 2 else (f"{decision.title()}. {conclusion}", f"{other.title()}.")
            )
            yield Item("polarity", "pubmedqa", question, first, second)
    for row in data.truthful:
        for right, wrong in _crossed(row, 2):
            starts = right.split(",")[0].lower(), wrong.split(",")[0].lower()
            if set(starts) == {"yes", "no"}:
                yield Item("polarity", "truthfulqa", row["Question"], right, wrong)
    for row in data.factual():
        if (denied := denial(row.answer)) is not None and len(row.answer) < 600:
            yield Item("polarity", f"{row.source}, denied", row.prompt, row.answer, denied)


def _labels(data: Real, chance: random.Random) -> Iterator[Item]:
    names = sorted({row["category"] for row in data.banking})
    for row in data.banking[:400]:
        other = chance.choice([name for name in names if name != row["category"]])
        yield Item("label", "banking77", f"Which intent has this message?\n{row['text']}", row["category"], other)
    for name in ("ag_news_classify", "glue_mrpc_equivalent"):
        rows = data.t0.get(name, [])
        labels = sorted({_completion(row) for row in rows})
        for row in rows:
            own = _completion(row)
            other = chance.choice([label for label in labels if label != own])
            yield Item("label", name, row["prompt"], own, other)
    for row in data.t0.get("sciq_Multiple_Choice_Closed_Book_", []):
        choices = re.findall(r"^- (.*)$", row["prompt"], re.MULTILINE)
        own = _completion(row)
        wrong = [choice for choice in choices if choice != own]
        if wrong:
            yield Item("label", "sciq", row["prompt"], own, chance.choice(wrong))


def _refusals(data: Real, chance: random.Random) -> Iterator[Item]:
    for prompt, answers in data.completions.items():
        complying = [text for label, text in answers if label.startswith("1")]
        refusing = [text for label, text in answers if label.startswith("2")]
        for right, refused in zip(complying, refusing, strict=False):
            yield Item("refusal", "xstest", prompt, right, refused)
    generic = sorted({t for a in data.completions.values() for lab, t in a if lab.startswith("2") and len(t) < 160})
    for row in data.alpaca[::3]:
        yield Item("refusal", "alpaca and a refusal of xstest", row.prompt, row.answer, chance.choice(generic))


def _formats(data: Real, chance: random.Random) -> Iterator[Item]:
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


def _entities(data: Real, chance: random.Random) -> Iterator[Item]:
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
        wrong = [choice for choice in choices if choice != _completion(row)]
        if wrong:
            yield Item("entity", "sciq", question, _completion(row), chance.choice(wrong))


def _free(data: Real, chance: random.Random) -> Iterator[Item]:
    for one, other, label in chance.sample(data.cad, 4000):
        if label == "contradiction":
            yield Item("free", "cad", _PICTURE, one, other)
    for row in data.fever:
        if row["gold_label"] == "REFUTES":
            claim = untokenized(row["claim"])
            prompt = f"What is known about this? {_subject(claim)}"
            yield Item("free", "fever", prompt, untokenized(row["evidence"]), claim)
    for row in data.truthful:
        for right, wrong in _crossed(row, 2):
            yield Item("free", "truthfulqa", row["Question"], right, wrong)


# ---------------------------------------------------------------------------------------- hard negatives


def _open_ended(data: Real, chance: random.Random) -> Iterator[Item]:
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


def _inputs(data: Real, chance: random.Random) -> Iterator[Item]:
    rows = data.banking[:250]
    for one, other in zip(rows, [*rows[40:], *rows[:40]], strict=True):
        prompt = "Which intent has this message?\n"
        yield Item(
            "other input", "banking77", prompt + one["text"], one["category"], other["category"], prompt + other["text"]
        )
    for name, answers in data.t0.items():
        for one, other in zip(answers, [*answers[1:], *answers[:1]], strict=True):
            if one["prompt"] != other["prompt"]:
                yield Item("other input", name, one["prompt"], _completion(one), _completion(other), other["prompt"])


def _rewordings(data: Real, chance: random.Random) -> Iterator[Item]:
    for row in data.truthful:
        answers = split(row["Correct Answers"])
        for one, other in list(combinations(answers, 2))[:3]:
            yield Item("right in other words (TruthfulQA)", "truthfulqa", row["Question"], one, other)
    for source, one, other in data.paraphrases():
        yield Item("paraphrase (MRPC, PAWS, QQP, STS)", source, _NEWS, one, other)
    for one, other, label in chance.sample(data.cad, 3000):
        if label in ("entailment", "neutral"):
            yield Item(f"{label} (CAD)", "cad", _PICTURE, one, other)
    for row in data.fever:
        if row["gold_label"] == "SUPPORTS":
            claim = untokenized(row["claim"])
            prompt = f"What is known about this? {_subject(claim)}"
            yield Item("supported claim (FEVER)", "fever", prompt, untokenized(row["evidence"]), claim)


def _quantities(data: Real, chance: random.Random) -> Iterator[Item]:
    rows = [*data.factual(), *(Answered("gsm8k", row["question"], row["question"]) for row in data.gsm8k)]
    for row in rows:
        if (same := in_other_unit(row.answer)) is not None:
            yield Item("rounding, units", row.source, row.prompt, row.answer, same)


def _number_words(data: Real, chance: random.Random) -> Iterator[Item]:
    rows = [*data.factual(), *(Answered("gsm8k", row["question"], row["question"]) for row in data.gsm8k[::2])]
    for row in rows:
        if (same := in_words(row.answer)) is not None:
            yield Item("number in words", row.source, row.prompt, row.answer, same)


def _same_dates(data: Real, chance: random.Random) -> Iterator[Item]:
    rows = [*data.factual(), *(Answered(source, _NEWS, one) for source, one, _ in data.paraphrases())]
    for row in rows:
        if (same := in_other_date_form(row.answer)) is not None:
            yield Item("date in other form", row.source, row.prompt, row.answer, same)
    for number in range(330):
        day, month, year = chance.randint(1, 28), chance.randrange(12), chance.randint(1801, 2024)
        one, other = chance.sample(_forms(day, month, year), 2)
        subject = chance.choice(["The contract was signed", "The museum opened", "The bridge was finished"])
        yield Item(
            "date in other form", f"made {number}", "When was it?", f"{subject} on {one}.", f"{subject} on {other}."
        )


def _same_polarity(data: Real, chance: random.Random) -> Iterator[Item]:
    for index, (question, decision, conclusion) in enumerate(data.pubmed):
        if decision == "maybe":
            yield Item("same polarity", "pubmedqa", question, "maybe", conclusion)
        elif index % 3 == 0:
            yield Item("same polarity", "pubmedqa", question, decision, f"{decision.title()}. {conclusion}")
        elif index % 3 == 1:
            yield Item("same polarity", "pubmedqa", question, decision, conclusion)
        else:
            yield Item("same polarity", "pubmedqa", question, f"{decision.title()}, it seems so.", conclusion)


def _same_labels(data: Real, chance: random.Random) -> Iterator[Item]:
    for row in data.banking[:400]:
        label = row["category"].replace("_", " ")
        other = chance.choice([label.title(), f"The intent is {label}.", f"**{row['category']}**", f"Intent: {label}"])
        prompt = f"Which intent has this message?\n{row['text']}"
        yield Item("label in other form", "banking77", prompt, row["category"], other)
    for row in data.t0.get("ag_news_classify", []):
        label = _completion(row)
        other = chance.choice([label.lower(), f"It is {label}.", f"The label is {label}.", f'"{label}"'])
        yield Item("label in other form", "ag_news", row["prompt"], label, other)


def _same_refusals(data: Real, chance: random.Random) -> Iterator[Item]:
    generic = sorted({t for a in data.completions.values() for lab, t in a if lab.startswith("2") and len(t) < 160})
    for prompt, answers in data.completions.items():
        for sort in ("1", "2"):
            same = [text for label, text in answers if label.startswith(sort)]
            for one, other in combinations(same, 2):
                yield Item("two refusals, two answers", "xstest", prompt, one, other)
            if sort == "2" and same:
                yield Item("two refusals, two answers", "xstest", prompt, same[0], chance.choice(generic))


def _same_formats(data: Real, chance: random.Random) -> Iterator[Item]:
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


def _aliases(data: Real, chance: random.Random) -> Iterator[Item]:
    for row in data.factual():
        full = [name for name in names_in(row.answer) if len(name.split()) == 2]
        if full and len(row.answer) < 400:
            first, last = full[0].split()
            short = chance.choice([last, f"{first[0]}. {last}"])
            yield Item("another form of a name", row.source, row.prompt, row.answer, row.answer.replace(full[0], short))
            yield Item("another form of a name", row.source, f"Who or what is it? {row.prompt}", full[0], last)


def _other_prompts(data: Real, chance: random.Random) -> Iterator[Item]:
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
        if match and _completion(row) == "no":
            yield Item("another prompt by one word", "qqp", match.group(1), "Yes.", "No.", match.group(2))


# ---------------------------------------------------------------------------------------- how texts are changed

_MONTH_NAMES = "January February March April May June July August September October November December"
_MONTHS = _MONTH_NAMES.split()
_NUMBER_NAMES = "zero one two three four five six seven eight nine ten eleven twelve"
_WORDS = _NUMBER_NAMES.split()
_PLAIN_NUMBER = re.compile(r"(?<![\w.,/:$€£#-])(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?![\w/:]|[.,]\d|-\d|\s*[ap]m\b)")
_YEAR = re.compile(r"\b(1[5-9]\d\d|20[0-2]\d)\b(?![,.]?\d)")
_FULL_DATE = re.compile(
    rf"\b({'|'.join(_MONTHS)}) (\d{{1,2}})(, \d{{4}})?\b|\b(\d{{1,2}}) ({'|'.join(_MONTHS)})( \d{{4}})?\b"
)
_NAME = re.compile(r"(?<=[a-z,] )(?:[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,}){0,2})(?=[ ,.'])")
_NO_NAMES = {
    *_MONTHS,
    "The",
    "This",
    "That",
    "However",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "English",
}


def with_other_number(text: str, chance: random.Random) -> str | None:
    """The text with one number changed that is no year, no number of a list, and stands in it once."""
    found = [
        match
        for match in _PLAIN_NUMBER.finditer(text)
        if not _YEAR.fullmatch(match.group())
        and text.count(match.group()) == 1
        and not _numbers_an_item(text, match)
        and _FULL_DATE.search(text[max(0, match.start() - 12) : match.end() + 12]) is None
    ]
    if not found:
        return None
    match = chance.choice(found)
    written = match.group().replace(",", "")
    if "." in written:
        changed = f"{float(written) * chance.choice([0.5, 1.3, 2, 3]):.{len(written.split('.')[1])}f}"
        changed = changed if changed != written else f"{float(written) + 1}"
    else:
        value = int(written) + chance.choice([1, 2, 3, 7, 10]) * 10 ** max(0, len(written) - 2)
        changed = f"{value:,}" if "," in match.group() else str(value)
    return text[: match.start()] + changed + text[match.end() :]


def _numbers_an_item(text: str, match: re.Match[str]) -> bool:
    return re.match(r"[.):]\s", text[match.end() : match.end() + 2]) is not None and (
        match.start() == 0 or text[match.start() - 1] in "\n("
    )


def with_other_date(text: str, chance: random.Random) -> str | None:
    """The text with one year, or one day of a month, changed."""
    full = list(_FULL_DATE.finditer(text))
    years = [match for match in _YEAR.finditer(text) if text.count(match.group()) == 1]
    if full and chance.random() < 0.6:
        match = chance.choice(full)
        day = match.group(2) or match.group(4)
        changed = match.group().replace(day, str((int(day) + 6) % 28 + 1), 1)
        return text[: match.start()] + changed + text[match.end() :]
    if not years:
        return None
    match = chance.choice(years)
    return text[: match.start()] + str(int(match.group()) - chance.choice([1, 3, 12, 40])) + text[match.end() :]


def denial(text: str) -> str | None:
    """The text with its first "is", "are", "can" or the like denied; None where a sentence denies already."""
    if re.search(r"\b(?:not|no|never|n't|none|nothing|without)\b|n't\b", text):
        return None
    match = re.search(r"(?<=\w )\b(is|are|was|were|can|will|should|has been|have been)\b(?= [a-z])", text)
    if match is None:
        return None
    word = match.group()
    denied = word.replace(" ", " not ") if " " in word else f"{word} not"
    return text[: match.start()] + denied + text[match.end() :]


def names_in(text: str) -> list[str]:
    """Capitalised words within a sentence."""
    return [name for name in _NAME.findall(text) if not set(name.split()) & _NO_NAMES]


_CONVERSIONS: tuple[tuple[str, Any], ...] = (
    (r"(?<![\d.,$])(\d+) (?:kilometers|kilometres|km)\b", lambda n: f"{n * 1000:,.0f} meters"),
    (r"(?<![\d.,$])(\d+) hours\b", lambda n: f"{n * 60:.0f} minutes"),
    (r"(?<![\d.,$])(\d+) minutes\b", lambda n: f"{n * 60:.0f} seconds"),
    (r"(?<![\d.,$])(\d+) weeks\b", lambda n: f"{n * 7:.0f} days"),
    (r"(?<![\d.,$])(\d+) years\b", lambda n: f"{n * 12:.0f} months"),
    (r"(?<![\d.,$])(\d+) feet\b", lambda n: f"{n * 12:.0f} inches"),
    (r"(?<![\d.,$])(\d+) miles\b", lambda n: f"{n * 1.609344:.1f} km"),
    (r"(?<![\d.,$])(\d+) (?:pounds|lbs)\b", lambda n: f"{n * 0.45359237:.1f} kg"),
    (r"(?<![\d.,$])(\d+) (?:kg|kilograms)\b", lambda n: f"{n * 1000:,.0f} grams"),
    (r"(?<![\d.,$])(\d+) (?:meters|metres)\b", lambda n: f"{n * 100:,.0f} cm"),
    (r"(?<![\d.,$])(\d+) inches\b", lambda n: f"{n * 2.54:.1f} cm"),
    (r"(?<![\d.,$])(\d+)%", lambda n: f"{n:.0f} percent"),
    (r"\$(\d+)\b(?![.,]\d)", lambda n: f"{n:.0f} dollars"),
    (r"(?<![\d.,$])(\d+) million\b", lambda n: f"{n * 1_000_000:,.0f}"),
    (r"(?<![\d.,$])(\d+\.\d\d)\b(?![.,%]\d)", lambda n: f"{n:.1f}"),
    (r"(?<![\d.,$/-])(\d{4,7})\b(?![.,/:-]\d)", lambda n: f"{n:,.0f}"),
)


def in_other_unit(text: str) -> str | None:
    """The text with one quantity converted, rounded, or grouped by commas."""
    for pattern, convert in _CONVERSIONS:
        match = re.search(pattern, text)
        if match and not (_YEAR.fullmatch(match.group(1)) and "," in convert(float(match.group(1)))):
            return text[: match.start()] + str(convert(float(match.group(1)))) + text[match.end() :]
    return None


def in_words(text: str) -> str | None:
    """The text with one number up to twelve in words instead of digits, or the other way round."""
    match = re.search(r"(?<=[a-z] )(\d|1[0-2])(?= [a-z])", text)
    if match is not None:
        return text[: match.start()] + _WORDS[int(match.group())] + text[match.end() :]
    match = re.search(rf"(?<=[a-z] )({'|'.join(_WORDS[2:])})(?= [a-z])", text)
    if match is not None:
        return text[: match.start()] + str(_WORDS.index(match.group())) + text[match.end() :]
    return None


def in_other_date_form(text: str) -> str | None:
    """The text with one full date in another notation."""
    match = re.search(rf"\b({'|'.join(_MONTHS)}) (\d{{1,2}}), (\d{{4}})\b", text)
    if match is not None:
        return text[: match.start()] + f"{match.group(2)} {match.group(1)} {match.group(3)}" + text[match.end() :]
    match = re.search(rf"\b(\d{{1,2}}) ({'|'.join(_MONTHS)}) (\d{{4}})\b", text)
    if match is not None:
        return text[: match.start()] + f"{match.group(2)} {match.group(1)}, {match.group(3)}" + text[match.end() :]
    return None


def _forms(day: int, month: int, year: int) -> list[str]:
    name = _MONTHS[month]
    ending = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd"}.get(day, "th")
    return [
        f"{name} {day}, {year}",
        f"{day} {name} {year}",
        f"{name} {day}{ending}, {year}",
        f"the {day}{ending} of {name} {year}",
        f"{year}-{month + 1:02d}-{day:02d}",
        f"{month + 1}/{day}/{year}",
        f"{name[:3]} {day}, {year}",
    ]


def split(answers: str) -> list[str]:
    return [answer.strip() for answer in answers.split(";") if answer.strip()]


def untokenized(text: str) -> str:
    """Without the white space that Penn Treebank tokenisation put before punctuation."""
    text = re.sub(r"-LRB- ?", "(", text)
    text = re.sub(r" ?-RRB-", ")", text)
    text = re.sub(r"\$ (?=\d)", "$", re.sub(r" ([.,;:!?%')]|'s|n't)(?=\W|$|s\b)", r"\1", text))
    return re.sub(r'`` ?| ?\'\'|" ', '"', text).strip()


def _subject(claim: str) -> str:
    return " ".join(claim.split()[:2])


def _crossed(row: dict[str, str], most: int) -> Iterator[tuple[str, str]]:
    right, wrong = split(row["Correct Answers"]), split(row["Incorrect Answers"])
    yield from zip(right[:most], wrong[:most], strict=False)


def _completion(row: dict[str, str]) -> str:
    return row["completion"].replace("<|endoftext|>", "").strip()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def counts(items: Iterable[Item]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for item in items:
        found[item.kind] += 1
    return dict(found)


def negatives(items: Sequence[Item]) -> list[str]:
    """The kinds of hard negatives, in the order in which they were made."""
    return list(dict.fromkeys(item.kind for item in items if item.kind not in POSITIVE))
