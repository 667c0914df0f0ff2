"""The real data of the halves "tune" and "test", read once."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.contradiction_sets.changes import untokenized


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
        self.fever = [row for path in sorted(fever) for row in lines(path)]
        self.banking = self._csv("domain/banking77/train.csv")[::7]
        self.gsm8k = lines(folder / "general/gsm8k/test.jsonl")
        t0 = folder / "instruction/t0_prompt_completion"
        self.t0 = {path.stem: lines(path) for path in sorted(t0.glob("*.jsonl"))}
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
            yield Answered("fever", f"What is known about this? {subject(row['claim'])}", untokenized(row["evidence"]))

    def paraphrases(self) -> Iterator[tuple[str, str, str]]:
        """(source, text, the same in other words), as people judged them."""
        for row in self.t0.get("glue_mrpc_equivalent", ()):
            lines = row["prompt"].strip().splitlines()
            if completion(row) == "equivalent":
                yield "mrpc", untokenized(lines[-2]), untokenized(lines[-1])
        for row in self.t0.get("paws_labeled_final_Meaning", ()):
            match = re.search(r"Sentence 1: (.*)\nSentence 2: (.*)\nQ", row["prompt"])
            if match and completion(row).lower() == "yes":
                yield "paws", untokenized(match.group(1)), untokenized(match.group(2))
        for row in self.t0.get("glue_qqp_duplicate", ()):
            match = re.search(r'questions "(.*)" and "(.*)"\. Are', row["prompt"])
            if match and completion(row) == "yes":
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


def split(answers: str) -> list[str]:
    return [answer.strip() for answer in answers.split(";") if answer.strip()]


def subject(claim: str) -> str:
    return " ".join(claim.split()[:2])


def crossed(row: dict[str, str], most: int) -> Iterator[tuple[str, str]]:
    right, wrong = split(row["Correct Answers"]), split(row["Incorrect Answers"])
    yield from zip(right[:most], wrong[:most], strict=False)


def completion(row: dict[str, str]) -> str:
    return row["completion"].replace("<|endoftext|>", "").strip()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
