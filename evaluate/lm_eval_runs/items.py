"""Logged samples of one lm-eval task as items: what was answered, what was expected, and whether the score follows.

Nothing of a task's own code is run. Scores that can be computed from what was logged are computed again and must agree:
for multiple choice from the likelihoods, for generated answers by a scorer of assay's that gives every logged score.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.errors import AssayError, SuiteError
from assay.suites import EvaluationText
from assay.suites.task_files import item_id, question_of

from ..scorer import NOT_RESCORABLE, make_scorer
from ..wording import count, names
from .logs import RUN_AGAIN, LoggedRun, read_samples

BY_LIKELIHOOD = {"acc": False, "acc_norm": True}
"""Metrics of multiple choice that follow from the logged likelihoods; is the length divided out?"""

FITTING: tuple[Mapping[str, Any], ...] = (
    {"name": "exact_match"},
    {"name": "exact_match", "ignore_case": True},
    {"name": "normalised_match"},
    {"name": "numeric"},
    {"name": "contains"},
)
"""Scorers tried on generated answers, the strictest first."""

MOST_LABELS = 26
"""References of so few kinds are labels, and always saying the commonest of them is what knowing nothing scores."""


@dataclass(frozen=True)
class LoggedTask:
    """The rows of one task after its first filter, in the order of the documents.

    metric  the first that the task lists
    """

    name: str
    config: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...]
    metric: str
    output_filter: str


@dataclass(frozen=True)
class LoggedAnswer:
    """What one model said to one item. options is empty where the answer was not chosen among any.

    chosen    number of the option, since two options may have the same words
    logprobs  of all options
    """

    score: float
    output: str
    logprob: float | None
    options: tuple[str, ...] = ()
    chosen: int | None = None
    logprobs: tuple[float, ...] | None = None


def read_task(run: LoggedRun, task: str) -> LoggedTask | None:
    """None where the task's first metric gives an item no number from 0 to 1, such as a perplexity.

    Raises SuiteError for items that were logged twice, or that are missing.
    """
    path = run.samples[task]
    rows = read_samples(path)
    if not rows:
        raise SuiteError("holds no samples", where=str(path), fix=RUN_AGAIN)
    first = str(rows[0]["filter"])
    chosen = sorted((row for row in rows if row["filter"] == first), key=lambda row: int(row["doc_id"]))
    doubled = [str(number) for number, times in Counter(row["doc_id"] for row in chosen).items() if times > 1]
    if doubled:
        raise SuiteError(f"{count(len(doubled), 'item')} logged twice ({names(doubled)})", where=str(path))
    planned = (run.results.get("n-samples") or {}).get(task, {}).get("effective")
    if isinstance(planned, int) and planned != len(chosen):
        raise SuiteError(
            f"{count(len(chosen), 'item')} logged, and {run.path.name} says {planned}", where=str(path), fix=RUN_AGAIN
        )
    config = run.configs[task]
    metric = _metric(config, chosen[0])
    better = (run.results.get("higher_is_better") or {}).get(task, {}).get(metric)
    scores = [row.get(metric) for row in chosen]
    if better is False or not all(isinstance(score, bool | int | float) and 0 <= score <= 1 for score in scores):
        return None
    return LoggedTask(task, config, tuple(chosen), metric, first)


def answers_of(task: LoggedTask) -> list[LoggedAnswer]:
    """One for each row. Raises SuiteError for a row that lacks what its kind of task logs."""
    answer: Callable[[Mapping[str, Any], float], LoggedAnswer] = {
        "multiple_choice": lambda row, score: _chosen(task, row, score),
        "loglikelihood": _predicted,
    }.get(str(task.config.get("output_type")), _generated)
    try:
        return [answer(row, float(row[task.metric])) for row in task.rows]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise SuiteError(f"a sample of {task.name} lacks what lm-eval logs ({error!r:.80})", fix=RUN_AGAIN) from error


def references_of(task: LoggedTask, answers: Sequence[LoggedAnswer]) -> list[str | None]:
    """In the words of the answers; None for an item that several answers are right for.

    Raises SuiteError where scores of multiple choice do not follow from the logged likelihoods.
    """
    targets = [str(row.get("target")) for row in task.rows]
    if task.config.get("output_type") != "multiple_choice":
        return list(_without_ignored(task, targets))
    if any(target.startswith("[") for target in targets) or _several_inputs(task):
        return [None] * len(targets)
    readings = [
        [read(target, answer.options) for target, answer in zip(targets, answers, strict=True)] for read in READINGS
    ]
    if not _follows_from_likelihoods(task):
        return _in_words(max(readings, key=lambda reading: sum(right is not None for right in reading)), answers)
    for reading in readings:
        if all(_agrees(answer, right) for answer, right in zip(answers, reading, strict=True)):
            return _in_words(reading, answers)
    raise SuiteError(
        f"the logged scores of {task.name} do not follow from its logged likelihoods, so they are not its answers'",
        fix=RUN_AGAIN,
    )


def _number(target: str, options: Sequence[str]) -> int | None:
    return int(target) if target.isdecimal() and int(target) < len(options) else None


def _text(target: str, options: Sequence[str]) -> int | None:
    """lm-eval takes the first of options that are alike."""
    return options.index(target) if target in options else None


READINGS = (_number, _text)
"""A target is the right option's number or its text; `2` may be either."""


