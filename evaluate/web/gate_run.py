"""The page of a verdict: why it is what it is, what it rests on, and whether its certificate holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from assay.errors import AssayError
from assay.findings import Verdict
from assay.pipeline.summary_page import SENTENCES
from assay.runs import Manifest
from assay.web.rendering import page, shown, site_of
from assay.web.site import read_json

from ..gate.decision import MacroDecision, SuiteDecision
from ..gate.least_score import in_words as least_in_words
from ..gate.policy import Policy, read_policy
from ..gate.policy_words import asked, asked_of, loss, purpose
from ..release.release import DECISION, POLICY
from ..reports.gate_plots import Flips, Intervals, difference_plot, flip_plot, slice_plot
from ..reports.gate_report import MEANINGS, next_step
from ..statistics.items_needed import POWER
from ..wording import confidence, count, interval, nats, p_value, percent, points, signed, size
from .items_pages import worst_losses
from .places import adapter_files, base_of, candidate_of, evaluation_of, manifest_of, read_header
from .release_versions import versions_with
from .stored_decision import decision_from_json
from .verifying import certificate_of

WORDS = {
    "confidence": confidence,
    "count": count,
    "interval": interval,
    "least": least_in_words,
    "nats": nats,
    "p": p_value,
    "percent": percent,
    "points": points,
    "signed": signed,
    "size": size,
}
SEVERITY = {Verdict.BLOCK: 0, Verdict.INVALID: 1, Verdict.INCONCLUSIVE: 2, Verdict.PASS: 3}


@dataclass(frozen=True)
class SuiteRow:
    """One suite.

    proved   what the policy asks of it, and whether that is shown
    harm     the limit of a proof that blocks
    purpose  what the verdict makes of that
    items    where its items are, without `moved`
    shows    the smallest loss that it would show, in words
    """

    decision: SuiteDecision
    proved: str
    harm: float | None
    purpose: str
    items: str
    slices: Intervals | None
    shows: str


@dataclass(frozen=True)
class Average:
    """One task of lm-eval that was logged without samples, in words."""

    task: str
    n: str
    base: str
    candidate: str
    difference: str


def gate_page(request: Request, run: str) -> Response:
    """Of a folder with a decision.json."""
    site = site_of(request)
    folder = site.folder(run)
    manifest = manifest_of(site, run)
    data = read_json(folder / DECISION)
    try:
        decision = decision_from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        return _unreadable(request, run, manifest, error)
    policy, policy_text = _policy(folder)
    place = evaluation_of(site, run)
    header = read_header(place.folder) if place is not None else {}
    ordered = replace(decision, suites=tuple(sorted(decision.suites, key=_severity)))
    worst = _most_harmed(ordered.suites, decision.macro, decision.verdict)
    left_out = bool(manifest is not None and dict(manifest.data.get("settings") or {}).get("redact"))
    return page(
        request,
        "evaluate/gate_run.html",
        title=f"{decision.verdict}: {run}",
        run=run,
        decision=ordered,
        sentence=SENTENCES[decision.verdict],
        meaning=_meaning(decision.verdict),
        next_step=next_step(decision),
        needed=None if any("more item" in reason for reason in decision.reasons) else decision.items_needed,
        applied=policy,
        applied_text=policy_text,
        asked=asked(policy),
        rows=[_row(suite, run, policy) for suite in ordered.suites],
        average=_proved_of_average(ordered.macro, policy) if ordered.macro is not None else "",
        not_beaten=[
            suite
            for suite in ordered.suites
            if suite.constant is not None and not suite.constant.beaten and suite.sensitivity.valid
        ],
        plot=_visible(difference_plot(ordered, policy)) if any(suite.n for suite in ordered.suites) else None,
        flips=_visible_flips(flip_plot(ordered.suites)) if any(suite.n for suite in ordered.suites) else None,
        worst=worst,
        undecided=next((s for s in ordered.suites if s.role == "domain" and s.verdict is Verdict.INCONCLUSIVE), None),
        examples=worst_losses(site, run, worst.suite) if worst is not None else [],
        left_out=left_out,
        evaluation=place,
        candidate=candidate_of(header),
        is_run=site.store.root.joinpath("runs", candidate_of(header) or "-").is_dir(),
        base=base_of(header),
        versions=versions_with(site, adapter_files(header)),
        started=str(manifest.data.get("started", "")) if manifest is not None else "",
        certificate=certificate_of(site, folder, manifest),
        averages=_averages(data.get("unpaired")),
        rerun=[str(line) for line in data.get("rerun") or ()],
        words=WORDS,
    )


def _averages(tasks: Any) -> list[Average]:
    """Of `UnpairedDecision.to_json`; a task without its numbers is left out."""
    found = []
    for task in tasks if isinstance(tasks, list) else ():
        try:
            low, high = task["ci"]
            difference = f"{points(task['difference'])} ({interval(low, high)})"
            scores = (percent(task["base"]), percent(task["candidate"]))
            found.append(Average(str(task["task"]), f"{task['n']:,}", *scores, difference))
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _unreadable(request: Request, run: str, manifest: Manifest | None, error: Exception) -> Response:
    facts: Any = manifest.data.get("facts") if manifest is not None else None
    word = facts.get("verdict") if isinstance(facts, dict) else None
    said = f"The run noted {word}. " if word in SENTENCES else ""
    line = f"{said}Its decision.json is damaged or of another version ({type(error).__name__}: {error})."
    return page(request, "web/problem.html", title=f"The decision of {run} cannot be read", line=line)


def _policy(folder: Path) -> tuple[Policy, str]:
    """As it was applied; assay's defaults where it is not there, and then no text."""
    path = folder / POLICY
    try:
        return read_policy(path), path.read_text(encoding="utf-8")
    except (AssayError, OSError, UnicodeDecodeError):
        return Policy(), ""


