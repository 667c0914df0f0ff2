"""Precision and recall of personal data by entity on Presidio's own evaluation set, beside presidio-analyzer.

    python benchmarks/personal_data_quality.py FOLDER [--part tune]

FOLDER holds data/synth_dataset_v2.json and tests/data/generated_small.json of microsoft/presidio-research (MIT).
Patterns were tuned on three quarters of the templates; what is reported are the texts of those whose number leaves 3
when divided by 4, from which no rule was made. A value is found where the span covers at least half of it and it at
least half of the span. presidio-analyzer runs its pattern recognisers over a blank spaCy pipeline (no model to
download), which is all that it uses for these entities but for the words near them, whose lemmas a blank pipeline
does not know.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from assay.curate.personal.scan import scan

ENTITIES = {
    "CREDIT_CARD": "payment_card",
    "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "email",
    "IBAN_CODE": "iban",
    "US_SSN": "us_ssn",
    "IP_ADDRESS": "ip_address",
    "US_DRIVER_LICENSE": "driver_license",
    "STREET_ADDRESS": "street_address",
    "ADDRESS": "street_address",
}
"""Of the set, and what assay calls them. Names of people, places and organisations are not looked for."""


class Value(NamedTuple):
    """Characters [start, end) of a text."""

    entity: str
    start: int
    end: int


class Text(NamedTuple):
    text: str
    gold: list[Value]


Find = Callable[[str], list[Value]]


def read(folder: Path, part: str) -> list[Text]:
    """Texts of the templates whose number leaves 3 when divided by 4 (test), or of the others (tune)."""
    rows: list[dict[str, Any]] = []
    for name in ("data/synth_dataset_v2.json", "tests/data/generated_small.json"):
        rows += json.loads((folder / name).read_text(encoding="utf-8"))
    wanted = [row for row in rows if (row["template_id"] % 4 == 3) == (part == "test")]
    return [Text(row["full_text"], list(_gold(row["spans"]))) for row in wanted]


def _gold(spans: Iterable[dict[str, Any]]) -> Iterable[Value]:
    for span in spans:
        if span["entity_type"] in ENTITIES:
            yield Value(ENTITIES[span["entity_type"]], span["start_position"], span["end_position"])


def by_assay(text: str) -> list[Value]:
    return [Value(item.pattern.name, item.start, item.end) for item in scan(text)]


def by_presidio() -> Find | None:
    """None where presidio-analyzer is not installed."""
    try:
        import spacy
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError:
        return None

    class Blank(SpacyNlpEngine):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])
    names = {name: own for name, own in ENTITIES.items() if name not in ("STREET_ADDRESS", "ADDRESS")}

    def find(text: str) -> list[Value]:
        found = engine.analyze(text=text, language="en", entities=list(names))
        return [Value(names[item.entity_type], item.start, item.end) for item in found]

    return find


def count(texts: list[Text], find: Find) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Right, wrong and missed by entity."""
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for text in texts:
        found = [value for value in find(text.text) if value.entity in ENTITIES.values()]
        open_ = list(text.gold)
        for value in found:
            match = next((gold for gold in open_ if _same(value, gold)), None)
            if match is None:
                wrong[value.entity] += 1
            else:
                right[value.entity] += 1
                open_.remove(match)
        missed.update(gold.entity for gold in open_)
    return right, wrong, missed


def _same(one: Value, other: Value) -> bool:
    common = min(one.end, other.end) - max(one.start, other.start)
    return one.entity == other.entity and 2 * common >= max(one.end - one.start, other.end - other.start)


def show(name: str, texts: list[Text], find: Find) -> None:
    began = time.process_time()
    right, wrong, missed = count(texts, find)
    seconds = time.process_time() - began
    print(f"\n{name}: {len(texts)} texts, {len(texts) / seconds:,.0f} texts a second")
    print(f"{'entity':18}{'values':>8}{'right':>8}{'wrong':>8}{'missed':>8}{'precision':>11}{'recall':>9}")
    for entity in dict.fromkeys(ENTITIES.values()):
        hits, false, misses = right[entity], wrong[entity], missed[entity]
        precision = f"{hits / (hits + false):.3f}" if hits + false else "-"
        recall = f"{hits / (hits + misses):.3f}" if hits + misses else "-"
        print(f"{entity:18}{hits + misses:>8}{hits:>8}{false:>8}{misses:>8}{precision:>11}{recall:>9}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=("test", "tune"), default="test")
    given = parser.parse_args()
    texts = read(given.folder, given.part)
    print(f"templates: those to {given.part}")
    show("assay", texts, by_assay)
    presidio = by_presidio()
    if presidio is None:
        print("\npresidio-analyzer is not installed: pip install presidio-analyzer")
    else:
        show("presidio-analyzer, pattern recognisers", texts, presidio)


if __name__ == "__main__":
    main()
