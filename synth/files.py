"""What a generation run leaves: accepted.parquet, ledger.parquet, summary.json, and the journal."""

from __future__ import annotations

from pathlib import Path

from assay.storage import write_json, write_table

from .stage import Synthesized

JOURNAL = "journal.sqlite"


def write_synthesized(result: Synthesized, folder: Path) -> None:
    """Raises StorageError."""
    result.data.write_parquet(folder / "accepted.parquet")
    write_table(result.ledger.to_arrow(), folder / "ledger.parquet")
    write_json(folder / "summary.json", result.to_json())


def describe(result: Synthesized) -> str:
    """Lines for a person: what was asked, what was accepted, what refused the rest."""
    spent = result.spent
    lines = [
        f"{len(result.data)} of {result.wanted} records accepted, out of {len(result.ledger)} answers.",
        f"Spent ${spent.usd:.4f} in {spent.requests} requests "
        f"({spent.input_tokens:,} tokens in, {spent.output_tokens:,} out).",
    ]
    if spent.unknown:
        lines.append(f"{spent.unknown} requests brought no answer and are charged at their worst cost.")
    if result.refused:
        lines.append("Refused by:")
        lines += [f"  {count:5d}  {step}" for step, count in result.refused.items()]
    if result.stopped:
        lines.append(f"Stopped short: {result.stopped}")
    return "\n".join(lines)
