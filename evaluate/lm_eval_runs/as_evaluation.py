"""An evaluation that lm-eval made: two runs of it, or three, as one `Evaluation` that the gate can judge."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import SuiteError
from assay.suites import EvaluationText

from ..asking.examination import digest
from ..asking.leaks import find_leaks, training_prompts
from ..evaluation import ITEM_COLUMNS, AdapterEvidence, Evaluation, Leak, ModelName, ModelScore, SuiteResult
from ..evaluation_files import ITEM_SCHEMA, from_json, option_text
from ..statistics.intervals import mean_interval
from ..wording import names
from .comparable import item_differences, rounding_notes, run_differences, task_differences
from .items import (
    LoggedAnswer,
    LoggedTask,
    answers_of,
    chance_of,
    identities,
    label,
    questions,
    read_task,
    references_of,
    scorer_of,
    without_ignored,
)
from .logs import LoggedRun, read_run, read_samples

if TYPE_CHECKING:
    import pyarrow as pa

Runs = Mapping[ModelName, LoggedRun]
MOST_NAMED = 8


def check_comparable(runs: Runs, tasks: Sequence[str]) -> None:
    """As far as results alone can tell. Raises SuiteError, which names what differs."""
    base = runs["base"]
    for model, run in runs.items():
        if model == "base":
            continue
        if run.path.samefile(base.path):
            raise SuiteError(f"base and {model} are the same run", where=str(run.path))
        lacking = [task for task in tasks if task in base.tasks and task not in run.tasks]
        lacking += [task for task in tasks if task not in base.tasks and task in run.tasks]
        if lacking:
            refuse(base, run, [f"tasks that only one of them has ({names(lacking)})"])
        shared = [task for task in tasks if task in base.tasks]
        found = [difference for task in shared for difference in task_differences(base, run, task)]
        refuse(base, run, [*run_differences(base, run), *found])


def refuse(base: LoggedRun, run: LoggedRun, differences: Sequence[str]) -> None:
    """Raises SuiteError where there are any."""
    if differences:
        raise SuiteError(
            f"cannot be compared with {base.path}; they differ in {names(list(differences), MOST_NAMED)}",
            where=str(run.path),
            fix="run lm-eval again so that nothing but the model differs",
        )


def tasks_to_judge(runs: Runs, wanted: Sequence[str]) -> list[str]:
    """Those of the policy that any run has; without any named, all that any run has."""
    known = list(dict.fromkeys(task for run in runs.values() for task in run.tasks))
    return [task for task in known if task in wanted] if wanted else known


def tasks_without_samples(runs: Runs, tasks: Sequence[str]) -> list[str]:
    return [task for task in tasks if any(task not in run.samples for run in runs.values())]


def evaluation_of(runs: Runs, tasks: Sequence[str]) -> Evaluation:
    """tasks: with samples in each run. Raises SuiteError for runs that cannot be compared, or logs that are damaged."""
    check_comparable(runs, tasks)
    if any(run.section is not None for run in runs.values()):
        return _of_assay(runs, tasks)
    suites, tables, left_out = [], [], []
    texts: list[EvaluationText] = []
    for task in tasks:
        logged = {model: read_task(run, task) for model, run in runs.items()}
        usable = {model: found for model, found in logged.items() if found is not None}
        if len(usable) < len(logged):
            left_out.append(task)
            continue
        _check_items(runs, usable)
        suite, rows = _suite(task, usable)
        suites.append(suite)
        tables += rows
        texts += questions(usable["base"])
    if not suites:
        raise SuiteError(
            f"no task gives its items a number from 0 to 1 ({names(left_out)})", where=str(runs["base"].path)
        )
    return Evaluation(
        suites=tuple(suites),
        items=_table(tables),
        identity=_identity(runs),
        evidence={model: _evidence(runs, tables, model) for model in runs if model != "base"},
        leaks=_leaks(runs["candidate"], texts),
        settings=_settings(runs, left_out),
    )


def _check_items(runs: Runs, logged: Mapping[ModelName, LoggedTask]) -> None:
    base = logged["base"]
    for model, other in logged.items():
        found = item_differences(base.rows, other.rows, base.name)
        if (base.metric, base.output_filter) != (other.metric, other.output_filter):
            found.append(f"metric of {base.name} ({base.metric} and {other.metric})")
        refuse(runs["base"], runs[model], found)


def _suite(name: str, logged: Mapping[ModelName, LoggedTask]) -> tuple[SuiteResult, list[dict[str, Any]]]:
    base = logged["base"]
    plain = {model: answers_of(task) for model, task in logged.items()}
    references = references_of(base, plain["base"])
    for model, task in logged.items():
        references_of(task, plain[model])  # their scores, too, must follow from their likelihoods
    answers = {model: [without_ignored(base, answer) for answer in given] for model, given in plain.items()}
    scored = [
        (answer.output, reference, answer.score)
        for given in answers.values()
        for answer, reference in zip(given, references, strict=True)
    ]
    options = [answer.options for answer in answers["base"]]
    rows = [row for model, given in answers.items() for row in _rows(base, model, given, references)]
    hashes = [[row.get(key) for key in ("doc_hash", "prompt_hash", "target_hash")] for row in base.rows]
    suite = SuiteResult(
        suite=name,
        kind="lm_eval",
        scores=_scores(rows, list(logged)),
        chance=chance_of(references, options),
        binary=all(row["score"] in (0.0, 1.0) for row in rows),
        data_sha256=digest(hashes),
        scorer=scorer_of(base, scored, options),
    )
    return suite, rows


def _rows(
    task: LoggedTask, model: ModelName, answers: Sequence[LoggedAnswer], references: Sequence[str | None]
) -> list[dict[str, Any]]:
    ids = identities(task)
    return [
        {
            "suite": task.name,
            "item_id": ids[i],
            "prompt_hash": str(task.rows[i].get("prompt_hash", ""))[:16],
            "model": model,
            "score": answer.score,
            "output": answer.output,
            "logprob": answer.logprob,
            "option_logprobs": option_text(answer.logprobs),
            "slice": label(task.rows[i], "slice"),
            "cluster": label(task.rows[i], "cluster"),
            "reference": references[i],
        }
        for i, answer in enumerate(answers)
    ]


def _scores(rows: Sequence[Mapping[str, Any]], models: Sequence[ModelName]) -> tuple[ModelScore, ...]:
    found = []
    for model in models:
        own = [row for row in rows if row["model"] == model]
        values = [float(row["score"]) for row in own]
        interval = mean_interval(values, [row["cluster"] for row in own])
        found.append(ModelScore(model, len(values), sum(values) / len(values), interval.low, interval.high))
    return tuple(found)


def _table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: [row.get(name) for row in rows] for name in ITEM_COLUMNS}, schema=ITEM_SCHEMA)


def _evidence(runs: Runs, rows: Sequence[Mapping[str, Any]], model: ModelName) -> AdapterEvidence:
    """What logs can show of an adapter: that answers differ from the base's.

    The largest difference is one of log-likelihoods; where none was logged, the share of answers that differ.
    """
    base = {(row["suite"], row["item_id"]): row for row in rows if row["model"] == "base"}
    pairs = [(base[row["suite"], row["item_id"]], row) for row in rows if row["model"] == model]
    logged = [(a["logprob"], b["logprob"]) for a, b in pairs if a["logprob"] is not None and b["logprob"] is not None]
    changed = sum(a["output"] != b["output"] for a, b in pairs) / len(pairs)
    finite = all(math.isfinite(value) for pair in logged for value in pair)
    largest = max((abs(a - b) for a, b in logged), default=0.0) if finite else 0.0
    sizes = [run.config.get("model_num_parameters") or 0 for run in (runs["base"], runs[model])]
    return AdapterEvidence(max(0, sizes[1] - sizes[0]), finite, True, largest or changed)


def adapter_folder(run: LoggedRun) -> Path | None:
    """The adapter's, where the run names one that lies on this machine."""
    named = run.model_args.get("peft")
    return Path(named) if isinstance(named, str) and Path(named).is_dir() else None


