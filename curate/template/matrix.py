"""Which records fit which model: every template over all of the data, one row a model."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from assay.records import Record

from .findings import FACTS
from .kinds import kind_of
from .models import Loaded
from .pairs import Pair, compare, pairs_among

if TYPE_CHECKING:
    import pyarrow as pa

    from assay.chat import ChatTarget, Examined, TemplateProblem, TextTarget
    from assay.chat.rendered import Rendered

COLUMNS = (
    "template_renders",
    "system_dropped",
    "prompt_prefix",
    "mask_coverage",
    "stop_token_untrained",
    "bos_doubled",
    "over_long_answer",
    "no_answer",
)
"""The checks that are columns, in the order in which they are shown."""

LONGEST_MESSAGE = 300
DECODED = 4_096


@dataclass(frozen=True)
class Fit:
    """One record under one template. problems: (check, kind, message); facts: kinds of what assay deals with itself."""

    problems: tuple[tuple[str, str, str], ...] = ()
    facts: tuple[str, ...] = ()


FITS = Fit()


@dataclass(frozen=True)
class Row:
    """One model.

    judged    "text and tokens", "text alone", or "not" with why
    fits      records without a problem
    problems  {check: records}; facts: {kind: records}
    about     what is wrong with the template whatever the data
    """

    model: str
    judged: str
    fits: int
    problems: dict[str, int]
    facts: dict[str, int]
    about: tuple[str, ...] = ()
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "model": self.model,
            "judged": self.judged,
            "fits": self.fits,
            "problems": self.problems,
            "facts": self.facts,
            "template": list(self.about),
        }
        return {**out, "why": self.why} if self.why else out


@dataclass(frozen=True)
class Matrix:
    """rows in the order of the models; fits[model][record] and kinds[record] in the order of the data."""

    records: int
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...] = ()
    kinds: tuple[str, ...] = field(repr=False, default=())
    fits: tuple[tuple[Fit, ...], ...] = field(repr=False, default=())

    def to_json(self) -> dict[str, Any]:
        return {
            "records": self.records,
            "rows": [row.to_json() for row in self.rows],
            "pairs": [pair.to_json() for pair in self.pairs],
        }

    def without_text(self) -> Matrix:
        """The same without what messages and examples quote of records."""
        pairs = tuple(replace(pair, example="") for pair in self.pairs)
        return replace(self, pairs=pairs, fits=tuple(tuple(map(_silent, fits)) for fits in self.fits))

    def fitting_everywhere(self) -> tuple[int, int]:
        """(records, models): how many records fit each of the models that fit any, and how many those are."""
        useful = [fits for row, fits in zip(self.rows, self.fits, strict=True) if row.fits]
        together = zip(*useful, strict=True)
        return sum(all(fit is FITS or not fit.problems for fit in column) for column in together), len(useful)


def matrix(records: Sequence[Record], models: Sequence[Loaded], max_length: int = 0) -> Matrix:
    """max_length: in tokens; 0 for each model's own context. Templates without a tokenizer are judged as text.

    Records are decoded once and shown to every model, a few thousand at a time.
    """
    fits: list[list[Fit]] = [[] for _ in models]
    kinds: list[str] = []
    for start in range(0, len(records), DECODED):
        part = [records[position] for position in range(start, min(start + DECODED, len(records)))]
        kinds += map(sys.intern, map(kind_of, part))
        for model, own in zip(models, fits, strict=True):
            if model.target is not None:
                own += _concealed(part, list(_fits(part, model.target, max_length)))
    rows = tuple(_row(model, own) for model, own in zip(models, fits, strict=True))
    pairs = [compare(records, plain, marked) for plain, marked in pairs_among(models)]
    known = tuple(pair for pair in pairs if pair is not None)
    return Matrix(len(records), rows, known, tuple(kinds), tuple(map(tuple, fits)))


def _row(model: Loaded, fits: Sequence[Fit]) -> Row:
    from assay.chat import ChatTarget

    if model.target is None:
        return Row(model.name, "not", 0, {}, {}, why=model.why)
    problems = Counter(check for fit in fits for check in {check for check, _, _ in fit.problems})
    facts = Counter(kind for fit in fits for kind in set(fit.facts))
    return Row(
        model.name,
        "text and tokens" if isinstance(model.target, ChatTarget) else "text alone",
        sum(not fit.problems for fit in fits),
        {name: problems[name] for name in sorted(problems)},
        {name: facts[name] for name in sorted(facts)},
        tuple(problem.message for problem in model.target.problems),
    )


def _fits(records: Sequence[Record], target: ChatTarget | TextTarget, max_length: int) -> Iterator[Fit]:
    from assay.chat import ChatTarget, examine_all
    from assay.chat.examined import render_by_shape

    if not isinstance(target, ChatTarget):
        yield from map(_fit, render_by_shape(records, target))
        return
    limit = max_length or target.context_length
    for item in examine_all(records, target):
        too_long = _too_long(item, limit)
        yield _fit(item, *too_long) if too_long else _fit(item)


def _fit(item: Examined | Rendered | TemplateProblem, *more: tuple[str, str, str]) -> Fit:
    from assay.chat_templates.templating import TemplateProblem

    if isinstance(item, TemplateProblem):
        return Fit(((item.check, item.kind, item.message[:LONGEST_MESSAGE]),))
    if not item.notes and not more:
        return FITS
    problems = tuple(
        (note.check, note.kind, note.message[:LONGEST_MESSAGE]) for note in item.notes if note.kind not in FACTS
    )
    return Fit((*problems, *more), tuple(note.kind for note in item.notes if note.kind in FACTS))


def _silent(fit: Fit) -> Fit:
    return replace(fit, problems=tuple((check, kind, "") for check, kind, _ in fit.problems)) if fit.problems else fit


def _concealed(records: Sequence[Record], fits: list[Fit]) -> list[Fit]:
    """Messages quote what the template made of a record: without its personal data and secrets."""
    from ..pages.concealment import conceal_messages

    said = [(record, message) for record, fit in zip(records, fits, strict=True) for _, _, message in fit.problems]
    hidden = iter(conceal_messages(said))
    return [
        replace(fit, problems=tuple((check, kind, next(hidden)) for check, kind, _ in fit.problems))
        if fit.problems
        else fit
        for fit in fits
    ]


def _too_long(item: Examined | TemplateProblem, limit: int | None) -> tuple[tuple[str, str, str], ...]:
    from assay.chat import Examined

    if limit is None or not isinstance(item, Examined) or item.fewer_tokens_than(limit):
        return ()
    tokens = len(item.encoded().input_ids)
    return (("over_long_answer", "cut", f"{tokens:,} tokens, where {limit:,} fit"),) if tokens > limit else ()


def matrix_table(found: Matrix, records: Sequence[Record]) -> pa.Table:
    """One row a model and record: whether it fits, the problems as check:kind, and the message of the first."""
    import pyarrow as pa

    places = [(record.row_id, record.id, record.source) for record in records]
    whose = {
        "row_id": pa.array([row_id for row_id, _, _ in places], pa.string()),
        "record_id": pa.array([record_id for _, record_id, _ in places], pa.string()),
        "source_file": pa.array([source.file for _, _, source in places], pa.string()),
        "source_line": pa.array([source.line for _, _, source in places], pa.int64()),
        "source_row": pa.array([source.row for _, _, source in places], pa.int64()),
    }
    parts = [_part(row.model, fits, whose) for row, fits in zip(found.rows, found.fits, strict=True) if fits]
    return pa.concat_tables(parts or [_part("", (), {name: values.slice(0, 0) for name, values in whose.items()})])


def _part(model: str, fits: Sequence[Fit], whose: dict[str, pa.Array]) -> pa.Table:
    import pyarrow as pa

    kinds = [[f"{check}:{kind}" for check, kind, _ in fit.problems] for fit in fits]
    messages = [_storable(fit.problems[0][2]) if fit.problems else None for fit in fits]
    return pa.table(
        {
            "model": pa.array([_storable(model)] * len(fits), pa.string()),
            **whose,
            "fits": pa.array([not fit.problems for fit in fits], pa.bool_()),
            "problems": pa.array(kinds, pa.list_(pa.string())),
            "facts": pa.array([list(fit.facts) for fit in fits], pa.list_(pa.string())),
            "message": pa.array(messages, pa.string()),
        }
    )


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
