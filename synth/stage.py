"""The synth stage: asks, refuses what is not good enough, and accounts for every answer."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from assay.caller import Caller
from assay.convert import Data, as_dataset
from assay.dataset import Dataset
from assay.errors import ProviderRefusedError
from assay.findings import Fate, Ledger, LedgerRow
from assay.journal import Journal, Spent
from assay.protocols import Audit, Generation, Provider
from assay.records import Message, Record, Source, record_id, row_id
from assay.registry import check_settings

from .generator import GENERATORS, Job, Refused
from .provider import price_of
from .settings import SynthSettings

DEFAULT_COUNT = 50
ROUND = 64
"""Jobs between two audits: acceptance is judged against all that was accepted before."""


@dataclass(frozen=True)
class Synthesized:
    """What came of a generation run.

    data     accepted records, origin "synthetic", with their parents
    ledger   a row for every answer: kept, or dropped with the step that refused it
    refused  answers refused, by step, most frequent first
    wanted   accepted records asked for, over all methods
    stopped  why it stopped short, or None
    """

    data: Dataset
    ledger: Ledger
    refused: Mapping[str, int]
    wanted: int
    spent: Spent
    stopped: str | None

    def to_json(self) -> dict[str, Any]:
        return {
            "wanted": self.wanted,
            "answered": len(self.ledger),
            "accepted": len(self.data),
            "refused": dict(self.refused),
            "spent": dataclasses.asdict(self.spent),
            "usd_per_accepted": self.spent.usd / len(self.data) if len(self.data) else None,
            "stopped": self.stopped,
        }


@dataclass
class _Progress:
    """What one run has decided so far, in key order. answered holds the row id of every answer that came."""

    answered: list[str]
    accepted: list[Record]
    rows: list[LedgerRow]
    refused: Counter[str]
    stopped: str | None = None

    def refuse(self, row: LedgerRow, step: str) -> None:
        self.refused[step] += 1
        self.rows.append(row)


@dataclass(frozen=True)
class _Method:
    """One generator at work. goal counts accepted records, those of earlier methods included."""

    name: str
    goal: int
    caller: Caller
    audit: Audit
    known: Sequence[Record]

    def row_id(self, job: Job) -> str:
        return row_id(f"synth:{self.name}:{job.seed.row_id}", job.request.sample)


def synth(
    seeds: Data,
    settings: SynthSettings,
    provider: Provider,
    audit: Audit,
    journal: Path,
    existing: Data | None = None,
    on_progress: Callable[[str], None] = lambda line: None,
) -> Synthesized:
    """Generates until each method has its `count` of accepted records, or the budget or the jobs run out.

    seeds     records to start from: a Dataset, or what `assay.convert.as_dataset` takes
    existing  records that new ones are judged together with; the seeds when None
    journal   SQLite file; with the same file an answer is never asked for twice
    Raises SettingsError, UnknownNameError, MissingExtraError, RunError, SourceError.
    """
    start = as_dataset(seeds)
    known = list((start if existing is None else as_dataset(existing)).records())
    progress = _Progress([], [], [], Counter())
    wanted = 0
    with Journal(journal, max_requests=settings.max_requests, max_usd=settings.max_usd) as book:
        caller = Caller(provider, book, price_of(settings), settings.max_retries)
        for name, given in settings.methods.items():
            plugin = GENERATORS.get(name)
            arguments = check_settings(plugin, given, f"synth.methods.{name}")
            wanted += int(arguments.get("count", DEFAULT_COUNT))
            jobs = plugin.function(list(start.records()), settings, **arguments)
            _run_method(_Method(name, wanted, caller, audit, known), jobs, progress, on_progress)
        spent = book.spent()
    ledger = Ledger.of(progress.rows)
    ledger.check(progress.answered)
    refused = dict(progress.refused.most_common())
    return Synthesized(Dataset.from_records(progress.accepted), ledger, refused, wanted, spent, progress.stopped)


def plan(seeds: Dataset, settings: SynthSettings, limit: int) -> list[Job]:
    """The first jobs of every method, as they would be asked; for --dry-run."""
    found: list[Job] = []
    for method, given in settings.methods.items():
        plugin = GENERATORS.get(method)
        arguments = check_settings(plugin, given, f"synth.methods.{method}")
        found.extend(islice(plugin.function(list(seeds.records()), settings, **arguments), limit))
    return found


def _run_method(method: _Method, jobs: Iterator[Job], progress: _Progress, on_progress: Callable[[str], None]) -> None:
    while len(progress.accepted) < method.goal:
        missing = method.goal - len(progress.accepted)
        batch = list(islice(jobs, min(missing * 2, ROUND)))
        if not batch:
            progress.stopped = f"{method.name}: every seed was used; raise per_seed or add seeds"
            return
        try:
            requests = [job.request for job in batch]
            answers = method.caller.ask(requests, _tell(method.name, len(batch), on_progress))
        except ProviderRefusedError as error:
            progress.stopped = str(error)
            return
        _judge(method, batch, answers, progress)
        on_progress(
            f"{method.name}: {len(progress.accepted)} of {method.goal} accepted, {len(progress.answered)} answered, "
            f"${method.caller.journal.spent().usd:.4f}"
        )
        if any(answer is None for answer in answers):
            progress.stopped = f"{method.name}: the budget or the retries ended"
            return


def _tell(method: str, total: int, on_progress: Callable[[str], None]) -> Callable[[int], None]:
    return lambda answered: on_progress(f"{method}: {answered} of {total} requests answered")


def _judge(method: _Method, jobs: Sequence[Job], answers: Sequence[Generation | None], progress: _Progress) -> None:
    """Builds records from answers and keeps those that curate keeps beside everything that exists."""
    candidates: list[Record] = []
    for job, answer in zip(jobs, answers, strict=True):
        if answer is None:
            continue
        key, source = method.row_id(job), Source(f"synth:{method.name}", None, len(progress.answered))
        progress.answered.append(key)
        built = _build(job, answer)
        if isinstance(built, Refused):
            progress.refuse(LedgerRow(key, "", source, Fate.DROPPED, (built.step, built.reason)), built.step)
        else:
            candidates.append(_record(method, job, answer, built, key, source))
    if not candidates:
        return
    judged = method.audit(Dataset.from_records([*method.known, *progress.accepted, *candidates]))
    fates = {row.row_id: row for row in judged.ledger.rows}
    for candidate in candidates:
        fate = fates[candidate.row_id]
        if fate.fate is not Fate.KEPT:
            progress.refuse(dataclasses.replace(fate, fate=Fate.DROPPED), fate.reasons[0])
        elif len(progress.accepted) >= method.goal:
            row = LedgerRow(candidate.row_id, candidate.id, candidate.source, Fate.DROPPED, ("surplus",))
            progress.refuse(row, "surplus")
        else:
            progress.accepted.append(candidate)
            progress.rows.append(LedgerRow(candidate.row_id, candidate.id, candidate.source, Fate.KEPT))


def _build(job: Job, answer: Generation) -> tuple[Message, ...] | Refused:
    if answer.stop_reason == "length":
        return Refused("cut", "the answer was cut at max_tokens")
    return job.build(answer.text)


def _record(
    method: _Method, job: Job, answer: Generation, messages: tuple[Message, ...], key: str, source: Source
) -> Record:
    lineage = {
        "method": method.name,
        "prompt_template_sha256": job.template_sha256,
        "provider": method.caller.provider.name,
        "model": answer.model,
        "temperature": job.request.temperature,
        "sample": job.request.sample,
    }
    return Record(
        id=record_id(messages, job.seed.tools),
        row_id=key,
        messages=messages,
        source=source,
        tools=job.seed.tools,
        origin="synthetic",
        parents=(job.seed.id,),
        meta={"synth": lineage},
        family=job.seed.family,
    )
