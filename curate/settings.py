"""The settings of curate, and which checks they ask for."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from assay.errors import SettingsError, did_you_mean
from assay.registry import Setting, check_settings, settings_of
from assay.reviews.interval import readings_needed
from assay.storage import sha256_file

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
class ReadingSettings:
    """How many records that no check flagged are drawn for a person to read.

    half_width  as near is the error rate to be known, to either side, with 95 % confidence ...
    error_rate  ... if it is about this
    records     so many instead
    """

    half_width: float = 0.05
    error_rate: float = 0.05
    records: int | None = None

    def __post_init__(self) -> None:
        """Raises SettingsError for what is no share."""
        if not 0.005 <= self.half_width < 0.5:
            raise SettingsError(f"reading.half_width is {self.half_width}", fix="write a share from 0.005 to 0.5")
        if not 0 <= self.error_rate <= 1:
            raise SettingsError(f"reading.error_rate is {self.error_rate}", fix="write a share from 0 to 1")
        if self.records is not None and self.records < 0:
            raise SettingsError(f"reading.records is {self.records}", fix="write 0 or more")

    @property
    def count(self) -> int:
        return readings_needed(self.half_width, self.error_rate) if self.records is None else self.records


@dataclass(frozen=True)
class CurateSettings:
    """Settings of `curate` and `audit`.

    purpose             what the data is to teach; sets how many records are usually needed
    checks              {check: false} turns one off; {check: {decision: hold, threshold: 0.9}} changes it
    min_records         fewer usable records than this are NOT_FIT [default: a tenth of what the purpose takes]
    max_lost_share      when more of the rows than this would be dropped or held, the data is NOT_FIT
    keep_of_duplicates  which of several duplicates stays: an ordered list of rules (see keeper.py)
    reading             how many records that no check flagged are drawn to be read
    encoder             what compares meaning: "static", offline and English; "off"; or a sentence-transformers model by
                        name or folder
    """

    purpose: Purpose = "domain"
    checks: Mapping[str, Any] = field(default_factory=dict)
    split: SplitSettings = SplitSettings()
    min_records: int | None = None
    max_lost_share: float = 0.5
    keep_of_duplicates: tuple[Any, ...] = DEFAULT_RULE
    reading: ReadingSettings = ReadingSettings()
    encoder: str = field(default="static", metadata={"off": "off"})
    seed: int = 42

    def __post_init__(self) -> None:
        """Raises SettingsError for a rule that cannot be meant."""
        keeper_rule(self.keep_of_duplicates)
        _check_encoder(self.encoder)

    def beside(self, folder: Path) -> CurateSettings:
        """The same with the files that checks name found from this folder, where assay.yaml is.

        A check with a setting `sha256` is told the file's, so that a run is another one when the file has changed.
        """
        return replace(self, checks={name: _beside(name, given, folder) for name, given in self.checks.items()})

    @property
    def fewest_records(self) -> int:
        return self.min_records if self.min_records is not None else USABLE_RECORDS[self.purpose][0] // 10


FILLED_IN = "sha256"
"""The setting that is the digest of the files which a check names; nobody gives it."""


def settings_to_give(check: Check) -> list[Setting]:
    """The settings of a check that are a person's to give."""
    return [setting for setting in settings_of(check) if setting.name != FILLED_IN]


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
    chosen = check_settings(check, own, where)
    _check_choices(check, chosen, where)
    return ActiveCheck(_having_read(_with_settings_of_repair(check, chosen), chosen), decision, chosen)


def _check_encoder(name: str) -> None:
    """A slip in "static" or "off" would be asked for at the hub, as the name of a model."""
    fix = did_you_mean(name.lower(), ("static", "off"))
    if name not in ("static", "off") and "/" not in name and fix.startswith("did you mean") and not Path(name).exists():
        raise SettingsError(f"'encoder' is '{name}', which is none", fix=fix)


def _check_choices(check: Check, settings: Mapping[str, Any], where: str) -> None:
    for setting, names in check.choices.items():
        known = names() if setting in settings else ()
        for name in settings.get(setting, ()):
            if name not in known:
                fix = did_you_mean(str(name), known)
                raise SettingsError(f"'{name}' is none of its {setting}", where=where, fix=fix)


def _having_read(check: Check, settings: Mapping[str, Any]) -> Check:
    """The check with what it needs because of its files. Raises InputError for a file that is of no use."""
    needs = check.needs
    for setting in check.asks:
        if not settings.get(setting):
            return replace(check, lacks=f"no {setting} was named (curate.checks.{check.name}.{setting})")
    for setting, read in check.reads.items():
        if not settings.get(setting):
            return replace(check, lacks=f"no {setting} was named (curate.checks.{check.name}.{setting})")
        needs += read(Path(settings[setting]))
    return replace(check, needs=needs) if check.reads else check


def _beside(name: str, given: Any, folder: Path) -> Any:
    check = CHECKS.all().get(name)
    if check is None or not check.reads or not isinstance(given, Mapping):
        return given
    files = {setting: folder / given[setting] for setting in check.reads if isinstance(given.get(setting), str)}
    out = {**given, **{setting: str(path) for setting, path in files.items()}}
    if any(setting.name == FILLED_IN for setting in settings_of(check)):
        out[FILLED_IN] = "".join(sha256_file(path) for path in files.values() if path.is_file())
    return out


def _with_settings_of_repair(check: Check, settings: Mapping[str, Any]) -> Check:
    """A repair that names settings of its check as arguments gets them: it mends what the check was asked to find."""
    if check.repair is None:
        return check
    named = inspect.signature(check.repair).parameters
    own = {name: value for name, value in settings.items() if name in named}
    return replace(check, repair=functools.partial(check.repair, **own)) if own else check


def _decision(check: Check, given: Any, where: str) -> Decision:
    names = [str(decision) for decision in Decision if decision is not Decision.REPAIR or check.repair is not None]
    if str(given) not in names:
        if str(given) == Decision.REPAIR:
            raise SettingsError(
                "this check knows no repair", where=f"{where}.decision", fix="choose keep, drop or hold"
            )
        raise SettingsError(f"{given!r} is no decision", where=f"{where}.decision", fix=did_you_mean(str(given), names))
    return Decision(str(given))
