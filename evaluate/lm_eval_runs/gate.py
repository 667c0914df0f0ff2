"""From two or three runs of lm-eval to what `assay gate` judges: an evaluation on disk, or averages alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.errors import SuiteError
from assay.storage import sha256_file, sha256_folder

from ..evaluation_files import write
from ..gate.policy import Policy
from ..gate.unpaired import UnpairedDecision, judge_averages
from .as_evaluation import Runs, adapter_folder, check_comparable, evaluation_of, tasks_to_judge, tasks_without_samples
from .logs import LoggedRun, read_run
from .rerun import rerun_command


@dataclass(frozen=True)
class LoggedEvaluation:
    """Runs to be compared, and the tasks that the policy asks about. lacking: those without logged samples."""

    runs: Runs
    tasks: tuple[str, ...]
    lacking: tuple[str, ...]

    @property
    def inputs(self) -> dict[str, str]:
        """Digests of the files that are read, by model and task."""
        folder = adapter_folder(self.runs["candidate"])
        found = {f"adapter {name}": digest for name, digest in sha256_folder(folder).items()} if folder else {}
        for model, run in self.runs.items():
            found[f"{model} results"] = sha256_file(run.path)
            found |= {f"{model} {task}": sha256_file(run.samples[task]) for task in self.tasks if task in run.samples}
        return found

    def write_evaluation(self, folder: Path) -> None:
        """Raises SuiteError for runs that cannot be compared, StorageError."""
        write(evaluation_of(self.runs, self.tasks), folder)

    def judge_averages(self, policy: Policy) -> UnpairedDecision:
        """Raises SuiteError for runs that cannot be compared."""
        check_comparable(self.runs, self.tasks)
        base, candidate = self.runs["base"], self.runs["candidate"]
        rerun = [rerun_command(run, self.tasks) for run in self.runs.values()]
        return judge_averages(base, candidate, self.tasks, policy, rerun, self.lacking)


def read_logged(base: Path, candidate: Path, previous: Path | None, policy: Policy) -> LoggedEvaluation:
    """Raises SuiteError for folders without results, or without any task of the policy."""
    runs: dict[str, LoggedRun] = {"base": read_run(base), "candidate": read_run(candidate)}
    if previous is not None:
        runs["previous"] = read_run(previous)
    found: Runs = runs  # type: ignore[assignment]
    tasks = tasks_to_judge(found, tuple(policy.suites))
    if not tasks:
        raise SuiteError(
            f"holds none of the suites that the policy names ({', '.join(policy.suites)})", where=str(candidate)
        )
    return LoggedEvaluation(found, tuple(tasks), tuple(tasks_without_samples(found, tasks)))
