"""Is this data fit to train on? One verdict, with the reasons that a person can check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from assay.findings import Ledger
from assay.records import Json

from .settings import USABLE_RECORDS, CurateSettings


class Fit(StrEnum):
    """FIT: `curate` would change nothing. NOT_JUDGED: nothing speaks against it, but not everything was looked at."""

    FIT = "FIT"
    FIT_AFTER_CURATION = "FIT_AFTER_CURATION"
    NOT_FIT = "NOT_FIT"
    NOT_JUDGED = "NOT_JUDGED"


@dataclass(frozen=True)
class Fitness:
    """usable: rows that would be kept or repaired."""

    verdict: Fit
    reasons: tuple[str, ...]
    usable: int

    def to_json(self) -> dict[str, Json]:
        return {"verdict": str(self.verdict), "reasons": list(self.reasons), "usable": self.usable}


def judge_fitness(
    ledger: Ledger, not_judged: Mapping[str, str], settings: CurateSettings, failed: Sequence[str] = ()
) -> Fitness:
    """The verdict on what `curate` would leave.

    NOT_FIT        too few usable records for anything, or more than `max_lost_share` of the rows lost
    NOT_JUDGED     otherwise, where the chat template could not be judged or a check failed
    FIT            otherwise, where curate would change nothing
    """
    counts = ledger.counts()
    read, usable = counts["read"], counts["kept"] + counts["repaired"]
    lost = read - usable
    against = _reasons_against(read, usable, settings)
    reasons = list(against)
    if lost or counts["repaired"]:
        reasons.append(_work(counts, ledger))
    low, high = USABLE_RECORDS[settings.purpose]
    if settings.fewest_records <= usable < low:
        reasons.append(f"{usable:,} usable records; '{settings.purpose}' usually takes {low:,} to {high:,}")
    reasons += [f"the check {name} failed and judged nothing" for name in failed]
    missing = [name for name in not_judged if name not in failed]
    no_target = [name for name in missing if "--model" in not_judged[name]]
    if no_target:
        reasons.append(f"the chat template was not judged ({len(no_target)} checks): name the model with --model")
    if any("--suite" in not_judged[name] for name in missing):
        reasons.append("leaks of evaluation items were not judged: name the suites with --suite")

    judged = Fit.NOT_FIT if against else Fit.FIT_AFTER_CURATION if lost or counts["repaired"] else Fit.FIT
    if judged is Fit.FIT:
        reasons.insert(0, f"nothing was found in {read:,} records that curate would change")
    if judged is not Fit.NOT_FIT and (no_target or failed):
        reasons.insert(0, f"as far as it was judged it is {str(judged).replace('_', ' ').lower()}")
        judged = Fit.NOT_JUDGED
    return Fitness(judged, tuple(reasons), usable)


def _reasons_against(read: int, usable: int, settings: CurateSettings) -> list[str]:
    out = []
    if usable < settings.fewest_records:
        out.append(f"only {usable:,} usable records; at least {settings.fewest_records:,} are needed")
    if read and (read - usable) / read > settings.max_lost_share:
        out.append(
            f"{read - usable:,} of {read:,} rows ({(read - usable) / read:.0%}) would be dropped or held; "
            "look for the one cause before curating"
        )
    return out


def _work(counts: Mapping[str, int], ledger: Ledger) -> str:
    parts = [f"{word} {counts[fate]:,}" for word, fate in _VERBS if counts[fate]]
    names = ledger.causes()
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return f"curate would {', '.join(parts)} of {counts['read']:,} rows ({shown})"


_VERBS = (("drop", "dropped"), ("hold", "held"), ("repair", "repaired"))
