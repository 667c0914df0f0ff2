"""Did the new records help? Trains with and without them, and has the gate hold the two adapters against each other.

Both arms have the same recipe, seed, number of optimiser steps and validation records; what differs is the training
data. They are scored on the half of each suite that selects among candidates: the other half stays for the gate of a
release. Nothing is measured on items that generation has seen, or that stand in the records.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay import stages
from assay.config import to_json
from assay.dataset import Dataset
from assay.errors import SettingsError, SuiteError
from assay.families import assign_families
from assay.findings import Severity, Verdict
from assay.points import signed
from assay.project import concatenate
from assay.records import Json
from assay.runs import RunStore
from assay.split import TRAIN, VALIDATION, split

if TYPE_CHECKING:
    from assay.chat import ChatTarget
    from assay.suites import Suite

LEAKS = ("evaluation_leak", "evaluation_overlap", "evaluation_paraphrase")
PART = "selection"
"""Half of the items of each suite, by what they ask; see docs/evaluation.md."""

WORDS = {
    Verdict.PASS: "helped",
    Verdict.BLOCK: "hurt",
    Verdict.INCONCLUSIVE: "it cannot be told",
    Verdict.INVALID: "the suite could not have shown it",
}


@dataclass(frozen=True)
class Question:
    """What is measured, and how.

    existing  the records without the new ones
    combined  with them; existing ones whose place new ones take are not in it
    train, evaluate  settings of the stages
    """

    existing: Dataset
    combined: Dataset
    suites: tuple[Suite, ...]
    train: Any
    evaluate: Any
    target: ChatTarget
    trust_remote_code: bool = False

    @property
    def new(self) -> Dataset:
        known = set(self.existing.row_ids())
        return self.combined.select_rows([row for row in self.combined.row_ids() if row not in known])


@dataclass(frozen=True)
class SuiteMeasure:
    """One suite. Shares of 1; difference is with less without, ci its 95 % interval, a description.

    items_needed  further items of the half that was scored; None where it is decided, or no number would do
    limits        (at worst, at best), one-sided at 5 % by the tests that decide: together a 90 % interval
    """

    suite: str
    n: int
    without: float
    with_new: float
    difference: float
    ci: tuple[float, float]
    verdict: Verdict
    items_needed: int | None
    reason: str
    limits: tuple[float, float] | None = None

    @property
    def sentence(self) -> str:
        if self.verdict is Verdict.INVALID:
            return f"{self.suite}: {WORDS[self.verdict]}: {self.reason}"
        low, high = self.limits or self.ci
        sure = "90 %" if self.limits else "95 %"
        said = (
            f"{self.suite}: without {self.without:.1%}, with {self.with_new:.1%}: {signed(self.difference)} points "
            f"({sure} interval {signed(low)} to {signed(high)}, {self.n:,} items): {WORDS[self.verdict]}"
        )
        return said + (f"; {self._lacking}" if self.verdict is Verdict.INCONCLUSIVE else "")

    @property
    def _lacking(self) -> str:
        if self.items_needed is None:
            return "more items would not tell, as small as the difference is"
        return (
            f"a difference of this size would take about {self.items_needed:,} more items in this half of the suite, "
            f"{2 * self.items_needed:,} in both"
        )


@dataclass(frozen=True)
class Measured:
    """steps: optimiser steps of each arm. records: that trained, without and with. runs: of both trainings."""

    suites: tuple[SuiteMeasure, ...]
    steps: int
    records: tuple[int, int]
    runs: tuple[str, str]

    @property
    def verdict(self) -> Verdict:
        """Hurt where one suite is; helped where every one is."""
        found = {suite.verdict for suite in self.suites}
        for verdict in (Verdict.BLOCK, Verdict.INVALID, Verdict.INCONCLUSIVE):
            if verdict in found:
                return verdict
        return Verdict.PASS

    @property
    def sentence(self) -> str:
        return f"The new records: {WORDS[self.verdict]}."

    def lines(self) -> list[str]:
        without, with_new = self.records
        budget = f"Trained twice for {self.steps:,} steps, same recipe and seed"
        return [
            f"{budget}: on {without:,} records, and on {with_new:,} with the new ones.",
            *(f"  {suite.sentence}" for suite in self.suites),
            self.sentence,
        ]

    def to_json(self) -> dict[str, Json]:
        return {
            "verdict": str(self.verdict),
            "words": WORDS[self.verdict],
            "steps": self.steps,
            "records": {"without": self.records[0], "with": self.records[1]},
            "runs": {"without": self.runs[0], "with": self.runs[1]},
            "suites": [{**dataclasses.asdict(suite), "sentence": suite.sentence} for suite in self.suites],
        }


def measure(question: Question, store: RunStore, say: Callable[[str], None] = lambda _: None) -> Measured:
    """What is unchanged is not trained or scored again.

    Raises SettingsError where there is nothing to compare, SuiteError where items are known, and what the stages raise.
    """
    if not question.suites:
        raise SettingsError("nothing to measure on", fix="name a domain suite: --suite SUITE.yaml")
    if not len(question.new):
        raise SettingsError("no record was accepted, so there is nothing to measure")
    refuse_known_items(question)
    without, with_new = arms(question.existing, question.combined, question.train)
    settings, steps = same_budget(question, (without, with_new))
    runs = []
    for name, data, own in zip(("without", "with"), (without, with_new), settings, strict=True):
        say(f"measure: training {name} the new records, {len(data):,} in all")
        runs.append(_train(question, data, own, store, say))
    decided = _evaluate(question, runs, store, say)
    counts = tuple(len(data.select_split(TRAIN)) for data in (without, with_new))
    return Measured(decided, steps, (counts[0], counts[1]), (runs[0].name, runs[1].name))


def refuse_known_items(question: Question) -> None:
    """Raises SuiteError when an item stands in a seed, or in a record that was made of them."""
    off = {name: False for name in stages.CHECKS.all() if name not in LEAKS}
    known = set(question.existing.row_ids())
    for data, how in (
        (question.existing, "generation has seen"),
        (
            question.combined.select_rows([row for row in question.combined.row_ids() if row not in known]),
            "the new records hold",
        ),
    ):
        found = stages.audit(data, stages.CurateSettings(checks=off), None, question.suites).findings
        leaks = [item for item in found if item.check in LEAKS and item.severity is not Severity.INFO]
        if leaks:
            raise SuiteError(
                f"{how} items of the suites, so nothing can be measured on them: {len(leaks)} records, the first at "
                f"{leaks[0].source} ({leaks[0].check}: {leaks[0].message})",
                fix="take them out of the data (`assay curate DATA --suite SUITE` finds them), or out of the suite",
            )


def arms(existing: Dataset, combined: Dataset, settings: Any) -> tuple[Dataset, Dataset]:
    """Data without and with the new records, both with the same validation records, none of them new.

    A new record whose family validates is left out: it would train on what the validation loss is taken of.
    """
    known = set(existing.row_ids())
    new = combined.select_rows([row for row in combined.row_ids() if row not in known])
    union = concatenate([existing, new])
    union = _with_sides(union, known) if any(existing.table.column("split").to_pylist()) else _split(union, settings)
    sides = dict(zip(union.row_ids(), union.table.column("split").to_pylist(), strict=True))
    used = [row for row in combined.row_ids() if row in known or sides[row] != VALIDATION]
    return union.select_rows(known), union.select_rows(used)


def _split(union: Dataset, settings: Any) -> Dataset:
    return split(assign_families(union), settings.validation, settings.seed)


def _with_sides(union: Dataset, known: set[str]) -> Dataset:
    """New records on the side of their parents; all others where they are."""
    import pyarrow as pa

    columns = ("row_id", "record_id", "parents", "split")
    rows = list(zip(*(union.table.column(name).to_pylist() for name in columns), strict=True))
    validates = {record for row, record, _, side in rows if row in known and side == VALIDATION}
    sides = [
        side if row in known else VALIDATION if validates.intersection(parents) else TRAIN
        for row, _, parents, side in rows
    ]
    place = union.table.schema.get_field_index("split")
    return Dataset(union.table.set_column(place, union.table.schema.field(place), pa.array(sides, pa.string())))


def same_budget(question: Question, data: Sequence[Dataset]) -> tuple[list[Any], int]:
    """Settings of each arm, and the steps that both take: as many as the recipe gives the larger set.

    Neither is given general data: how much of it is drawn follows from the number of records, and the arms would differ
    in that too.
    """
    asked = dataclasses.replace(question.train, general_data=(), general_ratio=None)
    prepared = [stages.prepare_training(part, asked, question.target) for part in data]
    recipe = prepared[-1].recipe
    shared = {
        name: getattr(recipe, name)
        for name in ("lora_r", "lora_alpha", "effective_batch_size", "learning_rate", "eval_steps")
    }
    longest = max(part.recipe.max_length for part in prepared)
    return [
        dataclasses.replace(
            asked,
            **shared,
            max_length=longest,
            per_device_train_batch_size=None,
            gradient_accumulation_steps=None,
            early_stopping_patience=0,
            selection_suite="none",  # the items that select are those that this is measured on
            num_train_epochs=_epochs(recipe.steps * recipe.effective_batch_size, len(part.rows.training)),
        )
        for part in prepared
    ], recipe.steps


def _epochs(rows: int, records: int) -> float:
    """So many times `records` that it is `rows` whole ones, whatever the rounding."""
    return (rows + 1e-6) / records


def _train(question: Question, data: Dataset, settings: Any, store: RunStore, say: Callable[[str], None]) -> Path:
    """The folder of the run."""
    target = question.target
    digests = stages.training_digests(data, (), target, target.ref)
    with store.open("train", to_json(settings), digests) as run:
        if not run.complete:
            trained = stages.train(data, settings, run.path, target, target.ref, run=run, say=say)
            run.facts |= trained.to_json()
    return run.path


def _evaluate(
    question: Question, runs: Sequence[Path], store: RunStore, say: Callable[[str], None]
) -> tuple[SuiteMeasure, ...]:
    without, with_new = (folder / "adapter" for folder in runs)
    models = stages.Models(question.target, with_new, previous=without, trust_remote_code=question.trust_remote_code)
    settings = dataclasses.replace(
        question.evaluate,
        suites=tuple(str(suite.path) for suite in question.suites),
        tasks=(),
        include_path=None,
        items=PART,
        stop_early=False,
        zero_items=0,
    )
    inputs = stages.input_digests(models, question.suites, settings)
    with store.open("measure", to_json(settings), inputs, [folder.name for folder in runs]) as run:
        if not run.complete:
            judges = stages.judges(store.root)
            answers = store.root / "answers"
            found = stages.evaluate(models, question.suites, settings, answers_folder=answers, judges=judges, say=say)
            stages.write_evaluation(found, run.path)
        decided = stages.judge_between(stages.read_evaluation(run.path), stages.Policy())
    return tuple(
        SuiteMeasure(
            suite=found.suite,
            n=found.n,
            without=found.base,
            with_new=found.candidate,
            difference=found.difference,
            ci=(found.ci[0], found.ci[1]),
            verdict=found.verdict,
            items_needed=found.items_needed,
            reason=found.reason,
            limits=(found.limits.at_worst, found.limits.at_best) if found.limits is not None else None,
        )
        for found in decided
    )
