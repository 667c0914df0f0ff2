"""lm-eval tasks by name: from folders of task YAML, else from those that come with lm-eval.

Relative data files in a local task are taken from the folder of its YAML; lm-eval itself takes them from the working
directory. The index of lm-eval's own tasks takes seconds to build, and is built only for a name that the folders lack.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import SuiteError, did_you_mean, missing_extra
from assay.suites.task_files import TaskFile, tasks_in

if TYPE_CHECKING:
    from lm_eval.api.task import Task
    from lm_eval.tasks import TaskManager

FEWSHOT_SEED = 1234
"""lm-eval's own default for choosing examples."""


def load_tasks(
    names: Sequence[str], folders: Sequence[Path], num_fewshot: int | None
) -> list[tuple[Task, TaskFile | None]]:
    """Each task with its file, where it is a local one; all tasks of the folders when no name is given.

    Raises SuiteError for a name that nothing has, a task that cannot be loaded, one that runs code a model wrote,
    and MissingExtraError without lm-eval.
    """
    folders = [folder.resolve() for folder in folders]  # a task is loaded from within its own folder
    local = tasks_in(folders)
    if not names and not local:
        return []
    try:
        import lm_eval.tasks  # noqa: F401
    except ImportError as error:
        raise missing_extra("evaluate", error) from error
    found: dict[str, tuple[Task, TaskFile | None]] = {}
    foreign = []
    for name in names or list(local):
        members = [task for task in local.values() if name in (task.name, *task.tags)]
        found |= {task.name: (_load_local(task, folders), task) for task in members}
        if not members:
            foreign.append(name)
    found |= {name: (task, local.get(name)) for name, task in _load_foreign(foreign, folders, local).items()}
    for task, _ in found.values():
        _prepare(task, num_fewshot)
    return list(found.values())


def _load_local(task: TaskFile, folders: Sequence[Path]) -> Any:
    with _errors(task.name, str(task.path)), quiet_lm_eval():
        manager = _manager(folders, defaults=False)
        with contextlib.chdir(task.path.parent):
            return manager.load([task.name])["tasks"][task.name]


def _load_foreign(names: Sequence[str], folders: Sequence[Path], local: dict[str, TaskFile]) -> dict[str, Any]:
    """Groups of the folders, and the tasks, groups and tags that come with lm-eval."""
    if not names:
        return {}
    manager = _index(folders)
    unknown = [name for name in names if name not in manager.task_index]
    if unknown:
        fix = did_you_mean(unknown[0], [*local, *manager.all_tasks])
        raise SuiteError(f"there is no task '{unknown[0]}'", where=", ".join(map(str, folders)) or "lm-eval", fix=fix)
    found: dict[str, Any] = {}
    for name in names:
        path = manager.task_index[name].yaml_path
        with _errors(name, str(path)), quiet_lm_eval(), contextlib.chdir(path.parent if path else "."):
            found |= manager.load([name])["tasks"]
    return found


def _index(folders: Sequence[Path]) -> TaskManager:
    """Takes seconds."""
    with quiet_lm_eval():
        return _manager(folders, defaults=True)


def _manager(folders: Sequence[Path], *, defaults: bool) -> TaskManager:
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=[str(folder) for folder in folders] or None, include_defaults=defaults)
    _build_each_in_its_folder(manager)
    return manager


def _build_each_in_its_folder(manager: TaskManager) -> None:
    """A group's tasks may lie elsewhere than the group, each beside its data; lm-eval builds them all in one place."""
    factory = manager._factory
    build = factory._build_task

    def build_there(entry: Any, overrides: dict[str, Any] | None) -> Task:
        with contextlib.chdir(entry.yaml_path.parent if entry.yaml_path else "."):
            return build(entry, overrides)

    factory.__dict__["_build_task"] = build_there


def _prepare(task: Any, num_fewshot: int | None) -> None:
    if getattr(task, "UNSAFE_CODE", False):
        raise SuiteError(
            "runs code that the model writes, which is not done here",
            where=f"task {task.task_name}",
            fix="leave it out",
        )
    if getattr(task, "MULTIMODAL", False):
        raise SuiteError("asks about pictures or sound", where=f"task {task.task_name}", fix="leave it out")
    if num_fewshot is not None:
        task.set_config(key="num_fewshot", value=num_fewshot)
    task.set_fewshot_seed(seed=FEWSHOT_SEED)


@contextlib.contextmanager
def _errors(name: str, where: str) -> Iterator[None]:
    """Whatever a task raises while it loads, as one line: its YAML may name code of its own."""
    try:
        yield
    except SuiteError:
        raise
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise SuiteError(
            f"the task '{name}' cannot be loaded ({type(error).__name__}: {reason:.200})",
            where=where,
            fix="its data must be local, or reachable on the hub",
        ) from error


@contextlib.contextmanager
def quiet_lm_eval() -> Iterator[None]:
    """lm-eval and datasets draw progress bars and log at every turn; errors still come as exceptions."""
    import datasets

    loggers = [logging.getLogger(name) for name in ("lm_eval", "datasets")]
    levels = [logger.level for logger in loggers]
    bars = datasets.utils.logging.is_progress_bar_enabled()
    datasets.utils.logging.disable_progress_bar()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if bars:
            datasets.utils.logging.enable_progress_bar()
