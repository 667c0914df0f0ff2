"""One method at work: rounds of jobs, each draft through every step, acceptance in key order."""

from __future__ import annotations

import dataclasses
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from assay.calls.caller import Caller
from assay.dataset import Dataset
from assay.errors import BudgetError, ProviderRefusedError
from assay.findings import Fate, LedgerRow
from assay.protocols import Audit, Generation
from assay.records import Record, Source, row_id

from ..comparing.diversity import Novelty
from ..generator import Draft, Job, Outcome, Refused
from ..verifier import Bench, Step
from .lineage import Candidate, Origin, generated_text
from .plans import DECLINED, carry_out, unusable

ROUND = 64
"""Jobs between two audits at least. A round may be as large as a QUARTER of the records that it is judged beside: then
an audit reads at most five rows for each new answer, and audits over all rounds are linear in the answers. With
`synth.batch` a round is all that is missing."""

QUARTER = 4
LEAST_RATE = 0.1
"""A method whose drafts are nearly all refused is asked for ten times as many as are missing, and no more."""

DEVIATIONS = 2.0
"""A batch job takes up to a day, and so does one for the last three records: what is asked leaves fewer than are
missing in one case of forty (normal approximation of the binomial)."""

TELL_SECONDS = 5.0

BUILT, CURATE, SURPLUS = "method", "curate", "surplus"


@dataclass
class Tally:
    """What each step was given and what it refused, in the order in which the steps stand."""

    entered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


@dataclass
class Progress:
    """What one run has decided so far, in key order.

    answered  the row id of every job whose first answer came
    reasons   jobs refused, by the reason that is named first
    texts     what was generated of each accepted record
    replaced  row ids of existing records whose place accepted ones have taken
    declined  of the method at work, prompts of each step in a row that were declined
    ended     whether no method will be answered any more
    """

    answered: list[str] = field(default_factory=list)
    accepted: list[Record] = field(default_factory=list)
    rows: list[LedgerRow] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)
    replaced: set[str] = field(default_factory=set)
    tally: Tally = field(default_factory=Tally)
    declined: Counter[str] = field(default_factory=Counter)
    stopped: str | None = None
    ended: bool = False

    def note_declined(self, step: str, outcome: Outcome) -> None:
        self.declined[step] = self.declined[step] + 1 if outcome == DECLINED else 0

    def stop(self, why: str) -> None:
        """Of several methods each says why it stopped short."""
        self.stopped = why if self.stopped is None else f"{self.stopped}; {why}"

    def refuse(self, row: LedgerRow, step: str) -> None:
        """step is the one that refused; the first reason of the row is what it says."""
        self.tally.refused[step] += 1
        self.reasons[row.reasons[0]] += 1
        self.rows.append(row)


@dataclass(frozen=True)
class Method:
    """One generator at work.

    goal   counts accepted records, those of earlier methods included
    known  records that new ones are judged beside
    """

    origin: Origin
    goal: int
    audit: Audit
    known: Sequence[Record]
    steps: Sequence[Step]
    bench: Bench
    novelty: Novelty

    @property
    def name(self) -> str:
        return self.origin.method

    @property
    def caller(self) -> Caller:
        return self.origin.writer

    @property
    def in_batch_jobs(self) -> bool:
        return self.bench.settings.batch

    @property
    def free_steps(self) -> list[Step]:
        return [step for step in self.steps if not step.verifier.asks]

    @property
    def asking_steps(self) -> list[Step]:
        return [step for step in self.steps if step.verifier.asks]


def run_method(method: Method, jobs: Iterator[Job], progress: Progress, on_progress: Callable[[str], None]) -> None:
    """Rounds until the goal is met, or the jobs, the budget or what is new ends.

    Raises SettingsError where a job cannot be planned or a step cannot be done with these settings.
    """
    before, answered_before = len(progress.accepted), len(progress.answered)
    progress.declined.clear()
    planned = 0
    while len(progress.accepted) < method.goal:
        answered = len(progress.answered) - answered_before
        rate = max(LEAST_RATE, (len(progress.accepted) - before) / answered) if answered else 1.0
        heard = answered > progress.declined[BUILT]
        batch = list(islice(jobs, _size(method, progress, rate, heard)))
        planned += len(batch)
        if not batch:
            progress.stop(f"{method.name}: {_used_up(method, planned)}")
            return
        try:
            complete = _round(method, batch, progress, on_progress)
        except ProviderRefusedError as error:
            progress.stop(str(error))
            progress.ended = True
            return
        on_progress(
            f"{method.name}: {len(progress.accepted) - before} of {method.goal - before} accepted, "
            f"{len(progress.answered) - answered_before} answered, "
            f"${method.caller.journal.spent().usd:.4f}"
        )
        declined = _declined(method, progress)
        if declined is not None:
            progress.stop(declined)
            return
        if not complete:
            progress.stop(f"{method.name}: {_unanswered(method)}")
            return
        if method.novelty.is_spent(method.bench.settings.min_new):
            progress.stop(
                f"{method.name}: new records stopped being new: {sum(method.novelty.recent)} of the last "
                f"{len(method.novelty.recent)} that curate judged were accepted and new (synth.min_new)"
            )
            return