def _leaks(candidate: LoggedRun, texts: Sequence[EvaluationText]) -> tuple[Leak, ...] | None:
    """None where it is unknown what the candidate was trained on."""
    folder = adapter_folder(candidate)
    training = training_prompts(folder) if folder is not None else None
    return None if training is None else find_leaks(training, texts)


def _identity(runs: Runs) -> dict[str, Any]:
    base = runs["base"]
    arguments = base.model_args
    quantised = [key for key in ("load_in_4bit", "load_in_8bit", "quantization") if arguments.get(key)]
    return {
        "base": {
            "name": _shown(str(base.results.get("model_name") or arguments.get("pretrained") or "unnamed")),
            "revision": base.config.get("model_sha") or base.config.get("model_revision"),
            "weights_sha256": None,
            "quantisation": quantised[0] if quantised else None,
            "dtype": str(base.config.get("model_dtype") or arguments.get("dtype") or "unknown"),
        },
        "adapter": None,
        "previous": None,
        "tokenizer_sha256": None,
        "template_sha256": base.results.get("chat_template_sha"),
        "seed": base.config.get("random_seed"),
    }


def _shown(name: str) -> str:
    return Path(name).name if Path(name).is_absolute() else name


def _settings(runs: Runs, left_out: Sequence[str]) -> dict[str, Any]:
    notes = [note for run in runs.values() for note in run.notes]
    notes += [note for model in runs if model != "base" for note in rounding_notes(runs["base"], runs[model])]
    if left_out:
        notes.append(f"left out, since an item gets no number from 0 to 1 there: {names(list(left_out))}")
    notes.append("read from lm-eval's logs: no damaged and no zero adapter was scored, and no weights were hashed")
    return {
        "source": f"lm-eval {runs['base'].results.get('lm_eval_version', 'of an unknown version')}",
        "complete": True,
        "notes": notes,
        "paths": {"lm_eval": {model: str(run.path.resolve()) for model, run in runs.items()}, "suites": {}},
    }


