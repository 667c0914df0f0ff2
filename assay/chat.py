"""The chat template of a target model: prompts, training texts, token ids and the labels of the loss.

Ids and labels are computed here, once, for audit, display, training and evaluation alike, so that what is
looked at is what is trained on. A target needs a tokenizer and a config, never weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.answers import Answer, Note, TurnRenderings, left_out, locate
from assay.conversation import MessageStyle, find_style, variables
from assay.errors import ModelError
from assay.models import ModelRef, load_config, load_generation_config, load_tokenizer, resolve
from assay.records import Json, Message, Record
from assay.special_tokens import pad_token_id, special_tokens_map, stop_token_ids
from assay.template_judge import Problem, judge, turn_end_ids
from assay.templating import Rendering, TemplateProblem, shared_renderer

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

__all__ = [
    "IGNORED",
    "Answer",
    "ChatTarget",
    "Encoded",
    "Note",
    "TemplateProblem",
    "encode",
    "encode_all",
    "inference_prompt",
    "load_target",
    "trained_turns",
]

IGNORED = -100
"""The label that cross entropy leaves out (`torch.nn.CrossEntropyLoss`, ignore_index)."""

CHUNK = 32


@dataclass(frozen=True)
class ChatTarget:
    """A model as far as data is concerned.

    template         Jinja text; tool_template is the one for conversations with tools, where the model has two
    stop_token_ids   every token that ends generation; those that the template writes come first
    pad_token_id     never a stop token
    context_length   in tokens; None when config and tokenizer name none
    problems         what is wrong with the template whatever the data: shown once, not per record
    """

    ref: ModelRef
    tokenizer: PreTrainedTokenizerFast
    template: str
    tool_template: str | None
    template_sha256: str
    tokenizer_sha256: str
    special_tokens: Mapping[str, str]
    stop_token_ids: tuple[int, ...]
    stop_texts: tuple[str, ...]
    pad_token_id: int
    context_length: int | None
    style: MessageStyle
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        return self.ref.name

    @property
    def revision(self) -> str | None:
        return self.ref.revision

    def digests(self) -> dict[str, str]:
        """All of a target that decides what a record becomes: inputs of a run."""
        return {
            "model": f"{self.name}@{self.revision}",
            "template": self.template_sha256,
            "tokenizer": self.tokenizer_sha256,
            "limits": f"context {self.context_length}, stops {list(self.stop_token_ids)}, pad {self.pad_token_id}",
        }

    def template_for(self, tools: Sequence[Json]) -> str:
        return self.tool_template if tools and self.tool_template else self.template


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


def load_target(
    name: str,
    *,
    revision: str | None = None,
    offline: bool = False,
    chat_template: str | None = None,
    trust_remote_code: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> ChatTarget:
    """The chat side of a model, from its tokenizer and config alone.

    chat_template  a file, or Jinja text, in place of the model's own
    say            told what is being fetched, and each problem of the template that concerns all data

    Raises ModelError when the model cannot be had, has no tokenizer or no chat template, or when the
    template does not render the simplest conversation.
    """
    ref = resolve(name, revision=revision, offline=offline, say=say)
    tokenizer = load_tokenizer(ref, trust_remote_code=trust_remote_code)
    config = load_config(ref, trust_remote_code=trust_remote_code)
    template, tool_template = _templates(tokenizer, chat_template, name)
    special = special_tokens_map(tokenizer)
    renderer = shared_renderer()
    generation_config = load_generation_config(ref)
    judged = judge(template, special, tokenizer, renderer, generation_config)
    if judged.fatal is not None:
        raise ModelError(
            f"the chat template is of no use: {judged.fatal.message}", where=name, fix="give another with chat_template"
        )
    for problem in judged.problems:
        if not problem.kind.startswith("tools_"):  # most data has no tools, and records that have get findings
            say(f"note: the template of {name}: {problem.message}")
    stops = stop_token_ids(tokenizer, turn_end_ids(judged, tokenizer), config, generation_config)
    stop_texts = [tokenizer.convert_ids_to_tokens(token) for token in stops]
    return ChatTarget(
        ref=ref,
        tokenizer=tokenizer,
        template=template,
        tool_template=tool_template,
        template_sha256=hashlib.sha256(template.encode("utf-8", "surrogatepass")).hexdigest(),
        tokenizer_sha256=hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest(),
        special_tokens=special,
        stop_token_ids=stops,
        stop_texts=tuple(dict.fromkeys(text for text in [*judged.turn_ends, *stop_texts] if text)),
        pad_token_id=pad_token_id(tokenizer, stops, judged.renderings),
        context_length=_context_length(config, tokenizer),
        style=find_style(tool_template or template, special, renderer),
        problems=judged.problems,
    )


def _templates(tokenizer: PreTrainedTokenizerFast, chosen: str | None, name: str) -> tuple[str, str | None]:
    if chosen is not None:
        if "{" in chosen or "\n" in chosen:
            return chosen, None
        try:
            return Path(chosen).read_text(encoding="utf-8"), None
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"the chat template cannot be read ({error})", where=chosen) from error
    own: Any = tokenizer.chat_template
    if isinstance(own, dict):
        own, for_tools = own.get("default") or next(iter(own.values()), None), own.get("tool_use")
    else:
        for_tools = None
    if not own:
        raise ModelError(
            "the tokenizer has no chat template, so this is a base model or an incomplete copy",
            where=name,
            fix="name the instruct version, or give the template with chat_template",
        )
    return str(own), None if for_tools is None else str(for_tools)


def _context_length(config: PretrainedConfig, tokenizer: PreTrainedTokenizerFast) -> int | None:
    inner = getattr(config, "text_config", None) or config
    limits = [getattr(inner, "max_position_embeddings", None), tokenizer.model_max_length]
    known = [int(limit) for limit in limits if isinstance(limit, int | float) and 0 < limit < 10**9]
    return min(known) if known else None


def trained_turns(messages: Sequence[Message]) -> list[int]:
    """Indices of the assistant turns that are not excluded by `train=False`."""
    return [
        index for index, message in enumerate(messages) if message.role == "assistant" and message.train is not False
    ]


def inference_prompt(messages: Sequence[Message], target: ChatTarget, tools: Sequence[Json] = ()) -> list[int]:
    """Token ids that the model is asked to go on from. Raises TemplateProblem."""
    template = target.template_for(tools)
    rendering = shared_renderer().render(template, _variables(messages, tools, target, prompt=True))
    return [int(token) for token in _tokenize([rendering.text], target)[0][0]]


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
    chunk: list[Record] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == CHUNK:
            yield from _encode_chunk(chunk, target)
            chunk = []
    yield from _encode_chunk(chunk, target)


@dataclass(frozen=True, slots=True)
class _Rendered:
    """A record's training text with its answers located, and the prompt of the last of them."""

    text: str
    last_prompt: str
    answers: list[Answer]
    notes: list[Note]