def _used_up(method: Method, planned: int) -> str:
    """planned: requests that the method had."""
    return (
        "every seed was used; raise per_seed or add seeds" if planned else "there is nothing here for it to start from"
    )


def _unanswered(method: Method) -> str:
    """Why an answer is missing: the cap that is met, or what the last request met that was asked too often."""
    why = method.caller.unanswered.why
    if why is None:
        return "the budget or the retries ended"
    if isinstance(why, BudgetError):
        return str(why)
    return f"asked {method.caller.max_retries + 1} times without an answer; the last time {why.what}"


def _declined(method: Method, progress: Progress) -> str | None:
    """Why to stop where a step was declined too often in a row."""
    most = method.bench.settings.max_declined
    for step, count in progress.declined.items():
        if most and count >= most:
            who = "the model or its provider" if step == BUILT else f"who is asked by '{step}'"
            return (
                f"{method.name}: {who} declined {count} prompts in a row, as a content policy does; change the prompts "
                "or what they start from, or raise synth.max_declined"
            )
    return None


def _size(method: Method, progress: Progress, rate: float, heard: bool) -> int:
    """Jobs of the next round. rate: of answers of this method that became records so far; heard: whether any prompt of
    it was not declined: before that, no more are sent than it takes to know."""
    missing = method.goal - len(progress.accepted)
    if method.in_batch_jobs:
        return enough(missing, rate)
    beside = len(method.known) + len(progress.accepted)
    size = min(math.ceil(missing / rate), max(ROUND, beside // QUARTER))
    most = method.bench.settings.max_declined
    return size if heard or not most else min(size, most - progress.declined[BUILT])


def enough(missing: int, rate: float) -> int:
    """The least n with n * rate - DEVIATIONS * sqrt(n * rate * (1 - rate)) >= missing."""
    spread = DEVIATIONS * math.sqrt(rate * (1 - rate))
    root = (spread + math.sqrt(spread * spread + 4 * rate * missing)) / (2 * rate)
    return math.ceil(root * root - 1e-9)


def _round(method: Method, jobs: Sequence[Job], progress: Progress, on_progress: Callable[[str], None]) -> bool:
    """Asks, judges and accepts. False when an answer is missing since the budget or the retries ended."""
    if method.in_batch_jobs:
        on_progress(
            f"{method.name}: {len(jobs)} requests in batch jobs, answered within a day; the command may be ended, and "
            "picks them up when it is started again"
        )
    told = _tell(method, len(jobs), on_progress)
    answers = method.caller.ask([job.request for job in jobs], told)
    drafts, complete = _drafts(method, jobs, answers, progress)
    for step in method.free_steps:
        drafts, whole = _through(method, step, drafts, progress)
        complete &= whole
    kept = _curated(method, drafts, progress)
    while kept:
        missing = method.goal - len(progress.accepted)
        size = len(kept) if method.in_batch_jobs else missing  # a job for the last few would take another day
        now, kept = kept[:size], kept[size:]
        for step in method.asking_steps:
            now, whole = _through(method, step, now, progress)
            complete &= whole
        for candidate in now[:missing]:
            _accept(method, candidate, progress)
        for candidate in (*now[missing:], *(kept if len(progress.accepted) == method.goal else ())):
            _refuse(method, candidate, SURPLUS, Refused(SURPLUS, "enough were accepted"), progress)
        if len(progress.accepted) == method.goal:
            break
    return complete


def _tell(method: Method, total: int, on_progress: Callable[[str], None]) -> Callable[[int], None]:
    """Every few seconds, and at the end, how far it is and what was charged so far."""
    last = time.monotonic()

    def told(answered: int) -> None:
        nonlocal last
        if answered == total or time.monotonic() - last >= TELL_SECONDS:
            last = time.monotonic()
            usd = method.caller.journal.spent().usd
            on_progress(f"{method.name}: {answered} of {total} requests answered, ${usd:.4f}")

    return told


def _drafts(
    method: Method, jobs: Sequence[Job], answers: Sequence[Generation | None], progress: Progress
) -> tuple[list[Candidate], bool]:
    """What the plans come to, and whether all came to an end."""
    asked = [(job, answer) for job, answer in zip(jobs, answers, strict=True) if answer is not None]
    first = [unusable(answer) or job.build(answer.text) for job, answer in asked]
    candidates, complete = [], len(asked) == len(jobs)
    for (job, answer), done in zip(asked, carry_out(method.caller, first), strict=True):
        if done.outcome is None:
            complete = False
            continue
        key = row_id(f"synth:{method.name}:{job.key}", job.request.sample)
        source = Source(f"synth:{method.name}", None, len(progress.answered))
        progress.answered.append(key)
        progress.tally.entered[BUILT] += 1
        progress.note_declined(BUILT, done.outcome)
        if isinstance(done.outcome, Refused):
            row = LedgerRow(key, "", source, Fate.DROPPED, tuple(done.outcome))
            progress.refuse(row, BUILT)
        else:
            candidates.append(Candidate(job, done.outcome, key, source, [answer, *done.answers]))
    return candidates, complete


def _through(
    method: Method, step: Step, candidates: Sequence[Candidate], progress: Progress
) -> tuple[list[Candidate], bool]:
    """Those that pass a step, and whether all were judged; one that was not is refused, for want of a judgement."""
    outcomes = [step(candidate.draft, candidate.job, method.bench) for candidate in candidates]
    passed, complete = [], True
    judges = step.verifier.judges
    caller = method.origin.judge if judges else method.origin.writer
    for candidate, done in zip(candidates, carry_out(caller, outcomes), strict=True):
        (candidate.judgements if judges else candidate.answers).extend(done.answers)
        progress.tally.entered[step.name] += 1
        outcome = done.outcome
        if outcome is None:
            complete = False
            outcome = Refused(step.name, "the budget or the retries ended before it was judged")
        progress.note_declined(step.name, outcome)
        if isinstance(outcome, Draft):
            candidate.draft = outcome
            candidate.checks.append(step.name)
            passed.append(candidate)
        else:
            _refuse(method, candidate, step.name, outcome, progress)
    return passed, complete


def _curated(method: Method, candidates: Sequence[Candidate], progress: Progress) -> list[Candidate]:
    """Those that curate keeps beside everything that exists."""
    if not candidates:
        return []
    records = [method.origin.record(candidate) for candidate in candidates]
    gone = progress.replaced.union(*(candidate.job.replaces for candidate in candidates))
    beside = [record for record in method.known if record.row_id not in gone]
    judged = method.audit(Dataset.from_records([*beside, *progress.accepted, *records]))
    fates = {row.row_id: row for row in judged.ledger.rows}
    kept = []
    for candidate in candidates:
        progress.tally.entered[CURATE] += 1
        fate = fates[candidate.row_id]
        if fate.fate is Fate.KEPT:
            candidate.checks.append(CURATE)
            kept.append(candidate)
        else:
            _note(method, candidate, accepted=False)
            progress.refuse(dataclasses.replace(fate, fate=Fate.DROPPED), CURATE)
    return kept


def _refuse(method: Method, candidate: Candidate, step: str, refused: Refused, progress: Progress) -> None:
    record = method.origin.record(candidate)
    row = LedgerRow(candidate.row_id, record.id, candidate.source, Fate.DROPPED, tuple(refused))
    progress.refuse(row, step)


def _accept(method: Method, candidate: Candidate, progress: Progress) -> None:
    share = _note(method, candidate, accepted=True)
    facts = {**candidate.draft.facts, "new_grams": round(share, 3)}
    candidate.draft = dataclasses.replace(candidate.draft, facts=facts)
    record = method.origin.record(candidate)
    progress.accepted.append(record)
    progress.replaced.update(candidate.job.replaces)
    progress.texts.append(generated_text(record, (candidate.job.seed, *candidate.job.others)))
    progress.rows.append(LedgerRow(candidate.row_id, record.id, candidate.source, Fate.KEPT))


def _note(method: Method, candidate: Candidate, *, accepted: bool) -> float:
    """What curate refuses is taken for nothing new; what a judge refuses says nothing about that, and is not noted."""
    record = method.origin.record(candidate)
    text = generated_text(record, (candidate.job.seed, *candidate.job.others))
    return method.novelty.judge(text, accepted=accepted)
