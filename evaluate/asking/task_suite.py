"""An lm-eval task put to a model: lm-eval builds the requests and computes the metric, an item at a time."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from assay.errors import SuiteError
from assay.storage import sha256_file
from assay.suites.task_files import TaskFile, item_id

from ..models.causal_model import common_prefix
from ..scorer import NOT_RESCORABLE
from .examination import Answer, Done, Item, ItemsDone, digest
from .task_loading import quiet_lm_eval

if TYPE_CHECKING:
    from ..models.lm_eval_model import AssayLM

BY_LIKELIHOOD = {"acc": False, "acc_norm": True}
"""Metrics of multiple choice that assay's own scorer computes from a stored answer; is the length divided out?"""


@dataclass(frozen=True)
class LmEvalTask:
    """An `Examination`. requests[i] are the instances that lm-eval made of document i.

    metric  the first that the task lists; output_filter is the first of its filters
    """

    task: Any
    file: TaskFile | None
    requests: tuple[tuple[Any, ...], ...]
    items: tuple[Item, ...]
    metric: str
    output_filter: str
    in_template: bool = False
    kind: Literal["lm_eval"] = "lm_eval"

    @property
    def name(self) -> str:
        return str(self.task.task_name)

    @property
    def by_likelihood(self) -> bool:
        return bool(self.task.OUTPUT_TYPE != "generate_until")

    @property
    def chance(self) -> float | None:
        if self.task.OUTPUT_TYPE != "multiple_choice":
            return None
        return float(np.mean([1 / len(self._choices(requests)) for requests in self.requests]))

    @cached_property
    def data_file(self) -> str | None:
        files = self.file.data.get(self.file.split, ()) if self.file is not None else ()
        return str(files[0]) if len(files) == 1 else None

    @cached_property
    def data_sha256(self) -> str:
        """Of the one local file; else over the documents."""
        if self.data_file is not None:
            return sha256_file(Path(self.data_file))
        return digest([requests[0].doc for requests in self.requests])

    @cached_property
    def scorer(self) -> Mapping[str, Any]:
        """assay's own scorer where it gives the same score from the chosen option alone."""
        if self._rescorable:
            return {"name": "multiple_choice", "task": self.name, "length_normalised": BY_LIKELIHOOD[self.metric]}
        return {"name": NOT_RESCORABLE, "task": self.name, "metric": self.metric, "filter": self.output_filter}

    @cached_property
    def _rescorable(self) -> bool:
        if self.task.OUTPUT_TYPE != "multiple_choice" or self.metric not in BY_LIKELIHOOD:
            return False
        if callable(self.task.config.process_results):
            return False
        options = [self._choices(requests) for requests in self.requests]
        single = all(isinstance(_gold(self.task, requests[0].doc), int | str) for requests in self.requests)
        return single and all(len(set(choices)) == len(choices) for choices in options)

    @property
    def content(self) -> str:
        """Filters, metrics and the functions behind them are part of it, since a score depends on them."""
        asked = [[requests[0].doc, [instance.args for instance in requests]] for requests in self.requests]
        references = [item.reference for item in self.items]
        code = [sha256_file(path) for path in sorted(self.file.path.parent.glob("*.py"))] if self.file else []
        return digest([asked, references, self.metric, self.output_filter, _configuration(self.task), code])

    def answer(self, lm: AssayLM, numbers: Sequence[int], done: Done) -> list[Answer]:
        chosen = [self.requests[number] for number in numbers]
        self._ask(lm, [instance for requests in chosen for instance in requests], len(numbers), done)
        answers = [self._answer(requests, self._filtered_score(requests)) for requests in chosen]
        if self.task.OUTPUT_TYPE != "generate_until":
            return answers
        return [answer._replace(ended=ended) for answer, ended in zip(answers, lm.ended, strict=True)]

    def score_texts(self, numbers: Sequence[int], texts: Sequence[str]) -> list[float] | None:
        """Texts through the task's own filters and metric, as if the model had answered so; None where an answer is
        not one text. Raises SuiteError when the task's own code does."""
        if self.task.OUTPUT_TYPE != "generate_until":
            return None
        chosen = [self.requests[number] for number in numbers]
        for requests, text in zip(chosen, texts, strict=True):
            for instance in requests:
                instance.resps = [text] * (instance.repeats or 1)
        self._filter([instance for requests in chosen for instance in requests])
        return [self._filtered_score(requests) for requests in chosen]

    def _filtered_score(self, requests: Sequence[Any]) -> float:
        return self._score(requests[0].doc, [instance.filtered_resps[self.output_filter] for instance in requests])

    def _ask(self, lm: AssayLM, instances: Sequence[Any], items: int, done: Done) -> None:
        """Sends the requests to the model, and runs the task's filters over what came back."""
        counted = ItemsDone(items, len(instances), done)
        lm.done = counted
        for kind in dict.fromkeys(instance.request_type for instance in instances):
            asked = [instance for instance in instances if instance.request_type == kind]
            for instance, response in zip(asked, getattr(lm, kind)(asked, disable_tqdm=True), strict=True):
                instance.resps = [response] * (instance.repeats or 1)
        lm.done = lambda _: None
        self._filter(instances)
        counted.finish()

    def _filter(self, instances: Sequence[Any]) -> None:
        for instance in instances:
            instance.filtered_resps = {}
        self.task._instances = list(instances)
        with self._own_code("filters"):
            self.task.apply_filters()

    @contextlib.contextmanager
    def _own_code(self, what: str) -> Iterator[None]:
        """A task's filters and metrics may be anybody's code: whatever they raise becomes one line."""
        try:
            yield
        except Exception as error:
            reason = next(iter(str(error).splitlines()), "")
            raise SuiteError(
                f"its {what} failed on an answer ({type(error).__name__}: {reason:.200})", where=f"task {self.name}"
            ) from error

    def _score(self, doc: Any, results: list[Any]) -> float:
        where = f"task {self.name}"
        with self._own_code("metric"):
            metrics = self.task.process_results(doc, results)
        try:
            score = float(metrics[self.metric])
        except (TypeError, KeyError, ValueError) as error:
            raise SuiteError(
                f"the metric '{self.metric}' gives no number for an item, so models cannot be compared item by item",
                where=where,
                fix="use a task whose first metric is acc, acc_norm or exact_match",
            ) from error
        if not 0.0 <= score <= 1.0:
            raise SuiteError(f"the metric '{self.metric}' gave {score} for an item, not 0 to 1", where=where)
        return score

    def _answer(self, requests: Sequence[Any], score: float) -> Answer:
        """The chosen option for multiple choice, the text for generated answers."""
        first = requests[0].resps[0]
        if self.task.OUTPUT_TYPE != "multiple_choice":
            return Answer(score, str(first), None)
        choices = self._choices(requests)
        logprobs = np.array([instance.resps[0][0] for instance in requests[: len(choices)]])
        weights = [len(choice) if BY_LIKELIHOOD.get(self.metric) else 1 for choice in choices]
        best = int(np.argmax(logprobs / np.array(weights, dtype=float)))
        return Answer(score, choices[best], float(logprobs[best]), tuple(logprobs.tolist()))

    def _choices(self, requests: Sequence[Any]) -> list[str]:
        return [str(choice) for choice in self.task.doc_to_choice(requests[0].doc)]