def _encode_chunk(records: Sequence[Record], target: ChatTarget) -> Iterator[Encoded | TemplateProblem]:
    rendered = _render_chunk(records, target)
    texts = [text for item in rendered if isinstance(item, _Rendered) for text in (item.text, item.last_prompt)]
    tokenized = iter(_tokenize(texts, target))
    for item in rendered:
        if isinstance(item, TemplateProblem):
            yield item
            continue
        whole, prompt = next(tokenized), next(tokenized)
        try:
            yield _labelled(item, whole, prompt[0], target)
        except TemplateProblem as problem:
            yield problem


def _render_chunk(records: Sequence[Record], target: ChatTarget) -> list[_Rendered | TemplateProblem]:
    """Every rendering that a chunk needs, in one talk with the worker for each template."""
    plans = [_plan(record, target) for record in records]
    results: dict[int, list[Rendering | TemplateProblem]] = {}
    for template in {target.template_for(record.tools) for record in records}:
        mine = [i for i, record in enumerate(records) if target.template_for(record.tools) == template]
        answers = iter(shared_renderer().render_many(template, [item for i in mine for item in plans[i]]))
        for i in mine:
            results[i] = [next(answers) for _ in plans[i]]
    return [_located(record, results[i], target) for i, record in enumerate(records)]


def _plan(record: Record, target: ChatTarget) -> list[dict[str, Any]]:
    """The whole conversation, then for each trained turn the prompt before it and the conversation through it."""
    renders = [_variables(record.messages, record.tools, target, prompt=False)]
    for index in trained_turns(record.messages):
        if index > 0:
            renders.append(_variables(record.messages[:index], record.tools, target, prompt=True))
            renders.append(_variables(record.messages[: index + 1], record.tools, target, prompt=False))
    return renders


def _variables(
    messages: Sequence[Message], tools: Sequence[Json], target: ChatTarget, *, prompt: bool
) -> dict[str, Any]:
    return variables(
        messages,
        tools,
        template=target.template_for(tools),
        style=target.style,
        special_tokens=target.special_tokens,
        add_generation_prompt=prompt,
    )


