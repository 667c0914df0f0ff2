"""What lm-eval left on disk: results_*.json, and samples_TASK_*.jsonl where it ran with --log_samples.

Two layouts, of lm-eval 0.4.x. With a folder as --output_path: FOLDER/MODEL/results_TIME.json. With a file as
--output_path: STEM_TIME.json. The samples of a run lie beside its results and carry the same time. No code of lm-eval
is needed to read them, and none of a task's is ever run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import SuiteError

TIME = re.compile(r"_(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.json$")
RUN_AGAIN = "`lm_eval ... --output_path FOLDER --log_samples` writes it"


@dataclass(frozen=True)
class LoggedRun:
    """One run of lm-eval.

    path     its results file
    results  what is in it
    samples  by task, the file of logged samples; empty where it ran without --log_samples
    older    results of the same model that are older, and so not taken
    """

    path: Path
    results: Mapping[str, Any]
    samples: Mapping[str, Path]
    older: tuple[Path, ...] = ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """Groups are left out: their members are here."""
        return tuple(name for name in self.configs if name in self.results["results"])

    @property
    def configs(self) -> Mapping[str, Mapping[str, Any]]:
        return self.results["configs"]  # type: ignore[no-any-return]

    @property
    def config(self) -> Mapping[str, Any]:
        """How the run was started: backend, model arguments, limit, seeds."""
        return self.results.get("config") or {}

    @property
    def model_args(self) -> dict[str, Any]:
        """lm-eval has logged them as a mapping and, before, as `name=value,...`."""
        given = self.config.get("model_args")
        if isinstance(given, str):
            pairs = (part.partition("=") for part in given.split(",") if part)
            return {name: value for name, _, value in pairs}
        return dict(given) if isinstance(given, Mapping) else {}

    @property
    def section(self) -> Mapping[str, Any] | None:
        """What assay adds to results that it wrote itself."""
        given = self.results.get("assay")
        return given if isinstance(given, Mapping) else None

    @property
    def notes(self) -> list[str]:
        """What must be said of the choice among several runs."""
        if not self.older:
            return []
        left = sorted({task for path in self.older for task in _tasks_of(path)} - set(self.tasks))
        line = f"{self.path} was taken, the newest of {len(self.older) + 1} results of this model"
        return [f"{line}; older ones also hold {', '.join(left)}" if left else line]


def read_run(place: Path) -> LoggedRun:
    """The newest run in a folder, in the folder of its one model, or the results file itself.

    Raises SuiteError when there is none, when a folder holds several models, and for a file that lm-eval did not write.
    """
    found = _result_files(place)
    if not found:
        raise SuiteError("holds no results of lm-eval (results_*.json)", where=str(place), fix=RUN_AGAIN)
    series = sorted({_series(path) for path in found})
    if len(series) > 1:
        named = ", ".join(str(folder / f"{stem}_*.json") for folder, stem in series)
        raise SuiteError(f"holds results of {len(series)} models", where=str(place), fix=f"name one of {named}")
    newest, *older = sorted(found, key=_time, reverse=True)
    results = _read_results(newest)
    return LoggedRun(newest, results, _samples(newest), tuple(older))


def read_samples(path: Path) -> list[dict[str, Any]]:
    """Raises SuiteError with the line that is no sample: a log that was cut short must not pass for a whole one."""
    rows = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                row = json.loads(line)
                if not isinstance(row, dict) or not {"doc_id", "filter", "metrics"} <= row.keys():
                    raise SuiteError("is no sample of lm-eval", where=f"{path}:{number}", fix=RUN_AGAIN)
                rows.append(row)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is cut short, or not JSON"
        raise SuiteError(str(reason), where=f"{path}:{len(rows) + 1}", fix=RUN_AGAIN) from error
    return rows


def _result_files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if place.suffix == ".json" and not place.exists():  # what was given as --output_path: the time comes into the name
        return [path for path in place.parent.glob(f"{place.stem}_*.json") if TIME.search(path.name)]
    if not place.is_dir():
        raise SuiteError("there is no such folder", where=str(place), fix=RUN_AGAIN)
    own = [path for path in place.glob("*.json") if TIME.search(path.name)]
    return own or [path for path in place.glob("*/results_*.json") if TIME.search(path.name)]


def _series(path: Path) -> tuple[Path, str]:
    """Runs that differ in time only: folder and stem."""
    return path.parent, TIME.sub("", path.name)


def _time(path: Path) -> str:
    """As the name has it; a file that was renamed comes after none."""
    found = TIME.search(path.name)
    return found.group(1) if found else ""


def _samples(results: Path) -> dict[str, Path]:
    """{task: file} of the files beside the results that carry the same time."""
    end = f"_{_time(results)}.jsonl"
    names = {path.name: path for path in results.parent.glob(f"samples_*{end}")} if len(end) > len("_.jsonl") else {}
    return {name.removeprefix("samples_").removesuffix(end): path for name, path in sorted(names.items())}


def _read_results(path: Path) -> Mapping[str, Any]:
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SuiteError(f"cannot be read ({error.strerror})", where=str(path)) from error
    except ValueError as error:
        raise SuiteError("is cut short, or not JSON", where=str(path), fix=RUN_AGAIN) from error
    parts = ("results", "configs")
    if not isinstance(results, dict) or not all(isinstance(results.get(part), dict) for part in parts):
        raise SuiteError("is no results file of lm-eval: it lacks 'results' or 'configs'", where=str(path))
    return results


def _tasks_of(path: Path) -> list[str]:
    """Of results that are not taken, for a note: what cannot be read names nothing."""
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["configs"])
    except (OSError, ValueError, KeyError, TypeError):
        return []
