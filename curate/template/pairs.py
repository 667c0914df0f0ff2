"""A template and its marked variant: the same text, and a mask that is equal to assay's?

TRL keeps training templates beside the originals (`qwen3.jinja`, `qwen3_training.jinja`): the same but for
{% generation %} markers, by which its trainer finds what to train on. Where the variant renders another text, or marks
something else than the answers with their stop tokens, training by it differs from what assay computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.chat.answers import first_difference
from assay.records import Record

from .models import Loaded

if TYPE_CHECKING:
    from assay.chat.answers import Answer
    from assay.chat.target import Templated
    from assay.chat_templates.templating import Rendering, TemplateProblem

ENDINGS = ("_training", "-training", ".training")


@dataclass(frozen=True)
class Pair:
    """plain, marked   names of the models
    compared       records that both render
    texts_differ   records of which the marked variant renders another text
    masks_differ   records of which it marks other characters than assay trains on, white space at the edges aside
    only_one       records that only one of them renders
    example        of a difference, in one line
    """

    plain: str
    marked: str
    compared: int
    texts_differ: int
    masks_differ: int
    only_one: int
    example: str = ""

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def pairs_among(models: Sequence[Loaded]) -> list[tuple[Loaded, Loaded]]:
    """(plain, marked) by their names."""
    by_name = {model.name: model for model in models}
    found = []
    for model in models:
        plain = next((model.name[: -len(ending)] for ending in ENDINGS if model.name.endswith(ending)), None)
        if plain in by_name:
            found.append((by_name[plain], model))
    return found


def compare(records: Sequence[Record], plain: Loaded, marked: Loaded) -> Pair | None:
    """None where one of the two cannot be used. Every record is rendered: no shape stands for another here."""
    from assay.chat_templates.templating import Rendering

    if plain.target is None or marked.target is None:
        return None
    compared = texts = masks = only_one = 0
    example = ""
    rendered = zip(_wholes(records, plain.target), _wholes(records, marked.target), strict=True)
    for record, (first, second), answers in zip(records, rendered, _answers(records, plain.target), strict=True):
        if not isinstance(first, Rendering) or not isinstance(second, Rendering):
            only_one += isinstance(first, Rendering) is not isinstance(second, Rendering)
            continue
        compared += 1
        if first.text != second.text:
            texts += 1
            example = example or _example(record, _difference(first.text, second.text))
        elif answers is not None and (what := _mask_difference(second, answers)):
            masks += 1
            example = example or _example(record, what)
    return Pair(plain.name, marked.name, compared, texts, masks, only_one, example)


def _example(record: Record, what: str) -> str:
    from ..pages.concealment import conceal_messages

    return f"{record.source}: {conceal_messages([(record, what)])[0]}"


def _wholes(records: Sequence[Record], target: Templated) -> list[Rendering | TemplateProblem]:
    from assay.chat.rendered import CHUNK, template_variables
    from assay.chat.target import template_for
    from assay.chat_templates.templating import shared_renderer

    out: list[Rendering | TemplateProblem] = []
    for start in range(0, len(records), CHUNK):
        for record in records[start : start + CHUNK]:
            given = template_variables(record.messages, record.tools, target, prompt=False)
            out += shared_renderer().render_many(template_for(target, record.tools), [given])
    return out


def _answers(records: Sequence[Record], target: Templated) -> list[tuple[Answer, ...] | None]:
    from assay.chat.examined import render_by_shape
    from assay.chat.rendered import Rendered

    return [item.answers if isinstance(item, Rendered) else None for item in render_by_shape(records, target)]


def _difference(first: str, second: str) -> str:
    at = first_difference(first, second)
    return f"at character {at} {first[at : at + 30]!r} is {second[at : at + 30]!r}"


def _mask_difference(marked: Rendering, answers: Sequence[Answer]) -> str:
    """The first run of characters that one side trains and the other does not; white space counts for nothing."""
    ours, theirs = _covered(marked.text, _joined(answers)), _covered(marked.text, marked.generation_spans)
    if ours == theirs:
        return ""
    missing, beyond = sorted(ours - theirs), sorted(theirs - ours)
    at = (missing or beyond)[0]
    what = "leave out" if missing else "go beyond the answer by"
    return f"the markers {what} {marked.text[at : at + 30]!r}"


def _joined(answers: Sequence[Answer]) -> list[tuple[int, int]]:
    return [(answer.start, answer.end) for answer in answers]


def _covered(text: str, spans: Sequence[tuple[int, int]]) -> set[int]:
    return {at for start, end in spans for at in range(start, end) if not text[at].isspace()}
