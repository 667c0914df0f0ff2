"""The file of house rules as it is written: strict YAML, every error with its line.

    version: 1
    rules:
      - id: sign-in
        reason: Our help says "sign in"; people search for what they read.
        say: sign in
        instead_of: [login, log in]
        replace: true

docs/style.md shows every kind of rule.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assay.config import Document, parse, read_document
from assay.errors import SettingsError, did_you_mean
from assay.findings import Severity
from assay.patterns import Pattern, compile_pattern
from assay.records import Json
from assay.writing.function_words import LANGUAGES
from assay.writing.rule_kinds import (
    COUNTS,
    Addressed,
    Ending,
    Format,
    Forms,
    Kind,
    Language,
    Markdown,
    Range,
    Required,
    Speaker,
    Wording,
    forms,
)
from assay.writing.voice import Address, Person

VERSION = 1
MARKDOWN = ("headings", "bullets", "bold", "code", "table", "link")

Texts = str | tuple[str, ...]
MarkdownKind = Literal["headings", "bullets", "bold", "code", "table", "link"]


@dataclass(frozen=True)
class Limits:
    min: int | None = None
    max: int | None = None


@dataclass(frozen=True)
class LengthLimits:
    unit: Literal["words", "characters", "tokens"]
    min: int | None = None
    max: int | None = None


@dataclass(frozen=True)
class When:
    """Texts that the prompt or the answer must hold for the rule to be asked; patterns are RE2's."""

    prompt: Texts = ()
    answer: Texts = ()
    prompt_pattern: str | None = None
    answer_pattern: str | None = None


@dataclass(frozen=True)
class Where:
    """Records that a rule is for: by a column, by a text in the system turn, by a slice (the column `slice`)."""

    meta: dict[str, str | int | bool | tuple[str | int | bool, ...]] = dataclasses.field(default_factory=dict)
    system: str | None = None
    slice: Texts = ()


@dataclass(frozen=True)
class Entry:
    """One rule as it is written: who it is, one of the kinds, and what goes with some of them."""

    id: str
    reason: str
    severity: Severity = Severity.WARNING
    when: When | None = None
    where: Where | None = None

    say: str | None = None
    never: Texts = ()
    require: Texts = ()
    length: LengthLimits | None = None
    language: Texts = ()
    person: Literal["I", "we", "impersonal"] | None = None
    address: Literal["formal", "informal"] | None = None
    markdown: Literal["none"] | tuple[MarkdownKind, ...] | None = None
    format: Literal["json", "text"] | None = None
    end: Literal["sentence"] | None = None
    emoji: int | Limits | None = None
    exclamation_marks: int | Limits | None = None

    instead_of: Texts = ()
    patterns: Texts = ()
    allow: Texts = ()
    case: Literal["ignore", "exact"] = "ignore"
    whole_words: bool = True
    replace: bool = False


KINDS = (
    "say", "never", "require", "length", "language", "person", "address", "markdown", "format", "end", "emoji",
    "exclamation_marks",
)  # fmt: skip
"""Of these each rule has exactly one."""

_GOES_WITH: Mapping[str, tuple[str, ...]] = {
    "instead_of": ("say",),
    "replace": ("say",),
    "allow": ("say", "never"),
    "patterns": ("say", "never", "require"),
    "case": ("say", "never", "require"),
    "whole_words": ("say", "never", "require"),
}


@dataclass(frozen=True)
class _File:
    rules: tuple[Entry, ...]
    version: int = VERSION


@dataclass(frozen=True)
class Condition:
    """When a rule is asked: forms that the prompt, and the answer, must hold; None asks nothing of them."""

    prompt: Forms | None = None
    answer: Forms | None = None