def prepare_task(task: Any, file: TaskFile | None, lm: AssayLM, *, apply_chat_template: bool) -> LmEvalTask:
    """Builds the requests of every document. Raises SuiteError when the task has none, or cannot be asked."""
    name = str(task.task_name)
    try:
        with quiet_lm_eval():
            task.build_all_requests(
                apply_chat_template=apply_chat_template,
                fewshot_as_multiturn=apply_chat_template,
                chat_template=lm.apply_chat_template if apply_chat_template else None,
                tokenizer_name=lm.tokenizer_name,
            )
    except Exception as error:  # a task may run code of its own
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise SuiteError(f"its items cannot be made ({reason:.200})", where=f"task {name}") from error
    requests: dict[int, list[Any]] = {}
    for instance in task.instances:
        requests.setdefault(instance.doc_id, []).append(instance)
    ordered = tuple(tuple(sorted(requests[number], key=lambda instance: instance.idx)) for number in sorted(requests))
    as_they_stand = not callable(task.config.process_docs) and not getattr(task, "multiple_input", 0)
    texts = dict(file.texts()) if file is not None and as_they_stand else {}
    shared = _shared_beginning([instance.args[0] for group in ordered for instance in group])
    items = tuple(_item(task, group, texts, shared) for group in ordered)
    unique, metric, output_filter = _unique(items, name), _metric(task), _first_filter(task)
    return LmEvalTask(task, file, ordered, unique, metric, output_filter, apply_chat_template)


