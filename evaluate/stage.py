"""Evaluation: models and suites in, an answer of each model to each item out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.chat import ChatTarget
from assay.config import to_json
from assay.errors import ModelError, SuiteError
from assay.models import weights_sha256
from assay.storage import sha256_file
from assay.suites import EvaluationText, Suite

from .evaluation import ITEM_COLUMNS, Evaluation, Leak, ModelName, ModelScore, SuiteResult
from .examination import Answer, Examination, choose
from .intervals import mean_interval
from .leaks import adapter_card, find_leaks, training_prompts
from .parts import PartStore, part_key
from .progress import Progress
from .settings import EvaluateSettings
from .switched_model import Precision, SwitchedModel, load_switched

if TYPE_CHECKING:
    from .lm_eval_model import AssayLM

DEFAULT_CONTEXT = 2048
"""Tokens, for a model whose config names no length; lm-eval's own fallback."""

ARMS: tuple[ModelName, ...] = ("base", "previous", "candidate", "damaged")


@dataclass(frozen=True)
class Models:
    """Whose answers are compared. candidate None scores the base alone.

    previous  the adapter of the last release
    """

    target: ChatTarget
    candidate: Path | None = None
    previous: Path | None = None
    trust_remote_code: bool = False

    @property
    def adapters(self) -> dict[ModelName, Path]:
        named: dict[ModelName, Path | None] = {"previous": self.previous, "candidate": self.candidate}
        return {name: path for name, path in named.items() if path is not None}


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
    precision = _precision(models, settings)
    check_adapters(models, say)
    switched = load_switched(
        models.target.ref,
        models.target,
        models.adapters,
        precision,
        damage_seed=settings.seed if settings.damaged_items else None,
        trust_remote_code=models.trust_remote_code,
    )
    lm = _language_model(switched, models.target, settings)
    examinations = _examinations(suites, settings, models.target, lm)
    store = PartStore(answers_folder) if answers_folder is not None else None
    identity = _identity(models, switched, precision, settings)
    sheets = list(_all_answers(switched, lm, examinations, settings, store, identity, say))
    return Evaluation(
        suites=tuple(_result(examination, sheets) for examination in examinations),
        items=_items_table(sheets),
        identity=identity,
        evidence=switched.evidence,
        leaks=_leaks(models, examinations),
        settings={**to_json(settings), "paths": _paths(models, examinations), "complete": True},
    )


def check_adapters(models: Models, say: Callable[[str], None]) -> None:
    """Base and template must be those of training: a template that differs between the two is what ruins most.

    Raises ModelError where the adapter's assay.json says otherwise; without one it is said that nobody knows.
    """
    target = models.target
    for name, folder in models.adapters.items():
        if not folder.is_dir():
            raise ModelError("there is no such adapter folder", where=str(folder))
        card = adapter_card(folder)
        if card is None:
            say(f"note: {folder} has no assay.json: what the {name} was trained on is unknown, so leaks are too")
            continue
        if card.get("revision") and target.revision and card["revision"] != target.revision:
            raise ModelError(
                f"was trained on {card.get('base')} at {str(card['revision'])[:12]}, and this is {target.name} at "
                f"{target.revision[:12]}",
                where=str(folder),
                fix=f"evaluate with --model {card.get('base')}",
            )
        trained_with = card.get("template_sha256")
        if trained_with and trained_with != target.template_sha256:
            raise ModelError(
                f"was trained with another chat template than that of {target.name}",
                where=str(folder),
                fix=f"give --chat-template {folder / 'chat_template.jinja'}",
            )


def _precision(models: Models, settings: EvaluateSettings) -> Precision:
    """As the candidate was trained, unless the settings say otherwise."""
    card: Mapping[str, Any] = {}
    for folder in models.adapters.values():
        card = adapter_card(folder) or {}
    quantisation = card.get("quantisation")
    in_4bit = settings.load_in_4bit if settings.load_in_4bit is not None else quantisation is not None
    dtype = settings.dtype if settings.dtype != "auto" else str(card.get("dtype") or "auto")
    double = card.get("bnb_4bit_use_double_quant")
    return Precision(in_4bit, str(quantisation or "nf4"), True if double is None else bool(double), dtype)


def _language_model(switched: SwitchedModel, target: ChatTarget, settings: EvaluateSettings) -> AssayLM:
    from .causal_model import CausalModel
    from .lm_eval_model import AssayLM, Limits

    limits = Limits(settings.batch_tokens, settings.max_length or target.context_length or DEFAULT_CONTEXT)
    return AssayLM(CausalModel(switched.model), target.tokenizer, target.stop_token_ids, target.pad_token_id, limits)