@dataclass(frozen=True)
class Rule:
    """One rule, ready to be asked. name is the kind as it is written."""

    id: str
    reason: str
    severity: Severity
    name: str
    kind: Kind
    when: Condition = Condition()
    where: Where = Where()


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Raises SettingsError with the place of the first fault; MissingExtraError for patterns without RE2."""
    document = read_document(path)
    written, _ = parse(_File, document)
    if written.version != VERSION:
        raise SettingsError(
            f"is of version {written.version}; this assay reads {VERSION}", where=document.where(("version",))
        )
    if not written.rules:
        raise SettingsError("there is no rule in it", where=str(path), fix="docs/style.md shows some")
    seen: dict[str, str] = {}
    rules = []
    for number, entry in enumerate(written.rules):
        place = _Place(document, number)
        if entry.id in seen:
            raise SettingsError(f"the id '{entry.id}' was given before, at {seen[entry.id]}", where=place("id"))
        seen[entry.id] = place("id")
        rules.append(_rule(entry, place))
    return tuple(rules)


@dataclass(frozen=True)
class _Place:
    """Where a key of one rule stands."""

    document: Document
    number: int

    def __call__(self, *path: str) -> str:
        return self.document.where(("rules", str(self.number), *path))


def _rule(entry: Entry, place: _Place) -> Rule:
    for key in ("id", "reason"):
        if not getattr(entry, key).strip():
            raise SettingsError(f"'{key}' is empty", where=place(key), fix="every rule has an id and a reason in words")
    name = _name(entry, place)
    for key, kinds in _GOES_WITH.items():
        if name not in kinds and getattr(entry, key) != _DEFAULTS[key]:
            raise SettingsError(f"'{key}' goes with {' or '.join(kinds)}, not with {name}", where=place(key))
    return Rule(
        entry.id,
        entry.reason,
        entry.severity,
        name,
        _BUILD[name](entry, place),
        _condition(entry.when, place),
        entry.where or Where(),
    )


_DEFAULTS = {item.name: item.default for item in dataclasses.fields(Entry)}


def _name(entry: Entry, place: _Place) -> str:
    given = [kind for kind in KINDS if getattr(entry, kind) != _DEFAULTS[kind]]
    if len(given) == 1:
        return given[0]
    if given:
        raise SettingsError(
            f"rule '{entry.id}' asks for several things: {', '.join(given)}",
            where=place(given[1]),
            fix="make a rule of each",
        )
    raise SettingsError(f"rule '{entry.id}' asks for nothing", where=place(), fix=f"add one of {', '.join(KINDS)}")


def _texts(given: Texts, where: str) -> tuple[str, ...]:
    texts = (given,) if isinstance(given, str) else given
    if any(not text.strip() for text in texts):
        raise SettingsError("an empty text is in everything", where=where, fix="take it out")
    return texts


def _forms(entry: Entry, key: str, place: _Place, *, patterns: bool = True) -> Forms:
    return forms(
        _texts(getattr(entry, key), place(key)),
        ignore_case=entry.case == "ignore",
        whole_words=entry.whole_words,
        patterns=_patterns(entry, place) if patterns else (),
    )


def _patterns(entry: Entry, place: _Place) -> tuple[Pattern, ...]:
    ignore = entry.case == "ignore"
    where = place("patterns")
    return tuple(compile_pattern(text, where, ignore_case=ignore) for text in _texts(entry.patterns, where))


def _wording(entry: Entry, place: _Place) -> Wording:
    forbidden = _forms(entry, "instead_of", place)
    if not entry.instead_of and not entry.patterns:
        raise SettingsError(
            f"rule '{entry.id}' does not say what is said instead of '{entry.say}'",
            where=place("say"),
            fix="add instead_of or patterns",
        )
    assert entry.say is not None
    say = _texts(entry.say, place("say"))[0]
    if any(say == form for form in _texts(entry.instead_of, place("instead_of"))):
        raise SettingsError(f"'{say}' is both approved and forbidden", where=place("instead_of"))
    allowed = forms(
        (say, *_texts(entry.allow, place("allow"))),
        ignore_case=entry.case == "ignore",
        whole_words=entry.whole_words,
    )
    return Wording(forbidden, allowed, say, entry.replace)


def _never(entry: Entry, place: _Place) -> Wording:
    return Wording(_forms(entry, "never", place), _forms(entry, "allow", place, patterns=False))


def _required(entry: Entry, place: _Place) -> Required:
    return Required(_forms(entry, "require", place), _texts(entry.require, place("require"))[0])


def _length(entry: Entry, place: _Place) -> Range:
    limits = entry.length
    assert limits is not None
    return _range(limits.unit, limits.min, limits.max, place("length"))


def _number(entry: Entry, key: Literal["emoji", "exclamation_marks"], place: _Place) -> Range:
    given: int | Limits | None = getattr(entry, key)
    limits = given if isinstance(given, Limits) else Limits(max=given)
    return _range(key.replace("_", " "), limits.min, limits.max, place(key))


def _range(unit: str, low: int | None, high: int | None, where: str) -> Range:
    if low is None and high is None:
        raise SettingsError("there is neither min nor max", where=where, fix="write {unit: words, max: 120}")
    if (low is not None and low < 0) or (high is not None and (high < 0 or (low or 0) > high)):
        raise SettingsError(f"no number lies between {low} and {high}", where=where)
    return Range(COUNTS[unit], unit, low, high)


def _language(entry: Entry, place: _Place) -> Language:
    codes = _texts(entry.language, place("language"))
    if codes == ("prompt",):
        return Language(())
    for code in codes:
        if code not in LANGUAGES:
            raise SettingsError(
                f"'{code}' is no language that is told apart",
                where=place("language"),
                fix=did_you_mean(code, (*LANGUAGES, "prompt")),
            )
    return Language(codes)


def _speaker(entry: Entry, place: _Place) -> Speaker:
    unwanted = {"I": (Person.WE,), "we": (Person.I,), "impersonal": (Person.I, Person.WE)}
    assert entry.person is not None
    shown = entry.person if entry.person == "impersonal" else f'"{entry.person}"'
    return Speaker(unwanted[entry.person], shown)


def _markdown(entry: Entry, place: _Place) -> Markdown:
    return Markdown(frozenset(entry.markdown or ()) if entry.markdown != "none" else frozenset())


_BUILD: Mapping[str, Callable[[Entry, _Place], Kind]] = {
    "say": _wording,
    "never": _never,
    "require": _required,
    "length": _length,
    "language": _language,
    "person": _speaker,
    "address": lambda entry, place: Addressed(Address.FORMAL if entry.address == "formal" else Address.INFORMAL),
    "markdown": _markdown,
    "format": lambda entry, place: Format(entry.format == "json"),
    "end": lambda entry, place: Ending(),
    "emoji": lambda entry, place: _number(entry, "emoji", place),
    "exclamation_marks": lambda entry, place: _number(entry, "exclamation_marks", place),
}


def _condition(when: When | None, place: _Place) -> Condition:
    if when is None:
        return Condition()
    where = place("when")
    if when == When():
        raise SettingsError("'when' asks for nothing", where=where, fix="add prompt or answer, or leave it out")
    return Condition(
        _condition_forms(when.prompt, when.prompt_pattern, where),
        _condition_forms(when.answer, when.answer_pattern, where),
    )


def _condition_forms(phrases: Texts, pattern: str | None, where: str) -> Forms | None:
    if not phrases and pattern is None:
        return None
    patterns = (compile_pattern(pattern, where),) if pattern is not None else ()
    return forms(_texts(phrases, where), ignore_case=True, whole_words=True, patterns=patterns)


def matches(where: Where, meta: Mapping[str, Json], system: str) -> bool:
    """Whether a record is one of those that a rule is for."""
    wanted: dict[str, tuple[object, ...]] = {
        column: value if isinstance(value, tuple) else (value,) for column, value in where.meta.items()
    }
    if where.slice:
        wanted["slice"] = (where.slice,) if isinstance(where.slice, str) else where.slice
    if where.system is not None and where.system.casefold() not in system.casefold():
        return False
    return all(_holds(meta.get(column), values) for column, values in wanted.items())


def _holds(found: Json, values: tuple[object, ...]) -> bool:
    """As text and whatever the case, since a CSV file has no numbers and YAML no quotes around its own."""
    return found is not None and str(found).casefold() in {str(value).casefold() for value in values}
