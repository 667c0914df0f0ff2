"""Claim: numbers, dates, denials, refusals and cut-off answers are told apart in five languages besides English.

    python benchmarks/languages.py [--half tune|test] [--errors]

Prints by language and kind, over the sets in language_sets/ (written for this, 30 positive and 30 negative each):
recall of the positives, precision, and the share of negatives with a false hit. The rules were tuned on the lines of
even number, counted from 0 within each section; "test" is the others. A denial is a sentence against its denial; its
negatives are the sentence in other words. A cut-off answer is a whole one cut at a marked place; its negatives are
the whole ones. French is judged for cut-off answers alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assay.curate.check import CHECKS, Context
from assay.curate.contradictions.clash import Question, find_clash
from assay.curate.contradictions.refusals import refuses
from assay.curate.contradictions.tongue import language_of
from assay.records import Message, Record, Source, record_id, row_id

FOLDER = Path(__file__).resolve().parent / "language_sets"
LANGUAGES = ("de", "es", "zh", "ja", "ar", "fr")
KINDS = ("numbers", "dates", "denials", "refusals", "cut-off answers")


class Case(NamedTuple):
    """positive: whether something must be found."""

    kind: str
    positive: bool
    texts: tuple[str, ...]


class Score(NamedTuple):
    recall: float
    precision: float
    false_hits: float
    wrong: tuple[Case, ...]


def cases(language: str, half: str | None = None) -> list[Case]:
    """Of one half ("tune" or "test"), or all of them."""
    sections = _sections(FOLDER / f"{language}.txt")
    found: list[Case] = []
    for name in ("numbers", "dates") if "number carriers" in sections else ():
        carriers = sections[f"{name.removesuffix('s')} carriers"]
        for sort in ("same", "different"):
            for index, line in _half(sections[f"{name} {sort}"], half):
                carrier = carriers[index % len(carriers)]
                values = [part.strip() for part in line.split("|")]
                found.append(Case(name, sort == "different", tuple(carrier.format(value) for value in values)))
    for _, line in _half(sections.get("denials", []), half):
        said, denied, reworded = (part.strip() for part in line.split("|"))
        found += [Case("denials", True, (said, denied)), Case("denials", False, (said, reworded))]
    for section, positive in (("refusals", True), ("answers", False)):
        found += [Case("refusals", positive, (line,)) for _, line in _half(sections.get(section, []), half)]
    for _, line in _half(sections["whole"], half):
        start, end = line.split("^")
        found.append(Case("cut-off answers", True, (start.rstrip(),)))
        found.append(Case("cut-off answers", False, (f"{start}{end.lstrip()}",)))
    return found


def is_found(case: Case, language: str) -> bool:
    if case.kind == "refusals":
        return refuses(case.texts[0], language_of(case.texts[0]) or "en") is True
    if case.kind == "cut-off answers":
        return _is_cut_off(case.texts[0])
    clash = find_clash(case.texts[0], case.texts[1], Question("", False, ()))
    return clash is not None


def score(language: str, kind: str, half: str | None) -> Score:
    judged = [(case, is_found(case, language)) for case in cases(language, half) if case.kind == kind]
    hits = sum(found for case, found in judged if case.positive)
    false = sum(found for case, found in judged if not case.positive)
    positive = sum(case.positive for case, _ in judged)
    precision = hits / (hits + false) if hits + false else 0.0
    wrong = tuple(case for case, found in judged if found is not case.positive)
    return Score(hits / positive, precision, false / (len(judged) - positive), wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=["tune", "test"], default="tune")
    parser.add_argument("--errors", action="store_true", help="print what is wrong; on the half tune only")
    arguments = parser.parse_args()
    if arguments.errors and arguments.half == "test":
        parser.error("errors are read on the half that is tuned on")
    print(f"half: {arguments.half}\n{'language':10}{'kind':18}{'recall':>8}{'precision':>11}{'false hits':>12}")
    for language in LANGUAGES:
        for kind in KINDS if language != "fr" else ("cut-off answers",):
            result = score(language, kind, arguments.half)
            print(f"{language:10}{kind:18}{result.recall:>8.2f}{result.precision:>11.2f}{result.false_hits:>12.1%}")
            for case in result.wrong if arguments.errors else ():
                print(f"    {'missed' if case.positive else 'false '} {' | '.join(case.texts)}")


def _is_cut_off(text: str) -> bool:
    messages = (Message("user", "?"), Message("assistant", text))
    record = Record(record_id(messages), row_id("set", 0), messages, Source("set", 1, 0))
    return bool(list(CHECKS.get("cut_off_answer").function(record, Context([record]))))


def _half(lines: list[str], half: str | None) -> Iterator[tuple[int, str]]:
    for index, line in enumerate(lines):
        if half is None or (index % 2 == 0) is (half == "tune"):
            yield index, line


def _sections(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
            found[name] = []
        elif line.strip() and not line.startswith("#"):
            found[name].append(line)
    return found


if __name__ == "__main__":
    main()
