"""Which scorer fits the answers of a data set: what `suite init` proposes, and people may change."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.errors import SuiteError
from assay.records import Json, Record
from assay.text import normalize, words

from ..scorer import ReadyScorer, make_scorer
from ..wording import names
from .free_text import OTHERS, judge_free_text

MOST = 0.9
"""Share of the answers that must be of one form for the suite to be of it; the others become no items."""

ALWAYS_THERE = 0.95
LABEL_CHARACTERS = 60
LABELS_SHARE = 0.2
"""Distinct answers per answer, at most, for them to be a closed set of labels: a label occurs five times or more."""

SHORT_WORDS = 6
CHOICE_COLUMNS = ("choices", "options", "candidates", "answers")

TOKEN_STEP = 8
MOST_NEW_TOKENS = 1024

FREE_TEXT = (
    "answers are free text with nothing in them to look up, and no library for likeness is installed: normalised_match "
    "counts only the reference's own words, so base and adapter may both score near 0 and prove nothing. "
    "pip install 'assay[scorers]', or write into each `reference` the phrase, number or field that a right answer must "
    "hold, and use contains, numeric or json_fields"
)

_WORDS = re.compile(r"[^\W\d_]+(?:[ ,&/'’-]+[^\W\d_]+)*\.?")
"""Labels such as Yes, "Not equivalent" or Sci/Tech, in which case means nothing; lost_card and E12 are codes."""

_NUMBER = re.compile(r"[-+−]?[$€£]?\s?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?\s?(?:%|[^\W\d_]{1,12})?")


@dataclass(frozen=True)
class Proposal:
    """A scorer for a suite.

    why      what the answers are, as a comment in the suite's file
    fitting  row ids of the records whose answers are of that form
    notes    what the user should know of it
    labels   {row id: label}, where the answers are labels or hold one
    choices  {row id: options}, where the scorer picks among them
    references  {row id: reference}, where that is not the answer itself
    sources     {row id: source}, where the scorer needs one
    """

    name: str
    settings: Mapping[str, Any]
    why: str
    fitting: frozenset[str]
    notes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    references: Mapping[str, Json] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    def ready(self, where: str) -> ReadyScorer:
        return make_scorer(self.name, self.settings, where)


def propose_scorer(records: Sequence[Record]) -> Proposal:
    """By the answers: tool calls, options to choose from, JSON objects, numbers, labels, short or long text."""
    called = _tool_calls(records)
    if called is not None:
        return called
    spoken = [record for record in records if not record.messages[-1].tool_calls]
    answers = {record.row_id: record.answer.strip() for record in spoken}
    return (
        _choices(spoken, answers) or _json(answers) or _numbers(answers) or _labels(answers) or _text(spoken, answers)
    )


def _tool_calls(records: Sequence[Record]) -> Proposal | None:
    references = {
        record.row_id: [{"name": call.name, "arguments": call.arguments} for call in record.messages[-1].tool_calls]
        for record in records
        if record.messages[-1].tool_calls
    }
    references = {
        row: calls for row, calls in references.items() if all(isinstance(call["arguments"], dict) for call in calls)
    }
    if not references or len(references) < MOST * len(records):
        return None
    labels = {row: str(calls[0]["name"]) for row, calls in references.items()}
    why = "answers are tool calls; name and arguments are points"
    note = "an argument that holds prose will hardly ever agree: name those that matter in `arguments`"
    return Proposal("tool_call", {}, why, frozenset(references), (note,), labels, references=references)


def tokens_for(references: Sequence[str]) -> int:
    """max_new_tokens that every reference fits into: see `estimated_tokens`, half as much again, and some."""
    longest = max(map(estimated_tokens, references), default=1)
    steps = -(-(longest + longest // 2 + TOKEN_STEP) // TOKEN_STEP)
    return min(MOST_NEW_TOKENS, steps * TOKEN_STEP)


def estimated_tokens(text: str) -> int:
    """Without a tokenizer: three bytes of UTF-8 a token, which overstates plain English and is near for JSON and
    for scripts of several bytes a character."""
    return -(-len(text.encode("utf-8", "backslashreplace")) // 3)


def json_object(text: str) -> dict[str, Json] | None:
    """The text as a JSON object, or None: a fence or a sentence around it does not count in a reference."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _choices(records: Sequence[Record], answers: Mapping[str, str]) -> Proposal | None:
    for column in CHOICE_COLUMNS:
        options = {record.row_id: found for record in records if (found := _options(record.meta.get(column)))}
        held = frozenset(row for row, answer in answers.items() if answer in options.get(row, ()))
        if held and len(held) >= MOST * len(answers):
            why = f"each answer is one of the options in the column '{column}'; nothing is generated"
            return Proposal("multiple_choice", {}, why, held, choices=options)
    return None


