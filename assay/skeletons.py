"""Renderings by shape: conversations of one shape differ under a template in their contents, and in nothing else.

Rendering is the dearest part of judging a record, and most records of a data set have one of a few shapes
(`assay.shapes`). Such a shape is rendered once with stand-ins in place of the contents (a skeleton), and records are
written into it. Names and descriptions of declared tools are contents too; where a template asks of those what no
condition answers, tools are a part of the shape as they are, and where it does not read them at all, they are none.

A template may look at contents, and then a skeleton would be wrong. So

- the template is watched while it renders the stand-ins (`assay.template_watching`); contents that would answer
  otherwise to what it asked are rendered, and so is everything of a shape whose questions cannot be answered so;
- a skeleton counts only when two sets of contents made to provoke (quotes, braces, line breaks, markup, 3,000
  characters), and the record that it was made for, come out of it as the template renders them;
- one record in `EVERY` of each shape is rendered and compared; a shape that differs once is rendered from then on.

Training renders every record; this is for the checks, which a test holds against real renderings of every
template at hand.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, NamedTuple

from assay import stand_ins
from assay.chat_target import Templated, template_for
from assay.conversation import MessageStyle
from assay.records import Json, Message, Record
from assay.rendered import Results, plan
from assay.shapes import Identifier, Outline, Shape, conversation, outline
from assay.stand_ins import Value
from assay.templating import Rendering, TemplateProblem, Watched, shared_renderer
from assay.tool_shapes import ToolOutline, exact_outline, tool_outline, unread_outline

EVERY = 500
MOST_SHAPES = 4_096
MOST_TOOLS = 2_048
"""Lists of tools whose outlines are remembered."""

MOST_CHARACTERS = 32_000_000
"""Of all skeletons of a template together."""

_PROBES = ('"é', "\\é", "é")
"""Characters that show how a place writes texts: as they are, or as JSON does."""

_PROVOKING = (
    ("I said \"no\", 'yes' \\ {{ a }} {% b %} <|c|> <d> &amp; é  ü\n\n\t- * # 0", -7, 0.5),
    ("The quick brown fox, aged 42, jumps.\n  `x = 1`\n<think> 漢字 🙂\nLong, LONG, lOnG", 123_456_789, -1.5e22),
)
_LONG = 3_000

Written = tuple[Callable[[str], str], ...]
"""The encodings that a text has gone through where it is written."""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _json(text: str) -> str:
    return encode_basestring(text)[1:-1]


def _json_ascii(text: str) -> str:
    return encode_basestring_ascii(text)[1:-1]


_WRITTEN: tuple[Written, ...] = ((), (_json,), (_json_ascii,), (_json, _json), (_json_ascii, _json_ascii))


def _encoded(text: str, written: Written) -> str:
    for encode in written:
        text = encode(text)
    return text


class _Piece(NamedTuple):
    """A content where it is written."""

    content: int
    written: Written


class _Prefix(NamedTuple):
    """A rendering that is the beginning of another: through so many contents of it, and characters after them."""

    contents: int
    characters: int


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A rendering cut at its contents: literal, content, literal, ..., literal. spans as the template marked them.

    contents  positions among the texts that `_Skeleton.texts` makes of a record's contents
    """

    literals: tuple[str, ...]
    contents: tuple[int, ...]
    spans: tuple[tuple[_Prefix, _Prefix], ...]

    def parts(self, texts: Sequence[str]) -> list[str]:
        """What stands one after another: literals and texts in turn."""
        parts = [""] * (2 * len(self.contents) + 1)
        parts[::2] = self.literals
        parts[1::2] = [texts[content] for content in self.contents]
        return parts

    def begins(self, other: _Pieces) -> _Prefix | None:
        """How far the other goes, where it begins with this one whatever the contents are."""
        count = len(self.contents)
        same = other.contents[:count] == self.contents and other.literals[:count] == self.literals[:count]
        if not same or not other.literals[count].startswith(self.literals[count]):
            return None
        return _Prefix(count, len(self.literals[count]))


