"""A second opinion on candidates: one interface for an NLI model and a language model that judges.

The rules find what they can quote; a confirmer raises or lowers their confidence, and judges what no rule covers.

    curate:
      checks:
        contradiction:
          confirm: {nli: cross-encoder/nli-deberta-v3-base}                  # any hub id or folder
          confirm: {judge: {provider: openai, model: NAME, max_usd: 2.0}}    # or anthropic, openai_compatible, local
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from assay.errors import SettingsError, did_you_mean

from .clash import Clash
from .forms import quote

SURE = 0.8
"""Probability from which a confirmer finds a contradiction where no rule does."""

DENIES = 0.1
"""Probability below which it speaks against a rule."""

BEYOND_NLI = frozenset(["format", "label", "refusal"])
"""Kinds that an NLI model knows nothing of: it sees two forms of one statement, two words, or no statement."""


class Pair(NamedTuple):
    """Two answers to one question."""

    question: str
    first: str
    second: str


class Opinion(NamedTuple):
    """probability: that the two contradict each other. first, second: the parts that do, quoted."""

    probability: float
    first: str
    second: str


class Confirmer(Protocol):
    """Judges pairs of answers. Where money or time is limited, the pairs that come first are judged first."""

    @property
    def name(self) -> str: ...

    @property
    def beyond(self) -> frozenset[str]:
        """Kinds of contradiction of which it knows nothing."""
        ...

    def judge(self, pairs: Sequence[Pair]) -> list[Opinion | None]:
        """One opinion a pair, in order; None where it has none."""
        ...


@dataclass(frozen=True)
class JudgeSettings:
    """max_usd: cap in dollars, held over the life of the journal; 0 estimates the cost and asks nothing."""

    provider: str
    model: str | None = None
    max_usd: float = 1.0
    max_requests: int = 10_000
    base_url: str | None = None
    api_key_env: str | None = None
    price: Mapping[str, float] | None = None
    concurrency: int = 8
    timeout: float = 60.0
    max_retries: int = 6


@dataclass(frozen=True)
class ConfirmSettings:
    """Exactly one of the two."""

    nli: str | None = None
    judge: JudgeSettings | None = None


def read_confirm(given: Any, where: str = "curate.checks.contradiction.confirm") -> ConfirmSettings | None:
    """The setting `confirm`. Raises SettingsError with what is wrong in it."""
    if given is None:
        return None
    if not isinstance(given, Mapping) or len(given) != 1 or not set(given) <= {"nli", "judge"}:
        fix = "write {nli: MODEL}, or {judge: {provider: openai, model: NAME, max_usd: 1}}"
        raise SettingsError(f"{given!r} names no confirmer", where=where, fix=fix)
    if "nli" in given:
        if not isinstance(given["nli"], str) or not given["nli"]:
            raise SettingsError(
                f"{given['nli']!r} names no model", where=f"{where}.nli", fix="name a hub id or a folder"
            )
        return ConfirmSettings(nli=given["nli"])
    return ConfirmSettings(judge=_read_judge(given["judge"], f"{where}.judge"))


def _read_judge(given: Any, where: str) -> JudgeSettings:
    known = {field.name: field for field in fields(JudgeSettings)}
    if not isinstance(given, Mapping) or "provider" not in given:
        raise SettingsError("the judge has no provider", where=where, fix="write {provider: openai, model: NAME}")
    for key in given:
        if key not in known:
            raise SettingsError(f"unknown setting '{key}'", where=where, fix=did_you_mean(str(key), known))
    for key, kinds in (
        ("max_usd", (int, float)),
        ("timeout", (int, float)),
        ("max_requests", int),
        ("concurrency", int),
    ):
        value = given.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, kinds) or value < (0 if key == "max_usd" else 1e-9):
            raise SettingsError(f"'{key}' is {value!r}", where=where, fix="write a number above zero")
    price = given.get("price")
    if price is not None and (not isinstance(price, Mapping) or set(price) != {"input", "output"}):
        fix = "in dollars a million tokens: price: {input: 0.15, output: 0.60}"
        raise SettingsError(f"{price!r} is no price", where=where, fix=fix)
    return JudgeSettings(**{str(key): value for key, value in given.items()})


def journal_path(folder: Path) -> Path:
    """Where the judge's answers are kept, in the folder of runs."""
    return folder / "contradiction-judge.sqlite"


def confirmed(clash: Clash | None, opinion: Opinion | None, confirmer: Confirmer) -> Clash | None:
    """What rule and confirmer come to together: a clash with its new confidence, or None.

    A clash of a rule that the confirmer denies keeps half its confidence, which puts it below the default of
    `min_confidence`.
    """
    if opinion is None or (clash is not None and clash.kind in confirmer.beyond):
        return clash
    if clash is None:
        if opinion.probability < SURE:
            return None
        return Clash("free", quote(opinion.first), quote(opinion.second), round(opinion.probability, 3))
    if opinion.probability < DENIES:
        return clash._replace(confidence=round(0.5 * clash.confidence, 3))
    if opinion.probability >= 0.5:
        raised = 1.0 - (1.0 - clash.confidence) * (1.0 - opinion.probability)
        return clash._replace(confidence=round(raised, 3))
    return clash