def _options(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) < 2 or not all(isinstance(text, str) for text in value):
        return ()
    options = tuple(text.strip() for text in value)
    return options if all(options) and len(set(options)) == len(options) else ()


def _json(answers: Mapping[str, str]) -> Proposal | None:
    objects = {row: item for row, answer in answers.items() if (item := json_object(answer))}
    if not objects or len(objects) < MOST * len(answers):
        return None
    values: dict[str, list[str]] = {}
    for item in objects.values():
        for key, value in item.items():
            values.setdefault(key, []).append(json.dumps(value, sort_keys=True))
    closed = [
        key
        for key, given in values.items()
        if len(given) >= ALWAYS_THERE * len(objects)
        and _is_closed(given)
        and max(map(len, given)) <= LABEL_CHARACTERS
        and "." not in key
    ]
    labels = _field_labels(objects, values, closed)
    others = [key for key in values if key not in closed]
    if not closed:
        why = "answers are JSON objects; no field takes few values, so all of the reference's fields count"
        note = f"{why}: one that holds prose will hardly ever agree, so name those that matter in `fields`"
        return Proposal("json_fields", {}, why, frozenset(objects), (note,), labels)
    there = "is always there and takes" if len(closed) == 1 else "are always there and take"
    why = f"answers are JSON objects; {names(closed)} {there} few values"
    notes = (f"not scored: the fields {names(others)}; add to `fields` what must agree too",) if others else ()
    return Proposal("json_fields", {"fields": closed}, why, frozenset(objects), notes, labels)


def _field_labels(
    objects: Mapping[str, dict[str, Json]], values: Mapping[str, list[str]], closed: list[str]
) -> dict[str, str]:
    """The label is the first text among the closed fields, or else the first of them."""
    texts = [key for key in closed if all(value.startswith('"') for value in values[key])]
    chosen = next(iter([*texts, *closed]), None)
    return {row: str(item[chosen]) for row, item in objects.items() if chosen in item} if chosen is not None else {}


def _numbers(answers: Mapping[str, str]) -> Proposal | None:
    scorer = make_scorer("numeric", {}, "suite init")

    def is_number(answer: str) -> bool:
        if not _NUMBER.fullmatch(answer):
            return False
        try:
            return scorer(answer, answer) == 1.0
        except SuiteError:
            return False

    fitting = frozenset(row for row, answer in answers.items() if is_number(answer))
    if not fitting or len(fitting) < MOST * len(answers):
        return None
    why = "answers are numbers; the last number of an output is taken"
    note = "a number counts when it is the reference's; `absolute` and `relative` allow a tolerance"
    return Proposal("numeric", {}, why, fitting, (note,))


def _labels(answers: Mapping[str, str]) -> Proposal | None:
    short = {
        row: answer for row, answer in answers.items() if 0 < len(answer) <= LABEL_CHARACTERS and "\n" not in answer
    }
    if len(short) < MOST * len(answers) or not _is_closed(list(short.values())):
        return None
    known = set(short.values())
    if all(map(_WORDS.fullmatch, known)) and len({normalize(label) for label in known}) == len(known):
        name, how = "normalised_match", "case, punctuation and white space aside"
    else:
        name, how = "exact_match", "to the letter"
    return Proposal(name, {}, f"answers are {len(known)} labels, compared {how}", frozenset(short), labels=short)


def _text(records: Sequence[Record], answers: Mapping[str, str]) -> Proposal:
    fitting = frozenset(row for row, answer in answers.items() if normalize(answer))
    lengths = sorted(len(words(answer)) for answer in answers.values())
    if lengths and lengths[int(0.9 * (len(lengths) - 1))] <= SHORT_WORDS:
        why = "answers are short and of no closed set; case, punctuation and white space do not count"
        note = "answers are short free text: a right one in other words counts as wrong, so read some outputs"
        return Proposal("normalised_match", {}, why, fitting, (note,))
    found = judge_free_text(records, answers)
    if found is not None:
        notes = (found.note, OTHERS)
        return Proposal(
            found.name,
            found.settings,
            found.why,
            found.fitting,
            notes,
            references=found.references,
            sources=found.sources,
        )
    why = "answers are free text: STRICT, only the reference's own words count; docs/suites.md shows better ways"
    return Proposal("normalised_match", {}, why, fitting, (FREE_TEXT,))


def _is_closed(values: Sequence[str]) -> bool:
    """Few distinct values, each often: a closed set. One value is a set too, if a useless one."""
    return len(values) >= 10 and len(set(values)) <= max(2, LABELS_SHARE * len(values))