def _shared_beginning(contexts: Sequence[str]) -> int:
    """Characters that all contexts begin with: fixed examples, which are computed once for many items."""
    return common_prefix(contexts) if len(contexts) > 3 else 0


def _cost(requests: Sequence[Any], shared: int) -> int:
    """Tokens, about, at four characters each: options follow one context, and what all items share is not counted."""
    contexts = {str(instance.args[0]) for instance in requests}
    rest = sum(len(str(argument)) for instance in requests for argument in instance.args[1:])
    return (sum(len(context) - shared for context in contexts) + rest) // 4 + 1


def _item(task: Any, requests: Sequence[Any], texts: Mapping[str, str], shared: int) -> Item:
    first = requests[0]
    identity = item_id(first.doc, first.doc_id)
    slice_, cluster = (first.doc.get(key) for key in ("slice", "cluster"))
    return Item(
        id=identity,
        prompt_hash=digest([instance.args for instance in requests])[:16],
        reference=_reference(task, first.doc),
        slice=str(slice_) if slice_ is not None else None,
        cluster=str(cluster) if cluster is not None else None,
        text=texts.get(identity) or _question(task, first),
        cost=_cost(requests, shared),
    )


def _question(task: Any, first: Any) -> str:
    """What an item asks. Where the options are beginnings of one text, the text with the first of them."""
    return "".join(first.args) if getattr(task, "multiple_input", 0) else str(task.doc_to_text(first.doc))


def _gold(task: Any, doc: Any) -> Any:
    """lm-eval takes the right option's number from `doc_to_text` where the options are beginnings of one text."""
    return task.doc_to_text(doc) if getattr(task, "multiple_input", 0) else task.doc_to_target(doc)


def _reference(task: Any, doc: Any) -> str | None:
    gold = _gold(task, doc)
    if task.OUTPUT_TYPE == "multiple_choice" and isinstance(gold, int):
        choices = task.doc_to_choice(doc)
        return str(choices[gold]) if 0 <= gold < len(choices) else None
    return gold if isinstance(gold, str) else None if gold is None else str(gold)


def _unique(items: tuple[Item, ...], name: str) -> tuple[Item, ...]:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise SuiteError(f"two rows have the id '{item.id}'", where=f"task {name}")
        seen.add(item.id)
    return items


def _configuration(task: Any) -> dict[str, str]:
    """What the task's YAML says, but for `metadata`, where its data lies, and where in memory its functions do."""
    said = {key: value for key, value in task.dump_config().items() if key not in ("metadata", "dataset_kwargs")}
    return {key: re.sub(r" at 0x[0-9a-f]+", "", str(value)) for key, value in said.items()}


def _metric(task: Any) -> str:
    return str(next(iter(task.aggregation())))


def _first_filter(task: Any) -> str:
    return str(task._filters[0].name)
