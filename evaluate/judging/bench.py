"""The judges of an evaluation: made ready before a model is loaded, asked once all answers are given."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from assay.errors import SuiteError
from assay.protocols import Price, Provider

from ..asking.answer_sheets import Sheet
from ..asking.examination import Examination, Item
from ..evaluation import ModelName
from ..scorer import ReadyScorer
from ..settings import EvaluateSettings
from ..wording import count
from .asking import Answered, Cost, Judges, ask, cap, cost_of, journal_path
from .calibration import Labelled
from .kept import judgements_table
from .labels import Label, read_labels
from .outcomes import Judged, Question, Row, judged, questions
from .questions import Asked
from .report import JudgeReport, make_report, notes
from .roles import check_role
from .settings import JudgeSettings, read_settings

if TYPE_CHECKING:
    import pyarrow as pa

    from assay.suites import Suite

LOCAL = "local"
"""The provider that loads a model here: made when it is asked, so that two models are not held for longer than need."""


@dataclass(frozen=True)
class Sitting:
    """One suite with its judge. provider and price are None until a model on this machine is loaded."""

    suite: Suite
    settings: JudgeSettings
    labels: tuple[Label, ...]
    made: tuple[Provider, Price] | None


@dataclass(frozen=True)
class Judgement:
    """An evaluation's answers with their scores; NaN where the judge gave none.

    table    what was asked and answered: `kept.COLUMNS`; None where no suite has a judge
    reports  {suite: numbers}, as `Evaluation.settings["judging"]` keeps them
    notes    what the verdict must say
    """

    sheets: tuple[Sheet, ...]
    table: pa.Table | None
    reports: Mapping[str, Any]
    notes: tuple[str, ...]

    @property
    def settings(self) -> dict[str, Any]:
        """What of it goes into `Evaluation.settings`."""
        return {"judging": dict(self.reports), "notes": list(self.notes)} if self.reports else {}


@dataclass(frozen=True)
class Bench:
    judges: Judges | None
    sittings: tuple[Sitting, ...]
    say: Callable[[str], None]
    loaded: dict[str, tuple[Provider, Price]] = field(default_factory=dict)

    def judge(self, sheets: Sequence[Sheet]) -> Judgement:
        """Raises ProviderError where a judge does not answer, RunError for a journal that cannot be written."""
        done = list(sheets)
        tables, reports, said = [], {}, []
        for sitting in self.sittings:
            own = [sheet for sheet in done if sheet.examination.name == sitting.suite.name]
            rows = list(rows_of(own))
            labelled = list(_labelled(sitting, rows))
            asked = questions(rows, sitting.settings)
            answered = self._ask(sitting, asked, labelled)
            replies = {key: generation.text for key, generation in answered.replies.items()}
            found = judged(rows, sitting.settings, replies)
            report = make_report(rows, found, labelled, sitting.settings, replies)
            done = [_scored(sheet, found) if sheet in own else sheet for sheet in done]
            tables.append(judgements_table(sitting.suite.name, asked, labelled, sitting.settings, answered.replies))
            reports[sitting.suite.name] = {**report.to_json(), "cost": _cost(answered)}
            said += [*notes(sitting.suite.name, report), *_capped(sitting, report, answered)]
        return Judgement(tuple(done), _together(tables), reports, tuple(said))

    def _ask(self, sitting: Sitting, asked: Sequence[Question], labelled: Sequence[Labelled]) -> Answered:
        requests = [question.request for question in asked]
        requests += [request for each in labelled for request in each.requests(sitting.settings)]
        assert self.judges is not None, "a bench with sittings has judges"
        journal = journal_path(self.judges.folder, sitting.suite.name)
        return ask(requests, sitting.settings, lambda: self._made(sitting), journal, self.say)

    def _made(self, sitting: Sitting) -> tuple[Provider, Price]:
        """Once: a judge on this machine is a model to be loaded, and an evaluation may ask in many rounds."""
        assert self.judges is not None
        if sitting.made is not None:
            return sitting.made
        if sitting.suite.name not in self.loaded:
            self.loaded[sitting.suite.name] = self.judges.make(sitting.settings)
        return self.loaded[sitting.suite.name]


def open_bench(
    examinations: Sequence[Examination],
    judges: Judges | None,
    adapters: Collection[ModelName],
    settings: EvaluateSettings,
    say: Callable[[str], None],
) -> Bench:
    """The judges of those suites that have one, and what they would cost, told before a model is loaded.

    adapters  the models that are scored beside the base

    Raises SuiteError where no judge was handed in, where it costs money and the suite allows none, and for labels that
    cannot be read; SettingsError for a key or a price that is missing.
    """
    from ..asking.domain_suite import DomainSuite

    own = [(one.suite, one.scoring) for one in examinations if isinstance(one, DomainSuite)]
    sittings = tuple(_sitting(suite, scoring, judges) for suite, scoring in own if scoring.scorer.judged)
    for sitting in sittings:
        items = min(len(sitting.suite.items), settings.limit or len(sitting.suite.items))
        answers: dict[ModelName, int] = {"base": items, **dict.fromkeys(adapters, items)}
        if "candidate" in answers:
            answers["damaged"] = min(items, settings.damaged_items)
        _tell_estimate(sitting, answers, say)
    return Bench(judges, sittings, say)


def _sitting(suite: Suite, scoring: ReadyScorer, judges: Judges | None) -> Sitting:
    if judges is None:
        raise SuiteError(
            f"the scorer '{suite.scorer}' needs a judge, and none was handed in",
            where=str(suite.path),
            fix="run it by `assay evaluate`, or pass judges= to evaluate()",
        )
    settings, labels = read_judge(suite, scoring)
    return Sitting(suite, settings, labels, judges.make(settings) if settings.provider != LOCAL else None)


def read_judge(suite: Suite, scoring: ReadyScorer) -> tuple[JudgeSettings, tuple[Label, ...]]:
    """A suite's judge and its human labels. Raises SuiteError."""
    check_role(suite)
    settings = read_settings(scoring.settings)
    if settings.labels is None:
        return settings, ()
    return settings, tuple(read_labels(settings.labels, settings.mode, [item.id for item in suite.items]))


