"""What a chat template does, found by showing it a few small conversations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assay.chat.answers import Note, TurnRenderings, locate
from assay.chat.conversation import PROBE_TOOL, TOOL_PROBE, find_style, variables
from assay.chat.special_tokens import named_stops, special_tokens_map, turn_end, turn_end_token
from assay.chat_templates.templating import Renderer, Rendering, TemplateProblem, shared_renderer
from assay.records import Json, Message

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedTokenizerFast

SYSTEM = Message("system", "Zq-system-zq: answer in one word.")
ASK, REPLY = Message("user", "Zq-first-zq: which city?"), Message("assistant", "Zq-Lisbon-zq.")
ASK_AGAIN, REPLY_AGAIN = Message("user", "Zq-second-zq: and which river?"), Message("assistant", "Zq-Tagus-zq.")

CALL_END = re.compile(r"(<\|[^|<>]+\|>|<\|\w+>|<\w+\|>)\s*$")

PROBES: Mapping[str, tuple[Message, ...]] = {
    "single": (ASK, REPLY),
    "multi": (ASK, REPLY, ASK_AGAIN, REPLY_AGAIN),
    "system": (SYSTEM, ASK, REPLY),
    "system_multi": (SYSTEM, ASK, REPLY, ASK_AGAIN, REPLY_AGAIN),
    "tools": TOOL_PROBE,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """check is the name of the check that reports it for records; kind is finer."""

    check: str
    kind: str
    message: str


@dataclass(frozen=True)
class Judged:
    """What came of the probes.

    fatal       why the template cannot be used at all
    turn_ends   what the template writes after an answer, white space aside: "<|im_end|>"
    renderings  texts of the probes, to see which special tokens a template uses
    """

    problems: tuple[Problem, ...]
    fatal: Problem | None
    turn_ends: tuple[str, ...]
    renderings: tuple[str, ...]


def judge_template(
    template: str,
    tokenizer: PreTrainedTokenizerFast | None = None,
    special_tokens: Mapping[str, str] | None = None,
    renderer: Renderer | None = None,
) -> list[Problem]:
    """Every problem that the probes find, the fatal one first. Never raises for what a template does.

    special_tokens  bos_token, eos_token, pad_token, ...; those of the tokenizer when not given
    """
    special = special_tokens if special_tokens is not None else special_tokens_map(tokenizer) if tokenizer else {}
    judged = judge(template, special, tokenizer, renderer or shared_renderer())
    return [*([judged.fatal] if judged.fatal else []), *judged.problems]


def judge(
    template: str,
    special_tokens: Mapping[str, str],
    tokenizer: PreTrainedTokenizerFast | None,
    renderer: Renderer,
    generation_config: GenerationConfig | None = None,
) -> Judged:
    """`judge_template` with what else the probes showed."""
    prober = _Prober(template, special_tokens, renderer, tokenizer, generation_config)
    single = prober.show("single")
    if isinstance(single.whole, TemplateProblem):
        return _judge_unusable(prober, single.whole)
    problems = [
        *_judge_conversation(prober, "single"),
        *_judge_conversation(prober, "multi"),
        *_judge_system(prober, single.whole),
        *_judge_tools(prober),
        *_judge_special_tokens(prober, single.whole),
    ]
    if tokenizer is not None:
        problems.extend(_judge_tokenizer(prober, tokenizer))
        if any(
            end.endswith(stop) for end in prober.turn_ends()[:1] for stop in named_stops(tokenizer, generation_config)
        ):
            problems = [problem for problem in problems if problem.kind != "eos_is_not_turn_end"]
    return Judged(tuple(_first_of_each_kind(problems)), None, tuple(prober.turn_ends()), tuple(prober.texts()))


def _first_of_each_kind(problems: Iterable[Problem]) -> list[Problem]:
    found: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        found.setdefault((problem.check, problem.kind), problem)
    return list(found.values())


def turn_end_ids(judged: Judged, tokenizer: PreTrainedTokenizerFast) -> list[int | None]:
    """The token of each turn end, None for one that is no single token."""
    return [turn_end_token(tokenizer, end) for end in judged.turn_ends]


@dataclass(frozen=True)
class _Shown:
    """A probe's renderings: the whole of it, and for each answer the prompt before and the text through it."""

    messages: tuple[Message, ...]
    whole: Rendering | TemplateProblem
    prompts: dict[int, Rendering | TemplateProblem]
    through: dict[int, Rendering | TemplateProblem]


