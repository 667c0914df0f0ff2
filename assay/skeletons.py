"""Renderings by shape: conversations of one shape differ under a template in their contents, and in nothing else.

Rendering is the dearest part of judging a record, and most records of a data set have one of a few shapes: the
same roles, the same white space around the contents, no tools. Such a shape is rendered once with stand-ins in
place of the contents (a skeleton), and records are written into it.

A template may look at contents, and then a skeleton would be wrong. So

- contents in which a word stands that the template looks for (`assay.template_constants`) are rendered;
- a skeleton counts only when two sets of contents made to provoke (quotes, braces, line breaks, markup, 3,000
  characters) come out of it as the template renders them;
- the first record of each shape, and one in `EVERY` after it, is rendered and compared; a shape that differs once
  is rendered from then on.

Training renders every record; this is for the checks, which a test holds against real renderings of every
template at hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from assay.chat_target import Templated, template_for
from assay.conversation import MessageStyle
from assay.records import Message, Record
from assay.rendered import Results, plan
from assay.templating import Rendering, TemplateProblem, shared_renderer

EVERY = 500
MOST_SHAPES = 4_096
LONGEST_MARGIN = 8
_STAND_IN = re.compile(r"Zq(\d+)x7Kd")
_PROVOKING = (
    "I said \"no\", 'yes' \\ {{ a }} {% b %} <|c|> <d> &amp; é  ü\n\n\t- * # 0",
    "Long, LONG and lOnG: " + "The quick brown fox, aged 42, jumps.\n  `x = 1`\n<think> 漢字 🙂\n" * 45 + "end",
)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What renderings depend on besides the contents. margins: (role, excluded, before, after), or the bare content."""

    turns: tuple[tuple[str, bool, str | None, str | None], ...]


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A rendering cut at its stand-ins: literal, content, literal, ..., literal. spans as the template marked them."""

    literals: tuple[str, ...]
    contents: tuple[int, ...]
    spans: tuple[tuple[tuple[int, int], tuple[int, int]], ...]

    def filled(self, cores: Sequence[str]) -> Rendering:
        parts = [self.literals[0]]
        for literal, content in zip(self.literals[1:], self.contents, strict=True):
            parts += (cores[content], literal)
        text = "".join(parts)
        if not self.spans:
            return Rendering(text)
        starts, at = [0], 0
        for before, content in zip(self.literals, self.contents, strict=False):
            at += len(before) + len(cores[content])
            starts.append(at)
        return Rendering(text, tuple((starts[a] + b, starts[c] + d) for (a, b), (c, d) in self.spans))


@dataclass
class _Skeleton:
    results: tuple[_Pieces | TemplateProblem, ...]
    uses: int = 0

    def filled(self, cores: Sequence[str]) -> list[Rendering | TemplateProblem]:
        return [item if isinstance(item, TemplateProblem) else item.filled(cores) for item in self.results]


@dataclass
class Skeletons:
    """Of one template with its style and variables."""

    contained: tuple[str, ...]
    equal: frozenset[str]
    known: dict[_Shape, _Skeleton | None] = field(default_factory=dict)
    seen: set[_Shape] = field(default_factory=set)

    @classmethod
    def of(cls, template: str) -> Skeletons | None:
        """None when nobody can say what the template looks for."""
        words = shared_renderer().looked_for(template)
        return None if words is None else cls(words[0], frozenset(words[1]))

    def results(self, record: Record, target: Templated) -> Results | None:
        """What `plan` of the record comes to; None when it has to be rendered."""
        found = _shape(record)
        if found is None or self._looks_special(found[1], record):
            return None
        shape, cores = found
        if target.style.reasoning_apart and any("</think>" in core for core in cores):
            return None
        if shape not in self.known:
            if shape not in self.seen or len(self.known) >= MOST_SHAPES:
                if len(self.seen) < 16 * MOST_SHAPES:
                    self.seen.add(shape)
                return None
            self.known[shape] = self._build(record, cores, target)
        skeleton = self.known[shape]
        if skeleton is None:
            return None
        filled = skeleton.filled(cores)
        if skeleton.uses % EVERY == 0 and not _same(filled, _render(record.messages, target)):
            self.known[shape] = None
            return None
        skeleton.uses += 1
        return filled

    def _looks_special(self, cores: Sequence[str], record: Record) -> bool:
        text = "\0".join(cores)
        return (
            any(word in text for word in self.contained)
            or any(core in self.equal for core in cores)
            or any(message.content in self.equal for message in record.messages)
        )

    def _build(self, record: Record, cores: Sequence[str], target: Templated) -> _Skeleton | None:
        stand_ins = [f"Zq{index}x7Kd" for index in range(len(cores))]
        results = _render(_with_cores(record.messages, stand_ins), target)
        cut = [item if isinstance(item, TemplateProblem) else _cut(item) for item in results]
        if any(item is None for item in cut):
            return None
        skeleton = _Skeleton(tuple(item for item in cut if item is not None))
        for number, provoking in enumerate(_PROVOKING):
            contents = [f"{number}{self._without_words(provoking)}{index}" for index in range(len(cores))]
            if not _same(skeleton.filled(contents), _render(_with_cores(record.messages, contents), target)):
                return None
        return skeleton

    def _without_words(self, text: str) -> str:
        for word in sorted(self.contained, key=len, reverse=True):
            text = text.replace(word, "")
        return text


def skeletons_for(target: Templated) -> Skeletons | None:
    """Those of the target's template, shared by all who ask."""
    values = tuple(sorted((key, str(value)) for key, value in {**target.special_tokens, **target.variables}.items()))
    return _skeletons(template_for(target, ()), target.style, values)