@dataclass
class _Skeleton:
    """encoded: the contents that are written otherwise than they are, whose texts come after those of all contents.

    whole  the first of the results
    parts  the others, those that the whole begins with as prefixes of it
    """

    whole: _Pieces | TemplateProblem
    parts: tuple[_Pieces | _Prefix | TemplateProblem, ...]
    watched: Watched
    encoded: tuple[_Piece, ...]
    uses: int = 0

    def texts(self, contents: Sequence[Value]) -> list[str]:
        plain = [text if isinstance(text, str) else repr(text) for text in contents]
        return plain + [_encoded(plain[piece.content], piece.written) for piece in self.encoded]

    def filled(self, texts: Sequence[str]) -> list[Rendering | TemplateProblem]:
        """What the template marked is said of the whole alone."""
        if isinstance(self.whole, TemplateProblem):
            return [self.whole, *(_written(part, texts) for part in self.parts)]
        written = self.whole.parts(texts)
        text = "".join(written)
        starts = list(accumulate(map(len, written), initial=0))  # of literals and texts in turn
        spans = tuple([(starts[2 * a] + b, starts[2 * c] + d) for (a, b), (c, d) in self.whole.spans])
        return [
            Rendering(text, spans),
            *[
                Rendering(text[: starts[2 * part.contents] + part.characters])
                if isinstance(part, _Prefix)
                else _written(part, texts)
                for part in self.parts
            ],
        ]

    def answers_alike(self, texts: Sequence[str]) -> bool:
        """Whether the template would be told of these contents what it was told of the stand-ins."""
        asked = self.watched
        if asked.contained:
            together = "\0".join(texts)
            for word, contents in asked.contained:
                if word in together and any(word in text for text in self._of(contents, texts)):
                    return False
        for word, contents in asked.within:
            if any(texts[content] in word for content in contents):
                return False
        for characters, contents in asked.outer:
            if any(text[0] in characters or text[-1] in characters for text in self._of(contents, texts)):
                return False
        for word, contents in asked.folded:
            if any(word in texts[content].lower() for content in contents):
                return False
        if any(texts[one] == texts[other] for one, other in asked.distinct):
            return False
        return not any(_is_number(texts[content]) for content in asked.numbers)

    def _of(self, contents: frozenset[int], texts: Sequence[str]) -> list[str]:
        """Texts of the contents in every form in which they are written."""
        first = len(texts) - len(self.encoded)
        forms = [texts[first + place] for place, piece in enumerate(self.encoded) if piece.content in contents]
        return [*(texts[content] for content in contents), *forms]

    @property
    def characters(self) -> int:
        return sum(sum(map(len, item.literals)) for item in (self.whole, *self.parts) if isinstance(item, _Pieces))


def _written(part: _Pieces | _Prefix | TemplateProblem, texts: Sequence[str]) -> Rendering | TemplateProblem:
    if isinstance(part, TemplateProblem):
        return part
    assert isinstance(part, _Pieces)
    return Rendering("".join(part.parts(texts)))


class _Tools(NamedTuple):
    """The two outlines of a record's tools."""

    general: ToolOutline
    exact: ToolOutline


