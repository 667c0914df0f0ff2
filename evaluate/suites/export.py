"""A domain suite as a task of lm-eval: YAML, items, and Python where a score or a prompt is assay's own.

docs/decisions/0061-a-suite-as-a-task-of-lm-eval.md says what is exported how, and what is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from assay.errors import SuiteError
from assay.records import message_to_json
from assay.storage import write_text
from assay.suites import Suite, SuiteItem, suite_name

from ..scorer import SCORERS, ReadyScorer, make_scorer
from ..wording import count

MODULE = '''"""The suite '{name}' as a task of lm-eval. `assay suite export` wrote it; assay must be installed."""

from pathlib import Path

from assay.evaluate.suites.exported_task import ConversationTask, scoring

Task = ConversationTask
'''
SCORE = "score = scoring({scorer!r}, {settings!r}, Path(__file__).parent)\n"


@dataclass(frozen=True)
class ExportedSuite:
    """What was written. task: its name for `lm_eval --tasks`; chat: it must be run with --apply_chat_template."""

    task: str
    files: tuple[Path, ...]
    items: int
    chat: bool

    @property
    def command(self) -> list[str]:
        """lm_eval on it, but for the model."""
        folder = str(self.files[0].parent)
        chat = ["--apply_chat_template"] if self.chat else []
        return ["lm_eval", "--model_args", "pretrained=MODEL", "--include_path", folder, "--tasks", self.task, *chat]


def export_suite(suite: Suite, folder: Path, *, force: bool = False) -> ExportedSuite:
    """Writes TASK.yaml, TASK.jsonl, and TASK_task.py where it takes Python.

    Raises SuiteError for what cannot be exported, or for files that are there unless `force`; StorageError.
    """
    if SCORERS.get(suite.scorer).runs_code:
        _refuse(suite, f"{suite.scorer} runs code that a model wrote, and only assay builds the walls for that")
    if SCORERS.get(suite.scorer).judged:
        _refuse(suite, f"{suite.scorer} asks a judge once all answers are given, which lm-eval has no place for")
    scoring = make_scorer(suite.scorer, suite.scorer_settings, str(suite.path))
    _check_exportable(suite, scoring)
    task = suite_name(suite.name)
    settings, texts = _scorer_file(suite, task)
    texts |= {
        f"{task}.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(suite, scoring)),
        f"{task}.yaml": _yaml(suite, scoring, task, folder),
    }
    by_choice = scoring.scorer.by_likelihood
    if suite.apply_chat_template or not by_choice:
        score = "" if by_choice else SCORE.format(scorer=suite.scorer, settings=settings)
        texts[f"{task}_task.py"] = MODULE.format(name=task) + score
    there = [name for name in texts if (folder / name).exists()]
    if there and not force:
        raise SuiteError(f"{there[0]} is there already", where=str(folder), fix="give --force, or another folder")
    for name, text in texts.items():
        write_text(folder / name, text)
    files = sorted((folder / name for name in texts), key=lambda path: path.suffix != ".yaml")
    return ExportedSuite(task, tuple(files), len(suite.items), suite.apply_chat_template)


def _check_exportable(suite: Suite, scoring: ReadyScorer) -> None:
    tools = [item.id for item in suite.items if item.tools or any(_is_tool(message) for message in item.messages)]
    if tools:
        _refuse(suite, f"{count(len(tools), 'item')} with tools ('{tools[0]}'), which lm-eval puts to no model")
    if scoring.scorer.special_tokens:
        _refuse(suite, f"{suite.scorer} reads special tokens, which lm-eval takes out of what a model says")
    without = [item.id for item in suite.items if not item.choices]
    if scoring.scorer.by_likelihood and without:
        lacking = f"{count(len(without), 'item')} without 'choices' ('{without[0]}')"
        _refuse(suite, f"{lacking}, and {suite.scorer} picks among them")
    if scoring.settings.get("length_normalised") and suite.apply_chat_template:
        _refuse(
            suite,
            "length_normalised with the chat template, whose end lm-eval counts among an option's tokens",
            "set length_normalised: false, or apply_chat_template: false",
        )


def _refuse(suite: Suite, why: str, fix: str | None = None) -> NoReturn:
    raise SuiteError(f"cannot be a task of lm-eval: {why}", where=str(suite.path), fix=fix)


def _is_tool(message: Any) -> bool:
    return message.role == "tool" or bool(message.tool_calls)


def _rows(suite: Suite, scoring: ReadyScorer) -> Iterator[dict[str, Any]]:
    """The same keys in each row, as `datasets` wants them; what has no fixed shape is JSON."""
    for item in suite.items:
        context = scoring.context_of(item)
        yield {
            "id": item.id,
            **_question(item, suite),
            "reference": item.reference,
            **({"choices": list(item.choices), "answer": item.choices.index(item.reference)} if item.choices else {}),
            "context": json.dumps(context, ensure_ascii=False) if context else "",
            "slice": item.slice,
            "cluster": item.cluster,
        }


def _question(item: SuiteItem, suite: Suite) -> dict[str, str]:
    """Plain text is put as assay puts it: the contents of the messages, an empty line between them."""
    prompt = "\n\n".join(message.content or "" for message in item.messages)
    if not suite.apply_chat_template:
        return {"prompt": prompt}
    messages = [message_to_json(message) for message in item.messages]
    return {"prompt": prompt, "messages": json.dumps(messages, ensure_ascii=False)}


def _scorer_file(suite: Suite, task: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The scorer's settings with its file as it is called in the folder, and that file.

    lm-eval takes every .yaml of the folder for a task.
    """
    settings = dict(suite.scorer_settings)
    given = settings.get("file")
    if not isinstance(given, str):
        return settings, {}
    path = Path(given)
    name = f"{task}_{path.stem}{'.yml' if path.suffix == '.yaml' else path.suffix}"
    try:
        return {**settings, "file": name}, {name: path.read_text(encoding="utf-8")}
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError("cannot be read as text", where=given) from error


def _yaml(suite: Suite, scoring: ReadyScorer, task: str, folder: Path) -> str:
    """`!function` is a tag of lm-eval's, which no library writes."""
    import yaml

    by_choice = scoring.scorer.by_likelihood
    metric = suite.scorer if not by_choice else "acc_norm" if scoring.settings.get("length_normalised") else "acc"
    config: Mapping[str, Any] = {
        "task": task,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str((folder / f"{task}.jsonl").resolve())}},
        "test_split": "test",
        "num_fewshot": 0,
        "doc_to_text": "prompt",
        "doc_to_target": "answer" if by_choice else "reference",
        **(
            {"output_type": "multiple_choice", "doc_to_choice": "choices"}
            if by_choice
            else {
                "output_type": "generate_until",
                "generation_kwargs": {"until": [], "max_gen_toks": suite.max_new_tokens, "do_sample": False},
            }
        ),
        "metric_list": [{"metric": metric, "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1, "suite_sha256": suite.data_sha256},
    }
    lines = ["# written by `assay suite export`; lm-eval would take a relative data file from the working directory"]
    if suite.apply_chat_template:
        lines.append(f"class: !function {task}_task.Task  # run with --apply_chat_template")
    if not by_choice:
        lines.append(f"process_results: !function {task}_task.score")
    return "\n".join(lines) + "\n" + yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
