"""What the checks need to know of a record under a template, without the token ids of the whole.

The same notes and the same problems as `encode_all` has (a test compares them), found from the rendered text and
the tokens at the edges of its answers. Where that does not say, the record is encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from assay.chat.answers import Answer, Note, left_out
from assay.chat.boundaries import Boundaries, Edge, boundaries_of
from assay.chat.encoded import SHARES_A_TOKEN, Encoded, Tokens, labelled, tokenize, unknown_stop
from assay.chat.rendered import Rendered, chunks, render_chunk
from assay.chat.skeletons import skeletons_for
from assay.chat.target import ChatTarget, Templated
from assay.chat_templates.templating import TemplateProblem
from assay.records import Record


@dataclass(frozen=True)
class Examined:
    """text, answers and notes as in `Encoded`; ids and labels when they are asked for."""

    text: str
    answers: tuple[Answer, ...]
    notes: tuple[Note, ...]
    rendered: Rendered
    target: ChatTarget

    def encoded(self) -> Encoded:
        """Token ids and labels. Raises TemplateProblem, though not for what `examine_all` has looked at."""
        result = encode_rendered([self.rendered], self.target)[0]
        if isinstance(result, TemplateProblem):
            raise result
        return result

    def fewer_tokens_than(self, limit: int) -> bool:
        """Whether the text is so short that it cannot have more tokens; False says nothing."""
        text = self.text
        most = 2 * len(text) if text.isascii() else 4 * len(text.encode())
        if boundaries_of(self.target).exact:  # byte-level: a token has at least a byte, and NFC adds few
            most //= 2
        return most <= limit


def encode_rendered(items: Sequence[Rendered], target: ChatTarget) -> list[Encoded | TemplateProblem]:
    """Ids and labels of training texts; a prompt is tokenised by itself only where the text may begin otherwise."""
    edges = boundaries_of(target)
    unsure = [edges.edge(item.text, item.answers[-1].start) is not Edge.CLEAN for item in items]
    prompts = [item.last_prompt for item, doubt in zip(items, unsure, strict=True) if doubt]
    tokenized = tokenize([*(item.text for item in items), *prompts], target)
    rest = iter(tokenized[len(items) :])
    return [
        _labelled_or_not(item, whole, next(rest)[0] if doubt else None, target)
        for item, whole, doubt in zip(items, tokenized, unsure, strict=False)
    ]


def _labelled_or_not(
    item: Rendered, whole: Tokens, prompt_ids: Sequence[int] | None, target: ChatTarget
) -> Encoded | TemplateProblem:
    try:
        return labelled(item, whole, prompt_ids, target)
    except TemplateProblem as problem:
        return problem


def examine_all(records: Iterable[Record], target: ChatTarget) -> Iterator[Examined | TemplateProblem]:
    """Each record under the target's template, or why it cannot be trained on, in order."""
    edges = boundaries_of(target)
    for item in render_by_shape(records, target):
        yield item if isinstance(item, TemplateProblem) else _examined(item, target, edges)


def render_by_shape(records: Iterable[Record], target: Templated) -> Iterator[Rendered | TemplateProblem]:
    """`render_all`, with what is alike rendered once (see `assay.chat.skeletons`)."""
    with_tools, without = None, skeletons_for(target)
    for chunk in chunks(records):
        if with_tools is None and (declared := next((record.tools for record in chunk if record.tools), None)):
            with_tools = skeletons_for(target, declared)
        found = [(with_tools if record.tools and with_tools else without).rendered(record, target) for record in chunk]
        rest = [record for record, item in zip(chunk, found, strict=True) if item is None]
        rendered = iter(render_chunk(rest, target))
        for item in found:
            yield next(rendered) if item is None else item


def _examined(item: Rendered, target: ChatTarget, edges: Boundaries) -> Examined | TemplateProblem:
    told = _told(item, target, edges)
    if told is not None:
        return Examined(item.text, *told, item, target)
    encoded = encode_rendered([item], target)[0]
    if isinstance(encoded, TemplateProblem):
        return encoded
    return Examined(item.text, encoded.answers, encoded.notes, item, target)


def _told(item: Rendered, target: ChatTarget, edges: Boundaries) -> tuple[tuple[Answer, ...], tuple[Note, ...]] | None:
    """The answers and notes that `labelled` would make; None when only the tokens of the whole can say."""
    answers, shared, stops = [], [], []
    for answer in item.answers:
        edge = edges.edge(item.text, answer.start)
        if edge is None or answer.end <= answer.start:
            return None
        if answer is item.answers[-1]:
            if edge is not Edge.CLEAN and not edges.comes_back(item.text[answer.start :]):  # it is tokenised apart
                return None
        elif edge is Edge.STRADDLED:
            shared.append(left_out(answer.message, SHARES_A_TOKEN))
            continue
        answers.append(answer)
        if answer.stopped:
            last = edges.last_token(item.text, answer.end)
            if last is None:
                return None
            if last not in target.stop_token_ids:
                stops.append(unknown_stop(target.tokenizer.convert_ids_to_tokens(last), answer))
    notes = [*item.notes, *shared, *stops]
    bos = target.special_tokens.get("bos_token")
    if bos and bos in item.text[: len(bos) + 8]:
        if bos not in edges.added:
            return None
        if item.text.startswith(bos + bos):
            notes.append(Note("bos_doubled", "doubled", "the beginning-of-sequence token stands there twice", 0))
    return tuple(answers), tuple(notes)
