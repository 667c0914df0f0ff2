"""Validates a suite before a model is loaded: what would make its scores worthless, unfair or impossible."""

from __future__ import annotations

import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from assay.chat.tool_rendering import tool_name
from assay.dataset import Dataset
from assay.errors import SuiteError
from assay.findings import Severity
from assay.records import Message, message_to_json
from assay.suites import EvaluationText, Suite, SuiteItem, prompt_keys, prompt_text
from assay.text import normalize

from ..asking.leaks import find_leaks
from ..asking.references import takes_several, wrong_kind
from ..judging.check import judge_problems
from ..outputs.tool_calls import expected_calls
from ..scorer import ReadyScorer, make_scorer
from ..sensitivity.blind_scorers import scores_any_answer
from ..wording import count, names, percent
from .power import planned_power
from .problem import SuiteProblem
from .proposal import estimated_tokens
from .size import LARGE_DIFFERENCE

if TYPE_CHECKING:
    from assay.chat import ChatTarget

FEW_CLUSTERS = 20
MOST_OF_ONE_ANSWER = 0.8
NAMED = 3
"""Items named in a message; all of them are in `items`."""


def check_suite(
    suite: Suite,
    *,
    training: Dataset | None = None,
    margin: float | None = None,
    changed: float | None = None,
    target: ChatTarget | None = None,
    allow_code: bool = False,
) -> list[SuiteProblem]:
    """Every problem, errors first.

    training  what the adapter is or will be trained on: its prompts must not be items
    margin    a difference, as a share, that the suite must be able to prove; unless given, 10 points are looked for
    changed   share of the items on which base and adapter are planned to differ; unless given, a quarter
    target    counts tokens instead of estimating them, and renders every item
    allow_code  references that are code may be run, walled in

    Raises UnknownNameError and SuiteError when the suite has no scorer that exists, or wrong settings for it.
    """
    scoring = make_scorer(suite.scorer, suite.scorer_settings, str(suite.path), allow_code=True)
    problems = [
        *_duplicates(suite),
        *_needs(suite, scoring),
        *_undeclared(suite),
        *_references(suite, scoring, allow_code=allow_code),
        *_choices(suite, scoring),
        *_lengths(suite, scoring, target),
        *(_answers(suite) if scoring.settings.get("use_reference", True) else ()),
        *_clusters(suite),
        *_blind(suite, scoring),
        *_number(suite, margin, changed),
        *(_leaks(suite, training) if training is not None else ()),
    ]
    if target is not None and not any(problem.severity is Severity.ERROR for problem in problems):
        problems += _rendering(suite, target)
    order = list(Severity)
    return sorted(problems, key=lambda problem: order.index(problem.severity))


def _problem(name: str, severity: Severity, items: Sequence[str], message: str, quote: str = "") -> SuiteProblem:
    """{items} in the message becomes the first of their ids."""
    return SuiteProblem(name, severity, message.replace("{items}", names(tuple(items), NAMED)), tuple(items), quote)


def _duplicates(suite: Suite) -> Iterator[SuiteProblem]:
    asked: dict[str, list[SuiteItem]] = defaultdict(list)
    for item in suite.items:
        asked[_question(item)].append(item)
    repeated = [items for items in asked.values() if len(items) > 1]
    same = [item.id for items in repeated for item in items if len({item.reference.strip() for item in items}) == 1]
    other = [item.id for items in repeated for item in items if len({item.reference.strip() for item in items}) > 1]
    if other:
        yield _problem(
            "contradicting_items",
            Severity.ERROR,
            other,
            f"{count(len(other), 'item')} ask the same and expect different answers: {{items}}; keep the right one",
        )
    if same:
        yield _problem(
            "duplicate_items",
            Severity.WARNING,
            same,
            f"{count(len(same), 'item')} ask the same and expect the same: {{items}}; keep one, or it counts twice",
        )


def _question(item: SuiteItem) -> str:
    turns = [{**message_to_json(message), "content": normalize(message.content or "")} for message in item.messages]
    return json.dumps([turns, item.choices, item.tools, item.source], sort_keys=True, default=str)


def _needs(suite: Suite, scoring: ReadyScorer) -> Iterator[SuiteProblem]:
    for key in scoring.scorer.needs:
        without = [item.id for item in suite.items if not getattr(item, key)]
        if without and key != "choices":
            yield _problem(
                "missing_key",
                Severity.ERROR,
                without,
                f"{count(len(without), 'item')} without `{key}`, which {suite.scorer} needs: {{items}}",
            )