def estimate(sitting: Sitting, answers: Mapping[ModelName, int], price: Price) -> Cost:
    """Before an answer is there: each is taken to be as long as it may be.

    answers  how many items each model answers
    """
    longest = "x" * (3 * sitting.suite.max_new_tokens)
    rows = [
        Row(item.id, model, _asked_of(item), f"{model} {longest}")
        for model, items in answers.items()
        for item in sitting.suite.items[:items]
    ]
    requests = [question.request for question in questions(rows, sitting.settings)]
    texts = [each for label in sitting.labels if (each := _of_texts(label, sitting.suite)) is not None]
    return cost_of([*requests, *(request for each in texts for request in each.requests(sitting.settings))], price)


def _tell_estimate(sitting: Sitting, answers: Mapping[ModelName, int], say: Callable[[str], None]) -> None:
    """Raises SuiteError where the judge costs money and the suite allows none to be spent."""
    settings = sitting.settings
    cost = estimate(sitting, answers, sitting.made[1] if sitting.made is not None else Price(0.0, 0.0))
    about = f"{count(cost.requests, 'request')}, about ${cost.about_usd:.4f}"
    if cost.about_usd > 0 and settings.max_usd == 0:
        raise SuiteError(
            f"its judge {settings.name} would be sent {about}, and max_usd is 0",
            where=str(sitting.suite.path),
            fix="set max_usd in the scorer",
        )
    say(f"judge of {sitting.suite.name}: {settings.name}, {settings.mode}; {about}; the cap is {cap(settings)}")
    if cost.about_usd > settings.max_usd or cost.requests > settings.max_requests:
        say(f"WARNING: the cap of {sitting.suite.name} may end its judge before all is judged")


def rows_of(sheets: Sequence[Sheet]) -> Iterator[Row]:
    """Item by item, so that what is asked first is whole items."""
    found = [
        (number, Row(item.id, sheet.model, _asked(item), answer.output, item.cluster))
        for sheet in sheets
        for number, answer in zip(sheet.numbers, sheet.answers, strict=True)
        for item in (sheet.examination.items[number],)
    ]
    yield from (row for _, row in sorted(found, key=lambda pair: pair[0]))


def _asked(item: Item) -> Asked:
    return asked_from(item.context, item.reference)


def asked_from(context: str | None, reference: str | None) -> Asked:
    """From what is kept of an item with each of its answers."""
    return Asked(tuple(json.loads(context or "{}").get("messages", ())), reference or "")


def _asked_of(item: Any) -> Asked:
    from assay.records import message_to_json

    return Asked(tuple(message_to_json(message) for message in item.messages), item.reference)


def _labelled(sitting: Sitting, rows: Sequence[Row]) -> Iterator[Labelled]:
    """Labels with their texts. Those on a model's answer that was not given here are left out."""
    said = {(row.item, row.model): row.output for row in rows}
    outputs: dict[tuple[str, str], str] = {(item, str(model)): output for (item, model), output in said.items()}
    for label in sitting.labels:
        by_text = _of_texts(label, sitting.suite)
        if by_text is not None:
            yield by_text
            continue
        output = outputs.get((label.item, label.model or ""))
        other = outputs.get((label.item, label.against or ""))
        if output is not None and (label.against is None or other is not None):
            item = next(item for item in sitting.suite.items if item.id == label.item)
            yield Labelled(label, _asked_of(item), output, other if label.against is not None else None)


def _of_texts(label: Label, suite: Suite) -> Labelled | None:
    if label.output is None:
        return None
    item = next(item for item in suite.items if item.id == label.item)
    return Labelled(label, _asked_of(item), label.output, label.other)


def _scored(sheet: Sheet, found: Judged) -> Sheet:
    items = sheet.examination.items
    answers = [
        answer._replace(score=math.nan if (score := found.scores.get((items[n].id, sheet.model))) is None else score)
        for n, answer in zip(sheet.numbers, sheet.answers, strict=True)
    ]
    return replace(sheet, answers=answers)


def _cost(answered: Answered) -> dict[str, Any]:
    """Over the life of the journal: requests sent, of this evaluation or another of the suite."""
    spent = answered.spent
    return {
        "usd": spent.usd,
        "requests": spent.requests,
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
    }


def _capped(sitting: Sitting, report: JudgeReport, answered: Answered) -> list[str]:
    if not answered.capped:
        return []
    return [
        f"{sitting.suite.name}: the judge's cap was reached ({cap(sitting.settings)}), and "
        f"{count(len(report.unscored), 'item')} are not scored for it: raise max_usd or max_requests and run it again"
    ]


def _together(tables: Sequence[pa.Table]) -> pa.Table | None:
    import pyarrow as pa

    return pa.concat_tables(tables) if tables else None
