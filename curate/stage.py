"""audit looks at data and changes nothing; curate decides on each record and accounts for every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from assay.dataset import Dataset
from assay.families import assign_families
from assay.findings import Fate, Finding, Ledger, Severity, summarize
from assay.records import Json, Record
from assay.split import split

from .check import Context
from .decisions import CHECK_FAILED, Decided, decide
from .fitness import Fitness, judge_fitness
from .settings import ActiveCheck, CurateSettings, active_checks

if TYPE_CHECKING:
    from assay.chat import ChatTarget
    from assay.suites import EvaluationText, Suite

JSON_FINDINGS = 10_000
"""Above this many findings the JSON carries samples; findings.parquet has them all."""

SAMPLES_A_CHECK = 20


@dataclass(frozen=True)
class Audited:
    """What was found, and what `curate` would do about it.

    findings    unreadable rows first, then by check in the order of the records
    decided     the fate that each row would have
    not_judged  {check: why}
    alike       groups of row ids that are no duplicates, and too much alike to be parted by a split
    """

    data: Dataset
    findings: tuple[Finding, ...]
    decided: Decided
    fitness: Fitness
    checks: tuple[ActiveCheck, ...]
    not_judged: Mapping[str, str] = field(default_factory=dict)
    alike: tuple[tuple[str, ...], ...] = ()

    @property
    def summary(self) -> dict[str, dict[str, int]]:
        """{check: {"records": n, "groups": n}}"""
        return summarize(self.findings)

    def worst(self) -> Severity | None:
        """The highest severity that was found."""
        found = {finding.severity for finding in self.findings}
        return next((severity for severity in Severity if severity in found), None)

    def to_json(self, *, redact: bool = False) -> dict[str, Json]:
        """The document of `assay audit --json`; with `redact` there is no record text in it."""
        from .pages.redaction import redacted

        shown: Sequence[Finding] = redacted(self.findings, self.checks) if redact else self.findings
        out: dict[str, Json] = {"records": len(self.data), "read": self.data.rows_read, "digest": self.data.digest}
        if len(self.findings) > JSON_FINDINGS:
            shown = list(samples(shown, SAMPLES_A_CHECK))
            out["note"] = (
                f"{len(self.findings)} findings; {len(shown)} of them here, up to {SAMPLES_A_CHECK} a check. "
                "All are in findings.parquet, which -o OUT writes"
            )
        out["findings"] = [finding.to_json() for finding in shown]
        out["summary"] = self.summary
        out["fit"] = self.fitness.to_json()
        out["not_judged"] = dict(self.not_judged)
        out["notes"] = list(self.data.notes)
        return out


@dataclass(frozen=True)
class Curated:
    """data: kept and repaired rows with family and split. held: rows that wait for a person, and never train."""

    data: Dataset
    held: Dataset
    ledger: Ledger
    audited: Audited


def audit(
    data: Any,
    settings: CurateSettings | None = None,
    target: ChatTarget | None = None,
    suites: Sequence[Suite] = (),
    evaluation_texts: Sequence[EvaluationText] = (),
) -> Audited:
    """Runs every check that is on. `data` is a Dataset, or what `assay.convert.as_dataset` takes.

    evaluation_texts come on top of those of `suites`. Raises SettingsError for an unknown check or setting.
    """
    settings = settings or CurateSettings()
    dataset = _as_dataset(data)
    checks = active_checks(settings)
    records = list(dataset.records())
    context = Context(
        records, target, suites, _all_evaluation_texts(suites, evaluation_texts), encoder=settings.encoder
    )
    not_judged = {item.name: why for item in checks if (why := context.missing(item.check)) is not None}
    judging = [item for item in checks if item.name not in not_judged]

    found = list(_run_record_checks([item for item in judging if item.check.scope == "record"], records, context))
    failed: dict[str, str] = {}
    for item in judging:
        if item.check.scope == "dataset":
            found += _run_dataset_check(item, records, context, failed)
    position = {record.row_id: index for index, record in enumerate(records)}
    found.sort(key=lambda finding: (finding.check, position[finding.row_id]))

    decided = decide(records, dataset.faults, found, checks)
    decided.ledger.check(dataset.row_ids())
    not_judged |= failed
    fitness = judge_fitness(decided.ledger, not_judged, settings, tuple(failed))
    return Audited(dataset, (*dataset.faults, *found), decided, fitness, checks, not_judged, alike=tuple(context.alike))


def curate(
    data: Any,
    settings: CurateSettings | None = None,
    target: ChatTarget | None = None,
    suites: Sequence[Suite] = (),
    evaluation_texts: Sequence[EvaluationText] = (),
) -> Curated:
    """Audits, then keeps, repairs, drops or holds each row; what trains gets its family and split.

    Raises SettingsError, and LedgerError when a row is not accounted for.
    """
    settings = settings or CurateSettings()
    audited = audit(data, settings, target, suites, evaluation_texts)
    decided = audited.decided
    fate = {row.row_id: row.fate for row in decided.ledger.rows}
    records = [decided.repaired.get(record.row_id, record) for record in audited.data.records()]
    used = Dataset.from_records(record for record in records if fate[record.row_id] in (Fate.KEPT, Fate.REPAIRED))
    held = Dataset.from_records(record for record in records if fate[record.row_id] is Fate.HELD)
    groups = [*duplicate_groups(audited.findings, audited.checks), *map(list, audited.alike)]
    used = assign_families(used, _within(groups, used), settings.split.group_column)
    used = split(used, settings.split.validation, settings.seed)
    decided.ledger.check(audited.data.row_ids())
    return Curated(replace(used, notes=audited.data.notes), held, decided.ledger, audited)


def duplicate_groups(findings: Iterable[Finding], checks: Sequence[ActiveCheck]) -> list[list[str]]:
    """The row ids of each cluster that a duplicate check found."""
    tiers = {item.name for item in checks if item.check.keeps_one}
    groups: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        if finding.check in tiers and finding.group is not None:
            groups.setdefault((finding.check, finding.group), []).append(finding.row_id)
    return list(groups.values())


def samples(findings: Iterable[Finding], each: int) -> Iterator[Finding]:
    """The first findings of each check."""
    seen: Counter[str] = Counter()
    for finding in findings:
        seen[finding.check] += 1
        if seen[finding.check] <= each:
            yield finding


def _within(groups: Iterable[Sequence[str]], data: Dataset) -> list[list[str]]:
    present = set(data.table.column("row_id").to_pylist())
    return [[row for row in group if row in present] for group in groups]


def _run_record_checks(checks: Sequence[ActiveCheck], records: Sequence[Record], context: Context) -> Iterator[Finding]:
    """Record by record, so that checks which need the encoding of a record share it."""
    for record in records:
        for item in checks:
            try:
                yield from list(item.check.function(record, context, **item.settings))
            except Exception as error:  # noqa: BLE001 - the boundary: a check that fails on a record is a finding
                yield Finding.about(
                    record,
                    CHECK_FAILED,
                    Severity.WARNING,
                    f"the check {item.name} failed on this record: {_describe(error)}",
                    evidence={"failed": item.name},
                )


def _run_dataset_check(
    item: ActiveCheck, records: Sequence[Record], context: Context, failed: dict[str, str]
) -> list[Finding]:
    try:
        return list(item.check.function(records, context, **item.settings))
    except Exception as error:  # noqa: BLE001 - the boundary: a check that fails is said to have judged nothing
        failed[item.name] = f"it failed: {_describe(error)}"
        return []


def _describe(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _all_evaluation_texts(suites: Sequence[Suite], given: Sequence[EvaluationText]) -> tuple[EvaluationText, ...]:
    from assay.suites import evaluation_texts

    return tuple(dict.fromkeys([*evaluation_texts(suites), *given]))


def _as_dataset(data: Any) -> Dataset:
    if isinstance(data, Dataset):
        return data
    from assay.convert import as_dataset

    return as_dataset(data)
