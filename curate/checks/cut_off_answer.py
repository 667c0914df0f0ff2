"""The cut_off_answer check."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.findings import Finding, Severity, Span
from assay.records import Record

from ..answers.endings import Ending, ends_in_prose, is_finished, list_ending, structural_cut, style_ending, weak_ending
from ..answers.script_endings import NO_FULL_STOP, script_of, stops_in_sentence
from ..check import Context, Decision, record_check
from ..example import Example

END_CHARACTERS = 20_000
"""What is looked at of a longer answer, from its end, but for the brackets that it opens."""

_FULL_STOP = re.compile(r"[^\W\d_][.!?][\"”')]?$")
"""What nearly all answers end with. (After a digit a full stop may belong to the number of a list's item.)"""

TERMINATED_SHARE = 0.85
"""Where this share of the answers in prose ends in a full stop, one that does not is suspicious."""

SAMPLED_ANSWERS = 1_000
"""As many tell how answers end here."""

FEWEST_PROSE = 20
"""Answers in prose that say how answers end here."""

LEAST_PROSE = 30
"""Characters of an answer in Chinese, Japanese or Arabic that is more than a label."""

SURE = 0.7
"""Confidence below which an ending is a warning: a sentence may be whole and lack nothing but its full stop."""


@record_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    languages=("en", "de", "es", "fr", "zh", "ja", "ar"),
    examples=(
        Example(
            found=[
                ("How do I return it?", "Put the Bridge into its box, add the cable, and then bring it to the"),
                ("Give me the order as JSON.", '{"order": {"id": 12, "items": ["cable"'),
            ],
            not_found=[
                ("How do I return it?", "Put the Bridge into its box, add the cable, and bring it to a shop."),
                ("Give me the order as JSON.", '{"order": {"id": 12, "items": ["cable"]}}'),
                ("Which colour?", "Blue"),
            ],
        ),
    ),
)
def cut_off_answer(record: Record, context: Context, *, long_answer_characters: int = 1500) -> Iterator[Finding]:
    """The last answer stops before its end: in the middle of a sentence, of a JSON value, or of a code block.

    Why: the model learns to stop there. It happens where a generator ran into its token limit.

    Certain are JSON whose brackets stay open, a code fence that stays open, and a last line of prose that ends
    with a word no sentence ends with ("and", "the", "because"). A last line of prose without a full stop counts
    only in a long answer, or where the lines before it or nearly all other answers end with one; what only the other
    answers tell is a warning, since the sentence may be whole. Passed over are lists, titles, code, signatures, links,
    labels and short answers, and words like "of" where a clause may end with them ("the club that all are members
    of").

    Example: "Please put the Bridge into its box, add the cable, and then bring it to"
    """
    last = record.last_assistant_index
    answer = "" if last is None else record.messages[last].content or ""
    if last is None or not answer or _is_whole(answer):
        return
    text = answer.rstrip()
    ending = _ending(text, context, long_answer_characters) if text else None
    if ending is not None:
        start = max(0, len(text) - 80)
        yield cut_off_answer.about(
            record,
            ending.why,
            severity=Severity.ERROR if ending.confidence >= SURE else Severity.WARNING,
            span=Span(last, start, len(text), text[start:]),
            evidence={"kind": ending.kind, "ends_with": text[-80:], "confidence": ending.confidence},
        )


def _is_whole(answer: str) -> bool:
    """Whether a glance is enough, as it is for nearly all answers: a full stop after a word, no JSON, no code."""
    return (
        answer[-1] in ".!?"
        and answer[-2:-1].isalpha()
        and answer[0] not in "{[< \n"
        and "```" not in answer
        and "~~~" not in answer
    )


def _others_finish(context: Context) -> bool:
    """Whether nearly all answers in prose of this data end with a full stop."""
    return bool(context.once("cut_off_answer.others_finish", lambda: _finish(context)))


def _finish(context: Context) -> bool:
    step = 1 + len(context.sample) // SAMPLED_ANSWERS
    ends = [_end(record.answer) for record in context.sample[::step]]
    finished = [is_finished(end) for end in ends if _is_prose(end)]
    return len(finished) >= FEWEST_PROSE and sum(finished) >= TERMINATED_SHARE * len(finished)


def _is_prose(end: str) -> bool:
    return len(end) >= LEAST_PROSE if script_of(end) is not None else ends_in_prose(end)


def _ending(answer: str, context: Context, long_answer: int) -> Ending | None:
    end = _end(answer)
    found = structural_cut(answer)
    if found is not None or _FULL_STOP.search(end[-3:]):
        return found
    others_finish = _others_finish(context)
    script = script_of(end)
    if script is not None:
        stop = stops_in_sentence(end, script, others_finish)
        return None if stop is None else Ending("sentence", stop.why, stop.confidence)
    found = weak_ending(end, others_finish) or list_ending(end) or style_ending(end)
    if found is not None or not ends_in_prose(end) or is_finished(end):
        return found
    if len(answer) >= long_answer:
        return Ending("sentence", "a long answer stops without the end of its sentence", 0.8)
    if others_finish:
        return Ending("sentence", NO_FULL_STOP, 0.6)
    return None


def _end(answer: str) -> str:
    return answer.rstrip()[-END_CHARACTERS:]