def _in_words(rights: Sequence[int | None], answers: Sequence[LoggedAnswer]) -> list[str | None]:
    return [None if right is None else answer.options[right] for right, answer in zip(rights, answers, strict=True)]


def scorer_of(
    task: LoggedTask, scored: Sequence[tuple[str, str | None, float]], options: Sequence[tuple[str, ...]]
) -> dict[str, Any]:
    """For `SuiteResult.scorer`: how an answer is scored again. scored: (output, reference, score) of every model."""
    if task.config.get("output_type") == "multiple_choice":
        distinct = all(len(set(of_item)) == len(of_item) for of_item in options)
        if _follows_from_likelihoods(task) and distinct and all(reference is not None for _, reference, _ in scored):
            return {"name": "multiple_choice", "task": task.name, "length_normalised": BY_LIKELIHOOD[task.metric]}
    elif len({score for *_, score in scored}) > 1:
        for scorer in FITTING:
            if _fits(scorer, scored):
                return {**scorer, "task": task.name}
    return {"name": NOT_RESCORABLE, "task": task.name, "metric": task.metric, "filter": task.output_filter}


def chance_of(references: Sequence[str | None], options: Sequence[tuple[str, ...]]) -> float | None:
    """Of guessing among options; of always saying the commonest label; None for free text."""
    if all(len(of_item) > 1 for of_item in options):
        return sum(1 / len(of_item) for of_item in options) / len(options)
    seen = Counter(references)
    if None in seen or len(seen) > min(MOST_LABELS, len(references) / 4):
        return None
    return seen.most_common(1)[0][1] / len(references)


def identities(task: LoggedTask) -> list[str]:
    """The documents' own ids; their numbers where those are not unique."""
    found = [item_id(_document(row), int(row["doc_id"])) for row in task.rows]
    return found if len(set(found)) == len(found) else [str(row["doc_id"]) for row in task.rows]


def questions(task: LoggedTask) -> list[EvaluationText]:
    """What each item asks, as a leak check compares it."""
    pairs = zip(identities(task), task.rows, strict=True)
    return [
        EvaluationText(task.name, name, question_of(_document(row), task.config.get("doc_to_text")))
        for name, row in pairs
    ]


def label(row: Mapping[str, Any], key: str) -> str | None:
    """`slice` or `cluster` of the document."""
    value = _document(row).get(key)
    return None if value is None else str(value)


def _document(row: Mapping[str, Any]) -> Mapping[str, Any]:
    given = row.get("doc")
    return given if isinstance(given, Mapping) else {}


