"""The settings of curate, and which checks they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from assay.errors import SettingsError, did_you_mean
from assay.registry import check_settings

from .check import CHECKS, Check, Decision
from .keeper import DEFAULT_RULE, keeper_rule

Purpose: TypeAlias = Literal["style", "formatting", "domain", "shift"]

USABLE_RECORDS: Mapping[str, tuple[int, int]] = {
    "style": (500, 1_000),
    "formatting": (2_000, 5_000),
    "domain": (2_000, 5_000),
    "shift": (10_000, 50_000),
}
"""Records that a purpose usually takes, from the guides people follow; advice, not a verdict."""


@dataclass(frozen=True)
class SplitSettings:
    """validation: share of records set aside. group_column: a column whose equal values must not be parted."""

    validation: float = 0.1
    group_column: str | None = None


@dataclass(frozen=True)
class CurateSettings:
    """Settings of `curate` and `audit`.

    purpose             what the data is to teach; sets how many records are usually needed
    checks              {check: false} turns one off; {check: {decision: hold, threshold: 0.9}} changes it
    min_records         fewer usable records than this are NOT_FIT [default: a tenth of what the purpose takes]
    max_lost_share      when more of the rows than this would be dropped or held, the data is NOT_FIT
    keep_of_duplicates  which of several duplicates stays: an ordered list of rules (see keeper.py)
    encoder             what compares meaning: "static", offline and English; "off"; or a sentence-transformers model by
                        name or folder
    """

    purpose: Purpose = "domain"
    checks: Mapping[str, Any] = field(default_factory=dict)
    split: SplitSettings = SplitSettings()
    min_records: int | None = None
    max_lost_share: float = 0.5
    keep_of_duplicates: tuple[Any, ...] = DEFAULT_RULE
    encoder: str = "static"
    seed: int = 42

    def __post_init__(self) -> None:
        """Raises SettingsError for a rule that cannot be meant."""
        keeper_rule(self.keep_of_duplicates)

    @property
    def fewest_records(self) -> int:
        return self.min_records if self.min_records is not None else USABLE_RECORDS[self.purpose][0] // 10


@dataclass(frozen=True)
class ActiveCheck:
    """A check as it will run: with its decision and its settings."""

    check: Check
    decision: Decision
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.check.name


def active_checks(settings: CurateSettings) -> tuple[ActiveCheck, ...]:
    """Every check that is on, in name order. Raises SettingsError for an unknown check, setting or decision."""
    known = CHECKS.all()
    for name in settings.checks:
        if name not in known:
            raise SettingsError(
                f"there is no check '{name}'", where=f"curate.checks.{name}", fix=did_you_mean(name, known)
            )
    active = (_activate(check, settings.checks.get(name, True)) for name, check in known.items())
    return tuple(item for item in active if item is not None)


def _activate(check: Check, given: Any) -> ActiveCheck | None:
    where = f"curate.checks.{check.name}"
    if given is False:
        return None
    if given is True or given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise SettingsError(f"{given!r} says nothing", where=where, fix="write false, or a mapping of settings")
    own = {str(key): value for key, value in given.items() if key != "decision"}
    decision = _decision(check, given.get("decision", check.decision), where)
    return ActiveCheck(check, decision, check_settings(check, own, where))


def _decision(check: Check, given: Any, where: str) -> Decision:
    names = [str(decision) for decision in Decision if decision is not Decision.REPAIR or check.repair is not None]
    if str(given) not in names:
        if str(given) == Decision.REPAIR:
            raise SettingsError(
                "this check knows no repair", where=f"{where}.decision", fix="choose keep, drop or hold"
            )
        raise SettingsError(f"{given!r} is no decision", where=f"{where}.decision", fix=did_you_mean(str(given), names))
    return Decision(str(given))