def _examinations(
    suites: Sequence[Suite], settings: EvaluateSettings, target: ChatTarget, lm: AssayLM
) -> list[Examination]:
    from .domain_suite import prepare
    from .task_loading import load_tasks
    from .task_suite import prepare_task

    folder = Path(settings.include_path) if settings.include_path is not None else None
    found: list[Examination] = [prepare(suite, target) for suite in suites]
    for task, file in load_tasks(settings.tasks, folder, settings.num_fewshot):
        found.append(prepare_task(task, file, lm, apply_chat_template=settings.apply_chat_template))
    if not found:
        raise SuiteError("nothing to score: no suite and no task", fix="give --suite or --tasks")
    names = [examination.name for examination in found]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise SuiteError(f"two of the suites and tasks are called '{doubled}'", fix="rename one")
    return found


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
        everything = choose(examination.items, settings.limit)
        asked = [examination.items[number] for number in everything]
        few = [everything[number] for number in choose(asked, settings.damaged_items, settings.seed)]
        work += [(examination, arm, few if arm == "damaged" else everything) for arm in arms]
    cost = [sum(examination.items[number].cost for number in numbers) for examination, _, numbers in work]
    progress = Progress(sum(cost), say)
    for (examination, arm, numbers), tokens in zip(work, cost, strict=True):
        key = part_key(**_decides(examination, arm, numbers, settings, identity))
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
    settings: EvaluateSettings,
    identity: Mapping[str, Any],
) -> dict[str, Any]:
    """All that an answer depends on."""
    adapter = {"base": None, "previous": identity["previous"], "candidate": identity["adapter"]}.get(
        arm, [identity["adapter"], settings.seed]
    )
    return {
        "base": identity["base"],
        "adapter": adapter,
        "tokenizer": identity["tokenizer_sha256"],
        "device": identity["device"],
        "examination": examination.content,
        "numbers": list(numbers),
        "batch_tokens": settings.batch_tokens,
        "max_length": settings.max_length,
    }


def _identity(
    models: Models, switched: SwitchedModel, precision: Precision, settings: EvaluateSettings
) -> dict[str, Any]:
    target = models.target
    adapters = {name: _adapter_files(folder) for name, folder in models.adapters.items()}
    return {
        "base": {
            "name": target.name,
            "revision": target.revision,
            "weights_sha256": weights_sha256(target.ref),
            "quantisation": precision.quantisation,
            "double_quantisation": precision.bnb_4bit_use_double_quant if precision.load_in_4bit else None,
            "dtype": switched.dtype,
        },
        "adapter": adapters.get("candidate"),
        "previous": adapters.get("previous"),
        "tokenizer_sha256": target.tokenizer_sha256,
        "template_sha256": target.template_sha256,
        "device": switched.device.partition(":")[0],
        "seed": settings.seed,
    }


def _adapter_files(folder: Path) -> dict[str, str]:
    """sha256 of everything in the adapter's folder: weights, config, template, and what it says of its data."""
    if not folder.is_dir():
        raise ModelError("there is no such adapter folder", where=str(folder))
    return {path.name: sha256_file(path) for path in sorted(folder.iterdir()) if path.is_file()}


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
            }
            for name, value in row.items():
                columns[name].append(value)
    from .evaluation_files import ITEM_SCHEMA

    return pa.table(columns, schema=ITEM_SCHEMA)


def _leaks(models: Models, examinations: Sequence[Examination]) -> tuple[Leak, ...] | None:
    """None where it is unknown what the candidate was trained on; nothing where there is no candidate."""
    if models.candidate is None:
        return ()
    training = training_prompts(models.candidate)
    if training is None:
        return None
    texts = [
        EvaluationText(examination.name, item.id, item.text)
        for examination in examinations
        for item in examination.items
    ]
    return find_leaks(training, texts)


def _paths(models: Models, examinations: Sequence[Examination]) -> dict[str, Any]:
    """Absolute; `evaluation_files.write` makes them relative to where they are written."""

    def absolute(path: str | Path | None) -> str | None:
        return str(Path(path).resolve()) if path is not None else None

    return {
        "adapter": absolute(models.candidate),
        "previous": absolute(models.previous),
        "suites": {
            examination.name: absolute(examination.data_file)
            for examination in examinations
            if examination.data_file is not None
        },
    }


def input_digests(models: Models, suites: Sequence[Suite], settings: EvaluateSettings) -> dict[str, str]:
    """What an evaluation depends on beside its settings: names a run of it."""
    folder = Path(settings.include_path) if settings.include_path is not None else None
    tasks = sorted(path for path in folder.rglob("*") if path.is_file()) if folder is not None else []
    return {
        "model": f"{models.target.name}@{models.target.revision}",
        "template": models.target.template_sha256,
        "tokenizer": models.target.tokenizer_sha256,
        **{
            f"{name}:{file}": sha256
            for name, path in models.adapters.items()
            for file, sha256 in _adapter_files(path).items()
        },
        **{f"suite:{suite.name}": suite.data_sha256 for suite in suites},
        **{f"suite file:{suite.name}": sha256_file(suite.path) for suite in suites},
        **{f"task:{path.name}": sha256_file(path) for path in tasks},
    }
