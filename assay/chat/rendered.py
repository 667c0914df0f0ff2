"""Training texts: a record rendered by a chat template, with its answers found in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from assay.chat.answers import Answer, Note, TurnRenderings, locate
from assay.chat.conversation import variables
from assay.chat.target import Templated, template_for
from assay.chat.tool_rendering import tool_notes
from assay.chat_templates.templating import Rendering, TemplateProblem, shared_renderer
from assay.records import Json, Message, Record

CHUNK = 32

Results = Sequence[Rendering | TemplateProblem]
"""What came of a plan: the whole conversation first."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A record's training text with its answers located.

    prompts      the inference prompt of each trained turn, in order, where the whole goes on from it
    last_prompt  of the last trained turn
    """

    text: str
    last_prompt: str
    answers: tuple[Answer, ...]
    notes: tuple[Note, ...]


def trained_turns(messages: Sequence[Message]) -> list[int]:
    """Indices of the assistant turns that are not excluded by `train=False`."""
    return [
        index for index, message in enumerate(messages) if message.role == "assistant" and message.train is not False
    ]


def chunks(records: Iterable[Record]) -> Iterator[tuple[Record, ...]]:
    """As many records at a time as are worth one talk with the worker."""
    rest = iter(records)
    while chunk := tuple(islice(rest, CHUNK)):
        yield chunk


def render_all(records: Iterable[Record], target: Templated) -> Iterator[Rendered | TemplateProblem]:
    """Each record's training text, or why there is none, in order."""
    for chunk in chunks(records):
        yield from render_chunk(chunk, target)


def render_chunk(records: Sequence[Record], target: Templated) -> list[Rendered | TemplateProblem]:
    """Every rendering that the records need, in one talk with the worker for each template."""
    plans = [plan(record.messages, record.tools, target) for record in records]
    results: dict[int, Results] = {}
    for template in {template_for(target, record.tools) for record in records}:
        mine = [i for i, record in enumerate(records) if template_for(target, record.tools) == template]
        rendered = iter(shared_renderer().render_many(template, [item for i in mine for item in plans[i]]))
        for i in mine:
            results[i] = [next(rendered) for _ in plans[i]]
    return [located(record, results[i], target) for i, record in enumerate(records)]


def plan(messages: Sequence[Message], tools: Sequence[Json], target: Templated) -> list[Mapping[str, Any]]:
    """The whole conversation, then for each trained turn the prompt before it and the conversation through it.

    The conversation through the last turn is the whole, and is not asked for again.
    """
    renders: list[Mapping[str, Any]] = [template_variables(messages, tools, target, prompt=False)]
    for index in answered_turns(messages):
        renders.append(template_variables(messages[:index], tools, target, prompt=True))
        if index + 1 < len(messages):
            renders.append(template_variables(messages[: index + 1], tools, target, prompt=False))
    return renders


def template_variables(
    messages: Sequence[Message], tools: Sequence[Json], target: Templated, *, prompt: bool
) -> dict[str, Any]:
    """What the target's template is given for a conversation, with or without the prompt of the next answer."""
    given = variables(
        messages,
        tools,
        template=template_for(target, tools),
        style=target.style,
        special_tokens=target.special_tokens,
        add_generation_prompt=prompt,
    )
    return {**target.variables, **given} if target.variables else given


def answered_turns(messages: Sequence[Message]) -> list[int]:
    """Trained turns that answer something: a conversation cannot begin with its answer."""
    return [index for index in trained_turns(messages) if index > 0]


def located(record: Record, results: Results, target: Templated) -> Rendered | TemplateProblem:
    """The training text of a record from the results of its plan."""
    renderings = []
    for result in results:
        if isinstance(result, TemplateProblem):
            return result
        renderings.append(result)
    if not any(message.role == "assistant" for message in record.messages):
        return TemplateProblem("no_answer", "nothing_trained", "there is no answer to train on")
    indices = answered_turns(record.messages)
    if not indices:
        return TemplateProblem(
            "mask_coverage", "nothing_trained", "no assistant turn follows a prompt and is to be trained"
        )
    whole, *parts = renderings
    turns = [
        TurnRenderings(index, prompt.text, through.text)
        for index, prompt, through in zip(indices, parts[::2], [*parts[1::2], whole], strict=False)
    ]
    try:
        answers, notes = locate(whole.text, turns, record.messages, target.stop_texts, whole.generation_spans)
        _check_system(record, whole.text)
        for text in (whole.text, turns[-1].prompt):
            text.encode()
    except TemplateProblem as problem:
        return problem
    except UnicodeEncodeError:
        return TemplateProblem(
            "template_renders", "encoding", "the text holds half a surrogate pair, which is no character"
        )
    if record.tools or len(record.messages) > 2:
        notes += tool_notes(record, whole.text)
    return Rendered(whole.text, turns[-1].prompt, tuple(answers), tuple(notes))


def _check_system(record: Record, text: str) -> None:
    for message in record.messages:
        content = (message.content or "").strip()
        if message.role in ("system", "developer") and content and content not in text:
            raise TemplateProblem("system_dropped", "dropped", "the template drops the system turn")