class _Prober:
    """Shows probes to one template and remembers what came of them."""

    def __init__(
        self,
        template: str,
        special_tokens: Mapping[str, str],
        renderer: Renderer,
        tokenizer: PreTrainedTokenizerFast | None = None,
        generation_config: GenerationConfig | None = None,
    ) -> None:
        self.template, self.special_tokens, self.renderer = template, special_tokens, renderer
        self.tokenizer = tokenizer
        self.stops = {special_tokens.get("eos_token", ""), *named_stops(tokenizer, generation_config)}
        self.style = find_style(template, special_tokens, renderer)
        self._shown: dict[tuple[str, str], _Shown] = {}

    def show(self, name: str, tools: Sequence[Json] | None = None) -> _Shown:
        key = (name, "with" if tools else "empty" if tools is not None else "none")
        if key not in self._shown:
            self._shown[key] = self._render(PROBES[name], tools)
        return self._shown[key]

    def _render(self, messages: tuple[Message, ...], tools: Sequence[Json] | None) -> _Shown:
        answers = [i for i, message in enumerate(messages) if message.role == "assistant"]
        wanted = [(messages, False)]
        for index in answers:
            wanted += [(messages[:index], True), (messages[: index + 1], False)]
        renders = []
        for part, prompt in wanted:
            given = variables(
                part,
                tools,
                template=self.template,
                style=self.style,
                special_tokens=self.special_tokens,
                add_generation_prompt=prompt,
            )
            renders.append({**given, "tools": [] if tools == [] else given["tools"]})
        whole, *parts = self.renderer.render_many(self.template, renders)
        return _Shown(
            messages, whole, dict(zip(answers, parts[::2], strict=True)), dict(zip(answers, parts[1::2], strict=True))
        )

    def texts(self) -> list[str]:
        return [
            result.text
            for shown in self._shown.values()
            for result in (shown.whole, *shown.prompts.values())
            if isinstance(result, Rendering)
        ]

    def turn_ends(self) -> list[str]:
        """The text after the last answer of the plain probe, and after a tool call, where those are not empty."""
        ends = []
        for name, answer in (("single", REPLY), ("tools", TOOL_PROBE[-1])):
            for key, shown in self._shown.items():
                if key[0] == name and isinstance(shown.whole, Rendering) and (answer.content or "") in shown.whole.text:
                    ends.append(
                        turn_end(shown.whole.text.rsplit(answer.content or "", 1)[1], self.tokenizer, self.stops)
                    )
        return [end for end in dict.fromkeys(ends) if end]


def _judge_unusable(prober: _Prober, problem: TemplateProblem) -> Judged:
    """A template that does not render one question and one answer; perhaps only because there are no tools."""
    if problem.kind not in ("time", "syntax"):
        for tools in ([], [PROBE_TOOL]):
            if isinstance(prober.show("single", tools).whole, Rendering):
                message = f"fails when a conversation has no tools (tools=None): {problem.message}"
                return Judged((), Problem("template_renders", "tools_none", message), (), ())
    return Judged((), Problem(problem.check, problem.kind, problem.message), (), ())


def _judge_conversation(prober: _Prober, name: str) -> list[Problem]:
    shown = prober.show(name)
    failed = next((r for r in (shown.whole, *shown.prompts.values()) if isinstance(r, TemplateProblem)), None)
    if failed is not None:
        return [Problem("template_renders", f"{name}_{failed.kind}", f"a {name}-turn conversation: {failed.message}")]
    return _locate(shown, prober.turn_ends() or [])


def _locate(shown: _Shown, stops: Sequence[str]) -> list[Problem]:
    if not isinstance(shown.whole, Rendering):
        return []
    turns = [
        TurnRenderings(index, prompt.text, through.text)
        for index, prompt, through in zip(shown.prompts, shown.prompts.values(), shown.through.values(), strict=True)
        if isinstance(prompt, Rendering) and isinstance(through, Rendering)
    ]
    if not turns:
        return []
    try:
        _, notes = locate(shown.whole.text, turns, shown.messages, stops, shown.whole.generation_spans)
    except TemplateProblem as problem:
        return [Problem(problem.check, problem.kind, problem.message)]
    return [_as_problem(note) for note in notes]


def _as_problem(note: Note) -> Problem:
    return Problem(note.check, note.kind, note.message)


def _judge_system(prober: _Prober, plain: Rendering) -> list[Problem]:
    content, user = SYSTEM.content or "", ASK.content or ""
    shown = prober.show("system")
    if isinstance(shown.whole, TemplateProblem):
        return [Problem("template_renders", "system_refused", f"takes no system turn: {shown.whole.message}")]
    if content in shown.whole.text and user in plain.text:
        before = shown.whole.text.split(content)[0]
        if before == plain.text.split(user)[0]:
            folded = Problem("system_dropped", "folded", "writes the system turn into the first user turn")
            return [folded, *_system_drops(prober, "system"), *_system_drops(prober, "system_multi")]
    return [*_system_drops(prober, "system"), *_system_drops(prober, "system_multi")]


