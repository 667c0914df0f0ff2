"""Where the answers stand in a rendered conversation: what the loss is computed on, and nothing else.

An answer begins where the inference prompt ends, since that is where the model will be asked to go on, and it
ends with its stop token, since that is what it must learn to say. Both are found by rendering prefixes of the
conversation: the prompt before the turn, and the conversation up to and with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.chat.conversation import split_thinking
from assay.chat_templates.templating import TemplateProblem
from assay.records import Message


@dataclass(frozen=True, slots=True)
class Answer:
    """Characters [start, end) of the rendered text are what a trained turn contributes to the loss.

    message      index of the turn
    stopped      whether the span ends in a stop token
    """

    message: int
    start: int
    end: int
    stopped: bool


@dataclass(frozen=True, slots=True)
class Note:
    """Something to report that does not keep the record from being encoded; check names who reports it."""

    check: str
    kind: str
    message: str
    turn: int


@dataclass(frozen=True, slots=True)
class TurnRenderings:
    """prompt: the messages before the turn, with the generation prompt; through: those and the turn."""

    message: int
    prompt: str
    through: str


def locate(
    text: str,
    turns: Sequence[TurnRenderings],
    messages: Sequence[Message],
    stops: Sequence[str],
    generation_spans: Sequence[tuple[int, int]] = (),
) -> tuple[list[Answer], list[Note]]:
    """The span of each trained turn in the training text.

    stops             strings that end a turn, among them every stop token
    generation_spans  what the template itself marked as generated; used to check the result, which says in a
                      note where the two differ

    A turn before the last whose prompt the template has since rewritten (thinking cut from earlier turns) is
    left out of the loss with a note. Raises TemplateProblem when that is so for the last trained turn, for
    then the model would be trained on another prompt than it will be asked with.
    """
    answers: list[Answer] = []
    notes: list[Note] = []
    for turn in turns:
        try:
            if not text.startswith(turn.prompt):
                raise _rewritten_prompt(text, turn, messages)
            answer = _answer(text, turn, messages, stops)
        except TemplateProblem as problem:
            if turn is turns[-1]:
                raise
            notes.append(left_out(turn.message, problem.message))
            continue
        answers.append(answer)
        notes.extend(coverage_notes(text, answer, messages[turn.message]))
    if generation_spans and answers:
        notes.extend(marker_notes(text, answers, generation_spans))
    return answers, notes


def _rewritten_prompt(text: str, turn: TurnRenderings, messages: Sequence[Message]) -> TemplateProblem:
    for message in messages[: turn.message]:
        content = (message.content or "").strip()
        if message.role in ("system", "developer") and content and content in turn.prompt and content not in text:
            return TemplateProblem(
                "system_dropped",
                "dropped_in_training",
                "the template shows the system turn at inference and drops it once the answer is there",
            )
    at = first_difference(text, turn.prompt)
    return TemplateProblem(
        "prompt_prefix",
        "text",
        f"the training text does not begin with the inference prompt: at character {at} the prompt goes on "
        f"{turn.prompt[at : at + 40]!r}, the training text {text[at : at + 40]!r}",
    )


def first_difference(first: str, second: str) -> int:
    """The first character in which two texts differ, or the length of the shorter; by halves, as most of it agrees."""
    agree, differ = 0, min(len(first), len(second)) + 1
    while differ - agree > 1:
        middle = (agree + differ) // 2
        if first[agree:middle] == second[agree:middle]:
            agree = middle
        else:
            differ = middle
    return agree


def left_out(turn: int, why: str) -> Note:
    """That a turn before the last is not in the loss."""
    return Note("mask_coverage", "turn_left_out", f"turn {turn} is left out of the loss: {why}", turn)


def _answer(text: str, turn: TurnRenderings, messages: Sequence[Message], stops: Sequence[str]) -> Answer:
    start = len(turn.prompt)
    if text.startswith(turn.through) and len(turn.through) >= start:
        return _stopped_answer(text, turn.message, start, len(turn.through), stops)
    content = visible_content(messages[turn.message])
    position = text.find(content, start)
    if position == -1:
        raise TemplateProblem("mask_coverage", "not_found", f"turn {turn.message} is not in the training text")
    after = position + len(content)
    following = (visible_content(message) for message in messages[turn.message + 1 :])
    limits = [text.find(later, after) for later in following if later]
    limit = next((found for found in limits if found != -1), len(text))
    ends = [text.find(stop, after, limit) + len(stop) for stop in stops if stop in text[after:limit]]
    if not ends:
        raise TemplateProblem(
            "mask_coverage", "no_end", f"once other turns follow turn {turn.message}, it no longer ends in a stop token"
        )
    return Answer(turn.message, start, min(ends), stopped=True)


def _stopped_answer(text: str, message: int, start: int, end: int, stops: Sequence[str]) -> Answer:
    """The last stop token within [start, end) ends the answer; what the template puts after it is not trained."""
    last = max(
        (text.rfind(stop, start, end) + len(stop) for stop in stops if text.rfind(stop, start, end) != -1), default=-1
    )
    if last == -1:
        return Answer(message, start, end, stopped=False)
    return Answer(message, start, last, stopped=True)


def visible_content(message: Message) -> str:
    """Content as templates show it in earlier turns: without thinking, without outer white space."""
    content = message.content or ""
    return content.rsplit("</think>", 1)[-1].strip()


def coverage_notes(text: str, answer: Answer, message: Message) -> list[Note]:
    """What of a turn its answer leaves out."""
    trained = text[answer.start : answer.end]
    notes = []
    content = (message.content or "").strip()
    if content and content not in trained and not _shown_in_parts(content, trained):
        kind, what = "changed", "changes it"
        if visible_content(message) in trained:
            kind, what = "thinking_cut", "cuts its thinking"
        notes.append(
            Note(
                "mask_coverage",
                kind,
                f"turn {answer.message} is not trained as it stands: the template {what}",
                answer.message,
            )
        )
    missing = [call.name for call in message.tool_calls if call.name not in trained]
    if missing:
        notes.append(
            Note("mask_coverage", "call_missing", f"the template leaves out the call of {missing[0]}", answer.message)
        )
    if not answer.stopped:
        notes.append(
            Note(
                "stop_token_untrained",
                "no_stop",
                "the answer ends in no stop token, so the model never learns to stop",
                answer.message,
            )
        )
    return notes


def _shown_in_parts(content: str, trained: str) -> bool:
    """Whether thinking and answer are both there, in whatever form the template writes them."""
    reasoning, text = split_thinking(content)
    return bool(reasoning) and reasoning in trained and text in trained


def marker_notes(text: str, answers: Sequence[Answer], spans: Sequence[tuple[int, int]]) -> list[Note]:
    """White space after the stop token may be marked or not; anything else should agree."""
    notes = []
    for answer in answers:
        overlapping = [(start, end) for start, end in spans if start < answer.end and end > answer.start]
        marked = (min(s for s, _ in overlapping), max(e for _, e in overlapping)) if overlapping else None
        if marked is None:
            kind, what = "unmarked", "do not cover it"
        elif marked[1] < answer.end:
            kind, what = "stop_unmarked", f"leave out its end {text[marked[1] : answer.end]!r}"
        elif text[answer.end : marked[1]].strip():
            kind, what = "marked_beyond", f"go beyond its stop token by {text[answer.end : marked[1]]!r}"
        elif text[min(marked[0], answer.start) : max(marked[0], answer.start)].strip():
            kind, what = "start_differs", "begin elsewhere than the inference prompt ends"
        else:
            continue
        notes.append(
            Note(
                "mask_coverage",
                kind,
                f"the template's own generation markers disagree about turn {answer.message}: they {what}; "
                "the loss is computed on the answer and its stop token",
                answer.message,
            )
        )
    return notes