def _severity(suite: SuiteDecision) -> int:
    """What holds a release back first; optional suites do not."""
    return SEVERITY[suite.verdict] if suite.required or suite.verdict is Verdict.BLOCK else 3


def _most_harmed(
    suites: Sequence[SuiteDecision], macro: MacroDecision | None, verdict: Verdict
) -> SuiteDecision | None:
    """The suite whose losses are shown at once: one that blocks, or that leaves the verdict open. None where losses are
    not the reason."""
    if verdict not in (Verdict.BLOCK, Verdict.INCONCLUSIVE):
        return None
    lost = [suite for suite in suites if suite.losses and suite.difference < 0 and suite.verdict is not Verdict.INVALID]
    meant = lost if verdict is Verdict.BLOCK else [suite for suite in lost if suite.verdict is verdict]
    if macro is not None and macro.verdict is Verdict.PASS and verdict is Verdict.INCONCLUSIVE:
        meant = [suite for suite in meant if suite.role == "domain"]  # the general suites hold nothing back
    return min(meant, key=lambda suite: (suite.verdict is not Verdict.BLOCK, suite.difference), default=None)


def _meaning(verdict: Verdict) -> str:
    said = MEANINGS[verdict]
    return "" if said == SENTENCES[verdict] else said


def _row(suite: SuiteDecision, run: str, policy: Policy) -> SuiteRow:
    address = f"/evaluation/{run}/items?{urlencode({'suite': suite.suite})}"
    plot = slice_plot(suite)
    shown_plot = _visible(plot) if plot is not None else None
    why = purpose(suite.role, policy, required=suite.required)
    harm = suite.limits.harm if suite.limits is not None and _is_broken(suite) else None
    return SuiteRow(suite, _proved_of(suite, policy), harm, why, address, shown_plot, _shows(suite))


def _is_broken(suite: SuiteDecision) -> bool:
    """A loss beyond its guardrail is proved."""
    if suite.role == "domain" or suite.verdict is not Verdict.BLOCK or suite.limits is None:
        return False
    return suite.limits.harm is not None and suite.limits.harm <= -suite.margin


def _proved_of(suite: SuiteDecision, policy: Policy) -> str:
    """In the words of the reasons."""
    asked_for = asked_of(suite.role, suite.margin)
    if not suite.n or not suite.sensitivity.valid:
        return f"{asked_for}: nothing can be shown"
    if suite.limits is not None and suite.limits.harm is None:
        return f"{asked_for}: not before all planned items are scored"
    shown_at_alpha = suite.p_value < policy.alpha
    if suite.role == "domain":
        return f"{asked_for} is {'' if shown_at_alpha else 'not '}proved"
    if _is_broken(suite):
        return f"{asked_for} is proved"
    return f"{asked_for} is {'' if shown_at_alpha else 'not '}excluded"


def _proved_of_average(macro: MacroDecision, policy: Policy) -> str:
    return f"{loss('margin', macro.margin)} is {'' if macro.p_value < policy.alpha else 'not '}excluded"


def _shows(suite: SuiteDecision) -> str:
    power = suite.sensitivity.power
    if power is None:
        return ""
    if power.detectable is None:
        return f"though {count(power.items, 'item')} show no loss of any size"
    return f"a loss of {100 * power.detectable:.1f} points would be shown {round(10 * POWER)} times in ten"


def _visible(plot: Intervals) -> Intervals:
    """Names of slices come from data."""
    return replace(plot, rows=tuple(replace(row, name=shown(row.name)) for row in plot.rows))


def _visible_flips(plot: Flips) -> Flips:
    return replace(plot, rows=tuple(replace(row, name=shown(row.name)) for row in plot.rows))
