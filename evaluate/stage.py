"""Evaluation: models and suites in, an answer of each model to each item out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from assay.chat import ChatTarget
from assay.config import to_json
from assay.errors import SuiteError
from assay.suites import EvaluationText, Suite

from .evaluation import ITEM_COLUMNS, Evaluation, Leak, ModelName, ModelScore, SuiteResult
from .evaluation_files import ITEM_SCHEMA, option_text
from .examination import Answer, Examination, choose
from .identity import Models, check_adapters, identity_of, precision_of
from .intervals import mean_interval
from .leaks import find_leaks, prompts_of, training_prompts
from .parts import PartStore, part_key
from .progress import Progress
from .settings import EvaluateSettings
from .switched_model import SwitchedModel, load_switched

if TYPE_CHECKING:
    from assay.task_files import TaskFile

    from .lm_eval_model import AssayLM

DEFAULT_CONTEXT = 2048
"""Tokens, for a model whose config names no length; lm-eval's own fallback."""

ARMS: tuple[ModelName, ...] = ("base", "previous", "candidate", "damaged", "zero")
CONTROLS: tuple[ModelName, ...] = ("damaged", "zero")
"""Arms that answer some of the items, to show what the suite and the switching of adapters can be trusted with."""


@dataclass(frozen=True)
class _Sheet:
    """The answers of one model to the chosen items of one examination."""

    examination: Examination
    model: ModelName
    numbers: Sequence[int]
    answers: Sequence[Answer]