def _of_assay(runs: Runs, tasks: Sequence[str]) -> Evaluation:
    """Results that assay wrote in lm-eval's layout: everything that the gate reads is in them."""
    foreign = [run for run in runs.values() if run.section is None]
    if foreign:
        refuse(runs["base"], foreign[0], ["who scored them (assay and lm-eval)"])
    every = {**runs, **_written_beside(runs)}
    try:
        rows = {
            (task, model): [{**row["assay"], "suite": task, "model": model} for row in read_samples(run.samples[task])]
            for task in tasks
            for model, run in every.items()
            if task in run.samples
        }
        stated = from_json(runs["candidate"].section or {}, _table([row for own in rows.values() for row in own]))
    except (KeyError, TypeError, ValueError) as error:
        raise SuiteError(
            f"the results that assay wrote are damaged ({error})", where=str(runs["candidate"].path)
        ) from error
    suites = []
    for suite in stated.suites:
        models = [model for model in every if rows.get((suite.suite, model))]
        own = [row for model in models for row in rows[suite.suite, model]]
        if suite.suite in tasks:
            suites.append(replace(suite, scores=_scores(own, models)))
    return replace(stated, suites=tuple(suites))


def _written_beside(runs: Runs) -> dict[ModelName, LoggedRun]:
    """The last release and the controls, which assay wrote beside the candidate at the same time."""
    candidate = runs["candidate"].path
    wanted: tuple[ModelName, ...] = ("previous", "damaged", "slightly_damaged", "zero", "swapped")
    paths = {model: candidate.parent.parent / model / candidate.name for model in wanted if model not in runs}
    return {
        model: read_run(path)
        for model, path in paths.items()
        if candidate.parent.name == "candidate" and path.is_file()
    }
