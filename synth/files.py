"""What a generation run leaves: accepted.parquet, ledger.parquet, summary.json, and the journal; and combined.parquet
where accepted records take the place of existing ones."""

from __future__ import annotations

from pathlib import Path

from assay.dataset import Dataset
from assay.storage import write_json, write_table

from .stage import Synthesized

JOURNAL = "journal.sqlite"
COMBINED = "combined.parquet"


def write_synthesized(result: Synthesized, folder: Path, existing: Dataset | None = None) -> None:
    """existing: of which combined.parquet leaves out what was replaced. Raises StorageError."""
    result.data.write_parquet(folder / "accepted.parquet")
    if existing is not None and result.replaced:
        result.combined(existing).write_parquet(folder / COMBINED)
    write_table(result.ledger.to_arrow(), folder / "ledger.parquet")
    write_json(folder / "summary.json", result.to_json())


def describe(result: Synthesized) -> str:
    """Lines for a person: what was asked, what was accepted, what refused the rest, how varied it is."""
    spent = result.spent
    lines = [
        f"{len(result.data)} of {result.wanted} records accepted, out of {len(result.ledger)} answers.",
        f"Spent ${spent.usd:.4f} in {spent.requests} requests "
        f"({spent.input_tokens:,} tokens in, {spent.output_tokens:,} out){_each(result)}.",
    ]
    if spent.unknown:
        lines.append(f"{spent.unknown} requests brought no answer and are charged at their worst cost.")
    if result.replaced:
        lines.append(
            f"Accepted records take the place of {len(result.replaced)} existing ones: {COMBINED} has neither twice."
        )
    if result.steps:
        lines.append("Step          given  refused")
        lines += [f"  {step.step:<12}{step.entered:5d}{step.refused:9d}" for step in result.steps]
    if result.refused:
        lines.append("Refused by:")
        lines += [f"  {count:5d}  {step}" for step, count in result.refused.items()]
    lines += _varied(result)
    if result.judge:
        lines.append(result.judge)
    if result.stopped:
        lines.append(f"Stopped short: {result.stopped}")
    return "\n".join(lines)


def _each(result: Synthesized) -> str:
    accepted = len(result.data)
    return f", ${result.spent.usd / accepted:.6f} an accepted record" if accepted and result.spent.usd else ""


def _varied(result: Synthesized) -> list[str]:
    diversity = result.diversity
    if not len(result.data) or diversity.nearest is None:
        return []
    low, middle, high = diversity.nearest
    measure = "cosine" if diversity.measured_by == "encoder" else "shared words"
    lines = [
        f"Distinct word pairs {diversity.distinct_2:.2f}; nearest existing record by {measure}: "
        f"{middle:.2f} (quartiles {low:.2f} to {high:.2f})."
    ]
    if diversity.coverage is not None:
        lines.append(f"A new record stands near {diversity.coverage:.0%} of the existing ones.")
    return lines
