"""Ollama's TEMPLATE for a chat template: composed of what that renders, and held against it.

How Ollama fills a template is in its `template/template.go`: contents of system turns are joined into `.System`, turns
of one role in a row into one, and a Modelfile's SYSTEM becomes the first turn where a conversation brings none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.chat.target import Templated
from assay.chat_templates.templating import TemplateProblem
from assay.records import Message

from .go_template import execute, literal
from .modelfile import fits_quotes
from .turns import Blocks, NotExpressible, Turns, as_blocks, render, take_apart, writes_the_date

LAST = "{{ $last := eq (len (slice $.Messages $i)) 1 }}"
EACH = "{{ range $i, $m := .Messages }}" + LAST
FIRST_IS_NO_SYSTEM = '{{ if and (eq $i 0) (ne $m.Role "system") }}'
"""Before a system turn that the template writes by itself and SYSTEM cannot hold. An empty SYSTEM is none to Ollama."""


@dataclass(frozen=True)
class OllamaTemplate:
    """text: of TEMPLATE; system: of SYSTEM, or None; proved: conversations that came out the same.

    unproved  what the trained template does and this one does not, or nobody tried
    """

    text: str
    system: str | None
    proved: int
    unproved: tuple[str, ...]


def ollama_template(target: Templated, bos: str | None) -> OllamaTemplate:
    """The template in Ollama's language.

    bos  the token that the GGUF has put before every text; the template must not write it a second time

    Raises NotExpressible where it cannot be said, or where what was composed renders otherwise.
    """
    try:
        turns = take_apart(target)
    except TemplateProblem as problem:
        raise NotExpressible(problem.message) from problem
    blocks = as_blocks(turns, target)
    composed = _of_blocks(blocks, bos) if blocks is not None else _of_turns(turns, bos)
    proved, unproved = _hold_against(composed, target, bos, in_order=blocks is None)
    return replace(composed, proved=proved, unproved=(*unproved, *_untried(target, turns)))


def _of_blocks(blocks: Blocks, bos: str | None) -> OllamaTemplate:
    default = blocks.default_system
    opening, system = blocks.opening, blocks.system
    if default is not None and system is not None and bos and system[0].startswith(bos):
        system = (system[0].removeprefix(bos), system[1])
    opening = opening.removeprefix(bos or "")
    text = literal(opening)
    text += EACH
    if default is not None and system is not None and not (default and fits_quotes(default)):
        text += FIRST_IS_NO_SYSTEM + literal(system[0] + default + system[1]) + "{{ end }}"
        default = None
    if system is not None:
        text += '{{ if eq $m.Role "system" }}' + _content(system) + '{{ else if eq $m.Role "user" }}'
    else:
        text += '{{ if eq $m.Role "user" }}'
    before, after = blocks.answer
    text += f'{_content(blocks.user)}{{{{ else if eq $m.Role "assistant" }}}}{literal(before)}{{{{ $m.Content }}}}'
    text += f"{{{{ if not $last }}}}{literal(after)}{{{{ end }}}}{{{{ end }}}}"
    text += '{{ if and $last (ne $m.Role "assistant") }}' + literal(blocks.generation) + "{{ end }}{{ end }}"
    return OllamaTemplate(text, default, 0, ())


def _content(around: tuple[str, str]) -> str:
    return f"{literal(around[0])}{{{{ $m.Content }}}}{literal(around[1])}"


def _of_turns(turns: Turns, bos: str | None) -> OllamaTemplate:
    bare = literal(turns.bare.removeprefix(bos or ""))
    text = bare
    if turns.system_before is not None:
        before = literal(turns.system_before.removeprefix(bos or ""))
        after = literal(turns.system_after)
        text = f"{{{{ if .System }}}}{before}{{{{ .System }}}}{after}{{{{ else }}}}{bare}{{{{ end }}}}"
    text += EACH + '{{ if eq $m.Role "user" }}{{ $m.Content }}{{ if $last }}' + literal(turns.to_generate) + "{{ end }}"
    text += '{{ else if eq $m.Role "assistant" }}' + literal(turns.to_answer) + "{{ $m.Content }}{{ if not $last }}"
    return OllamaTemplate(text + literal(turns.to_user) + "{{ end }}{{ end }}{{ end }}", None, 0, ())


def filled(template: OllamaTemplate, messages: Sequence[Message]) -> str:
    """What Ollama would make of a conversation."""
    turns = list(messages)
    if template.system and (not turns or turns[0].role != "system"):
        turns.insert(0, Message("system", template.system))
    return execute(template.text, collated(turns))


def collated(messages: Sequence[Message]) -> dict[str, Any]:
    """`.System` and `.Messages` as Ollama fills them."""
    joined: list[dict[str, str]] = []
    for message in messages:
        content = message.content or ""
        if joined and joined[-1]["Role"] == message.role:
            joined[-1]["Content"] += f"\n\n{content}"
        else:
            joined.append({"Role": message.role, "Content": content})
    system = "\n\n".join(message.content or "" for message in messages if message.role == "system")
    return {"System": system, "Messages": joined}


def _talk(*contents: str, system: str | None = None) -> list[Message]:
    """A user, an assistant, a user, ...; after a system turn where one is given."""
    roles = ("user", "assistant")
    turns = [Message(roles[place % 2], content) for place, content in enumerate(contents)]
    return turns if system is None else [Message("system", system), *turns]


AWKWARD = 'Line one.\n\nLine "two" {{ .System }} {% if x %} <b>&amp;</b> \'\\n\' 你好 🙂 """ <|end|> [INST]'
PLAIN = (
    _talk("Which river?"),
    _talk("Which river?", "The Saone.", "And the other?"),
    _talk("One", "Two", "Three", "Four", "Five", "Six", "Seven"),
    _talk(AWKWARD),
    _talk(AWKWARD, AWKWARD, AWKWARD),
    _talk("12", "3.5", "0"),
)
EDGES: tuple[tuple[str, list[Message]], ...] = (
    ("a user's text that begins or ends with white space", _talk(" \n text \n")),
    ("an answer that begins or ends with white space", _talk("One", " \n text \n", "Three")),
    ("an answer in the history that holds <think>...</think>", _talk("One", "<think>\na\n</think>\n\nTwo", "Three")),
    ("an empty user turn", _talk("")),
    ("an answer without text", _talk("One", "", "Three")),
    ("an empty system turn", _talk("One", system="")),
    ("two user turns in a row, which Ollama joins", [Message("user", "One"), Message("user", "Two")]),
    ("two system turns in a row, which Ollama joins", [Message("system", "One"), *_talk("Two", system="Three")]),
    ("a system turn between others", [*_talk("One", "Two"), Message("system", "Three"), Message("user", "Four")]),
)