def _undeclared(suite: Suite) -> Iterator[SuiteProblem]:
    """An item without tools may have them in its text."""
    if suite.scorer != "tool_call":
        return
    undeclared = []
    for item in suite.items:
        declared = set(filter(None, map(tool_name, item.tools)))
        with contextlib.suppress(ValueError):
            if declared and {call.name for call in expected_calls(item.reference)} - declared:
                undeclared.append(item.id)
    if undeclared:
        yield _problem(
            "undeclared_tool",
            Severity.ERROR,
            undeclared,
            f"{count(len(undeclared), 'reference')} call a tool that the item does not declare: {{items}}",
        )


def _references(suite: Suite, scoring: ReadyScorer, *, allow_code: bool) -> Iterator[SuiteProblem]:
    empty = [item.id for item in suite.items if not item.reference.strip()]
    if empty:
        yield _problem("empty_reference", Severity.ERROR, empty, "without a reference: {items}; write the answer")
    if scoring.scorer.judged:
        yield from judge_problems(suite, scoring)
        return
    wrong = [item.id for item in wrong_kind(suite, scoring)]
    if wrong:
        yield _problem(
            "wrong_reference",
            Severity.ERROR,
            wrong,
            f"a list or an object as reference of {count(len(wrong), 'item')}, and {suite.scorer} compares with text: "
            f"{{items}}; {takes_several(suite.scorer)}",
        )
    if scoring.scorer.runs_code and not allow_code:
        yield _problem(
            "not_run",
            Severity.WARNING,
            (),
            f"references were not held against their tests, since {suite.scorer} runs code: --allow-code runs them",
        )
        return
    failing: list[str] = []
    raised: list[tuple[str, str]] = []
    for item in suite.items:
        if not item.reference.strip() or scoring.lacking(item) or item.id in wrong:
            continue
        try:
            score = scoring(item.reference, item.reference, f"item '{item.id}'", scoring.context_of(item))
        except SuiteError as error:
            raised.append((item.id, error.what))
        else:
            if scoring.is_answer and score < 1.0:
                failing.append(item.id)
    if raised:
        yield _problem(
            "unscorable_reference",
            Severity.ERROR,
            [item for item, _ in raised],
            f"{suite.scorer} has no score for {count(len(raised), 'reference')}: {{items}}; mend them or its settings",
            raised[0][1],
        )
    if failing:
        yield _problem(
            "reference_fails",
            Severity.ERROR,
            failing,
            f"{count(len(failing), 'reference')} would not be counted right by {suite.scorer}: {{items}}; "
            "mend them, or choose another scorer",
        )


def _choices(suite: Suite, scoring: ReadyScorer) -> Iterator[SuiteProblem]:
    having = [item.id for item in suite.items if item.choices]
    without = [item.id for item in suite.items if not item.choices]
    if scoring.scorer.by_likelihood and without:
        yield _problem(
            "no_choices",
            Severity.ERROR,
            without,
            f"{count(len(without), 'item')} without `choices`, among which {suite.scorer} picks: {{items}}",
        )
    if not scoring.scorer.by_likelihood and having:
        yield _problem(
            "unused_choices",
            Severity.WARNING,
            having,
            f"{count(len(having), 'item')} have `choices`, which {suite.scorer} does not look at: "
            "scorer: multiple_choice does",
        )
    alike = [item.id for item in suite.items if len({normalize(choice) for choice in item.choices}) < len(item.choices)]
    if alike:
        yield _problem(
            "choices_alike",
            Severity.WARNING,
            alike,
            "choices that differ in case or punctuation only: {items}; chance decides between them",
        )


def _lengths(suite: Suite, scoring: ReadyScorer, target: ChatTarget | None) -> Iterator[SuiteProblem]:
    """A reference that does not fit into max_new_tokens can never be given."""
    if scoring.scorer.by_likelihood or not scoring.is_answer:
        return
    tokens = _counter(target)
    lengths = {item.id: tokens(item.reference) for item in suite.items}
    long = [item for item, length in lengths.items() if length > suite.max_new_tokens]
    if long:
        about = "" if target is not None else "about "
        yield _problem(
            "reference_too_long",
            Severity.ERROR if target is not None else Severity.WARNING,
            long,
            f"max_new_tokens is {suite.max_new_tokens}, and {count(len(long), 'reference')} take more "
            f"(up to {about}{max(lengths.values()):,}): {{items}}; raise it, or the answers are cut off"
            + ("" if target is not None else " (--model NAME counts exactly)"),
        )