def _metric(config: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    listed = [str(entry["metric"]) for entry in config.get("metric_list") or [] if "metric" in entry]
    return next((name for name in listed if name in row["metrics"]), str(row["metrics"][0]))


def _arguments(row: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """(context, continuation or settings) of each request; lm-eval has logged them as lists, and as mappings."""
    given = row["arguments"]
    if isinstance(given, list):
        return [(pair[0], pair[1]) for pair in given]
    return [(given[f"gen_args_{i}"]["arg_0"], given[f"gen_args_{i}"].get("arg_1")) for i in range(len(given))]


def _chosen(task: LoggedTask, row: Mapping[str, Any], score: float) -> LoggedAnswer:
    asked = _arguments(row)
    if any(entry.get("metric") == "acc_mutual_info" for entry in task.config.get("metric_list") or []):
        asked = asked[: len(asked) // 2]  # the rest are the options without the question
    options = [str(context if _several_inputs(task) else continuation) for context, continuation in asked]
    delimiter = str(task.config.get("target_delimiter") or "")
    if delimiter and all(option.startswith(delimiter) for option in options):
        options = [option.removeprefix(delimiter) for option in options]
    logprobs = [float(row["resps"][i][0][0]) for i in range(len(options))]
    weights = [len(option) or 1 if BY_LIKELIHOOD.get(task.metric) else 1 for option in options]
    best = max(range(len(options)), key=lambda i: logprobs[i] / weights[i])
    return LoggedAnswer(score, options[best], logprobs[best], tuple(options), best, tuple(logprobs))


def _several_inputs(task: LoggedTask) -> bool:
    """Options that are beginnings of one text: the right one's number is not logged."""
    asked = _arguments(task.rows[0])
    return len(asked) > 1 and len({str(continuation) for _, continuation in asked}) == 1


def _predicted(row: Mapping[str, Any], score: float) -> LoggedAnswer:
    """A word to be foretold: the answer is that word where every token of it was the likeliest."""
    logprob, greedy = row["resps"][0][0]
    return LoggedAnswer(score, str(row["target"]) if str(greedy) == "True" else "", float(logprob))


def _generated(row: Mapping[str, Any], score: float) -> LoggedAnswer:
    given = row["filtered_resps"][0]
    return LoggedAnswer(score, str(given[0] if isinstance(given, list) and given else given), None)


def without_ignored(task: LoggedTask, answer: LoggedAnswer) -> LoggedAnswer:
    """What the metric does not look at is left out of the answer, as of its reference."""
    if answer.options:
        return answer
    (output,) = _without_ignored(task, [answer.output])
    return replace(answer, output=output)


def _without_ignored(task: LoggedTask, texts: Sequence[str]) -> Sequence[str]:
    """`regexes_to_ignore` of lm-eval's exact_match, which GSM8K needs to get from a solution to its number."""
    entries = [entry for entry in task.config.get("metric_list") or [] if entry.get("metric") == task.metric]
    patterns = entries[0].get("regexes_to_ignore") if entries else None
    if task.metric != "exact_match" or not patterns:
        return texts
    try:
        for pattern in patterns:
            texts = [re.sub(pattern, "", text) for text in texts]
    except re.error:
        return texts
    return texts


def _follows_from_likelihoods(task: LoggedTask) -> bool:
    return task.metric in BY_LIKELIHOOD and not task.config.get("process_results")


def _agrees(answer: LoggedAnswer, right: int | None) -> bool:
    return right is not None and answer.score == float(answer.chosen == right)


def _fits(scorer: Mapping[str, Any], scored: Sequence[tuple[str, str | None, float]]) -> bool:
    settings = {key: value for key, value in scorer.items() if key != "name"}
    ready = make_scorer(str(scorer["name"]), settings, "lm-eval")
    try:
        return all(reference is not None and ready(output, reference) == score for output, reference, score in scored)
    except AssayError:
        return False
