"""A model as far as data is concerned: its tokenizer, its chat template, and which tokens end a turn.

A target needs a tokenizer and a config, never weights. `TextTarget` is what is left where there is a template
and no tokenizer: conversations can be rendered and judged as text, and no token is judged.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from assay.chat.conversation import MessageStyle, find_style
from assay.chat.special_tokens import pad_token_id, special_tokens_map, stop_token_ids
from assay.chat.template_judge import Problem, judge, turn_end_ids
from assay.chat_templates.templating import shared_renderer
from assay.errors import ModelError
from assay.models import ModelRef, load_config, load_generation_config, load_tokenizer, resolve
from assay.records import Json

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerFast


class Templated(Protocol):
    """What it takes to render conversations.

    special_tokens  bos_token, eos_token, ... as the template sees them
    stop_texts      strings that end a turn, among them every stop token
    variables       what else the template is given: enable_thinking, ...
    """

    @property
    def name(self) -> str: ...
    @property
    def template(self) -> str: ...
    @property
    def tool_template(self) -> str | None: ...
    @property
    def special_tokens(self) -> Mapping[str, str]: ...
    @property
    def stop_texts(self) -> tuple[str, ...]: ...
    @property
    def style(self) -> MessageStyle: ...
    @property
    def variables(self) -> Mapping[str, Json]: ...
    @property
    def problems(self) -> tuple[Problem, ...]: ...


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
    variables: Mapping[str, Json] = field(default_factory=dict)

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
        return template_for(self, tools)


@dataclass(frozen=True)
class TextTarget:
    """A chat template by itself: what it writes can be judged, tokens cannot.

    assumed  special tokens that the template asks for and nobody named, for which the usual ones stand
    """

    name: str
    template: str
    tool_template: str | None
    special_tokens: Mapping[str, str]
    stop_texts: tuple[str, ...]
    style: MessageStyle
    problems: tuple[Problem, ...] = ()
    assumed: tuple[str, ...] = ()
    variables: Mapping[str, Json] = field(default_factory=dict)


def template_for(target: Templated, tools: Sequence[Json]) -> str:
    """The template of a conversation with or without tools."""
    return target.tool_template if tools and target.tool_template else target.template


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
    return _target(ref, tokenizer, config, _templates(tokenizer, chat_template, name), say)


def extended(target: ChatTarget, tokens: Sequence[str]) -> ChatTarget:
    """The target with a tokenizer that has these tokens too; itself where it has them all.

    What the template writes becomes a special token, which decoding can leave out; everything else an ordinary one.
    A token is found wherever it is written, whatever stands beside it.
    """
    new = [token for token in dict.fromkeys(tokens) if token not in target.tokenizer.get_vocab()]
    if not new:
        return target
    from tokenizers import AddedToken

    tokenizer = copy.deepcopy(target.tokenizer)
    tokenizer.add_tokens([AddedToken(token, special=token in target.template, normalized=False) for token in new])
    templates = target.template, target.tool_template
    built = _target(target.ref, tokenizer, load_config(target.ref), templates, lambda _: None)
    return replace(built, variables=target.variables)


def _target(
    ref: ModelRef,
    tokenizer: PreTrainedTokenizerFast,
    config: PretrainedConfig,
    templates: tuple[str, str | None],
    say: Callable[[str], None],
) -> ChatTarget:
    """Raises ModelError when the template does not render the simplest conversation."""
    template, tool_template = templates
    name = ref.name
    special = special_tokens_map(tokenizer)
    renderer = shared_renderer()
    generation_config = load_generation_config(ref)
    judged = judge(template, special, tokenizer, renderer, generation_config)
    if judged.fatal is not None:
        raise ModelError(
            f"the chat template is of no use: {judged.fatal.message}",
            where=name,
            fix="write another into its folder as chat_template.jinja",
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
            fix="name the instruct version, or write a template into its folder as chat_template.jinja",
        )
    return str(own), None if for_tools is None else str(for_tools)


def _context_length(config: PretrainedConfig, tokenizer: PreTrainedTokenizerFast) -> int | None:
    inner = getattr(config, "text_config", None) or config
    limits = [getattr(inner, "max_position_embeddings", None), tokenizer.model_max_length]
    known = [int(limit) for limit in limits if isinstance(limit, int | float) and 0 < limit < 10**9]
    return min(known) if known else None
