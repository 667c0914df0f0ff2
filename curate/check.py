"""What a check is: one file in `checks/`, one decorated function.

The function's keyword-only arguments are the check's settings; its docstring says what it finds, why that
matters, and an example. Another package adds checks through the entry-point group "assay.checks".

    @record_check(severity=Severity.ERROR, decision=Decision.DROP)
    def empty_answer(record: Record, context: Context, *, min_characters: int = 1) -> Iterator[Finding]:
        '''The answer is empty. ...'''
        if len(record.answer.strip()) < min_characters:
            yield empty_answer.about(record, "the answer is empty")
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

from assay.errors import ModelError
from assay.findings import Finding, Severity, Span
from assay.records import Json, Record
from assay.registry import Registry

from .batch import Batch
from .cues import Cues
from .example import Example

if TYPE_CHECKING:
    from pathlib import Path

    from assay.chat import ChatTarget, Encoded, Examined, TemplateProblem
    from assay.suites import EvaluationText, Suite

    from .column import Array, Column
    from .contradictions.confirmers import Confirmer
    from .template.examinations import Examinations

RecordCheck: TypeAlias = Callable[..., Iterable[Finding]]
"""f(record: Record, context: Context, *, settings...)"""

DatasetCheck: TypeAlias = Callable[..., Iterable[Finding]]
"""f(records: Sequence[Record], context: Context, *, settings...)"""

Repair: TypeAlias = Callable[[Record], Record]

Reader: TypeAlias = "Callable[[Path], tuple[Need, ...]]"
"""Reads a file that a setting names and tells what else is needed because of it. Raises InputError for a bad one."""

Choices: TypeAlias = Callable[[], Collection[str]]
"""The names that a setting may hold, asked for when a setting is given."""

Need: TypeAlias = Literal["target", "evaluation_texts", "encoder", "releases"]
"""What a check cannot do without: the chat template of a target model, the texts of evaluation items, an encoder of
meaning, or an index of earlier releases."""

ANY_LANGUAGE = ("*",)

CHECK_FAILED = "check_failed"
"""The finding about a record on which a check raised; such a record is held, since nobody judged it."""

TURN_RECORDS = 64
"""Records that one check looks at before the next one takes its turn, so that both can use their encodings."""


class Decision(StrEnum):
    """What `curate` does with a record that a check found an error or a warning in."""

    KEEP = "keep"
    DROP = "drop"
    REPAIR = "repair"
    HOLD = "hold"


@dataclass(frozen=True)
class Check:
    """A check with its defaults.

    scope      "record": called for each record; "dataset": called once with all of them
    severity   of its findings, unless one says otherwise
    decision   what `curate` does by default with a record that it finds something in
    languages  ISO 639-1 codes it was made for; ("*",) when it does not depend on the language
    needs      what must be at hand; otherwise the check is "not judged"
    keeps_one  of each group of findings one record stays whatever the decision: for duplicates
    repair     makes the record right; there when, and only when, the decision may be `repair`
    columns    of a dataset check: what is computed for it while the records are read (see column.py)
    examples   its test data: what it must find, and what it must not (see example.py)
    reads      {setting that names a file: what reads it}; the check is not judged while one of them is empty
    choices    {setting that is a list of names: what knows the names}; any other name is an error
    asks       settings without which it is not judged: the check is off unless they are given
    lacks      why it is not judged with the settings that it was given
    cues       of a record check: it is called only for records that hold one of them; None: for all (see cues.py)
    unless     of a dataset check: names of checks that say it better; what one of them tells of a record, or names as
               the other record, this one is silent about
    """

    name: str
    function: RecordCheck
    scope: Literal["record", "dataset"]
    severity: Severity
    decision: Decision
    languages: tuple[str, ...] = ANY_LANGUAGE
    needs: tuple[Need, ...] = ()
    keeps_one: bool = False
    repair: Repair | None = None
    columns: tuple[Column, ...] = ()
    examples: tuple[Example, ...] = field(default=(), compare=False)
    reads: Mapping[str, Reader] = field(default_factory=dict, compare=False)
    choices: Mapping[str, Choices] = field(default_factory=dict, compare=False)
    asks: tuple[str, ...] = ()
    lacks: str = ""
    cues: Cues | None = None
    unless: tuple[str, ...] = ()

    def about(
        self,
        record: Record,
        message: str,
        *,
        severity: Severity | None = None,
        span: Span | None = None,
        evidence: Mapping[str, Json] | None = None,
        group: str | None = None,
    ) -> Finding:
        """A finding of this check about a record."""
        return Finding.about(
            record, self.name, severity or self.severity, message, span=span, evidence=evidence, group=group
        )

    @property
    def documentation(self) -> str:
        return inspect.getdoc(self.function) or ""

    @property
    def summary(self) -> str:
        """The first sentence of the documentation, on one line."""
        paragraph = " ".join(self.documentation.split("\n\n")[0].split())
        return paragraph.split(". ")[0].rstrip(".")


def record_check(
    *,
    severity: Severity,
    decision: Decision,
    languages: tuple[str, ...] = ANY_LANGUAGE,
    needs: tuple[Need, ...] = (),
    repair: Repair | None = None,
    examples: tuple[Example, ...] = (),
    reads: Mapping[str, Reader] | None = None,
    choices: Mapping[str, Choices] | None = None,
    cues: Cues | None = None,
) -> Callable[[RecordCheck], Check]:
    """Makes a check of f(record, context, *, settings...), which is called once for each record, in order."""

    def decorate(function: RecordCheck) -> Check:
        return Check(
            function.__name__,
            function,
            "record",
            severity,
            decision,
            languages=languages,
            needs=needs,
            repair=repair,
            examples=examples,
            reads=reads or {},
            choices=choices or {},
            cues=cues,
        )

    return decorate


def dataset_check(
    *,
    severity: Severity,
    decision: Decision,
    languages: tuple[str, ...] = ANY_LANGUAGE,
    needs: tuple[Need, ...] = (),
    keeps_one: bool = False,
    columns: tuple[Column, ...] = (),
    examples: tuple[Example, ...] = (),
    asks: tuple[str, ...] = (),
    unless: tuple[str, ...] = (),
) -> Callable[[DatasetCheck], Check]:
    """Makes a check of f(records, context, *, settings...), which is called once.

    `records` is a sequence over all of the data that decodes a record when it is asked for: a check walks over it
    only where no column can stand for the records, and keeps none of them.
    """

    def decorate(function: DatasetCheck) -> Check:
        return Check(
            function.__name__,
            function,
            "dataset",
            severity,
            decision,
            languages=languages,
            needs=needs,
            keeps_one=keeps_one,
            columns=columns,
            examples=examples,
            asks=asks,
            unless=unless,
        )

    return decorate


def is_optional(check: Check) -> bool:
    """Whether it is off unless a setting or an option asks for it."""
    return bool(check.asks or check.reads or "releases" in check.needs)


def place(other: Record, seen_from: Record) -> str:
    """Where another record is, for a message: its line or row, and its file where that is another one."""
    source = other.source
    if source.file != seen_from.source.file:
        return str(source)
    return f"line {source.line}" if source.line is not None else f"row {source.row}"


class EarlierReleases(Protocol):
    """An index of earlier releases of the data; see duplicates/releases.py."""

    def look_up(self, records: Iterable[Record], threshold: float) -> Iterator[Earlier | None]: ...


class Earlier(NamedTuple):
    """A record of an earlier release, and how similar it is; 1.0 and identical for the same content."""

    release: str
    source: str
    row_id: str
    similarity: float
    identical: bool


SAMPLED_RECORDS = 5_000


def evenly(records: Sequence[Record], most: int) -> list[Record]:
    """Up to `most` records, evenly spaced."""
    step = max(1, -(-len(records) // most))
    return [records[position] for position in range(0, len(records), step)]


CHECKS = Registry(package="assay.curate.checks", group="assay.checks", kind="check", type=Check)


@dataclass
class Context:
    """What checks may look at besides the records.

    records           those looked at: of a batch for record checks, all of them for dataset checks
    sample            up to SAMPLED_RECORDS of the data, evenly spaced, the same in every process: what is usual here
    target            the model whose chat template will be used; None when none was named
    suites            the domain suites in use
    evaluation_texts  prompts of evaluation items, which must not be trained on
    encoder           name of what encodes meaning, as in CurateSettings; a column that encodes takes it from here
    confirmer         a second opinion on contradictions; None where none was named, or the check makes it itself
    releases          an index of earlier releases of the data
    alike             groups of row ids that a check found too much alike to be parted by a split, though no duplicates
    """

    records: Sequence[Record] = ()
    target: ChatTarget | None = None
    suites: Sequence[Suite] = ()
    evaluation_texts: Sequence[EvaluationText] = ()
    encoder: str = "static"
    confirmer: Confirmer | None = None
    releases: EarlierReleases | None = None
    alike: list[tuple[str, ...]] = field(default_factory=list)
    shared: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Array] = field(default_factory=dict)
    sampled: Sequence[Record] | None = None
    _examinations: Examinations | None = None

    @property
    def sample(self) -> Sequence[Record]:
        if self.sampled is None:
            self.sampled = evenly(self.records, SAMPLED_RECORDS)
        return self.sampled

    def column(self, column: Column) -> Array:
        """Its values for all records, in order; shape [records, ...]."""
        if column.name not in self.columns:
            self.columns[column.name] = column.compute(Batch(self.records), self)
        return self.columns[column.name]

    def over(self, records: Sequence[Record]) -> Context:
        """The same context for other records; what was computed once for all of the data is kept."""
        return replace(self, records=records, columns={}, _examinations=None)

    @property
    def encoding_seconds(self) -> float:
        """Spent on templates and tokenisation."""
        return self._examinations.seconds if self._examinations is not None else 0.0

    def missing(self, check: Check) -> str | None:
        """Why a check cannot be judged here, or None."""
        if check.lacks:
            return check.lacks
        if "target" in check.needs and self.target is None:
            return "no target model was named (--model NAME)"
        if "evaluation_texts" in check.needs and not self.evaluation_texts:
            return "no evaluation suite was named (--suite FILE)"
        if "releases" in check.needs and self.releases is None:
            return "no index of earlier releases was named (--index URL)"
        if "encoder" in check.needs:
            from .meaning.encoder import why_missing

            return why_missing(self.encoder)
        return None

    def encoded(self, record: Record) -> Encoded | TemplateProblem:
        """The record under the target's template, with the ids and labels of all its tokens.

        Raises ModelError when there is no target: a check that calls this declares `needs=("target",)`.
        """
        from assay.chat import TemplateProblem

        found = self.examined(record)
        return found if isinstance(found, TemplateProblem) else found.encoded()

    def examined(self, record: Record) -> Examined | TemplateProblem:
        """What the target's template makes of the record, without the token ids of all of it: far cheaper.

        Raises ModelError when there is no target, as `encoded` does.
        """
        if self.target is None:
            raise ModelError("no target model was named", fix="declare needs=('target',) in the check")
        if self._examinations is None:
            from .template.examinations import Examinations

            self._examinations = Examinations(self.records, self.target)
        return self._examinations.at(record)

    def once(self, key: str, compute: Callable[[], Any]) -> Any:
        """A value that several checks need and one computes, for example the groups of equal prompts."""
        if key not in self.shared:
            self.shared[key] = compute()
        return self.shared[key]