@dataclass
class Skeletons:
    """Of one template with its style and variables. characters: of all of them together.

    reads_tools  whether the template names the tools anywhere; None before it is asked
    """

    known: dict[Shape, _Skeleton | None] = field(default_factory=dict)
    seen: set[Shape] = field(default_factory=set)
    characters: int = 0
    reads_tools: bool | None = None
    tools: dict[bytes, _Tools] = field(default_factory=dict)

    def results(self, record: Record, target: Templated) -> Results | None:
        """What `plan` of the record comes to; None when it has to be rendered."""
        if not record.tools:
            return self._written(record, outline(record.messages), target)
        if not self._reads_tools(record.tools, target):
            found = outline(record.messages, unread_outline(record.tools))
            if found is not None and self.known.get(found.shape, ...) is None:  # it asks about names
                found = outline(record.messages)
            return self._written(record, found, target)
        tools = self._outlined(record.tools)
        found = outline(record.messages, tools.general)
        if found is not None and self.known.get(found.shape, ...) is None:
            found = outline(record.messages, tools.exact)
        return self._written(record, found, target)

    def _written(self, record: Record, found: Outline | None, target: Templated) -> Results | None:
        if found is None:
            return None
        skeleton = self._skeleton(found, record.tools, target)
        if skeleton is None:
            return None
        texts = skeleton.texts(found.contents)
        if not skeleton.answers_alike(texts):
            return None
        filled = skeleton.filled(texts)
        if skeleton.uses % EVERY == 0 and not same(filled, _render(record.messages, record.tools, target)):
            self.known[found.shape] = None
            return None
        skeleton.uses += 1
        return filled

    def _skeleton(self, found: Outline, tools: Sequence[Json], target: Templated) -> _Skeleton | None:
        """That of a shape, made when the shape is met for the second time."""
        shape = found.shape
        if shape not in self.known:
            if shape not in self.seen or len(self.known) >= MOST_SHAPES or self.characters > MOST_CHARACTERS:
                if len(self.seen) < 16 * MOST_SHAPES:
                    self.seen.add(shape)
                return None
            self.known[shape] = skeleton = build(found, template_for(target, tools), target)
            self.characters += skeleton.characters if skeleton is not None else 0
        return self.known[shape]

    def _reads_tools(self, tools: Sequence[Json], target: Templated) -> bool:
        if self.reads_tools is None:
            watched = shared_renderer().watch(template_for(target, tools), [])
            self.reads_tools = watched is None or "tools" in watched.names
        return self.reads_tools

    def _outlined(self, tools: Sequence[Json]) -> _Tools:
        key = marshal.dumps(tuple(tools), 2)  # version 2 of the format knows no references, and so has one form
        if key not in self.tools:
            if len(self.tools) >= MOST_TOOLS:
                self.tools.clear()
            self.tools[key] = _Tools(tool_outline(tools), exact_outline(tools))
        return self.tools[key]


def skeletons_for(target: Templated, tools: Sequence[Json] = ()) -> Skeletons:
    """Those of the target's template, shared by all who ask."""
    values = tuple(sorted((key, str(value)) for key, value in {**target.special_tokens, **target.variables}.items()))
    return _skeletons(template_for(target, tools), target.style, values)


@lru_cache(maxsize=256)
def _skeletons(template: str, style: MessageStyle, values: tuple[tuple[str, str], ...]) -> Skeletons:
    return Skeletons()


def build(found: Outline, template: str, target: Templated) -> _Skeleton | None:
    """None for a shape that has to be rendered."""
    if stand_ins.stands_in(repr(found.shape)):
        return None
    watched = shared_renderer().watch(
        template, _plan(found, [_stand_in(*item) for item in enumerate(found.contents)], target)
    )
    if watched is None or watched.opaque:
        return None
    return _held_against_renderings(found, template, target, watched)


def _plan(found: Outline, contents: Sequence[Value], target: Templated) -> list[Mapping[str, Any]]:
    messages, tools = conversation(found.shape, contents)
    return plan(messages, tools, target)


def _held_against_renderings(found: Outline, template: str, target: Templated, watched: Watched) -> _Skeleton | None:
    asked = (*watched.contained, *watched.outer, *watched.folded)
    words = sorted({word for word, _ in asked}, key=len, reverse=True)
    probe = next((probe for probe in _PROBES if not any(sign in word for word in words for sign in probe)), "")
    numbers = range(len(found.contents))
    sets = [
        [_stand_in(number, value, probe) for number, value in enumerate(found.contents)],
        *([_provoking(which, number, found, words) for number in numbers] for which in (0, 1)),
        found.contents,
    ]
    plans = [_plan(found, contents, target) for contents in sets]
    rendered = shared_renderer().render_many(template, [item for part in plans for item in part])
    size = len(plans[0])
    probed, *real = [rendered[start : start + size] for start in range(0, len(rendered), size)]
    skeleton = _cut_all(len(found.contents), watched, probed, probe)
    if skeleton is None:
        return None
    for contents, expected in zip(sets[1:], real, strict=True):
        texts = skeleton.texts(contents)
        alike = skeleton.answers_alike(texts)
        if (alike and not same(skeleton.filled(texts), expected)) or not (alike or contents is found.contents):
            return None
    return skeleton


def _stand_in(number: int, value: Value, probe: str = "") -> Value:
    if isinstance(value, Identifier):
        return stand_ins.identifier(number, len(value))
    if isinstance(value, str):
        return stand_ins.text(number, probe)
    return stand_ins.integer(number) if isinstance(value, int) else stand_ins.fraction(number)


