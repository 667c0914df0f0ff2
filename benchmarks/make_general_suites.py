"""Writes the generated suites of general ability that come with assay, in sample_data/general/.

    python benchmarks/make_general_suites.py [--check]

The same files for the same version of this program, on any machine. --check writes nothing and names what differs.
Every item's answer is also found by a second program that reads nothing but the item's text
(tests/benchmarks/test_general_suites.py holds the two against each other).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from general_suites import (
    calculation,
    calendar_days,
    code_output,
    deduction,
    instructions,
    languages,
    lists,
    obedient,
    records,
    rules,
    starter,
    tables,
)
from general_suites.item import Item, Kind, Tier, items

FOLDER = Path(__file__).resolve().parent.parent / "sample_data" / "general"
ITEMS = 240
FINAL: dict[str, object] = {"name": "final_answer"}
OBJECT: dict[str, object] = {"name": "json_fields", "partial_credit": False}
DEMANDS: dict[str, object] = {"name": "all_of", "partial_credit": False}

HARD = (
    Kind(
        "calculation",
        "Arithmetic in several steps: stock that comes and goes in two places.",
        calculation.make,
        FINAL,
        512,
    ),
    Kind("calendar", "Dates, weekdays, working days and clock times.", calendar_days.make, FINAL, 512),
    Kind("code_output", "What a short Python program prints.", code_output.make, {"name": "normalised_match"}, 48),
    Kind("deduction", "One order that agrees with all clues.", deduction.make, FINAL, 512),
    Kind("instructions", "Writing to order: several demands on form at once.", instructions.make, DEMANDS, 384),
    Kind(
        "languages", "Sums told in five languages, with the numbers in words.", languages.make, {"name": "numeric"}, 256
    ),
    Kind("lists", "Lists of words, worked over in stated steps.", lists.make, FINAL, 512),
    Kind("records", "A message to a JSON object, with corrections to be heeded.", records.make, OBJECT, 256),
    Kind("rules", "Which statements follow from rules about invented things.", rules.make, FINAL, 512),
    Kind("tables", "Reading tables: look up, filter, count, add up, compare.", tables.make, FINAL, 384),
)
STARTER = (
    Kind("short_answers", "Questions of one step, answered in a word.", starter.make_answer, {"name": "contains"}, 12),
    Kind("one_instruction", "One demand on form at a time.", starter.make_instruction, DEMANDS, 32),
)
SOLVERS = {
    "calculation": calculation.solve,
    "calendar": calendar_days.solve,
    "code_output": code_output.solve,
    "deduction": deduction.solve,
    "languages": languages.solve,
    "lists": lists.solve,
    "records": records.solve,
    "rules": rules.solve,
    "short_answers": starter.solve_answer,
    "tables": tables.solve,
}
EXAMPLES = {"instructions": obedient.answer}
"""Where there is no one answer: writes one that must score 1."""

TIERS: dict[Tier, tuple[Kind, ...]] = {"small": STARTER, "medium": HARD, "large": HARD}


def suite_name(kind: Kind, tier: Tier) -> str:
    return f"assay_{kind.name}" if tier == "small" else f"assay_{tier}_{kind.name}"


def files() -> Iterator[tuple[Path, str]]:
    """Every file with its text."""
    for tier, kinds in TIERS.items():
        for kind in kinds:
            yield FOLDER / tier / f"{kind.name}.yaml", _header(kind, tier)
            rows = enumerate(items(kind, tier, ITEMS), start=1)
            lines = [json.dumps(_row(kind, tier, number, item), ensure_ascii=False) for number, item in rows]
            yield FOLDER / tier / f"{kind.name}.jsonl", "\n".join(lines) + "\n"


def _header(kind: Kind, tier: Tier) -> str:
    return (
        f"# {kind.title} Written by benchmarks/make_general_suites.py.\n"
        f"version: 1\nname: {suite_name(kind, tier)}\ndata: {kind.name}.jsonl\nrole: general\n"
        f"scorer: {json.dumps(kind.scorer)}\nmax_new_tokens: {kind.max_new_tokens}\n"
    )


def _row(kind: Kind, tier: Tier, number: int, item: Item) -> dict[str, object]:
    structured = kind.scorer in (OBJECT, DEMANDS)
    return {
        "id": f"{tier}-{kind.name}-{number:03}",
        "prompt": item.prompt,
        "reference": json.loads(item.reference) if structured else item.reference,
        "cluster": item.cluster,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes the generated suites of general ability.")
    parser.add_argument("--check", action="store_true", help="write nothing, and name what differs")
    check = parser.parse_args().check
    differing = 0
    for path, text in files():
        if check:
            same = path.is_file() and path.read_text(encoding="utf-8") == text
            differing += not same
            print(f"{path.relative_to(FOLDER)}: {'the same' if same else 'DIFFERS'}")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(FOLDER)}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
