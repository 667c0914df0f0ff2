"""Data that holds generated records trains only when people have read enough of them: `synth.require_acceptance`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from assay.config import Document
from assay.dataset import Dataset, messages_to_text
from assay.errors import NotAcceptedError, SettingsError
from assay.records import Record

from .acceptance import Acceptance, acceptance_of
from .review import EDITS, READING, Review, Verdict, latest
from .sample import is_synthetic, reading_order

DEFAULT = 0.95


def required_acceptance(document: Document) -> float | None:
    """`synth.require_acceptance` of a settings file; DEFAULT where it says nothing. Raises SettingsError."""
    found = document.section("synth").data.get("require_acceptance", DEFAULT)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1:
        raise SettingsError(
            f"require_acceptance is {found!r}, but should be a share below 1, such as 0.95",
            where=document.where(("synth", "require_acceptance")),
            fix="0 asks for no review",
        )
    return float(found)


def generated_records(data: Dataset) -> list[Record]:
    """Those that a model wrote; rows that cannot be such are not decoded."""
    import pyarrow.compute as pc

    table = data.table
    marked = pc.or_(pc.equal(table.column("origin"), "synthetic"), pc.match_substring(table.column("meta"), '"synth":'))
    return [record for record in Dataset(table.filter(marked)).records() if is_synthetic(record)]


def acceptance_in(data: Dataset, reviews: Iterable[Review]) -> Acceptance:
    """What people said of the generated records in the data, and of those of the same sets that they rejected.

    Rejected records are not in the data any more. Without them every set would look faultless once it was curated. What
    a person rewrote was rejected as it was generated, and is that person's now.
    """
    reviews = list(reviews)
    written = {messages_to_text(review.messages) for review in reviews if review.verdict in EDITS and review.messages}
    records = [record for record in generated_records(data) if messages_to_text(record.messages) not in written]
    placed = reading_order(records)
    found = acceptance_of(placed, reviews)
    here = {record.id for record in records}
    held = {subject.record_id: review for subject, review in latest(reviews).items() if subject.check == READING}
    sets = {_noted(review, "set") for name, review in held.items() if name in here} - {""}
    gone = [
        _noted(review, "stratum") or "rejected"
        for name, review in held.items()
        if review.verdict is Verdict.WRONG and name not in here and _noted(review, "set") in sets
    ]
    counted = Counter(gone)
    return Acceptance(Counter(found.strata) + counted, found.right, Counter(found.wrong) + counted, found.skipped)


def check_accepted(found: Acceptance, required: float | None, command: str, where: str | None = None) -> None:
    """Raises NotAcceptedError, which says how many more reviews are needed.

    required  None or 0 asks for nothing
    command   that lets a person read on
    """
    if not required or found.meets(required):
        return
    raise NotAcceptedError(
        f"not trained: {found.sentence(required)}", where=where, fix=f"read on with `{command}`, and run this again"
    )


def check_data(data: Dataset, reviews: Iterable[Review], required: float | None, where: Path | str) -> None:
    """For data as it would train. Raises NotAcceptedError."""
    if not required:
        return
    reviews = list(reviews)
    refused = _refused(generated_records(data), reviews)
    if refused:
        raise NotAcceptedError(
            f"not trained: people rejected or changed {len(refused):,} of the generated records in it, the first "
            f"at {refused[0].source}",
            where=str(where),
            fix="`assay curate` applies what was decided: train on what it writes",
        )
    fix = "assay review RUN --terminal` (the synth run, or its folder; `assay runs` lists them), `assay curate"
    check_accepted(acceptance_in(data, reviews), required, fix, str(where))


def _refused(records: Iterable[Record], reviews: Iterable[Review]) -> list[Record]:
    """Records that a decision has not been applied to."""
    against = (*EDITS, Verdict.WRONG, Verdict.DROP)
    names = {subject.record_id for subject, review in latest(reviews).items() if review.verdict in against}
    return [record for record in records if record.id in names]


def _noted(review: Review, key: str) -> str:
    return str(review.shown.get(key) or "") if isinstance(review.shown, Mapping) else ""
