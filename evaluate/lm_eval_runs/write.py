"""An evaluation of assay's in lm-eval's layout: results_TIME.json and samples_TASK_TIME.jsonl, a folder a model.

lm-eval's own tools read them (its table, a `datasets` viewer of the samples). What lm-eval has no place for goes under
the key `assay`, so that `assay gate --from-lm-eval` reads back the very same evaluation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import SuiteError
from assay.storage import write_json, write_text
from assay.suites.task_files import item_id, tasks_in

from ..evaluation import Evaluation, ModelName, ModelScore, SuiteResult
from ..evaluation_files import to_json
from ..scorer import NOT_RESCORABLE

if TYPE_CHECKING:
    from assay.suites import Suite

Documents = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By suite and item id, the row that an item comes from."""

PRIVATE = ("paths", "suites", "include_path")
"""Settings that name places on this machine; they say nothing to another."""


@dataclass(frozen=True)
class _Layout:
    """What all files of one evaluation share."""

    evaluation: Evaluation
    documents: Documents
    rows: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
    moment: datetime

    @property
    def time(self) -> str:
        """As in the names of files."""
        return self.moment.isoformat(timespec="microseconds").replace(":", "-")


def documents_of(evaluation: Evaluation, suites: Sequence[Suite], task_folders: Sequence[Path]) -> Documents:
    """Rows of the suites and of tasks with local data. Raises SuiteError for data that cannot be read."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for suite in suites:
        found[suite.name] = {item.id: _suite_document(item) for item in suite.items}
    scored = {suite.suite for suite in evaluation.suites if suite.kind == "lm_eval"}
    for task in tasks_in(task_folders).values():
        if task.name in scored:
            found[task.name] = {item_id(row, number): row for number, row in enumerate(task.documents())}
    return found


def write_lm_eval(evaluation: Evaluation, documents: Documents, folder: Path) -> list[Path]:
    """The results files, base first. Raises StorageError, and SuiteError for a name that can be no file's, or an answer
    that a judge gave no score."""
    for suite in evaluation.suites:
        if Path(suite.suite).name != suite.suite:
            raise SuiteError(f"'{suite.suite}' can be no part of a file's name", where=str(folder), fix="rename it")
    rows: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in evaluation.items.to_pylist():
        if row["score"] is None:
            what = f"the judge gave item '{row['item_id']}' of {row['suite']} no score, which lm-eval has no place for"
            raise SuiteError(what, where=str(folder), fix="leave --write-lm-eval out")
        rows.setdefault((row["suite"], row["model"]), []).append(row)
    layout = _Layout(evaluation, documents, rows, datetime.now())
    models = list(dict.fromkeys(score.model for suite in evaluation.suites for score in suite.scores))
    return [_write_model(layout, model, folder / model) for model in models]


def _write_model(layout: _Layout, model: ModelName, folder: Path) -> Path:
    """Samples first, so that no results speak of samples that are not there."""
    hashes = {}
    for suite in layout.evaluation.suites:
        samples = list(_samples(layout, suite, model))
        if not samples:
            continue
        lines = [json.dumps(sample, ensure_ascii=False) + "\n" for sample in samples]
        write_text(folder / f"samples_{suite.suite}_{layout.time}.jsonl", "".join(lines))
        hashes[suite.suite] = _hash("".join(s["doc_hash"] + s["prompt_hash"] + s["target_hash"] for s in samples))
    path = folder / f"results_{layout.time}.json"
    write_json(path, {**_results(layout, model), "task_hashes": hashes})
    return path


def _results(layout: _Layout, model: ModelName) -> dict[str, Any]:
    from assay.runs import library_versions

    evaluation = layout.evaluation
    base: Any = evaluation.identity.get("base") or {}
    scored = [(suite, score) for suite in evaluation.suites if (score := suite.score(model)) is not None]
    versions = library_versions()
    return {
        "results": {suite.suite: _averages(layout, suite, score) for suite, score in scored},
        "group_subtasks": {},
        "configs": {suite.suite: _config(suite) for suite, _ in scored},
        "versions": {},
        "n-shot": {suite.suite: _shots(evaluation) for suite, _ in scored if _shots(evaluation) is not None},
        "higher_is_better": {suite.suite: {_metric(suite): True} for suite, _ in scored},
        "n-samples": {suite.suite: {"original": score.n, "effective": score.n} for suite, score in scored},
        "config": {
            "model": "assay",
            "model_args": {"pretrained": base.get("name"), **({} if model == "base" else {"peft": model})},
            "model_dtype": base.get("dtype"),
            "model_revision": base.get("revision"),
            "limit": evaluation.settings.get("limit"),
        },
        "date": layout.moment.timestamp(),
        "lm_eval_version": versions.get("lm-eval"),
        "transformers_version": versions.get("transformers"),
        "model_source": "assay",
        "model_name": f"{base.get('name')} ({model})",
        "model_name_sanitized": model,
        "chat_template_sha": evaluation.identity.get("template_sha256"),
        "assay": {**_section(evaluation), "model": model},
    }


def _section(evaluation: Evaluation) -> dict[str, Any]:
    """All that the gate reads beside the items, without places on this machine."""
    stated = to_json(evaluation)
    settings = {key: value for key, value in stated["settings"].items() if key not in PRIVATE}
    return {**stated, "settings": settings}


def _averages(layout: _Layout, suite: SuiteResult, score: ModelScore) -> dict[str, Any]:
    scores = [row["score"] for row in layout.rows[suite.suite, score.model]]
    spread = sum((value - score.score) ** 2 for value in scores) / max(1, len(scores) - 1)
    metric, chosen = _metric(suite), _filter(suite)
    return {
        "name": suite.suite,
        "alias": suite.suite,
        "sample_len": score.n,
        f"{metric},{chosen}": score.score,
        f"{metric}_stderr,{chosen}": (spread / len(scores)) ** 0.5,
    }


def _config(suite: SuiteResult) -> dict[str, Any]:
    return {
        "task": suite.suite,
        "output_type": "multiple_choice" if suite.scorer.get("name") == "multiple_choice" else "generate_until",
        "metric_list": [{"metric": _metric(suite), "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"data_sha256": suite.data_sha256},
    }


def _shots(evaluation: Evaluation) -> Any:
    return evaluation.settings.get("num_fewshot")


def _metric(suite: SuiteResult) -> str:
    """lm-eval's name for it, else the scorer's."""
    name = str(suite.scorer.get("name", "score"))
    if name == NOT_RESCORABLE:
        return str(suite.scorer.get("metric", "score"))
    if name == "multiple_choice":
        return "acc_norm" if suite.scorer.get("length_normalised") else "acc"
    return name


def _filter(suite: SuiteResult) -> str:
    return str(suite.scorer.get("filter", "none"))


def _samples(layout: _Layout, suite: SuiteResult, model: ModelName) -> Iterator[dict[str, Any]]:
    """Numbered as the base's items are: the damaged candidate answers some of them only."""
    base = layout.rows[suite.suite, "base"]
    numbers = {row["item_id"]: number for number, row in enumerate(base)}
    for row in layout.rows.get((suite.suite, model), ()):
        yield _sample(row, numbers[row["item_id"]], layout.documents.get(suite.suite, {}), suite)