@lru_cache(maxsize=256)
def _skeletons(template: str, style: MessageStyle, values: tuple[tuple[str, str], ...]) -> Skeletons | None:
    return Skeletons.of(template)


def _shape(record: Record) -> tuple[_Shape, list[str]] | None:
    """The shape of a conversation of plain turns, and their contents without outer white space."""
    if record.tools:
        return None
    turns: list[tuple[str, bool, str | None, str | None]] = []
    cores: list[str] = []
    for message in record.messages:
        if message.tool_calls or message.name is not None or message.tool_call_id is not None:
            return None
        content = message.content
        core = content.strip() if content is not None else ""
        excluded = message.train is False
        if not core or content is None:
            turns.append((message.role, excluded, None, content))
            continue
        before = after = ""
        if len(core) != len(content):
            before = content[: len(content) - len(content.lstrip())]
            after = content[len(before) + len(core) :]
            if len(before) + len(after) > LONGEST_MARGIN:
                return None
        turns.append((message.role, excluded, before, after))
        cores.append(core)
    return _Shape(tuple(turns)), cores


def _with_cores(messages: Sequence[Message], cores: Sequence[str]) -> list[Message]:
    """The same turns with other contents, their outer white space kept."""
    rest = iter(cores)
    out = []
    for message in messages:
        content = message.content or ""
        core = content.strip()
        content_or_none = content.replace(core, next(rest), 1) if core else message.content
        out.append(Message(message.role, content_or_none, train=message.train))
    return out


def _render(messages: Sequence[Message], target: Templated) -> list[Rendering | TemplateProblem]:
    return shared_renderer().render_many(template_for(target, ()), plan(messages, (), target))


def _cut(rendering: Rendering) -> _Pieces | None:
    parts = _STAND_IN.split(rendering.text)
    literals, contents = tuple(parts[::2]), tuple(int(number) for number in parts[1::2])
    spans = []
    for start, end in rendering.generation_spans:
        first, last = _place(rendering.text, start), _place(rendering.text, end)
        if first is None or last is None:
            return None
        spans.append((first, last))
    return _Pieces(literals, contents, tuple(spans))


def _place(text: str, at: int) -> tuple[int, int] | None:
    """(number of stand-ins that end at or before a character, characters after the last of them)"""
    count = end = 0
    for match in _STAND_IN.finditer(text):
        if match.start() < at < match.end():
            return None
        if match.end() > at:
            break
        count, end = count + 1, match.end()
    return count, at - end


def _same(first: Results, second: Results) -> bool:
    return len(first) == len(second) and all(_plain(a) == _plain(b) for a, b in zip(first, second, strict=True))


def _plain(result: Rendering | TemplateProblem) -> Mapping[str, object]:
    if isinstance(result, TemplateProblem):
        return {"check": result.check, "kind": result.kind, "message": result.message}
    return {"text": result.text, "spans": result.generation_spans}
