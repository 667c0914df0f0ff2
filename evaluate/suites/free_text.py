"""Scorers for answers in free text that need no key: what of an answer can be looked up, or how like it another is.

Each proves less than a key would, and its proposal says what. A person who writes into `reference` what a right answer
must hold has the better suite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from assay.records import Json, Record

from ..outputs.facts import Fact, FactSource, facts_in
from ..outputs.numbers import NUMBER
from ..outputs.phrases import occurs

SHARE = 0.6
"""Of the answers must be of the form that a scorer can judge; the others become no items, and are trained on."""

MOST_FACTS = 6
"""An answer that states more new facts is not held to all of them by its phrases."""

SOURCE_COLUMNS = ("source", "context", "contexts", "passage", "passages", "document", "documents", "article")

OTHERS = (
    "docs/suites.md says what each scorer can prove; the surest suite has in each `reference` the figure, name or "
    "field that a right answer must hold"
)


@dataclass(frozen=True)
class FreeText:
    """A scorer for free text; fields as in `Proposal`."""

    name: str
    settings: Mapping[str, Any]
    why: str
    note: str
    fitting: frozenset[str]
    references: Mapping[str, Json]
    sources: Mapping[str, str]


def judge_free_text(records: Sequence[Record], answers: Mapping[str, str]) -> FreeText | None:
    """By what most answers allow: facts found in their source, one key figure, key facts, likeness; None where the
    libraries for the last are not installed."""
    stated = {row: facts_in(answer) for row, answer in answers.items()}
    asked = {record.row_id: _everything_said(record) for record in records}
    return (
        _grounded(records, answers, stated, asked)
        or _key_figure(answers, stated, asked)
        or _key_facts(answers, stated, asked)
        or _likeness(answers)
    )


def _everything_said(record: Record) -> str:
    """Before the answer, tool results among it, with what a column holds for it to be taken from."""
    said = [message.content or "" for message in record.prompt]
    held = next((text for column in SOURCE_COLUMNS if (text := _texts(record.meta.get(column)))), [])
    return "\n\n".join([*held, *said]).strip()


def _texts(value: Json) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [text for text in values if isinstance(text, str) and text.strip()]


Stated = Mapping[str, Sequence[Fact]]


def _enough(fitting: Mapping[str, Any], answers: Mapping[str, str]) -> bool:
    return bool(fitting) and len(fitting) >= SHARE * len(answers)


def _grounded(
    records: Sequence[Record], answers: Mapping[str, str], stated: Stated, asked: Mapping[str, str]
) -> FreeText | None:
    sources = {
        row: asked[row]
        for row, facts in stated.items()
        if facts and asked[row] and all(map(FactSource(asked[row]).holds, facts))
    }
    if not _enough(sources, answers):
        return None
    return FreeText(
        "quoted_facts",
        {},
        "answers are free text whose numbers, names and quotations stand in what was given with the question",
        "quoted_facts needs no key: it can prove that less is made up, not that the question was answered",
        frozenset(sources),
        {},
        sources,
    )


def _key_figure(answers: Mapping[str, str], stated: Stated, asked: Mapping[str, str]) -> FreeText | None:
    figures = {row: found for row, facts in stated.items() if (found := _figure(answers[row], facts, asked[row]))}
    if not _enough(figures, answers):
        return None
    return FreeText(
        "contains",
        {},
        "answers are free text with one figure that the question does not hold, and that is the reference",
        "contains can prove that more answers hold the key figure, whatever else they say; look through the "
        "references, which were taken from the answers by rule",
        frozenset(figures),
        figures,
        {},
    )


def _figure(answer: str, facts: Sequence[Fact], asked: str) -> str | None:
    """The one number or code of the answer that is not in the question, as it is written."""
    source = FactSource(asked)
    new = [fact for fact in facts if fact.kind in ("number", "code") and not source.holds(fact)]
    return next(iter(_as_written(new, answer)), None) if len(new) == 1 else None


def _key_facts(answers: Mapping[str, str], stated: Stated, asked: Mapping[str, str]) -> FreeText | None:
    phrases = {}
    for row, facts in stated.items():
        source = FactSource(asked[row])
        new = _as_written([fact for fact in facts if not source.holds(fact)], answers[row])
        if 1 <= len(new) <= MOST_FACTS:
            phrases[row] = new
    if not _enough(phrases, answers):
        return None
    return FreeText(
        "required_phrase",
        {},
        "answers are free text; the numbers, names and quotations that the question does not hold are the reference",
        "required_phrase can prove that more answers hold those, whatever else they say; look through the references, "
        "which were taken from the answers by rule",
        frozenset(phrases),
        phrases,
        {},
    )


def _as_written(facts: Sequence[Fact], answer: str) -> list[str]:
    """Phrases that occur in the answer to the letter: a number with its thousands, a name without what opens the
    sentence before it."""
    numbers = {str(number): match.group() for match in NUMBER.finditer(answer) for number in _value(match.group())}
    found = []
    for fact in facts:
        text = numbers.get(fact.text, fact.text) if fact.kind == "number" else fact.text
        if fact.opens and fact.text.count(" "):
            text = fact.text.partition(" ")[2]
        if occurs(text, answer, ignore_case=True, whole_words=True):
            found.append(text)
    return list(dict.fromkeys(found))


def _value(number: str) -> list[str]:
    from ..outputs.numbers import numbers_in

    return [str(value) for value in numbers_in(number)]


LIKENESS: tuple[tuple[str, str, str], ...] = (
    (
        "rouge",
        "rouge_score",
        "rouge can prove that the words come nearer to yours, not that they are true; a right answer in other words "
        'counts for little (embedding_similarity sees that, but no "not")',
    ),
    (
        "chrf",
        "sacrebleu",
        "chrf can prove that the wording comes nearer to yours, not that it is true; a right answer in other words "
        "counts for little",
    ),
    (
        "embedding_similarity",
        "wordllama",
        "embedding_similarity can prove that answers come nearer to yours in subject, not that they are true: it does "
        'not see a "not"',
    ),
)
"""(scorer, the library it needs, what it can prove)"""


def _likeness(answers: Mapping[str, str]) -> FreeText | None:
    """ROUGE for text in ASCII, where words hardly change their endings; chrF for other text."""
    plain = sum(answer.isascii() for answer in answers.values()) >= len(answers) / 2
    for name, library, note in LIKENESS if plain else LIKENESS[1:]:
        if find_spec(library) is None:
            continue
        fitting = frozenset(row for row, answer in answers.items() if any(map(str.isalnum, answer)))
        why = "answers are free text with nothing in them to look up; likeness to the reference is scored"
        return FreeText(name, {}, why, note, fitting, {}, {})
    return None
