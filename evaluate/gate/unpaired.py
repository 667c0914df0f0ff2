"""What two averages can tell when the answers behind them were not kept: an interval for each task, and never a PASS.

Without pairs the variance of both arms counts in full, and nothing shows that the suite could have seen a regression.
Harm so large that it is proved all the same blocks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from assay.errors import SuiteError
from assay.findings import Verdict

from ..lm_eval_runs.logs import LoggedRun
from ..statistics.distributions import normal_quantile
from ..statistics.intervals import Interval, wilson_interval
from ..wording import interval, names, percent, points
from .decision import Decision
from .policy import Policy, SuitePolicy
from .policy_words import at_best, loss


@dataclass(frozen=True)
class UnpairedTask:
    """Average scores of one task. ci is the 95 % interval of candidate less base.

    high_guarded  upper limit of the difference at the level at which harm is proved
    method        newcombe (0/1 scores) or stderr (lm-eval's own standard errors)
    """

    task: str
    metric: str
    n: int
    base: float
    candidate: float
    difference: float
    ci: Interval
    high_guarded: float
    method: Literal["newcombe", "stderr"]


@dataclass(frozen=True)
class UnpairedDecision:
    """rerun  shell commands that would keep the answers, base first"""

    verdict: Verdict
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    tasks: tuple[UnpairedTask, ...]
    rerun: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The document of `assay gate --json`, with the tasks as `unpaired` and the commands as `rerun`."""
        tasks = [{**asdict(task), "ci": list(task.ci)} for task in self.tasks]
        return {
            "verdict": str(self.verdict),
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "suites": [],
            "macro": None,
            "items_needed": None,
            "certificate": None,
            "unpaired": tasks,
            "rerun": list(self.rerun),
        }

    @property
    def decision(self) -> Decision:
        """What a CI system's page shows of it."""
        return Decision(self.verdict, self.reasons, self.notes, (), None, None)

    def markdown(self) -> str:
        """For a pull request; all of it fenced, since names of tasks come from elsewhere."""
        body = self.text().replace("```", "` ` `")
        return f"## {self.verdict}\n\n```text\n{body}\n```\n"

    def text(self) -> str:
        """For a terminal."""
        lines = [f"{self.verdict}  Averages alone cannot show that the adapter is fit to release."]
        lines += [f"  - {reason}" for reason in self.reasons]
        width = max(len(task.task) for task in self.tasks)
        lines += [
            "",
            f"{'task':{width}}  {'metric':<12} {'n':>6}  {'base':>7}  {'candidate':>9}  95 % interval, unpaired",
        ]
        for task in self.tasks:
            figures = f"{task.n:>6}  {percent(task.base):>7}  {percent(task.candidate):>9}"
            lines.append(f"{task.task:{width}}  {task.metric:<12} {figures}  {interval(*task.ci)}")
        lines += ["", *(f"note: {note}" for note in self.notes)] if self.notes else []
        return "\n".join([*lines, "", "run again, with the answers kept:", *(f"  {line}" for line in self.rerun)])


def newcombe_interval(better: tuple[float, int], worse: tuple[float, int], confidence: float) -> Interval:
    """Interval for the difference of two independent proportions, each given as (share, n): first less second.

    Method 10 of Newcombe (1998, Statistics in Medicine 17, 873-890): Wilson's limits of both, squared and added.
    """
    (p1, n1), (p2, n2) = better, worse
    low1, high1 = wilson_interval(p1 * n1, n1, confidence)
    low2, high2 = wilson_interval(p2 * n2, n2, confidence)
    difference = p1 - p2
    return Interval(
        difference - math.hypot(p1 - low1, high2 - p2),
        difference + math.hypot(high1 - p1, p2 - low2),
    )


def compare_averages(
    base: LoggedRun, candidate: LoggedRun, tasks: Sequence[str], harm_alpha: float
) -> list[UnpairedTask]:
    """Tasks whose first metric is an average from 0 to 1. harm_alpha: one-sided, corrected over tasks."""
    found = []
    for task in tasks:
        ours, theirs = _average(base, task), _average(candidate, task)
        if ours is None or theirs is None:
            continue
        difference = theirs.mean - ours.mean
        limits = {level: _limits(theirs, ours, level) for level in (0.95, 1 - 2 * harm_alpha)}
        found.append(
            UnpairedTask(
                task=task,
                metric=ours.metric,
                n=ours.n,
                base=ours.mean,
                candidate=theirs.mean,
                difference=difference,
                ci=limits[0.95],
                high_guarded=limits[1 - 2 * harm_alpha].high,
                method="newcombe" if ours.binary and theirs.binary else "stderr",
            )
        )
    return found


def judge_averages(
    base: LoggedRun,
    candidate: LoggedRun,
    tasks: Sequence[str],
    policy: Policy,
    rerun: Sequence[str],
    lacking: Sequence[str],
) -> UnpairedDecision:
    """lacking: the tasks without logged samples. Raises SuiteError where no task has an average to compare."""
    compared = compare_averages(base, candidate, tasks, policy.alpha / max(1, len(tasks)))
    if not compared:
        raise SuiteError("no task has an average from 0 to 1 with its number of items", where=str(candidate.path))
    guardrails = {task: policy.guardrail_of(policy.suites.get(task, SuitePolicy("general"))) for task in tasks}
    harmed = [task for task in compared if task.high_guarded < -guardrails[task.task]]
    reasons = [
        f"{task.task} went from {percent(task.base)} to {percent(task.candidate)} ({points(task.difference)}"
        f"{at_best(task.high_guarded)}): {loss('guardrail', guardrails[task.task])} is proved"
        for task in harmed
    ]
    if not harmed:
        reasons = [
            f"the answers to single items were not kept ({names(list(lacking))}), so items cannot be paired, "
            "and nothing shows that the tasks could have seen a regression"
        ]
    left_out = [task for task in tasks if task not in {found.task for found in compared}]
    notes = [*base.notes, *candidate.notes]
    if left_out:
        notes.append(f"not compared, without an average from 0 to 1: {names(left_out)}")
    notes.append("that both runs asked the same items could not be checked")
    verdict = Verdict.BLOCK if harmed else Verdict.INCONCLUSIVE
    return UnpairedDecision(verdict, tuple(reasons), tuple(notes), tuple(compared), tuple(rerun))


@dataclass(frozen=True)
class _Average:
    metric: str
    mean: float
    stderr: float | None
    n: int

    @property
    def binary(self) -> bool:
        """Right or wrong a whole number of times, with the spread that this gives."""
        right = self.mean * self.n
        spread = math.sqrt(self.mean * (1 - self.mean) / (self.n - 1)) if self.n > 1 else 0.0
        whole = abs(right - round(right)) < 1e-6 * max(1, self.n)
        return whole and (self.stderr is None or abs(self.stderr - spread) < 1e-6)


def _average(run: LoggedRun, task: str) -> _Average | None:
    """Of the first metric after the first filter; lm-eval writes `acc,none` and `acc_stderr,none`."""
    result: Mapping[str, Any] = run.results["results"][task]
    n = ((run.results.get("n-samples") or {}).get(task) or {}).get("effective") or result.get("sample_len")
    better = (run.results.get("higher_is_better") or {}).get(task) or {}
    listed = [str(entry.get("metric")) for entry in run.configs[task].get("metric_list") or []]
    named = [key for key in result if "," in key and not key.partition(",")[0].endswith("_stderr")]
    keys = [key for metric in listed for key in named if key.partition(",")[0] == metric] or named
    if not keys or not isinstance(n, int) or n < 1:
        return None
    metric, _, chosen = keys[0].partition(",")
    mean, stderr = result[keys[0]], result.get(f"{metric}_stderr,{chosen}")
    if better.get(metric) is False or not isinstance(mean, int | float) or not 0 <= mean <= 1:
        return None
    return _Average(metric, float(mean), float(stderr) if isinstance(stderr, int | float) else None, n)


def _limits(candidate: _Average, base: _Average, confidence: float) -> Interval:
    if candidate.binary and base.binary:
        return newcombe_interval((candidate.mean, candidate.n), (base.mean, base.n), confidence)
    half = normal_quantile(0.5 + confidence / 2) * math.hypot(_stderr(candidate), _stderr(base))
    difference = candidate.mean - base.mean
    return Interval(max(-1.0, difference - half), min(1.0, difference + half))


def _stderr(average: _Average) -> float:
    """Where lm-eval gives none, the most that scores from 0 to 1 of this mean can have."""
    most = math.sqrt(average.mean * (1 - average.mean) / average.n)
    return average.stderr if average.stderr is not None else most
