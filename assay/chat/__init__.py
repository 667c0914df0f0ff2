"""The chat template of a target model: prompts, training texts, token ids and the labels of the loss.

Ids and labels are computed here, once, for audit, display, training and evaluation alike, so that what is
looked at is what is trained on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from assay.chat.answers import Answer, Note
from assay.chat.encoded import IGNORED, Encoded, tokenize
from assay.chat.examined import Examined, encode_rendered, examine_all
from assay.chat.rendered import Rendered, chunks, render_chunk, template_variables, trained_turns
from assay.chat.target import ChatTarget, TextTarget, extended, load_target
from assay.chat_templates.templating import TemplateProblem, shared_renderer
from assay.records import Json, Message, Record

__all__ = [
    "IGNORED",
    "Answer",
    "ChatTarget",
    "Encoded",
    "Examined",
    "Note",
    "TemplateProblem",
    "TextTarget",
    "encode",
    "encode_all",
    "examine_all",
    "extended",
    "inference_prompt",
    "load_target",
    "trained_turns",
]


def inference_prompt(messages: Sequence[Message], target: ChatTarget, tools: Sequence[Json] = ()) -> list[int]:
    """Token ids that the model is asked to go on from. Raises TemplateProblem."""
    rendering = shared_renderer().render(
        target.template_for(tools), template_variables(messages, tools, target, prompt=True)
    )
    return [int(token) for token in tokenize([rendering.text], target)[0][0]]


def encode(record: Record, target: ChatTarget) -> Encoded:
    """Token ids and labels of one record. Raises TemplateProblem when it cannot be trained on as it is.

    The ids begin with exactly the ids of the inference prompt of the last trained turn; the labels cover each
    trained answer and its stop token and nothing else.
    """
    result = next(iter(encode_all([record], target)))
    if isinstance(result, TemplateProblem):
        raise result
    return result


def encode_all(records: Iterable[Record], target: ChatTarget) -> Iterator[Encoded | TemplateProblem]:
    """`encode` for each record in order, with the problem in place of what could not be encoded."""
    for chunk in chunks(records):
        yield from _encode_chunk(chunk, target)


def _encode_chunk(records: Sequence[Record], target: ChatTarget) -> Iterator[Encoded | TemplateProblem]:
    rendered = render_chunk(records, target)
    encoded = iter(encode_rendered([item for item in rendered if isinstance(item, Rendered)], target))
    for item in rendered:
        yield item if isinstance(item, TemplateProblem) else next(encoded)
