"""Renderings by shape: conversations of one shape differ under a template in their contents, and in nothing else.

Rendering is the dearest part of judging a record, and most records of a data set have one of a few shapes
(`shapes`). Such a shape is rendered once with stand-ins in place of the contents (a skeleton), and records are
written into it. Names and descriptions of declared tools are contents too; where a template asks of those what no
condition answers, tools are a part of the shape as they are, and where it does not read them at all, they are none.

A template may look at contents, and then a skeleton would be wrong. So

- the template is watched while it renders the stand-ins (`assay.chat_templates.watching`); contents that would answer
  otherwise to what it asked are rendered, and so is everything of a shape whose questions cannot be answered so;
- a skeleton counts only when two sets of contents made to provoke (quotes, braces, line breaks, markup, 3,000
  characters), and the record that it was made for, come out of it as the template renders them;
- one record in `EVERY` of each shape is rendered and compared; a shape that differs once is rendered from then on.

Training renders every record; this is for the checks, which a test holds against real renderings of every
template at hand.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

from assay.chat.conversation import MessageStyle
from assay.chat.pieces import WAYS, Piece, Pieces, Prefix, place, written_as
from assay.chat.placed import Places, Shown, places
from assay.chat.provoking import provoking, stand_in
from assay.chat.rendered import Rendered, Results, located, plan
from assay.chat.shapes import Outline, Shape, conversation, outline
from assay.chat.target import Templated, template_for
from assay.chat.tool_shapes import ToolOutline, exact_outline, tool_outline, unread_outline
from assay.chat_templates import stand_ins
from assay.chat_templates.stand_ins import Value
from assay.chat_templates.templating import Rendering, TemplateProblem, Watched, shared_renderer
from assay.records import Json, Message, Record, Source

EVERY = 500
MOST_SHAPES = 4_096
FEW_SHAPES = 64
OFTEN = 10
MOST_TOOLS = 2_048
"""Lists of tools whose outlines are remembered."""

MOST_CHARACTERS = 32_000_000
"""Of all skeletons of a template together."""

_PROBES = ('"é', "\\é", "é")
"""Characters that show how a place writes texts: as they are, or as JSON does."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@dataclass
class _Skeleton:
    """encoded: the contents that are written otherwise than they are, whose texts come after those of all contents.

    whole   the first of the results
    parts   the others, those that the whole begins with as prefixes of it
    places  where answers stand whatever the contents are; None where they have to be looked for
    """

    whole: Pieces | TemplateProblem
    parts: tuple[Pieces | Prefix | TemplateProblem, ...]
    watched: Watched
    encoded: tuple[Piece, ...]
    places: Places | None = None
    uses: int = 0

    def texts(self, contents: Sequence[Value]) -> list[str]:
        plain = [text if isinstance(text, str) else repr(text) for text in contents]
        return plain + [written_as(plain[piece.content], piece.written) for piece in self.encoded]

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
                if isinstance(part, Prefix)
                else _written(part, texts)
                for part in self.parts
            ],
        ]

    def rendered(self, record: Record, texts: Sequence[str]) -> Rendered | None:
        """What `located` makes of the record; None where it has to look."""
        if self.places is None or isinstance(self.whole, TemplateProblem):
            return None
        written = self.whole.parts(texts)
        text = "".join(written)
        if not text.isascii() and _SURROGATE.search(text):
            return None
        return self.places.rendered(record, text, texts, list(accumulate(map(len, written), initial=0)))

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
        return sum(sum(map(len, item.literals)) for item in (self.whole, *self.parts) if isinstance(item, Pieces))


def _written(part: Pieces | Prefix | TemplateProblem, texts: Sequence[str]) -> Rendering | TemplateProblem:
    if isinstance(part, TemplateProblem):
        return part
    assert isinstance(part, Pieces)
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
    seen: dict[Shape, int] = field(default_factory=dict)
    characters: int = 0
    reads_tools: bool | None = None
    tools: dict[bytes, _Tools] = field(default_factory=dict)

    def rendered(self, record: Record, target: Templated) -> Rendered | TemplateProblem | None:
        """What `render_chunk` makes of the record; None when it has to be rendered."""
        found = self._outline(record, target)
        skeleton, texts = self._skeleton_for(found, record, target)
        if skeleton is None or found is None:
            return None
        written = skeleton.rendered(record, texts)
        if written is not None and skeleton.uses % EVERY:
            skeleton.uses += 1
            return written
        results = skeleton.filled(texts)
        if skeleton.uses % EVERY == 0 and not same(results, _render(record.messages, record.tools, target)):
            self.known[found.shape] = None
            return None
        skeleton.uses += 1
        looked_for = located(record, results, target)
        if written is not None and written != looked_for:
            skeleton.places = None
        return looked_for

    def _outline(self, record: Record, target: Templated) -> Outline | None:
        if not record.tools:
            return outline(record.messages)
        if not self._reads_tools(record.tools, target):
            found = outline(record.messages, unread_outline(record.tools))
            return outline(record.messages) if self._could_not_be_told(found) else found  # it asks about names
        tools = self._outlined(record.tools)
        found = outline(record.messages, tools.general)
        return outline(record.messages, tools.exact) if self._could_not_be_told(found) else found

    def _could_not_be_told(self, found: Outline | None) -> bool:
        return found is not None and self.known.get(found.shape, ...) is None

    def _skeleton_for(
        self, found: Outline | None, record: Record, target: Templated
    ) -> tuple[_Skeleton | None, Sequence[str]]:
        """That of the record's shape, where it says how the record is rendered; and the texts to write into it."""
        skeleton = self._skeleton(found, record.tools, target) if found is not None else None
        if skeleton is None or found is None:
            return None, ()
        texts = skeleton.texts(found.contents)
        return (skeleton, texts) if skeleton.answers_alike(texts) else (None, ())

    def _skeleton(self, found: Outline, tools: Sequence[Json], target: Templated) -> _Skeleton | None:
        """That of a shape, made when the shape has been met before: often, where there are many shapes already.

        To make one costs as much as to render tens of records.
        """
        shape = found.shape
        if shape not in self.known:
            times = self.seen.get(shape, 0)
            many = len(self.known) >= MOST_SHAPES or self.characters > MOST_CHARACTERS
            if many or times < (1 if len(self.known) < FEW_SHAPES else OFTEN):
                if times or len(self.seen) < 16 * MOST_SHAPES:
                    self.seen[shape] = times + 1
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
    return _skeletons(template_for(target, tools), target.style, values, tuple(target.stop_texts))