def evaluate(
    models: Models,
    suites: Sequence[Suite],
    settings: EvaluateSettings,
    *,
    answers_folder: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Scores base and adapters, and the candidate hurt on purpose, on every suite and task of the settings.

    suites          those that `settings.suites` names, read
    answers_folder  where answers are kept: a killed evaluation goes on from them, and another candidate meets the
                    base's again; nothing is kept without one

    Raises SuiteError for what cannot be asked, ModelError for a model, template or adapter that does not fit, and
    StorageError.
    """
    precision = precision_of(models, settings)
    check_adapters(models, say)
    own, tasks = _read(suites, settings, models.target)
    switched = load_switched(
        models.target.ref,
        models.target,
        models.adapters,
        precision,
        damage_seed=settings.seed if settings.damaged_items else None,
        with_zero=bool(settings.zero_items),
        trust_remote_code=models.trust_remote_code,
    )
    lm = _language_model(switched, models.target, settings)
    examinations = [*own, *_prepared(tasks, settings, lm)]
    store = PartStore(answers_folder) if answers_folder is not None else None
    identity = identity_of(models, precision, switched.dtype, switched.device, settings.seed)
    sheets = list(_all_answers(switched, lm, examinations, settings, store, identity, say))
    return Evaluation(
        suites=tuple(_result(examination, sheets) for examination in examinations),
        items=_items_table(sheets),
        identity=identity,
        evidence=switched.evidence,
        leaks=_leaks(models, examinations),
        settings=_recorded(settings, models, examinations),
    )


def _language_model(switched: SwitchedModel, target: ChatTarget, settings: EvaluateSettings) -> AssayLM:
    from .causal_model import CausalModel
    from .lm_eval_model import AssayLM, Limits

    limits = Limits(settings.batch_tokens, settings.max_length or target.context_length or DEFAULT_CONTEXT)
    return AssayLM(CausalModel(switched.model), target, limits)


LoadedTask: TypeAlias = "tuple[Any, TaskFile | None]"


def _read(
    suites: Sequence[Suite], settings: EvaluateSettings, target: ChatTarget
) -> tuple[list[Examination], list[LoadedTask]]:
    """Suites rendered, tasks loaded: what is wrong with either is met before a model is."""
    from .domain_suite import prepare
    from .task_loading import load_tasks

    folder = Path(settings.include_path) if settings.include_path is not None else None
    own: list[Examination] = [prepare(suite, target, allow_code=settings.allow_code) for suite in suites]
    tasks = load_tasks(settings.tasks, folder, settings.num_fewshot)
    names = [*(suite.name for suite in own), *(str(task.task_name) for task, _ in tasks)]
    if not names:
        raise SuiteError("nothing to score: no suite and no task", fix="give --suite or --tasks")
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise SuiteError(f"two of the suites and tasks are called '{doubled}'", fix="rename one")
    return own, tasks


def _prepared(tasks: Sequence[LoadedTask], settings: EvaluateSettings, lm: AssayLM) -> Iterator[Examination]:
    from .task_suite import prepare_task

    for task, file in tasks:
        yield prepare_task(task, file, lm, apply_chat_template=settings.apply_chat_template)


def _all_answers(
    switched: SwitchedModel,
    lm: AssayLM,
    examinations: Sequence[Examination],
    settings: EvaluateSettings,
    store: PartStore | None,
    identity: Mapping[str, Any],
    say: Callable[[str], None],
) -> Iterator[_Sheet]:
    """Suite after suite, each by every model, so that what is shown first is a comparison."""
    arms = [arm for arm in ARMS if arm == "base" or arm in switched.adapters]
    work = []
    for examination in examinations:
        everything = range(len(examination.items))[: settings.limit]
        some = {
            "damaged": choose(examination.items[: settings.limit], settings.damaged_items, settings.seed),
            "zero": choose(examination.items[: settings.limit], settings.zero_items, settings.seed),
        }
        work += [(examination, arm, some.get(arm, everything)) for arm in arms]
    cost = [sum(examination.items[number].cost for number in numbers) for examination, _, numbers in work]
    progress = Progress(sum(cost), say)
    for (examination, arm, numbers), tokens in zip(work, cost, strict=True):
        key = part_key(**_decides(examination, arm, numbers, lm, identity))
        answers = store.get(key, len(numbers)) if store is not None else None
        if answers is None:
            with switched.switched_to(arm):
                answers = examination.answer(lm, numbers, progress.part(arm, examination.name, len(numbers), tokens))
            if store is not None:
                store.put(key, answers)
        else:
            progress.skip(tokens)
        yield _Sheet(examination, arm, numbers, answers)


def _decides(
    examination: Examination,
    arm: ModelName,
    numbers: Sequence[int],
    lm: AssayLM,
    identity: Mapping[str, Any],
) -> dict[str, Any]:
    """All that an answer depends on, but for assay and the libraries, which `part_key` adds."""
    whose: dict[ModelName, Any] = {
        "base": None,
        "previous": identity["previous"],
        "candidate": identity["adapter"],
        "damaged": [identity["adapter"], identity["seed"]],
        "zero": [identity["adapter"], "zero"],
    }
    return {
        "base": {key: value for key, value in identity["base"].items() if key not in ("name", "revision")},
        "adapter": whose[arm],
        "tokenizer": identity["tokenizer_sha256"],
        "stop_tokens": sorted(lm.stop_token_ids),
        "device": identity["device"],
        "examination": examination.content,
        "numbers": list(numbers),
        "limits": [lm.limits.batch_tokens, lm.limits.max_length],
    }


def _result(examination: Examination, sheets: Sequence[_Sheet]) -> SuiteResult:
    own = [sheet for sheet in sheets if sheet.examination is examination]
    scores = []
    for sheet in own:
        values = [answer.score for answer in sheet.answers]
        clusters = [examination.items[number].cluster for number in sheet.numbers]
        interval = mean_interval(values, clusters)
        scores.append(ModelScore(sheet.model, len(values), sum(values) / len(values), interval.low, interval.high))
    return SuiteResult(
        suite=examination.name,
        kind=examination.kind,
        scores=tuple(scores),
        chance=examination.chance,
        binary=all(answer.score in (0.0, 1.0) for sheet in own for answer in sheet.answers),
        data_sha256=examination.data_sha256,
        scorer=dict(examination.scorer),
    )


def _items_table(sheets: Sequence[_Sheet]) -> Any:
    import pyarrow as pa

    columns: dict[str, list[Any]] = {name: [] for name in ITEM_COLUMNS}
    for sheet in sheets:
        for number, answer in zip(sheet.numbers, sheet.answers, strict=True):
            item = sheet.examination.items[number]
            row = {
                "suite": sheet.examination.name,
                "item_id": item.id,
                "prompt_hash": item.prompt_hash,
                "model": sheet.model,
                "score": answer.score,
                "output": answer.output,
                "logprob": answer.logprob,
                "slice": item.slice,
                "cluster": item.cluster,
                "reference": item.reference,
                "context": item.context,
                "option_logprobs": option_text(answer.option_logprobs),
            }
            for name, value in row.items():
                columns[name].append(value)
    return pa.table(columns, schema=ITEM_SCHEMA)


def _leaks(models: Models, examinations: Sequence[Examination]) -> tuple[Leak, ...] | None:
    """None where it is unknown what the candidate was trained on; nothing where there is no candidate."""
    if models.candidate is None:
        return ()
    training = training_prompts(models.candidate)
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


def _recorded(settings: EvaluateSettings, models: Models, examinations: Sequence[Examination]) -> dict[str, Any]:
    """For `Evaluation.settings`. Paths are absolute; `evaluation_files.write` makes them relative to its folder."""

    def absolute(path: str | Path | None) -> str | None:
        return str(Path(path).resolve()) if path is not None else None

    files = {examination.name: absolute(examination.data_file) for examination in examinations}
    return {
        **to_json(settings),
        "suites": [absolute(path) for path in settings.suites],
        "include_path": absolute(settings.include_path),
        "paths": {
            "adapter": absolute(models.candidate),
            "previous": absolute(models.previous),
            "suites": {name: file for name, file in files.items() if file is not None},
        },
        "complete": True,
    }