def _counter(target: ChatTarget | None) -> Callable[[str], int]:
    """Tokens of a reference and the stop token after it."""
    if target is None:
        return estimated_tokens
    tokenizer = target.tokenizer
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False)) + 1


def _answers(suite: Suite) -> Iterator[SuiteProblem]:
    """A model that always says the same must not do well."""
    frequent = Counter(normalize(item.reference) or item.reference.strip() for item in suite.items)
    answer, times = frequent.most_common(1)[0]
    ids = [item.id for item in suite.items if (normalize(item.reference) or item.reference.strip()) == answer]
    if len(suite.items) > 1 and len(frequent) == 1:
        yield _problem(
            "one_answer",
            Severity.ERROR,
            ids,
            "every item expects the same: a model that always says it scores 100 %; add items with other answers",
            answer[:60],
        )
    elif len(suite.items) >= 10 and times > MOST_OF_ONE_ANSWER * len(suite.items):
        yield _problem(
            "mostly_one_answer",
            Severity.WARNING,
            ids,
            f"{percent(times / len(suite.items))} of the items expect the same: a model that always says it scores "
            "as much",
            answer[:60],
        )


def _clusters(suite: Suite) -> Iterator[SuiteProblem]:
    clusters = {item.cluster if item.cluster is not None else f"\0{item.id}" for item in suite.items}
    ids = [item.id for item in suite.items]
    if len(suite.items) > 1 and len(clusters) == 1:
        yield _problem(
            "one_cluster",
            Severity.ERROR,
            ids,
            "all items are of one cluster: they count as one, and nothing can be proved",
            str(suite.items[0].cluster),
        )
    elif len(clusters) < min(FEW_CLUSTERS, len(suite.items)):
        yield _problem(
            "few_clusters",
            Severity.WARNING,
            ids,
            f"{count(len(suite.items), 'item')} are of only {count(len(clusters), 'cluster')}, and those of one "
            "cluster count little more than one item",
        )


def _number(suite: Suite, margin: float | None, changed: float | None) -> Iterator[SuiteProblem]:
    wanted = LARGE_DIFFERENCE if margin is None else margin
    power = planned_power(suite, changed)
    if not power.shows(wanted):
        severity = Severity.WARNING if margin is None else Severity.ERROR
        yield _problem("too_few_items", severity, (), power.lacking(wanted))


def _blind(suite: Suite, scoring: ReadyScorer) -> Iterator[SuiteProblem]:
    tried = scores_any_answer(suite, scoring)
    if tried:
        yield _problem(
            "blind_scorer",
            Severity.ERROR,
            (),
            f"{suite.scorer} counts the reference of another item as right as the item's own, on all "
            f"{count(tried, 'item')} tried: its score does not depend on what is answered",
        )


def _leaks(suite: Suite, training: Dataset) -> Iterator[SuiteProblem]:
    """As curate's leak check looks for them: whole prompts, and each user turn of a longer conversation."""
    texts = [EvaluationText(suite.name, item.id, prompt_text(item.messages)) for item in suite.items]
    keys = ((record.id, prompt_keys(text)) for record in training.records() for text in _asked(record.messages))
    found = find_leaks(keys, texts)
    if found:
        yield _problem(
            "leak",
            Severity.ERROR,
            [leak.item_id for leak in found],
            f"{count(len(found), 'item')} are in the training data: {{items}} (the first is record "
            f"{found[0].record_id}); `assay curate --suite` takes such records out",
        )


def _asked(messages: Sequence[Message]) -> list[str]:
    turns = [message.content or "" for message in messages if message.role == "user"]
    return turns if len(turns) < 2 else [*turns, "\n".join(turns)]


def _rendering(suite: Suite, target: ChatTarget) -> Iterator[SuiteProblem]:
    from ..asking.domain_suite import prepare

    try:
        prepare(suite, target, allow_code=True)
    except SuiteError as error:
        yield SuiteProblem("cannot_be_put", Severity.ERROR, error.what)
