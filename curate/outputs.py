"""What audit and curate leave on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assay.storage import write_json, write_table

from .findings_table import findings_table
from .overview.looked import FILE as OVERVIEW
from .pages.redaction import redacted
from .pages.report import write_report
from .reviews.offered import held_entries, reading_entries
from .reviews.sheet import write_sheet
from .stage import Audited, Curated
from .template.truncation import losses


def write_audited(audited: Audited, folder: Path, *, redact: bool = False) -> None:
    """findings.parquet, report.html, summary.json, and what is to be read in to_read.csv. Raises StorageError.

    redact  keeps record text out of all of them; to_read.csv is not written then
    """
    shown = redacted(audited.findings, audited.checks) if redact else audited.findings
    write_table(findings_table(shown), folder / "findings.parquet")
    overview = audited.overview.without_text() if redact else audited.overview
    write_report(audited, folder / "report.html", overview, redact=redact)
    write_json(folder / "summary.json", {**summary(audited), "overview": overview.to_json()})
    if not redact:
        unread = [chosen.record for chosen in overview.reading.unread]
        write_sheet(folder / "to_read.csv", reading_entries(unread))


def write_curated(curated: Curated, folder: Path, *, format: str | None = None, redact: bool = False) -> None:  # noqa: A002
    """data, held, dropped, ledger and what the overview counts as Parquet, held.csv to decide in, the audit's files,
    the data in another format.

    format  a name that `assay.formats` knows; the data is written to data.jsonl as well
    redact  keeps record text out of findings and report, and leaves out the sheets for people and the dropped rows;
            data and held are the records themselves
    Raises StorageError, and UnknownNameError for an unknown format, before anything is written.
    """
    if format is not None:
        from assay.formats import by_name

        by_name(format)
    curated.data.write_parquet(folder / "data.parquet")
    curated.held.write_parquet(folder / "held.parquet")
    if not redact:
        curated.dropped.write_parquet(folder / "dropped.parquet")
    write_table(curated.ledger.to_arrow(), folder / "ledger.parquet")
    if format is not None:
        from assay.formats import write

        write(curated.data, folder / "data.jsonl", format)
    write_audited(curated.audited, folder, redact=redact)
    overview = curated.audited.overview
    write_table((overview.without_text() if redact else overview).looked.to_arrow(), folder / OVERVIEW)
    if not redact:
        write_sheet(folder / "held.csv", held_entries(curated.held, curated.audited.findings))


def summary(audited: Audited) -> dict[str, Any]:
    """Counts of the ledger, {check: {"records", "groups"}}, fitness, and what was not judged."""
    lost, asked = losses(audited.findings), audited.asked(redact=True)
    return {
        **audited.decided.ledger.counts(),
        **({"truncation": lost.to_json()} if lost is not None else {}),
        **({"inference": asked.to_json()} if asked is not None else {}),
        "findings": audited.summary,
        "fit": audited.fitness.to_json(),
        "not_judged": dict(audited.not_judged),
        "reviews": dict(audited.reviewed.counts),
        "digest": audited.data.digest,
        "notes": list(audited.data.notes),
    }