@lru_cache(maxsize=256)
def _skeletons(
    template: str, style: MessageStyle, values: tuple[tuple[str, str], ...], stops: tuple[str, ...]
) -> Skeletons:
    return Skeletons()


def build(found: Outline, template: str, target: Templated) -> _Skeleton | None:
    """None for a shape that has to be rendered."""
    if stand_ins.stands_in(repr(found.shape)):
        return None
    watched = shared_renderer().watch(
        template, _plan(found, [stand_in(*item) for item in enumerate(found.contents)], target)
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
        [stand_in(number, value, probe) for number, value in enumerate(found.contents)],
        *([provoking(which, number, found, words) for number in numbers] for which in (0, 1)),
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
    skeleton.places = _places(found, skeleton, target)
    for contents, expected in zip(sets[1:], real, strict=True):
        messages, tools = conversation(found.shape, contents)
        record, texts = (
            Record("", "", tuple(messages), Source("", None, 0), tools=tuple(tools)),
            skeleton.texts(contents),
        )
        placed = skeleton.rendered(record, texts) if skeleton.answers_alike(texts) else None
        if placed is not None and placed != located(record, expected, target):
            skeleton.places = None
    return skeleton


def _places(found: Outline, skeleton: _Skeleton, target: Templated) -> Places | None:
    if isinstance(skeleton.whole, TemplateProblem):
        return None
    messages, tools = conversation(found.shape, [stand_in(*item) for item in enumerate(found.contents)])
    results, count = skeleton.watched.results, len(found.contents)
    shown = Shown(messages, tools, results, skeleton.whole, skeleton.parts, skeleton.encoded, count)
    return places(shown, target.stop_texts)


def _render(messages: Sequence[Message], tools: Sequence[Json], target: Templated) -> list[Rendering | TemplateProblem]:
    return shared_renderer().render_many(template_for(target, tools), plan(messages, tools, target))


def _cut_all(count: int, watched: Watched, probed: Results, probe: str) -> _Skeleton | None:
    """The renderings of stand-ins cut at them; how each is written is read from the renderings of the probe."""
    encoded: dict[Piece, int] = {}
    out: list[Pieces | TemplateProblem] = []
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


def _shared(part: Pieces | TemplateProblem, whole: Pieces | TemplateProblem) -> Pieces | Prefix | TemplateProblem:
    if isinstance(part, TemplateProblem) or isinstance(whole, TemplateProblem):
        return part
    return part.begins(whole) or part


def _cut(rendering: Rendering, probed: Rendering, probe: str, count: int, encoded: dict[Piece, int]) -> Pieces | None:
    """encoded: the encoded contents that were met so far, and their places; added to."""
    literals, numbers = stand_ins.cut(rendering.text)
    shown = stand_ins.probes_in(probed.text) if probe else [(number, "") for number in numbers]
    if [number for number, _ in shown] != numbers:
        return None
    contents = []
    for number, sign in shown:
        written = next((way for way in WAYS if written_as(probe, way) == sign or not sign), None)
        if written is None:
            return None
        contents.append(count + encoded.setdefault(Piece(number, written), len(encoded)) if written else number)
    spans = []
    for start, end in rendering.generation_spans:
        first, last = place(rendering.text, start), place(rendering.text, end)
        if first is None or last is None:
            return None
        spans.append((first, last))
    return Pieces(tuple(literals), tuple(contents), tuple(spans))


def same(first: Results, second: Results) -> bool:
    """What the template marked is compared of the whole alone, which comes first."""
    if len(first) != len(second) or any(_plain(a) != _plain(b) for a, b in zip(first, second, strict=True)):
        return False
    return not first or _spans(first[0]) == _spans(second[0])


def _plain(result: Rendering | TemplateProblem) -> tuple[str, ...]:
    return (result.check, result.kind, result.message) if isinstance(result, TemplateProblem) else (result.text,)


def _spans(result: Rendering | TemplateProblem) -> tuple[tuple[int, int], ...]:
    return () if isinstance(result, TemplateProblem) else result.generation_spans
