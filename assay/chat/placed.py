"""Where the answers stand in the renderings of one shape, whatever its contents are.

`rendered.located` compares the renderings of a record and looks its contents and stop tokens up in them. Most
of that comes out alike for all records of a shape: the prompts are beginnings of the whole, the contents are written
as they are, and each turn ends in what the template writes. Where that can be told from the stand-ins
(`assay.chat_templates.stand_ins`), the answers of a record are told from the lengths of its contents alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from assay.chat.answers import Answer, Note, TurnRenderings, coverage_notes, locate, marker_notes, visible_content
from assay.chat.pieces import Piece, Pieces, Prefix, place
from assay.chat.rendered import Rendered, answered_turns
from assay.chat.tool_rendering import tool_name, tool_notes
from assay.chat_templates.stand_ins import PATTERN, numbers_in
from assay.chat_templates.templating import Rendering, TemplateProblem
from assay.records import Json, Message, Record


class Placed(NamedTuple):
    """An answer: from the end of its prompt to the end of its stop token.

    after, later  where `later`, contents of the turns that follow, must not begin between `after` and the end: the
                  answer is then taken to end where its content does
    """

    message: int
    start: Prefix
    end: Prefix
    after: Prefix
    later: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """noted: which answers may leave out something of their turns, so that it has to be looked up.

    marked  what the template itself marked, where that is not what is trained
    names_shown, results_shown  whether the text shows tools and results of calls whatever they are
    """

    answers: tuple[Placed, ...]
    noted: tuple[int, ...]
    marked: tuple[tuple[Prefix, Prefix], ...]
    names_shown: bool
    results_shown: bool

    def rendered(self, record: Record, text: str, texts: Sequence[str], starts: Sequence[int]) -> Rendered | None:
        """What `located` makes of a record whose text can be encoded; None where it has to look.

        texts   of the contents; starts: of the literals and contents of the record's text, in turn
        """
        answers = tuple(
            [
                Answer(message, starts[2 * a] + b, starts[2 * c] + d, True)
                for message, (a, b), (c, d), _, _ in self.answers
            ]
        )
        for answer, placed in zip(answers, self.answers, strict=True):
            for later in placed.later:
                after = starts[2 * placed.after.contents] + placed.after.characters
                if text.find(texts[later], after, answer.end + len(texts[later]) - 1) != -1:
                    return None
        notes: list[Note] = []
        for number in self.noted:
            notes += coverage_notes(text, answers[number], record.messages[answers[number].message])
        if self.marked:
            spans = [(starts[2 * a] + b, starts[2 * c] + d) for (a, b), (c, d) in self.marked]
            notes += marker_notes(text, answers, spans)
        if not (self.results_shown and (self.names_shown or not record.tools)):
            notes += tool_notes(record, text)
        return Rendered(text, text[: answers[-1].start], answers, tuple(notes))


class Shown(NamedTuple):
    """Stand-ins as they are rendered.

    messages, tools  with stand-ins
    results          of their plan
    whole, parts     those cut at the stand-ins, as in a skeleton
    encoded          the contents whose texts come after those of all contents, `size` in number, as in a skeleton
    """

    messages: Sequence[Message]
    tools: Sequence[Json]
    results: Sequence[Rendering | TemplateProblem]
    whole: Pieces
    parts: Sequence[Pieces | Prefix | TemplateProblem]
    encoded: Sequence[Piece]
    size: int


def places(shown: Shown, stops: Sequence[str]) -> Places | None:
    """None where contents matter."""
    indices = answered_turns(shown.messages)
    prompts = [part for part in shown.parts[::2] if isinstance(part, Prefix)]
    texts = [item.text for item in shown.results if isinstance(item, Rendering)]
    if not indices or len(prompts) < len(indices) or len(texts) < len(shown.results):
        return None
    turns = [
        TurnRenderings(index, prompt, through)
        for index, prompt, through in zip(indices, texts[1::2], [*texts[2::2], texts[0]], strict=False)
    ]
    spans = shown.results[0].generation_spans if isinstance(shown.results[0], Rendering) else ()
    try:
        answers, notes = locate(texts[0], turns, shown.messages, stops, spans)
    except TemplateProblem:
        return None
    about_turns = [coverage_notes(texts[0], answer, shown.messages[answer.message]) for answer in answers]
    of_markers = marker_notes(texts[0], answers, spans) if spans else []
    if notes != [*(note for own in about_turns for note in own), *of_markers]:  # there are turns that are left out
        return None
    ends = [*shown.parts[1::2], Prefix(len(shown.whole.contents), len(shown.whole.literals[-1]))]
    found = [
        _placed(shown, texts[0], answer, start, through, stops)
        for answer, start, through in zip(answers, prompts, ends, strict=False)
    ]
    placed = [item for item in found if item is not None]
    if len(placed) < len(indices) or not _systems_shown(shown, texts[0]):
        return None
    noted = [
        number
        for number, (answer, own) in enumerate(zip(placed, about_turns, strict=True))
        if own or not _covers(shown, texts[0][answers[number].start : answers[number].end], answer)
    ]
    return Places(
        tuple(placed),
        tuple(noted),
        shown.whole.spans if of_markers else (),
        _names_shown(shown, texts[0]),
        _results_shown(shown, texts[0]),
    )


def _placed(
    shown: Shown,
    text: str,
    answer: Answer,
    start: Prefix,
    through: Pieces | Prefix | TemplateProblem,
    stops: Sequence[str],
) -> Placed | None:
    end = place(text, answer.end)
    if end is None or not answer.stopped:
        return None
    if isinstance(through, Prefix) and through >= start:
        ends = _ends_its_turn(shown.whole, start, end, through, stops)
        return Placed(answer.message, start, end, end) if ends else None
    if isinstance(through, Pieces) and _never_begins(through, shown.whole):
        return _ends_after_its_content(shown, answer.message, start, end, stops)
    return None


def _ends_its_turn(whole: Pieces, start: Prefix, end: Prefix, through: Prefix, stops: Sequence[str]) -> bool:
    """Whether the last stop token of a turn is one that the template writes after its last content."""
    literal = whole.literals[end.contents][: through.characters]
    begins = start.characters if start.contents == end.contents else 0
    return (
        end.contents == through.contents
        and any(literal[begins : end.characters].endswith(stop) for stop in stops)
        and not (begins == 0 and any(_may_end_in(literal, stop, end.characters) for stop in stops))
    )


def _ends_after_its_content(shown: Shown, turn: int, start: Prefix, end: Prefix, stops: Sequence[str]) -> Placed | None:
    """An answer that is looked for, because the template ends a conversation otherwise than a turn."""
    content, whole = visible_content(shown.messages[turn]), shown.whole
    after = start
    if content:
        gap = whole.literals[start.contents][start.characters :]
        if gap.strip() or not _is_content(content, whole.contents[start.contents : start.contents + 1]):
            return None
        after = Prefix(start.contents + 1, 0)
    literal = whole.literals[after.contents][after.characters : end.characters]
    if end.contents != after.contents or not any(literal.endswith(stop) for stop in stops):
        return None
    later: list[int] = []
    for message in shown.messages[turn + 1 :]:
        following = visible_content(message)
        if following and PATTERN.fullmatch(following) is None:
            return None
        later += numbers_in(following)
        if following and later[-1] in whole.contents[end.contents :]:  # it is found, if not before
            break
    return Placed(turn, start, end, after, tuple(later))


def _is_content(text: str, contents: Sequence[int]) -> bool:
    return PATTERN.fullmatch(text) is not None and numbers_in(text) == list(contents)


def _never_begins(part: Pieces, whole: Pieces) -> bool:
    """Whether the whole begins otherwise, whatever the contents are."""
    for number, (own, other) in enumerate(zip(part.literals, whole.literals, strict=False)):
        if own != other:
            return not own.startswith(other) and not other.startswith(own)
        if part.contents[number : number + 1] != whole.contents[number : number + 1]:
            return False
    return False


def _may_end_in(literal: str, stop: str, after: int) -> bool:
    """Whether a stop token that begins in the content before a literal might end in it, after so many characters."""
    return any(stop.endswith(literal[:end]) for end in range(after + 1, min(len(stop), len(literal) + 1)))


def _systems_shown(shown: Shown, text: str) -> bool:
    contents = [(m.content or "").strip() for m in shown.messages if m.role in ("system", "developer")]
    return all(_shows(shown, text, content) for content in contents)


def _covers(shown: Shown, trained: str, answer: Placed) -> bool:
    """Whether an answer that leaves out nothing of its turn's stand-ins leaves out nothing whatever stands for them."""
    message, start, end, _, _ = answer
    turn = shown.messages[message]
    bare = PATTERN.sub("\0", trained)
    named = all(numbers_in(call.name) or call.name in bare for call in turn.tool_calls)
    return named and _plain(shown, numbers_in(turn.content or ""), start.contents, end.contents)


def _plain(shown: Shown, numbers: Sequence[int], start: int = 0, end: int | None = None) -> bool:
    """Whether these contents are written as they are, wherever they are written."""
    written = [number - shown.size for number in shown.whole.contents[start:end] if number >= shown.size]
    return not any(shown.encoded[number].content in numbers for number in written)


def _shows(shown: Shown, text: str, content: str) -> bool:
    return content in text and _plain(shown, numbers_in(content))


def _names_shown(shown: Shown, text: str) -> bool:
    bare = PATTERN.sub("\0", text)
    names = [name for name in map(tool_name, shown.tools) if name]
    return bool(names) and all(name in (text if numbers_in(name) else bare) for name in names)


def _results_shown(shown: Shown, text: str) -> bool:
    results = [(message.content or "").strip() for message in shown.messages if message.role == "tool"]
    return all(_shows(shown, text, result) for result in results)
