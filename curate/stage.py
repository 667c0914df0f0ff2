"""audit looks at data and changes nothing; curate decides on each record and accounts for every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assay.dataset import Dataset
from assay.families import assign_families
from assay.findings import Fate, Finding, Ledger, Severity, summarize
from assay.records import Json, Record
from assay.reviews.review import Review
from assay.split import split

from .check import Context, evenly
from .corpus import Corpus
from .decisions import Decided, decide
from .engine.engines import Engine
from .examine import examine
from .fitness import Fitness, judge_fitness
from .keeper import keeper_rule
from .languages import LOOKED_AT, Languages, languages_of
from .located import Located
from .overview.overview import Overview, encode_or_none, look_over
from .pages.concealment import NEVER_QUOTED, conceal_findings
from .reviews.accounting import with_edits
from .reviews.replay import Edited, Replayed, Reviewed, apply_edits, kept_by_people, replay
from .reviews.reviewers import with_reviewers
from .settings import ActiveCheck, CurateSettings, active_checks

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from assay.chat import ChatTarget
    from assay.suites import EvaluationText, Suite

    from .contradictions.confirmers import Confirmer
    from .duplicates.releases import Releases
    from .template.mismatch import Asked

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
    seconds     {check or column: processor time}; templates and tokenisation by themselves
    settings    that it was judged by
    reviewed    what people had decided; `data` has their edits
    target      whose template it was judged by
    """

    data: Dataset
    findings: tuple[Finding, ...]
    decided: Decided
    fitness: Fitness
    checks: tuple[ActiveCheck, ...]
    not_judged: Mapping[str, str] = field(default_factory=dict)
    alike: tuple[tuple[str, ...], ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    settings: CurateSettings = field(default_factory=CurateSettings)
    reviewed: Reviewed = field(default_factory=Reviewed)
    target: ChatTarget | None = None

    def __repr__(self) -> str:
        """Without text of records: a notebook or a log shows it unasked."""
        found = ", ".join(f"{check} {counts['records']:,}" for check, counts in self.summary.items())
        reason = self.fitness.reasons[0] if self.fitness.reasons else ""
        return (
            f"Audited({self.data.rows_read:,} rows read; {self.fitness.verdict}: {reason}; found: {found or 'nothing'})"
        )

    @cached_property
    def languages(self) -> Languages:
        """Those of the answers, and which checks do not judge some of them."""
        judging = [item for item in self.checks if item.name not in self.not_judged]
        return languages_of(evenly(Corpus(self.data.table), LOOKED_AT), judging)

    @cached_property
    def overview(self) -> Overview:
        """Is it fit for its purpose, what would most improve it, and what it consists of."""
        return look_over(
            self.data,
            self.decided.ledger.table,
            self.findings,
            self.not_judged,
            self.settings,
            self.reviewed.reviews,
            self.reviewed.before,
            encode_or_none(self.settings.encoder),
            self.target,
        )

    @property
    def summary(self) -> dict[str, dict[str, int]]:
        """{check: {"records": n, "groups": n}}"""
        return summarize(self.findings)

    def worst(self) -> Severity | None:
        """The highest severity that was found."""
        found = {finding.severity for finding in self.findings}
        return next((severity for severity in Severity if severity in found), None)

    def asked(self, *, redact: bool = False) -> Asked | None:
        """How much of the data asks as production does; None where no request was named."""
        from .template.mismatch import CHECK, asked_alike

        judged = any(item.name == CHECK for item in self.checks) and CHECK not in self.not_judged
        return asked_alike(self.findings, len(self.data), redact=redact) if judged else None

    def to_pandas(self) -> pd.DataFrame:
        """One row a finding, as in findings.parquet; needs pandas."""
        from .findings_table import findings_table

        frame: pd.DataFrame = findings_table(self.findings).to_pandas()
        return frame

    def to_json(self, *, redact: bool = False) -> dict[str, Json]:
        """The document of `assay audit --json`; with `redact` there is no record text in it."""
        from .pages.redaction import redacted
        from .template.truncation import losses

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
        lost = losses(self.findings)
        if lost is not None:
            out["truncation"] = lost.to_json()
        asked = self.asked(redact=redact)
        if asked is not None:
            out["inference"] = asked.to_json()
        out["not_judged"] = dict(self.not_judged)
        out["languages"] = self.languages.to_json()
        out["overview"] = (self.overview.without_text() if redact else self.overview).to_json()
        out["reviews"] = dict(self.reviewed.counts)
        out["notes"] = list(self.data.notes)
        return out


@dataclass(frozen=True)
class Curated:
    """data: kept and repaired rows with family and split. held: rows that wait for a person, and never train.

    dropped  rows that could be read and were of no use, as they were; each file's rows are in the ledger's order
    """

    data: Dataset
    held: Dataset
    dropped: Dataset
    ledger: Ledger
    audited: Audited

    def __repr__(self) -> str:
        return f"Curated({self.ledger!r}; {self.audited.fitness.verdict})"


def audit(
    data: Any,
    settings: CurateSettings | None = None,
    target: ChatTarget | None = None,
    suites: Sequence[Suite] = (),
    evaluation_texts: Sequence[EvaluationText] = (),
    engine: Engine | None = None,
    confirmer: Confirmer | None = None,
    releases: Releases | None = None,
    reviews: Sequence[Review] = (),
) -> Audited:
    """Runs every check that is on. `data` is a Dataset, or what `assay.sources.convert.as_dataset` takes.

    evaluation_texts  come on top of those of `suites`
    engine            where the pass over the data runs; None for what suits its size; what is found is the same
    confirmer         a second opinion on contradictions, where the settings ask for one
    releases          an index of earlier releases, which the data is then checked against
    reviews           what people decided about records, replayed

    Raises SettingsError for an unknown check or setting, WorkerLostError when processes are killed again and again.
    """
    settings = settings or CurateSettings()
    edited = apply_edits(_as_dataset(data), reviews)
    dataset = edited.data
    checks = active_checks(settings)
    records = Corpus(dataset.table)
    context = Context(
        records,
        target,
        suites,
        _all_evaluation_texts(suites, evaluation_texts),
        encoder=settings.encoder,
        confirmer=confirmer,
        releases=releases,
    )
    examined = examine(dataset, checks, settings, context, engine)
    replayed, found = _replayed(edited, examined.found, records, reviews)

    decided = decide(dataset, records, found, checks, keeper_rule(settings.keep_of_duplicates), kept_by_people(reviews))
    decided = replace(decided, ledger=with_edits(decided.ledger, edited.originals))
    decided.ledger.check(dataset.row_id_column())
    fitness = judge_fitness(decided.ledger, examined.not_judged, settings, examined.broken)
    return Audited(
        dataset,
        replayed.findings,
        decided,
        fitness,
        checks,
        examined.not_judged,
        tuple(context.alike),
        examined.seconds,
        settings,
        Reviewed(tuple(reviews), edited.before, replayed.counts),
        target,
    )


def _replayed(
    edited: Edited, found: Sequence[Located], records: Corpus, reviews: Sequence[Review]
) -> tuple[Replayed, list[Located]]:
    """All findings as people may read them, after what people decided: the faults first, then the others located."""
    dataset = edited.data
    hidden = dict.fromkeys(located.position for located in found if located.finding.check in NEVER_QUOTED)
    shown = conceal_findings(
        [*dataset.faults, *(located.finding for located in found)], map(records.__getitem__, hidden)
    )
    faults, shown = shown[: len(dataset.faults)], shown[len(dataset.faults) :]
    replayed = replay(dataset, shown, reviews, edited.originals)
    positions = [located.position for located in found]
    positions += dataset.positions([finding.row_id for finding in replayed.findings[len(positions) :]])
    located = [Located(position, item) for position, item in zip(positions, replayed.findings, strict=True)]
    return replace(replayed, findings=(*faults, *replayed.findings)), located


def curate(
    data: Any,
    settings: CurateSettings | None = None,
    target: ChatTarget | None = None,
    suites: Sequence[Suite] = (),
    evaluation_texts: Sequence[EvaluationText] = (),
    engine: Engine | None = None,
    confirmer: Confirmer | None = None,
    releases: Releases | None = None,
    reviews: Sequence[Review] = (),
) -> Curated:
    """Audits, then keeps, repairs, drops or holds each row; what trains gets its family and split.

    Raises SettingsError, and LedgerError when a row is not accounted for.
    """
    settings = settings or CurateSettings()
    audited = audit(data, settings, target, suites, evaluation_texts, engine, confirmer, releases, reviews)
    decided = audited.decided
    used, held, dropped = parted(audited.data, decided)
    groups = [*duplicate_groups(audited.findings, audited.checks), *map(list, audited.alike)]
    used = assign_families(used, groups, settings.split.group_column)
    used = split(used, settings.split.validation, settings.seed)
    used = with_reviewers(used, reviews, audited.reviewed.before)
    decided.ledger.check(audited.data.row_id_column())
    return Curated(replace(used, notes=audited.data.notes), held, dropped, decided.ledger, audited)


def parted(data: Dataset, decided: Decided) -> tuple[Dataset, Dataset, Dataset]:
    """What trains, with repaired rows in their new form, what is held, and what is dropped."""
    import pyarrow as pa
    import pyarrow.compute as pc

    fates = decided.ledger.table.column("fate").slice(0, len(data)).combine_chunks()
    kept = pc.is_in(fates, value_set=pa.array([str(Fate.KEPT), str(Fate.REPAIRED)]))
    held, dropped = (Dataset(data.table.filter(pc.equal(fates, str(fate)))) for fate in (Fate.HELD, Fate.DROPPED))
    return Dataset(_with_repairs(data.table, decided.repaired).filter(kept)), held, dropped


REPAIRED_COLUMNS = ("record_id", "messages", "tools", "meta")


def _with_repairs(table: pa.Table, repaired: Mapping[int, Record]) -> pa.Table:
    """Batch by batch, since taking rows out of a table of many chunks takes seconds."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not repaired:
        return table
    places = np.array(sorted(repaired))
    new = Dataset.from_records([repaired[place] for place in places.tolist()]).table.combine_chunks()
    batches, start = [], 0
    for batch in table.to_batches():
        first, last = np.searchsorted(places, (start, start + batch.num_rows))
        if first < last:
            mask = np.zeros(batch.num_rows, np.bool_)
            mask[places[first:last] - start] = True
            own = new.slice(first, last - first)
            for name in REPAIRED_COLUMNS:
                values = pc.replace_with_mask(batch.column(name), pa.array(mask), own.column(name).combine_chunks())
                batch = batch.set_column(batch.schema.get_field_index(name), batch.schema.field(name), values)
        batches.append(batch)
        start += batch.num_rows
    return pa.Table.from_batches(batches, table.schema)


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


def _all_evaluation_texts(suites: Sequence[Suite], given: Sequence[EvaluationText]) -> tuple[EvaluationText, ...]:
    from assay.suites import evaluation_texts

    return tuple(dict.fromkeys([*evaluation_texts(suites), *given]))


def _as_dataset(data: Any) -> Dataset:
    if isinstance(data, Dataset):
        return data
    from assay.sources.convert import as_dataset

    return as_dataset(data)
