"""Token ids and labels: what a training text becomes, computed once for audit, display and training alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.chat.answers import Answer, Note, left_out
from assay.chat.rendered import Rendered
from assay.chat.target import ChatTarget
from assay.chat_templates.templating import TemplateProblem

IGNORED = -100
"""The label that cross entropy leaves out (`torch.nn.CrossEntropyLoss`, ignore_index)."""


@dataclass(frozen=True)
class Encoded:
    """A record as it is trained on.

    input_ids, labels  of equal length; labels are IGNORED outside the answers
    text               the rendered conversation that the ids stand for
    answers            the trained spans of `text`
    notes              what the checks report about them
    offsets            characters [start, end) of `text` behind each id
    """

    input_ids: list[int]
    labels: list[int]
    text: str
    answers: tuple[Answer, ...]
    notes: tuple[Note, ...]
    offsets: list[tuple[int, int]]

    @property
    def trained_tokens(self) -> int:
        return sum(label != IGNORED for label in self.labels)


SHARES_A_TOKEN = "its first characters and the end of its prompt are one token"
"""Why a turn is left out of the loss."""

Tokens = tuple[list[int], list[tuple[int, int]]]


def tokenize(texts: Sequence[str], target: ChatTarget) -> list[Tokens]:
    """Ids and character offsets; the template has written every special token, so none is added."""
    if not texts:
        return []
    backend = target.tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    return [(item.ids, item.offsets) for item in backend.encode_batch(list(texts), add_special_tokens=False)]


def labelled(item: Rendered, whole: Tokens, prompt_ids: Sequence[int] | None, target: ChatTarget) -> Encoded:
    """The ids of a training text with the labels of its answers.

    whole       what `tokenize` makes of the text
    prompt_ids  and of its last prompt; None when the text is known to begin with them
    Raises TemplateProblem when prompt and answer cannot be kept apart, or the answer has no tokens.
    """
    ids, offsets = whole
    notes = list(item.notes)
    last = item.answers[-1]
    if prompt_ids is not None and (ids[: len(prompt_ids)] != list(prompt_ids) or straddled(offsets, last)):
        ids, offsets = _tokenize_apart(item, target)
    answers = [answer for answer in item.answers if answer is last or not straddled(offsets, answer)]
    notes += [left_out(answer.message, SHARES_A_TOKEN) for answer in item.answers if answer not in answers]
    labels, finals = _labels(ids, offsets, answers)
    if finals[last.message] == -1:
        raise TemplateProblem("mask_coverage", "nothing_trained", "the answer has no tokens")
    for answer in answers:
        final = finals[answer.message]
        if answer.stopped and final != -1 and ids[final] not in target.stop_token_ids:
            notes.append(unknown_stop(target.tokenizer.convert_ids_to_tokens(ids[final]), answer))
    if target.tokenizer.bos_token_id is not None and ids[:2] == [target.tokenizer.bos_token_id] * 2:
        notes.append(Note("bos_doubled", "doubled", "the beginning-of-sequence token stands there twice", 0))
    return Encoded(ids, labels, item.text, tuple(answers), tuple(notes), offsets)


def unknown_stop(token: str, answer: Answer) -> Note:
    """That a turn ends in a token that ends no generation."""
    what = f"the answer ends in {token!r}, which is not a stop token of this tokenizer"
    return Note("stop_token_untrained", "not_a_token", what, answer.message)


def _labels(
    ids: Sequence[int], offsets: Sequence[tuple[int, int]], answers: Sequence[Answer]
) -> tuple[list[int], dict[int, int]]:
    """The labels, and for each trained turn the position of its last token, -1 where it has none."""
    labels = [IGNORED] * len(ids)
    finals = {answer.message: -1 for answer in answers}
    rest = iter(answers)
    answer = next(rest, None)
    for position, (start, end) in enumerate(offsets):
        while answer is not None and start >= answer.end and end > answer.end:
            answer = next(rest, None)
        if answer is None:
            break
        if _within(start, end, answer):
            labels[position] = ids[position]
            finals[answer.message] = position
    return labels, finals


def _within(start: int, end: int, answer: Answer) -> bool:
    """A token of no width belongs to the character before it (byte-level tokenizers trim spaces from offsets)."""
    if start == end:
        return answer.start < start <= answer.end
    return start < answer.end and end > answer.start


def straddled(offsets: Sequence[tuple[int, int]], answer: Answer) -> bool:
    return any(start < answer.start < end for start, end in offsets)


def _tokenize_apart(item: Rendered, target: ChatTarget) -> Tokens:
    """Prompt and last answer each by itself, as at inference, where the prompt's tokens are fixed before the answer.

    Raises TemplateProblem when the tokenizer gives the answer other text than it had in the whole.
    """
    cut = item.answers[-1].start
    (ids, offsets), (rest_ids, rest_offsets) = tokenize([item.text[:cut], item.text[cut:]], target)
    if target.tokenizer.decode(rest_ids, clean_up_tokenization_spaces=False) != item.text[cut:]:
        raise TemplateProblem(
            "prompt_prefix", "merged", "prompt and answer share a token, and this tokenizer cannot keep them apart"
        )
    return ids + rest_ids, offsets + [(start + cut, end + cut) for start, end in rest_offsets]
