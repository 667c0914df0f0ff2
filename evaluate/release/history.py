"""What the store remembers: every evaluation with its verdict, the trend of each suite, and who was last let out.

Only what is comparable stands in one trend or comparison; the rest is named with what differs.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import AssayError, SuiteError
from assay.findings import Verdict
from assay.runs import Manifest, RunStore

from ..asking.item_split import overlap
from ..evaluation import Evaluation, ModelScore, SuiteResult
from ..evaluation_files import HEADER, ITEM_SCHEMA, from_json, read
from ..gate.comparison import differences_of, estimate_each
from ..gate.pairs import pair
from ..gate.policy import read_policy
from ..gate.policy_words import rules_in_words
from ..statistics.intervals import Interval
from ..wording import names
from .comparable import differences, suite_differences

WORN = 10
"""Other adapters that the items of a suite have judged, from which on it is said."""


@dataclass(frozen=True)
class GateRun:
    """One gate over an evaluation, as it was decided then.

    policy  sha256 of the policy that it applied; '' where the run does not say
    rules   what that policy asks, in a few words; '' where it is not there any more
    code    the version of assay that decided, and its commit where it was a checkout
    """

    run: str
    started: str
    verdict: Verdict
    policy: str
    rules: str
    code: str = ""

    @property
    def under(self) -> str:
        """Which policy, in words."""
        named = f"policy {self.policy[:8]}" if self.policy else "a policy that is not known"
        said = f"{named}: {self.rules}" if self.rules else named
        return f"{said}; by {self.code}" if self.code else said


@dataclass(frozen=True)
class Judged:
    """One evaluation of the store. header: the evaluation without its items.

    gates    that judged it, oldest first, each under its own policy
    adapter  the candidate's folder, where it is known
    """

    run: str
    path: Path
    started: str
    header: Evaluation
    gates: tuple[GateRun, ...]
    adapter: Path | None

    @property
    def verdict(self) -> Verdict | None:
        """Of its newest gate; None where no gate has judged it."""
        return self.gates[-1].verdict if self.gates else None

    @property
    def adapter_files(self) -> Mapping[str, str] | None:
        files = self.header.identity.get("adapter")
        return files if isinstance(files, Mapping) else None


@dataclass(frozen=True)
class Point:
    """One evaluation in the trend of a suite. verdict: of its newest gate; gates: all of them, oldest first"""

    run: str
    started: str
    verdict: Verdict | None
    gates: tuple[GateRun, ...]
    n: int
    base: float
    candidate: float
    ci: Interval


@dataclass(frozen=True)
class Trend:
    """A suite over evaluations, oldest first. left_out: those that are not comparable with the newest, and why."""

    suite: str
    points: tuple[Point, ...]
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SuiteComparison:
    """Two candidates on one suite, item by item. difference: the second less the first, with its 95 % interval."""

    suite: str
    n: int
    first: float
    second: float
    difference: float
    ci: Interval
    gains: int
    losses: int

    def to_json(self) -> dict[str, Any]:
        return {
            "suite": self.suite,
            "n": self.n,
            "first": self.first,
            "second": self.second,
            "difference": self.difference,
            "ci": list(self.ci),
            "gains": self.gains,
            "losses": self.losses,
        }


def history(store: RunStore) -> list[Judged]:
    """Every finished evaluation of a candidate, newest first. What cannot be read is left out."""
    manifests = store.manifests()
    gates: dict[str, list[GateRun]] = defaultdict(list)
    for run in reversed(manifests):
        decided = _gate_run(run) if run.stage == "gate" else None
        if decided is not None:
            for parent in run.parents:
                gates[parent].append(decided)
    found = []
    for run in manifests:
        if run.stage != "evaluate" or run.outcome != "done":
            continue
        header = _header(run.path)
        if header is not None and header.identity.get("adapter"):
            found.append(
                Judged(
                    run=run.run,
                    path=run.path,
                    started=str(run.data.get("started")),
                    header=header,
                    gates=tuple(gates.get(run.run, ())),
                    adapter=_adapter(header, run.path),
                )
            )
    return found


def trends(found: Sequence[Judged], suite: str | None = None) -> list[Trend]:
    """One for each suite of the newest evaluation that has it, or for the one that is named."""
    suites = dict.fromkeys(result.suite for judged in found for result in judged.header.suites)
    return [_trend(found, name) for name in suites if suite in (None, name)]


def _trend(found: Sequence[Judged], suite: str) -> Trend:
    with_it = [judged for judged in found if _has(judged.header, suite)]
    newest = with_it[0].header
    points, left_out = [], []
    for judged in with_it:
        result, reference = _result(judged.header, suite), _result(newest, suite)
        differ = [*differences(newest, judged.header), *suite_differences(reference, result)]
        base, candidate = result.score("base"), result.score("candidate")
        if differ:
            left_out.append((judged.run, names(differ)))
        elif base is not None and candidate is not None:
            points.append(_point(judged, base, candidate))
    return Trend(suite, tuple(reversed(points)), tuple(left_out))


def _point(judged: Judged, base: ModelScore, candidate: ModelScore) -> Point:
    interval = Interval(candidate.ci_low, candidate.ci_high)
    return Point(
        judged.run, judged.started, judged.verdict, judged.gates, candidate.n, base.score, candidate.score, interval
    )


def compare(first: Path, second: Path) -> tuple[list[SuiteComparison], list[str]]:
    """The candidates of two evaluation folders, and what could not be compared.

    Raises SuiteError when the two were not made under the same conditions, or share no suite that was.
    """
    ours, theirs = read(first), read(second)
    differ = differences(ours, theirs)
    if differ:
        raise SuiteError(
            f"{first.name} and {second.name} cannot be compared: they differ in {names(differ)}",
            fix="evaluate one of the two again as the other was",
        )
    shared = [result.suite for result in ours.suites if _has(theirs, result.suite)]
    unlike = {name: suite_differences(_result(ours, name), _result(theirs, name)) for name in shared}
    same = [name for name in shared if not unlike[name]]
    notes = [f"not compared: {name}, which differs in {names(found)}" for name, found in unlike.items() if found]
    one_sided = [r.suite for e, o in ((ours, theirs), (theirs, ours)) for r in e.suites if not _has(o, r.suite)]
    notes += [f"in one of the two only: {names(one_sided)}"] if one_sided else []
    compared = [found for name in same if (found := _compare_suite(ours, theirs, name)) is not None]
    if not compared:
        raise SuiteError(
            f"{first.name} and {second.name} have no suite in common that was asked in the same way"
            + (f": {'; '.join(notes)}" if notes else "")
        )
    return compared, notes


def _compare_suite(ours: Evaluation, theirs: Evaluation, suite: str) -> SuiteComparison | None:
    one, other = pair(ours)[suite], pair(theirs)[suite]
    if not one.n or not other.n:
        return None
    before = dict(zip(one.item_ids, one.candidate.scores.tolist(), strict=True))
    after = dict(zip(other.item_ids, other.candidate.scores.tolist(), strict=True))
    clusters = dict(zip(one.item_ids, one.clusters, strict=True))
    both = [item for item in one.item_ids if item in after]
    if not both:
        return None
    changes = np.array([after[item] - before[item] for item in both])
    (found,) = estimate_each([differences_of(changes, [clusters[item] for item in both])], 0.05)
    return SuiteComparison(
        suite=suite,
        n=len(both),
        first=float(np.mean([before[item] for item in both])),
        second=float(np.mean([after[item] for item in both])),
        difference=found.difference,
        ci=found.ci,
        gains=int((changes > 0).sum()),
        losses=int((changes < 0).sum()),
    )


def last_release(
    found: Sequence[Judged], is_base: Callable[[Mapping[str, Any]], bool], candidate: Mapping[str, str]
) -> Judged | None:
    """The newest evaluation that passed the gate on this base; None for a first release.

    is_base    of `Evaluation.identity["base"]`
    candidate  {file: sha256}: an adapter is never its own predecessor
    """
    for judged in found:
        base = judged.header.identity.get("base")
        if judged.verdict is not Verdict.PASS or judged.adapter is None or judged.adapter_files == candidate:
            continue
        if isinstance(base, Mapping) and is_base(base):
            return judged
    return None


def with_times_used(evaluation: Evaluation, found: Sequence[Judged]) -> Evaluation:
    """The evaluation with `settings["times_used"]`, {suite: how many other adapters its items have judged}.

    A note goes with it where they are many, and where some of the items selected among candidates before.
    """
    files = evaluation.identity.get("adapter")
    candidate = files if isinstance(files, Mapping) else None
    part = _part(evaluation)
    used = {result.suite: times_used(found, result.data_sha256, candidate, part) for result in evaluation.suites}
    worn = [f"{suite} ({number})" for suite, number in used.items() if number >= WORN]
    given = evaluation.settings.get("notes")
    notes = [*(given if isinstance(given, list | tuple) else ())]
    if worn:
        notes.append(
            f"the same items have judged many other adapters: {names(worn)}; who picks the best of many by the same "
            "items picks luck too: set new items aside for the release"
        )
    selecting = _selecting(evaluation, found)
    if selecting is not None:
        notes.append(selecting)
    return replace(evaluation, settings={**evaluation.settings, "times_used": used, "notes": notes})


def _selecting(evaluation: Evaluation, found: Sequence[Judged]) -> str | None:
    """That items which selected among candidates must not judge the one they selected."""
    part = _part(evaluation)
    if part == "selection":
        return (
            "these are the items that selected among candidates, so a gain on them is partly luck: "
            "score the release with --items gate"
        )
    selected = [judged for judged in found if _part(judged.header) == "selection"]
    used = {
        result.suite: sum(any(r.data_sha256 == result.data_sha256 for r in judged.header.suites) for judged in selected)
        for result in evaluation.suites
    }
    shared = [f"{suite} ({number})" for suite, number in used.items() if number]
    if part == "gate" or not shared:
        return None
    return (
        f"some of these items selected among candidates before: {names(shared)}; --items gate leaves them out of the "
        "release's judgement"
    )


def _part(evaluation: Evaluation) -> str:
    """The part of the items that was scored; evaluations from before there were parts scored all."""
    return str(evaluation.settings.get("items", "all"))


def times_used(
    found: Sequence[Judged], data_sha256: str, candidate: Mapping[str, str] | None, part: str = "all"
) -> int:
    """How many other adapters the items of one suite have judged: choosing among many by the same items flatters.

    part  of the items; those that only select do not wear those that judge
    """
    judged_by_it = {
        json.dumps(dict(judged.adapter_files), sort_keys=True)
        for judged in found
        if judged.adapter_files is not None
        and overlap(_part(judged.header), part)
        and any(r.data_sha256 == data_sha256 for r in judged.header.suites)
    }
    return len(judged_by_it - {json.dumps(dict(candidate or {}), sort_keys=True)})


def _gate_run(gate: Manifest) -> GateRun | None:
    """None for one that ended without a verdict."""
    stated = dict(gate.data.get("facts") or {}).get("verdict")
    if gate.outcome != "done" or stated not in set(Verdict):
        return None
    policy = str(dict(gate.data.get("inputs") or {}).get("policy") or "")
    rules = _rules(gate.path / "policy.yaml")
    return GateRun(
        gate.run, str(gate.data.get("started")), Verdict(stated), policy, rules, _code(gate.data.get("code"))
    )


def _code(given: Any) -> str:
    """Two verdicts under one policy differ where assay itself changed."""
    if not isinstance(given, Mapping) or not given.get("version"):
        return ""
    commit = str(given.get("commit") or "")[:8]
    return f"assay {given['version']}" + (f" ({commit}{', changed' if given.get('dirty') else ''})" if commit else "")


def _rules(path: Path) -> str:
    try:
        return rules_in_words(read_policy(path))
    except (AssayError, OSError, UnicodeDecodeError):
        return ""


def _header(folder: Path) -> Evaluation | None:
    try:
        return from_json(json.loads((folder / HEADER).read_text(encoding="utf-8")), ITEM_SCHEMA.empty_table())
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _adapter(header: Evaluation, folder: Path) -> Path | None:
    paths = header.settings.get("paths")
    given = paths.get("adapter") if isinstance(paths, Mapping) else None
    path = (folder / str(given)).resolve() if given else None
    return path if path is not None and path.is_dir() else None


def _has(evaluation: Evaluation, suite: str) -> bool:
    return any(result.suite == suite for result in evaluation.suites)


def _result(evaluation: Evaluation, suite: str) -> SuiteResult:
    return next(result for result in evaluation.suites if result.suite == suite)
