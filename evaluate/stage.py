"""Evaluation: models and suites in, an answer of each model to each item out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from assay.chat import ChatTarget
from assay.config import to_json
from assay.errors import SettingsError, SuiteError
from assay.models.devices import on_the_cpu
from assay.suites import EvaluationText, Suite, read_suites
from assay.suites.general import include_paths, is_bundled, tier_of, with_included, with_tiers

from .asking.answer_sheets import Sheet, cut_off, items_table, suite_result
from .asking.answering import Answering
from .asking.examination import Examination
from .asking.item_split import numbers_in
from .asking.leaks import find_leaks, prompts_of, training_prompts
from .asking.parts import PartStore
from .asking.progress import Progress, Show
from .asking.work import Work, all_answers, until_decided
from .evaluation import Evaluation, Leak, ModelName
from .gate.policy import Policy
from .identity import Models, check_adapters
from .judging.bench import open_bench
from .models.backends import Switched, adapters_of, check_answerable, language_model, make_ready
from .models.unknown_precision import unknown_precision
from .settings import EvaluateSettings
from .wording import count, names

if TYPE_CHECKING:
    from assay.suites.task_files import TaskFile

    from .judging.asking import Judges
    from .models.lm_eval_model import AssayLM

__all__ = ["evaluate", "language_model", "prepare_all", "read_all"]

ARMS: tuple[ModelName, ...] = ("base", "previous", "candidate", "damaged", "slightly_damaged", "zero")


def evaluate(
    models: Models,
    suites: Sequence[Suite],
    settings: EvaluateSettings,
    *,
    answers_folder: Path | None = None,
    policy: Policy | None = None,
    judges: Judges | None = None,
    say: Callable[[str], None] = lambda _: None,
    show: Show | None = None,
) -> Evaluation:
    """Scores base and adapters, and the candidate hurt on purpose, on every suite and task of the settings.

    suites          those that `settings.suites` names, read; those of `include_path: bundled` are read here
    answers_folder  where answers are kept: a killed evaluation goes on from them, and another candidate meets the
                    base's again; nothing is kept without one
    policy          that `settings.stop_early` stops by
    judges          for suites whose scorer is a judge: `assay.api.judges(store)`
    show            draws progress on a terminal; without it there are lines, by `say`

    Raises SuiteError for what cannot be asked, ModelError for a model, template or adapter that does not fit,
    SettingsError for early stopping without a policy or a candidate, and StorageError.
    """
    settings, suites = _with_bundled(settings, suites, models.target, say)
    named = adapters_of(models, settings)
    _check_stopping(settings, policy, named)
    check_adapters(models, say)
    notes = _warned(unknown_precision(models, settings), say)
    own, tasks = read_all(suites, settings, models.target)
    bench = open_bench(own, judges, named, settings, say)
    if settings.backend in ("assay", "hf") and (told := on_the_cpu()) is not None:
        say(f"note: {told}")
    ready = make_ready(models, settings)
    examinations = [*own, *prepare_all(tasks, settings, ready.lm)]
    check_answerable(examinations, ready, settings)
    numbers = {one.name: numbers_in(one, settings.items, settings.limit) for one in examinations}
    leaks = _told(_leaks(models, named, examinations), say)
    recorded = _recorded(settings, models, examinations)
    store = PartStore(answers_folder) if answers_folder is not None else None
    work = Work(examinations, numbers, _arms(ready.switched), settings)
    progress = Progress(work.cost(), say, show, each_part=not settings.stop_early)
    answering = Answering(ready.switched, ready.lm, ready.identity, store, progress)

    def evaluation_of(given: Sequence[Sheet]) -> Evaluation:
        sheets = (judgement := bench.judge(given)).sheets
        return Evaluation(
            suites=tuple(suite_result(examination, sheets) for examination in examinations),
            items=items_table(sheets),
            identity=ready.identity,
            evidence=ready.evidence(sheets),
            leaks=leaks,
            settings=_with_notes(recorded | judgement.settings, [*notes, *ready.notes, *_of_cut_off(sheets)]),
            judgements=judgement.table,
        )

    if settings.stop_early and policy is not None:
        return until_decided(answering, work, evaluation_of, policy, say)
    sheets = list(all_answers(answering, work))
    _tell_cut_off(sheets, say)
    return evaluation_of(sheets)


def _check_stopping(settings: EvaluateSettings, policy: Policy | None, named: Collection[ModelName]) -> None:
    """Raises SettingsError."""
    if settings.stop_early and (policy is None or "candidate" not in named):
        lacking = "a policy" if policy is None else "a candidate"
        raise SettingsError(f"stopping early takes {lacking}", fix="give --policy and --adapter, or leave it out")


def _with_bundled(
    settings: EvaluateSettings, suites: Sequence[Suite], target: ChatTarget, say: Callable[[str], None]
) -> tuple[EvaluateSettings, tuple[Suite, ...]]:
    """With the suites of `bundled` in place of the word, where a caller has left that to this stage."""
    included = include_paths(settings.include_path)
    if not any(map(is_bundled, included)):
        return settings, tuple(suites)
    named = with_tiers(included, lambda path: tier_of(path, target.ref, say))
    found = with_included(settings, named)
    return found, (*suites, *read_suites(found.suites[len(settings.suites) :]))


def _warned(told: str | None, say: Callable[[str], None]) -> list[str]:
    """For the notes of the evaluation, once it is said."""
    if told is None:
        return []
    say(f"WARNING: {told}")
    return [told]


def _tell_cut_off(sheets: Sequence[Sheet], say: Callable[[str], None]) -> None:
    for told in cut_off(sheets):
        say(f"note: cut off at their length, without an end: {told}")


def _of_cut_off(sheets: Sequence[Sheet]) -> list[str]:
    """A note where answers never ended: they were scored as far as they went."""
    found = cut_off(sheets)
    told = f"cut off at their length, without an end: {names(found)}; max_new_tokens of the suite sets it"
    return [told] if found else []


def _with_notes(settings: dict[str, Any], notes: Sequence[str]) -> dict[str, Any]:
    return {**settings, "notes": [*(settings.get("notes") or ()), *notes]} if notes else settings


def _arms(switched: Switched) -> tuple[ModelName, ...]:
    return tuple(arm for arm in ARMS if arm == "base" or arm in switched.adapters)


def _told(leaks: tuple[Leak, ...] | None, say: Callable[[str], None]) -> tuple[Leak, ...] | None:
    """They are, before an item is scored."""
    for suite in dict.fromkeys(leak.suite for leak in leaks or ()):
        found = [leak.item_id for leak in leaks or () if leak.suite == suite]
        say(
            f"note: {count(len(found), 'item')} of {suite} in the training data ({names(found, 3)}); "
            "the gate leaves them out"
        )
    return leaks


LoadedTask: TypeAlias = "tuple[Any, TaskFile | None]"


def read_all(
    suites: Sequence[Suite], settings: EvaluateSettings, target: ChatTarget
) -> tuple[list[Examination], list[LoadedTask]]:
    """Suites rendered, tasks loaded: what is wrong with either is met before a model is."""
    from .asking.domain_suite import prepare
    from .asking.task_loading import load_tasks

    folders = [Path(path) for path in include_paths(settings.include_path)]
    own: list[Examination] = [prepare(suite, target, allow_code=settings.allow_code) for suite in suites]
    tasks = load_tasks(settings.tasks, folders, settings.num_fewshot)
    named = [(suite.name, suite.path) for suite in suites]
    named += [(str(task.task_name), file.path if file is not None else Path("lm-eval")) for task, file in tasks]
    if not named:
        raise SuiteError("nothing to score: no suite and no task", fix="give --suite or --tasks")
    seen: dict[str, Path] = {}
    for name, path in named:
        if name in seen:
            raise SuiteError(f"'{name}' is also the name of {seen[name]}", where=str(path), fix="rename one of them")
        seen[name] = path
    return own, tasks


def prepare_all(tasks: Sequence[LoadedTask], settings: EvaluateSettings, lm: AssayLM) -> Iterator[Examination]:
    from .asking.task_suite import prepare_task

    for task, file in tasks:
        yield prepare_task(task, file, lm, apply_chat_template=settings.apply_chat_template)


def _leaks(
    models: Models, named: Collection[ModelName], examinations: Sequence[Examination]
) -> tuple[Leak, ...] | None:
    """None where it is unknown what the candidate was trained on; nothing where there is no candidate."""
    if "candidate" not in named:
        return ()
    training = training_prompts(models.candidate) if models.candidate is not None else None
    if models.training is not None:
        training = [*(training or ()), *prompts_of(models.training)]
    if training is None:
        return None
    texts = [
        EvaluationText(examination.name, item.id, item.text)
        for examination in examinations
        for item in examination.items
    ]
    return find_leaks(training, texts)


def _one_or_all(paths: Sequence[str | None]) -> Any:
    """As the setting takes it."""
    return list(paths) if len(paths) > 1 else next(iter(paths), None)


def _recorded(settings: EvaluateSettings, models: Models, examinations: Sequence[Examination]) -> dict[str, Any]:
    """For `Evaluation.settings`. Paths are absolute; `evaluation_files.write` makes them relative to its folder."""

    def absolute(path: str | Path | None) -> str | None:
        return str(Path(path).resolve()) if path is not None else None

    files = {examination.name: absolute(examination.data_file) for examination in examinations}
    return {
        **to_json(settings),
        "suites": [absolute(path) for path in settings.suites],
        "include_path": _one_or_all([absolute(path) for path in include_paths(settings.include_path)]),
        "paths": {
            "adapter": absolute(models.candidate),
            "previous": absolute(models.previous),
            "suites": {name: file for name, file in files.items() if file is not None},
        },
        "complete": True,
    }
