"""The synth stage: asks, refuses what is not good enough, and accounts for every answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from assay.calls.caller import Caller
from assay.calls.journal import Journal, Spent
from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.findings import Ledger
from assay.protocols import Audit, Provider
from assay.records import Record
from assay.registry import check_settings
from assay.sources.convert import Data, as_dataset

from .asking import judging
from .comparing.diversity import Diversity, Encode, Novelty, measure
from .generator import GENERATORS, Job, count_of
from .provider import price_of
from .running.lineage import Origin
from .running.rounds import Method, Progress, Tally, run_method
from .settings import SynthSettings
from .verifier import Bench, steps


class StepCount(NamedTuple):
    """What a step was given and what it refused."""

    step: str
    entered: int
    refused: int


@dataclass(frozen=True)
class Synthesized:
    """What came of a generation run.

    data       accepted records, origin "synthetic", with their parents and their lineage
    replaced   row ids of existing records whose place accepted ones take, see `combined`
    ledger     a row for every answer: kept, or dropped with the reason that refused it
    refused    answers refused, by reason, most frequent first
    steps      each step in order, with its counts
    wanted     accepted records asked for, over all methods
    diversity  of what was generated of the accepted records
    stopped    why it stopped short, or None
    judge      who judged, in words; None where nobody did
    """

    data: Dataset
    replaced: frozenset[str]
    ledger: Ledger
    refused: Mapping[str, int]
    steps: Sequence[StepCount]
    wanted: int
    spent: Spent
    diversity: Diversity
    stopped: str | None
    judge: str | None = None

    def __repr__(self) -> str:
        """Without text of records: a notebook or a log shows it unasked."""
        short = f"; stopped: {self.stopped}" if self.stopped else ""
        return (
            f"Synthesized({len(self.data):,} accepted of {len(self.ledger):,} answers, {self.wanted:,} wanted; "
            f"{self.spent.requests:,} requests, {self.spent.usd:.4f} dollars{short})"
        )

    def combined(self, existing: Dataset) -> Dataset:
        """The existing records but those that were replaced, and the accepted ones after them."""
        import pyarrow as pa

        kept = [row_id for row_id in existing.row_ids() if row_id not in self.replaced]
        return Dataset(pa.concat_tables([existing.select_rows(kept).table, self.data.table]))

    def to_json(self) -> dict[str, Any]:
        return {
            "wanted": self.wanted,
            "answered": len(self.ledger),
            "accepted": len(self.data),
            "replaced": len(self.replaced),
            "refused": dict(self.refused),
            "steps": [step._asdict() for step in self.steps],
            "diversity": dataclasses.asdict(self.diversity),
            "spent": dataclasses.asdict(self.spent),
            "usd_per_accepted": self.spent.usd / len(self.data) if len(self.data) else None,
            "stopped": self.stopped,
            "judge": self.judge,
        }


def synth(
    seeds: Data,
    settings: SynthSettings,
    provider: Provider,
    audit: Audit,
    journal: Path,
    existing: Data | None = None,
    on_progress: Callable[[str], None] = lambda line: None,
    bench: Bench | None = None,
    encode: Encode | None = None,
    judge: Provider | None = None,
) -> Synthesized:
    """Generates until each method has its `count` of accepted records, or the budget or the jobs run out.

    seeds     records to start from: a Dataset, or what `assay.sources.convert.as_dataset` takes
    existing  records that new ones are judged together with; the seeds when None
    journal   SQLite file; with the same file an answer is never asked for twice
    bench     the target's chat template and the domain suite's scorer, for the steps that judge with them
    encode    texts to unit vectors, for the measures of diversity
    judge     of `settings.judge`, where one is named: see `make_judge`
    Raises SettingsError, UnknownNameError, MissingExtraError, RunError, SourceError.
    """
    start = list(as_dataset(seeds).records())
    known = start if existing is None else list(as_dataset(existing).records())
    progress, price = Progress(), price_of(settings)
    active, novelty, wanted = steps(settings), Novelty(), 0
    for record in known:
        novelty.add(_text(record))
    with Journal(journal, max_requests=settings.max_requests, max_usd=settings.max_usd) as book:
        writer = Caller(provider, book, price, settings.max_retries, say=on_progress)
        its_judge = _judge(writer, judge, settings)
        for name, given in settings.methods.items():
            plugin = GENERATORS.get(name)
            arguments = check_settings(plugin, given, f"synth.methods.{name}")
            count = count_of(name, arguments)
            wanted += count
            if progress.ended:
                continue
            origin, goal = Origin(name, arguments, settings, writer, its_judge), len(progress.accepted) + count
            method = Method(origin, goal, audit, known, active, bench or Bench(settings), novelty.fresh())
            run_method(method, plugin.function(start, settings, **arguments), progress, on_progress)
        spent = book.spent()
    ledger = Ledger.of(progress.rows)
    ledger.check(progress.answered)
    return Synthesized(
        data=Dataset.from_records(progress.accepted),
        replaced=frozenset(progress.replaced),
        ledger=ledger,
        refused=dict(progress.reasons.most_common()),
        steps=_counts(progress.tally),
        wanted=wanted,
        spent=spent,
        diversity=measure(progress.texts, [_text(record) for record in known], encode),
        stopped=progress.stopped,
        judge=judging.in_words(settings),
    )


def _judge(writer: Caller, judge: Provider | None, settings: SynthSettings) -> Caller:
    """The writer itself where no other judge is named."""
    if settings.judge is None or not judging.is_asked(settings):
        return writer
    if judge is None:
        raise SettingsError("synth.judge names a judge that was not made", fix="judge=make_judge(settings, None)")
    return dataclasses.replace(writer, provider=judge, price=judging.judge_price(settings).price)


def needs_seeds(settings: SynthSettings) -> list[str]:
    """Methods that have nothing to start from but seeds. Raises UnknownNameError."""
    return [name for name, given in settings.methods.items() if GENERATORS.get(name).needs_seeds(given)]


def plan(seeds: Dataset, settings: SynthSettings, limit: int) -> list[Job]:
    """The first jobs of every method, as they would be asked; for --dry-run."""
    found: list[Job] = []
    for method, given in settings.methods.items():
        plugin = GENERATORS.get(method)
        arguments = check_settings(plugin, given, f"synth.methods.{method}")
        found.extend(islice(plugin.function(list(seeds.records()), settings, **arguments), limit))
    return found


def _counts(tally: Tally) -> tuple[StepCount, ...]:
    names = dict.fromkeys((*tally.entered, *tally.refused))
    return tuple(StepCount(name, tally.entered[name], tally.refused[name]) for name in names)


def _text(record: Record) -> str:
    return "\n".join(message.content for message in record.messages if message.content)
