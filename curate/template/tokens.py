"""A record token by token: what is trained, where turns begin, and what would be asked at inference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from assay.chat.answers import first_difference
from assay.errors import SettingsError
from assay.records import Json, Record, Source

if TYPE_CHECKING:
    from assay.chat import ChatTarget, Encoded, TemplateProblem, TextTarget
    from assay.chat.target import Templated


@dataclass(frozen=True)
class Token:
    """start, end in characters of the training text; turn: index of the message that it stands in.

    id is None for a piece of text that no tokenizer has seen.
    """

    id: int | None
    text: str
    start: int
    end: int
    turn: int
    trained: bool
    stop: bool = False


@dataclass(frozen=True)
class Turn:
    """start: the first character of the turn in the training text, None where the template does not show it."""

    index: int
    role: str
    start: int | None


@dataclass(frozen=True)
class Prompt:
    """What the model would be asked to go on from before a trained turn.

    tokens       how many, None without a tokenizer
    diverges_at  the first token (character, without a tokenizer) in which training differs; None when it begins so
    asked, seen  what stands there in the prompt and in training, for people
    """

    turn: int
    text: str
    tokens: int | None
    diverges_at: int | None
    asked: str = ""
    seen: str = ""


@dataclass(frozen=True)
class Shown:
    """One record under one model. problem: (check, kind, message) when it cannot be trained on as it is."""

    model: str
    record: Record
    tokens: tuple[Token, ...]
    turns: tuple[Turn, ...]
    prompts: tuple[Prompt, ...]
    stops: tuple[str, ...]
    notes: tuple[tuple[str, str, str], ...] = ()
    problem: tuple[str, str, str] | None = None
    tokens_judged: bool = True

    def to_json(self) -> dict[str, Any]:
        source = self.record.source
        return {
            "model": self.model,
            "record_id": self.record.id,
            "row_id": self.record.row_id,
            "source": {"file": source.file, "line": source.line, "row": source.row},
            "tokens_judged": self.tokens_judged,
            "tokens": [_fields(token) for token in self.tokens],
            "trained_tokens": sum(token.trained for token in self.tokens) if self.tokens_judged else None,
            "turns": [_fields(turn) for turn in self.turns],
            "inference_prompts": [_fields(prompt) for prompt in self.prompts],
            "stop_tokens": list(self.stops),
            "notes": [dict(zip(("check", "kind", "message"), note, strict=True)) for note in self.notes],
            "problem": dict(zip(("check", "kind", "message"), self.problem, strict=True)) if self.problem else None,
        }


def _fields(item: Token | Turn | Prompt) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__dataclass_fields__}


@dataclass(frozen=True)
class Part:
    """shown: with some tokens of the record, and the prompts of its last PROMPTS trained turns; counts are of all."""

    shown: Shown
    tokens: int
    trained: int


PROMPTS = 12

MOST_RENDERED = 200
"""Turns whose beginning, and whose inference prompt, is rendered: each takes a rendering of all turns before it."""


def find_record(records: Iterable[Record], name: str) -> list[Record]:
    """By record id, row id, FILE:LINE or `FILE row N`; of a path the end is enough, of a single file `row N`.

    All records of one id, which are duplicates of each other. Raises SettingsError when there is none, and when
    `row N` or `line N` is in several files.
    """
    found = [record for record in records if name in (record.id, record.row_id) or _stands_at(record.source, name)]
    if not found:
        raise SettingsError(
            f"there is no record {name}",
            where="--show",
            fix="give a record id, a row id, FILE:LINE or 'FILE row N', as findings do",
        )
    files = sorted({record.source.file for record in found})
    if len(files) > 1 and _place_without_file(name) is not None:
        raise SettingsError(f"{name} is in several files", where="--show", fix=f"name one: '{files[0]}' or another")
    return found


def _place_without_file(name: str) -> tuple[str, str] | None:
    """("row", "3") of `row 3`."""
    word, _, number = name.partition(" ")
    return (word, number) if word in ("row", "line") and number.isdecimal() else None


def _stands_at(source: Source, name: str) -> bool:
    """Whether a finding about this place names it so, its path in full or cut short (".../data.json row 3")."""
    if place := _place_without_file(name):
        return place[1] == str(source.row if place[0] == "row" else source.line)
    file, _, number = name.rpartition(":") if source.line is not None else name.rpartition(" row ")
    own = source.line if source.line is not None else source.row
    ending = "/" + file.replace("\\", "/").removeprefix(".../")
    return number == str(own) and ("/" + source.file.replace("\\", "/")).endswith(ending)


def show_record(record: Record, target: ChatTarget | TextTarget, variables: Mapping[str, Json] | None = None) -> Shown:
    """variables: of production, which its prompts are rendered with. Never raises for what a template does."""
    from assay.chat import ChatTarget

    asked = dict(variables or {})
    if isinstance(target, ChatTarget):
        return _with_tokens(record, target, asked, slice(None), len(record.messages)).shown
    return _as_text(record, target, asked)


def show_part(record: Record, target: ChatTarget, first: int, most: int) -> Part:
    """`show_record` of `most` tokens from one of them on: of an answer of a megabyte no million objects are made."""
    return _with_tokens(record, target, {}, slice(first, first + most), PROMPTS)


def show_text(record: Record, target: Templated) -> Shown:
    """The training text in pieces, whether the target has a tokenizer or not: a piece a turn, cut at its answer."""
    return _as_text(record, target, {})


def _with_tokens(record: Record, target: ChatTarget, asked_with: dict[str, Json], part: slice, prompts: int) -> Part:
    """prompts: of so many trained turns, the last ones."""
    from assay.chat import IGNORED, Encoded, encode_all
    from assay.chat.encoded import tokenize

    result = next(iter(encode_all([record], target)))
    whole, prompt_texts = _renderings(record, target, asked_with, prompts)
    stops = tuple(str(target.tokenizer.convert_ids_to_tokens(token)) for token in target.stop_token_ids)
    text = result.text if isinstance(result, Encoded) else whole
    if text is None:
        shown = Shown(target.name, record, (), _turns(record, target, None), (), stops, problem=_problem(result))
        return Part(shown, 0, 0)
    if isinstance(result, Encoded):
        ids, offsets, labels = result.input_ids, result.offsets, result.labels
    else:
        ids, offsets = tokenize([_encodable(text)], target)[0]
        labels = [IGNORED] * len(ids)
    turns = _turns(record, target, text)
    wanted = range(*part.indices(len(ids)))
    turn_of = _turn_of([offsets[i] for i in wanted], turns)
    tokens = tuple(
        Token(
            ids[i],
            _token_text(text, offsets, i, ids[i], target),
            *offsets[i],
            turn,
            labels[i] != IGNORED,
            _stops(ids[i], target),
        )
        for i, turn in zip(wanted, turn_of, strict=True)
    )
    asked = tokenize([_encodable(prompt) for _, prompt in prompt_texts], target)
    compared = tuple(
        _prompt(turn, prompt, prompt_ids, ids, target)
        for (turn, prompt), (prompt_ids, _) in zip(prompt_texts, asked, strict=True)
    )
    shown = Shown(target.name, record, tokens, turns, compared, stops, _notes(result), _problem(result))
    return Part(shown, len(ids), len(labels) - labels.count(IGNORED))


def _as_text(record: Record, target: Templated, asked_with: dict[str, Json]) -> Shown:
    """Pieces of text, trained and not, in place of tokens."""
    from assay.chat.rendered import Rendered, render_all

    result = next(iter(render_all([record], target)))
    whole, prompt_texts = _renderings(record, target, asked_with, len(record.messages))
    stops = target.stop_texts
    if whole is None:
        turns = _turns(record, target, None)
        return Shown(target.name, record, (), turns, (), stops, problem=_problem(result), tokens_judged=False)
    answers = result.answers if isinstance(result, Rendered) else ()
    turns = _turns(record, target, whole)
    cuts = {0, len(whole), *(turn.start for turn in turns if turn.start is not None)}
    cuts |= {place for answer in answers for place in (answer.start, answer.end)}
    edges = sorted(cuts)
    pieces = list(pairwise(edges))
    tokens = tuple(
        Token(None, whole[start:end], start, end, turn, any(a.start <= start < a.end for a in answers))
        for (start, end), turn in zip(pieces, _turn_of(pieces, turns), strict=True)
    )
    prompts = tuple(_text_prompt(turn, prompt, whole) for turn, prompt in prompt_texts)
    return Shown(
        target.name, record, tokens, turns, prompts, stops, _notes(result), _problem(result), tokens_judged=False
    )


def _renderings(
    record: Record, target: Templated, asked_with: dict[str, Json], most: int
) -> tuple[str | None, list[tuple[int, str]]]:
    """The whole conversation, and (turn, inference prompt) of the last trained turns, as far as they can be rendered.

    most  so many of them, and no more than MOST_RENDERED
    """
    from assay.chat.rendered import template_variables, trained_turns
    from assay.chat.target import template_for
    from assay.chat_templates.templating import Rendering, shared_renderer

    turns = [turn for turn in trained_turns(record.messages) if turn > 0][-min(most, MOST_RENDERED) :]
    renders = [template_variables(record.messages, record.tools, target, prompt=False)]
    renders += [
        {**asked_with, **template_variables(record.messages[:turn], record.tools, target, prompt=True)}
        for turn in turns
    ]
    whole, *prompts = shared_renderer().render_many(template_for(target, record.tools), renders)
    found = [(turn, item.text) for turn, item in zip(turns, prompts, strict=True) if isinstance(item, Rendering)]
    return (whole.text if isinstance(whole, Rendering) else None), found


def _turns(record: Record, target: Templated, text: str | None) -> tuple[Turn, ...]:
    """Where each turn begins: after the rendering of the turns before it, else, and beyond MOST_RENDERED turns, at its
    content."""
    from assay.chat.rendered import template_variables
    from assay.chat.target import template_for
    from assay.chat_templates.templating import Rendering, shared_renderer

    if text is None:
        return tuple(Turn(index, message.role, None) for index, message in enumerate(record.messages))
    indices = range(1, min(len(record.messages), MOST_RENDERED))
    renders = [template_variables(record.messages[:index], record.tools, target, prompt=False) for index in indices]
    before = dict(zip(indices, shared_renderer().render_many(template_for(target, record.tools), renders), strict=True))
    turns = [Turn(0, record.messages[0].role, 0)] if record.messages else []
    least = 0
    for index, message in enumerate(record.messages[1:], 1):
        rendering, said = before.get(index), (message.content or "").strip()
        if isinstance(rendering, Rendering) and rendering.text and text.startswith(rendering.text):
            start = len(rendering.text)
        else:
            start = text.find(said, least) if said else -1
        turns.append(Turn(index, message.role, start if start >= 0 else None))
        least = max(least, start + (0 if index in before else len(said)))
    return tuple(turns)


def _turn_of(offsets: Sequence[tuple[int, int]], turns: Sequence[Turn]) -> list[int]:
    starts = [(turn.start, turn.index) for turn in turns if turn.start is not None]
    out, current = [], 0
    for start, _ in offsets:
        while current + 1 < len(starts) and starts[current + 1][0] <= start:
            current += 1
        out.append(starts[current][1] if starts else 0)
    return out


def _token_text(text: str, offsets: Sequence[tuple[int, int]], at: int, token: int, target: ChatTarget) -> str:
    """The characters behind a token; of one that holds a part of a character, its own name in the vocabulary."""
    start, end = offsets[at]
    shared = end > start and any(
        0 <= near < len(offsets) and offsets[near] == (start, end) for near in (at - 1, at + 1)
    )
    return text[start:end] if end > start and not shared else str(target.tokenizer.convert_ids_to_tokens(token))


def _stops(token: int, target: ChatTarget) -> bool:
    return token in target.stop_token_ids


def _prompt(turn: int, text: str, asked: Sequence[int], trained: Sequence[int], target: ChatTarget) -> Prompt:
    at = next((i for i, token in enumerate(asked) if i >= len(trained) or trained[i] != token), None)
    if at is None:
        return Prompt(turn, text, len(asked), None)
    decode = target.tokenizer.decode
    return Prompt(turn, text, len(asked), at, decode(list(asked[at : at + 12])), decode(list(trained[at : at + 12])))


def _text_prompt(turn: int, prompt: str, whole: str) -> Prompt:
    if whole.startswith(prompt):
        return Prompt(turn, prompt, None, None)
    at = first_difference(whole, prompt)
    return Prompt(turn, prompt, None, at, prompt[at : at + 40], whole[at : at + 40])


def _notes(result: Encoded | TemplateProblem | Any) -> tuple[tuple[str, str, str], ...]:
    return tuple((note.check, note.kind, note.message) for note in getattr(result, "notes", ()))


def _problem(result: Any) -> tuple[str, str, str] | None:
    from assay.chat_templates.templating import TemplateProblem

    return (result.check, result.kind, result.message) if isinstance(result, TemplateProblem) else None


def _encodable(text: str) -> str:
    """Half a surrogate pair, which no tokenizer takes, as a question mark."""
    return text.encode("utf-8", "replace").decode()