def _sample(
    row: Mapping[str, Any], number: int, documents: Mapping[str, Mapping[str, Any]], suite: SuiteResult
) -> dict[str, Any]:
    """Of options, only the one that was chosen is written: likelihoods of the others are kept as numbers alone."""
    known = {key: row[key] for key in ("slice", "cluster") if row[key] is not None}
    document = documents.get(row["item_id"]) or {"id": row["item_id"], **known}
    prompt = _prompt(document)
    chosen = row["logprob"] is not None
    answer: Any = [str(row["logprob"]), "None"] if chosen else row["output"]
    return {
        "doc_id": number,
        "doc": document,
        "target": str(row["reference"]),
        "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": row["output"] if chosen else {}}},
        "resps": [[answer]],
        "filtered_resps": [answer],
        "filter": _filter(suite),
        "metrics": [_metric(suite)],
        "doc_hash": _hash(json.dumps(document, indent=2, ensure_ascii=False, default=str)),
        "prompt_hash": row["prompt_hash"],
        "target_hash": _hash(str(row["reference"])),
        _metric(suite): row["score"],
        "assay": {key: value for key, value in row.items() if key not in ("suite", "model")},
    }


def _prompt(document: Mapping[str, Any]) -> str:
    """What an item asks, before any template; a conversation as JSON, as lm-eval logs those of chat APIs."""
    if "messages" in document:
        return json.dumps(document["messages"], ensure_ascii=False)
    asked = (document.get(key) for key in ("prompt", "question", "text"))
    return next((text for text in asked if isinstance(text, str)), "")


def _suite_document(item: Any) -> dict[str, Any]:
    from assay.records import message_to_json

    document = {
        "id": item.id,
        "messages": [message_to_json(message) for message in item.messages],
        "reference": item.reference,
        "choices": list(item.choices),
        "slice": item.slice,
        "cluster": item.cluster,
    }
    return {key: value for key, value in document.items() if value not in (None, [])}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
