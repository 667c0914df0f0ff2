"""What of a record would not be trained on, because it is longer than the model takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.findings import Finding
from assay.records import Record

from ..check import Context

if TYPE_CHECKING:
    from assay.chat import Encoded

KIND = "cut"


@dataclass(frozen=True)
class Truncation:
    """tokens, limit  of the whole record, and how many fit
    lost, trained     trained tokens beyond the limit, and all trained tokens
    cut_short         turns whose answer loses its end; lost_whole: turns of whose answer nothing is left
    """

    tokens: int
    limit: int
    lost: int
    trained: int
    cut_short: tuple[int, ...]
    lost_whole: tuple[int, ...]

    def message(self) -> str:
        """In one line; turns count from 0, as in other findings."""
        parts = [f"{self.tokens:,} tokens, where {self.limit:,} fit: {self.lost:,} tokens of its answers would be cut"]
        if self.cut_short:
            parts.append(f"{_turns(self.cut_short)} cut short")
        if self.lost_whole:
            parts.append(f"{_turns(self.lost_whole)} lost as a whole")
        return ", ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """The evidence of a finding."""
        return {
            "kind": KIND,
            "tokens": self.tokens,
            "limit": self.limit,
            "cut": self.lost,
            "trained": self.trained,
            "cut_short": list(self.cut_short),
            "lost_whole": list(self.lost_whole),
        }


def _turns(turns: tuple[int, ...]) -> str:
    many = len(turns) > 1
    return f"turn{'s' if many else ''} {', '.join(map(str, turns))} {'are' if many else 'is'}"


def truncation(record: Record, context: Context, limit: int | None) -> Truncation | None:
    """None for a record that fits, that cannot be rendered, or without a limit."""
    from assay.chat import Examined

    found = context.examined(record) if limit else None
    if not isinstance(found, Examined) or limit is None or found.fewer_tokens_than(limit):
        return None
    encoded = found.encoded()
    return _beyond(encoded, limit) if len(encoded.input_ids) > limit else None


def _beyond(encoded: Encoded, limit: int) -> Truncation:
    from assay.chat import IGNORED

    kept: set[int] = set()
    cut: set[int] = set()
    lost = trained = 0
    answers = iter(encoded.answers)
    answer = next(answers)
    for position, (label, (start, _)) in enumerate(zip(encoded.labels, encoded.offsets, strict=True)):
        if label == IGNORED:
            continue
        while start >= answer.end and (following := next(answers, None)) is not None:
            answer = following
        trained += 1
        (kept if position < limit else cut).add(answer.message)
        lost += position >= limit
    return Truncation(
        len(encoded.input_ids), limit, lost, trained, tuple(sorted(cut & kept)), tuple(sorted(cut - kept))
    )


@dataclass(frozen=True)
class Losses:
    """Of all records together."""

    records: int
    tokens: int
    answers_cut_short: int
    answers_lost: int

    def sentence(self) -> str:
        """For people."""
        return (
            f"truncation would lose {_many(self.tokens, 'trained token')} of {_many(self.records, 'record')}: "
            f"{_many(self.answers_cut_short, 'answer')} cut short, {self.answers_lost:,} lost as a whole"
        )

    def to_json(self) -> dict[str, int]:
        return {
            "records": self.records,
            "tokens": self.tokens,
            "answers_cut_short": self.answers_cut_short,
            "answers_lost": self.answers_lost,
        }


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def losses(findings: Iterable[Finding]) -> Losses | None:
    """Adds up what findings of truncation say; None when nothing would be lost."""
    found = [item.evidence for item in findings if item.evidence.get("kind") == KIND and "lost_whole" in item.evidence]
    if not found:
        return None
    return Losses(
        len(found),
        sum(item["cut"] for item in found),
        sum(len(item["cut_short"]) for item in found),
        sum(len(item["lost_whole"]) for item in found),
    )