def _system_drops(prober: _Prober, name: str) -> list[Problem]:
    """Where the system turn is gone: in the finished conversation, in the prompt of the last answer, or in both."""
    shown, content = prober.show(name), SYSTEM.content or ""
    prompt = shown.prompts[max(shown.prompts)]
    if isinstance(shown.whole, TemplateProblem) or isinstance(prompt, TemplateProblem):
        return []
    in_whole, in_prompt = content in shown.whole.text, content in prompt.text
    if not in_whole and not in_prompt:
        return [Problem("system_dropped", "dropped", "drops the system turn")]
    if not in_whole:
        when = "when a conversation ends in an answer, though not at inference"
        return [Problem("system_dropped", "dropped_in_training", f"drops the system turn {when}")]
    if not in_prompt:
        return [Problem("system_dropped", "dropped_at_inference", "drops the system turn at inference")]
    first_answer = next(message.content or "" for message in shown.messages if message.role == "assistant")
    if shown.whole.text.find(content) > shown.whole.text.find(first_answer) >= 0:
        where = "into the last user turn, so that earlier answers stand without it and are left out of the loss"
        return [Problem("system_dropped", "moved", f"writes the system turn {where}")]
    return []


def _judge_tools(prober: _Prober) -> list[Problem]:
    with_tools = prober.show("tools", [PROBE_TOOL])
    if isinstance(with_tools.whole, TemplateProblem):
        return [Problem("template_renders", "tools_refused", f"takes no tool calls: {with_tools.whole.message}")]
    problems = []
    first = with_tools.prompts[1]
    if isinstance(first, Rendering) and "get_weather" not in first.text:
        problems.append(Problem("template_renders", "tools_ignored", "does not show the declared tools to the model"))
    without = prober.show("tools").whole
    if isinstance(without, TemplateProblem):
        problems.append(
            Problem(
                "template_renders", "tools_none", f"fails on tool turns when no tools are declared: {without.message}"
            )
        )
    ends = [*prober.turn_ends(), *_call_ends(with_tools)]
    located = _locate(with_tools, ends)
    return problems + [replace(p, kind=f"tools_{p.kind}", message=f"with tool calls: {p.message}") for p in located]


def _call_ends(shown: _Shown) -> list[str]:
    """The special token that ends a turn of tool calls, which some templates end otherwise than an answer."""
    texts = [result.text for result in shown.through.values() if isinstance(result, Rendering)]
    return [match.group(1) for text in texts if (match := CALL_END.search(text))]


def call_ends(template: str, special_tokens: Mapping[str, str], renderer: Renderer) -> list[str]:
    """What a template writes after tool calls, where that looks like a control token: the stop of such turns.

    For templates without a tokenizer; with one, its generation config says what ends generation.
    """
    return _call_ends(_Prober(template, special_tokens, renderer).show("tools", [PROBE_TOOL]))


def _judge_special_tokens(prober: _Prober, plain: Rendering) -> list[Problem]:
    problems = []
    ends = prober.turn_ends()
    special = prober.special_tokens
    bos, eos, pad = special.get("bos_token"), special.get("eos_token"), special.get("pad_token")
    if bos and plain.text.startswith(bos + bos):
        problems.append(Problem("bos_doubled", "doubled", f"writes the beginning-of-sequence token {bos} twice"))
    if special and not bos:
        problems.append(Problem("bos_doubled", "no_bos", "the tokenizer has no beginning-of-sequence token"))
    if eos and ends and eos not in ends[0]:
        problems.append(
            Problem(
                "stop_token_untrained",
                "eos_is_not_turn_end",
                f"turns end in {ends[0]!r}, while the tokenizer names {eos} as end of sequence: generation that stops "
                "at the latter alone goes on after the answer (assay stops at both)",
            )
        )
    if pad and ends and pad in ends[0]:
        problems.append(
            Problem("mask_coverage", "padding_is_stop", f"the padding token {pad} ends turns; assay pads with another")
        )
    return problems


def _judge_tokenizer(prober: _Prober, tokenizer: PreTrainedTokenizerFast) -> list[Problem]:
    return [
        Problem(
            "stop_token_untrained",
            "not_a_token",
            f"turns end in {end!r}, which is not a special token of the tokenizer: nothing makes generation stop",
        )
        for end in prober.turn_ends()
        if turn_end_token(tokenizer, end) is None
    ]