def _located(
    record: Record, results: Sequence[Rendering | TemplateProblem], target: ChatTarget
) -> _Rendered | TemplateProblem:
    for result in results:
        if isinstance(result, TemplateProblem):
            return result
    whole, *parts = [result for result in results if isinstance(result, Rendering)]
    indices = [index for index in trained_turns(record.messages) if index > 0]
    if not any(message.role == "assistant" for message in record.messages):
        return TemplateProblem("no_answer", "nothing_trained", "there is no answer to train on")
    if not indices:
        return TemplateProblem(
            "mask_coverage", "nothing_trained", "no assistant turn follows a prompt and is to be trained"
        )
    turns = [
        TurnRenderings(index, prompt.text, through.text)
        for index, prompt, through in zip(indices, parts[::2], parts[1::2], strict=True)
    ]
    try:
        answers, notes = locate(whole.text, turns, record.messages, target.stop_texts, whole.generation_spans)
        _check_system(record, whole.text)
        for text in (whole.text, turns[-1].prompt):
            text.encode()
    except TemplateProblem as problem:
        return problem
    except UnicodeEncodeError:
        return TemplateProblem(
            "template_renders", "encoding", "the text holds half a surrogate pair, which is no character"
        )
    return _Rendered(whole.text, turns[-1].prompt, answers, notes)


def _check_system(record: Record, text: str) -> None:
    for message in record.messages:
        content = (message.content or "").strip()
        if message.role in ("system", "developer") and content and content not in text:
            raise TemplateProblem("system_dropped", "dropped", "the template drops the system turn")


Tokens = tuple[list[int], list[tuple[int, int]]]


def _tokenize(texts: Sequence[str], target: ChatTarget) -> list[Tokens]:
    """Ids and character offsets; the template has written every special token, so none is added."""
    if not texts:
        return []
    out = target.tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    return list(zip(out["input_ids"], out["offset_mapping"], strict=True))


def _labelled(item: _Rendered, whole: Tokens, prompt_ids: Sequence[int], target: ChatTarget) -> Encoded:
    ids, offsets = whole
    notes = list(item.notes)
    last = item.answers[-1]
    if ids[: len(prompt_ids)] != list(prompt_ids) or _straddled(offsets, last):
        ids, offsets = _tokenize_apart(item, target)
    answers = [answer for answer in item.answers if answer is last or not _straddled(offsets, answer)]
    shared = "its first characters and the end of its prompt are one token"
    notes += [left_out(answer.message, shared) for answer in item.answers if answer not in answers]
    labels = _labels(ids, offsets, answers)
    final = max((i for i, label in enumerate(labels) if label != IGNORED), default=-1)
    if final == -1:
        raise TemplateProblem("mask_coverage", "nothing_trained", "the answer has no tokens")
    if last.stopped and ids[final] not in target.stop_token_ids:
        token = target.tokenizer.convert_ids_to_tokens(ids[final])
        what = f"the answer ends in {token!r}, which is not a stop token of this tokenizer"
        notes.append(Note("stop_token_untrained", "not_a_token", what, last.message))
    if target.tokenizer.bos_token_id is not None and ids[:2] == [target.tokenizer.bos_token_id] * 2:
        notes.append(Note("bos_doubled", "doubled", "the beginning-of-sequence token stands there twice", 0))
    return Encoded(ids, labels, item.text, tuple(answers), tuple(notes), offsets)


def _labels(ids: Sequence[int], offsets: Sequence[tuple[int, int]], answers: Sequence[Answer]) -> list[int]:
    labels = [IGNORED] * len(ids)
    for answer in answers:
        for position, (start, end) in enumerate(offsets):
            if _within(start, end, answer):
                labels[position] = ids[position]
    return labels


def _within(start: int, end: int, answer: Answer) -> bool:
    """A token of no width belongs to the character before it (byte-level tokenizers trim spaces from offsets)."""
    if start == end:
        return answer.start < start <= answer.end
    return start < answer.end and end > answer.start


def _straddled(offsets: Sequence[tuple[int, int]], answer: Answer) -> bool:
    return any(start < answer.start < end for start, end in offsets)


def _tokenize_apart(item: _Rendered, target: ChatTarget) -> Tokens:
    """Prompt and last answer each by itself, as at inference, where the prompt's tokens are fixed before the answer.

    Raises TemplateProblem when the tokenizer gives the answer other text than it had in the whole.
    """
    cut = item.answers[-1].start
    (ids, offsets), (rest_ids, rest_offsets) = _tokenize([item.text[:cut], item.text[cut:]], target)
    if target.tokenizer.decode(rest_ids, clean_up_tokenization_spaces=False) != item.text[cut:]:
        raise TemplateProblem(
            "prompt_prefix", "merged", "prompt and answer share a token, and this tokenizer cannot keep them apart"
        )
    return ids + rest_ids, offsets + [(start + cut, end + cut) for start, end in rest_offsets]