def _hold_against(
    composed: OllamaTemplate, target: Templated, bos: str | None, *, in_order: bool
) -> tuple[int, list[str]]:
    """How many conversations came out the same, and the edges that did not. Raises NotExpressible for a plain one."""
    talks = list(PLAIN)
    takes_system = _takes_system(target)
    if takes_system:
        talks += [[Message("system", system), *talk] for talk in PLAIN for system in ("Be brief.", AWKWARD)]
    for talk in talks:
        if not _same(composed, talk, target, bos):
            raise NotExpressible("what was composed renders a conversation otherwise than the trained template")
    unproved = [] if takes_system else ["a system turn: the trained template takes none, and Ollama would drop it"]
    if in_order:
        unproved.append("turns that do not alternate between user and assistant")
    proved = len(talks)
    for what, talk in EDGES:
        if _same(composed, talk, target, bos):
            proved += 1
        elif _takes(talk, target):
            unproved.append(f"{what}: the trained template writes it in its own way")
    return proved, unproved


def _takes(talk: Sequence[Message], target: Templated) -> bool:
    """What the trained template refuses was never trained."""
    try:
        render(talk, target)
    except TemplateProblem:
        return False
    return True


def _takes_system(target: Templated) -> bool:
    try:
        return "Be brief." in render(_talk("One", system="Be brief."), target)
    except TemplateProblem:
        return False


def _same(composed: OllamaTemplate, talk: Sequence[Message], target: Templated, bos: str | None) -> bool:
    try:
        trained = render(talk, target)
    except TemplateProblem:
        return False
    return (bos or "") + filled(composed, talk) == trained


def _untried(target: Templated, turns: Turns) -> list[str]:
    found = []
    if "tools" in target.template or target.tool_template is not None:
        found.append("tool calls: the trained template writes them, this one does not")
    if writes_the_date(target):
        found.append("the date: the trained template writes today's, this one that of the day it was made")
    if "enable_thinking" in target.template:
        found.append("thinking switched off or on: this one has what the template does when nothing is said")
    return found