def _provoking(which: int, number: int, found: Outline, words: Sequence[str]) -> Value:
    """Contents in which none of the words stands: those are rendered anyway."""
    value = found.contents[number]
    text, integer, fraction = _PROVOKING[which]
    if isinstance(value, Identifier):
        return f"{'ab'[which]}{number:0{len(value) - 1}}"
    if not isinstance(value, str):
        return integer if isinstance(value, int) else fraction
    text *= 1 if which == 0 else max(1, _LONG // len(text) // max(1, len(found.contents) // 8))
    for word in words:
        text = text.replace(word, "")
    return f"{which}{text.strip()}{number}"


def _render(messages: Sequence[Message], tools: Sequence[Json], target: Templated) -> list[Rendering | TemplateProblem]:
    return shared_renderer().render_many(template_for(target, tools), plan(messages, tools, target))


def _cut_all(count: int, watched: Watched, probed: Results, probe: str) -> _Skeleton | None:
    """The renderings of stand-ins cut at them; how each is written is read from the renderings of the probe."""
    encoded: dict[_Piece, int] = {}
    out: list[_Pieces | TemplateProblem] = []
    for rendering, shown in zip(watched.results, probed, strict=True):
        if isinstance(rendering, TemplateProblem) or isinstance(shown, TemplateProblem):
            if not same([rendering], [shown]) or stand_ins.stands_in(str(rendering)):
                return None
            out.append(rendering if isinstance(rendering, TemplateProblem) else shown)  # type: ignore[arg-type]
            continue
        cut = _cut(rendering, shown, probe, count, encoded)
        if cut is None:
            return None
        out.append(cut)
    whole, *parts = out
    return _Skeleton(whole, tuple([_shared(part, whole) for part in parts]), watched, tuple(encoded))


def _shared(part: _Pieces | TemplateProblem, whole: _Pieces | TemplateProblem) -> _Pieces | _Prefix | TemplateProblem:
    if isinstance(part, TemplateProblem) or isinstance(whole, TemplateProblem):
        return part
    return part.begins(whole) or part


def _cut(rendering: Rendering, probed: Rendering, probe: str, count: int, encoded: dict[_Piece, int]) -> _Pieces | None:
    """encoded: the encoded contents that were met so far, and their places; added to."""
    literals, numbers = stand_ins.cut(rendering.text)
    shown = stand_ins.probes_in(probed.text) if probe else [(number, "") for number in numbers]
    if [number for number, _ in shown] != numbers:
        return None
    contents = []
    for number, sign in shown:
        written = next((way for way in _WRITTEN if _encoded(probe, way) == sign or not sign), None)
        if written is None:
            return None
        contents.append(count + encoded.setdefault(_Piece(number, written), len(encoded)) if written else number)
    spans = []
    for start, end in rendering.generation_spans:
        first, last = _place(rendering.text, start), _place(rendering.text, end)
        if first is None or last is None:
            return None
        spans.append((_Prefix(*first), _Prefix(*last)))
    return _Pieces(tuple(literals), tuple(contents), tuple(spans))


def _place(text: str, at: int) -> tuple[int, int] | None:
    """(number of stand-ins that end at or before a character, characters after the last of them)"""
    count = end = 0
    for match in stand_ins.PATTERN.finditer(text):
        if match.start() < at < match.end():
            return None
        if match.end() > at:
            break
        count, end = count + 1, match.end()
    return count, at - end


def same(first: Results, second: Results) -> bool:
    """What the template marked is compared of the whole alone, which comes first."""
    if len(first) != len(second) or any(_plain(a) != _plain(b) for a, b in zip(first, second, strict=True)):
        return False
    return not first or _spans(first[0]) == _spans(second[0])


def _plain(result: Rendering | TemplateProblem) -> tuple[str, ...]:
    return (result.check, result.kind, result.message) if isinstance(result, TemplateProblem) else (result.text,)


def _spans(result: Rendering | TemplateProblem) -> tuple[tuple[int, int], ...]:
    return () if isinstance(result, TemplateProblem) else result.generation_spans
