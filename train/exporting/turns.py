"""A Jinja chat template taken apart by what it renders: the text before, between and after the turns.

Templates are programs, so they are not translated. Conversations of marker words are rendered, and the texts around
the markers are what a template of another language has to write. Whether that is all is then tried with further
conversations, and what differs is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from assay.chat.rendered import template_variables
from assay.chat.target import Templated
from assay.chat_templates.templating import Rendering, TemplateProblem, shared_renderer
from assay.records import Message

SYSTEM, USERS, ANSWERS = "Zsystemq", ("Zuserone", "Zusertwo", "Zuserthree"), ("Zanswerone", "Zanswertwo")
"""Marker words. No template asks for them, and none is a part of another."""


class NotExpressible(Exception):  # noqa: N818 - a verdict on a template, which the caller reports
    """Why another template language cannot say what this template does."""


@dataclass(frozen=True)
class Turns:
    """The texts around contents, for conversations in which user and assistant alternate, a prompt's end included.

    bare           before the first user's content, without a system turn
    system_before  before the system's content; None where the template takes none
    system_after   from the system's content to the first user's
    to_answer      from a user's content to the answer's
    to_user        from an answer's content to the next user's
    to_generate    after the last user's content
    """

    bare: str
    system_before: str | None
    system_after: str
    to_answer: str
    to_user: str
    to_generate: str


@dataclass(frozen=True)
class Blocks:
    """The same as turns that stand by themselves, where that renders them: `before` and `after` each content."""

    system: tuple[str, str] | None
    user: tuple[str, str]
    answer: tuple[str, str]
    generation: str
    opening: str
    default_system: str | None


def render(messages: Sequence[Message], target: Templated, *, prompt: bool = True) -> str:
    """Raises TemplateProblem."""
    return shared_renderer().render(target.template, template_variables(messages, (), target, prompt=prompt)).text


def take_apart(target: Templated) -> Turns:
    """Raises NotExpressible when the markers come in another order, or twice, or the texts depend on the place."""
    users, answers = [Message("user", word) for word in USERS], [Message("assistant", word) for word in ANSWERS]
    talk = [users[0], answers[0], users[1], answers[1], users[2]]
    bare, to_answer, to_user, again_answer, again_user, to_generate = _around(talk, target)
    if (to_answer, to_user) != (again_answer, again_user):
        raise NotExpressible("later turns are written otherwise than the first")
    alone = _around([users[0]], target)
    if alone != [bare, to_generate]:
        raise NotExpressible("a single turn is written otherwise than the turns of a longer conversation")
    try:
        with_system = _around([Message("system", SYSTEM), *talk], target)
    except (TemplateProblem, NotExpressible):
        return Turns(bare, None, "", to_answer, to_user, to_generate)
    if with_system[2:] != [to_answer, to_user, to_answer, to_user, to_generate]:
        raise NotExpressible("a system turn changes how the turns after it are written")
    return Turns(bare, with_system[0], with_system[1], to_answer, to_user, to_generate)


def _around(messages: Sequence[Message], target: Templated) -> list[str]:
    """The texts before, between and after the contents. Raises NotExpressible, TemplateProblem."""
    text = render(messages, target)
    found = []
    for message in messages:
        word = message.content or ""
        if text.count(word) != 1:
            where = "drops" if word not in text else "repeats"
            raise NotExpressible(f"the template {where} the {message.role} turn, or writes it in another place")
        before, _, text = text.partition(word)
        found.append(before)
    return [*found, text]


def as_blocks(turns: Turns, target: Templated) -> Blocks | None:
    """Turns that stand by themselves, in any order; None where the template does not render so."""
    user, answer = Message("user", USERS[0]), Message("assistant", ANSWERS[0])
    try:
        opening, after_user = render([user], target, prompt=False).split(USERS[0])
        through_answer = render([user, answer], target, prompt=False)
    except (TemplateProblem, ValueError):
        return None
    after_answer = through_answer.rpartition(ANSWERS[0])[2]
    generation = turns.to_generate.removeprefix(after_user)
    before_answer = turns.to_answer.removeprefix(after_user)
    before_user = turns.to_user.removeprefix(after_answer)
    pieces = (
        turns.to_generate == after_user + generation,
        turns.to_answer == after_user + before_answer,
        turns.to_user == after_answer + before_user,
        opening == turns.bare,
        opening.endswith(before_user),
    )
    if not all(pieces):
        return None
    head = opening.removesuffix(before_user)
    system = _system_block(turns, before_user)
    blocks = _with_default(
        Blocks(system, (before_user, after_user), (before_answer, after_answer), generation, head, None)
    )
    return blocks if blocks is not None and _holds_in_any_order(blocks, target) else None


def _system_block(turns: Turns, before_user: str) -> tuple[str, str] | None:
    if turns.system_before is None or not turns.system_after.endswith(before_user):
        return None
    return turns.system_before, turns.system_after.removesuffix(before_user)


def _with_default(blocks: Blocks) -> Blocks | None:
    """The head as a system turn that the template writes by itself, where it is one.

    What stands before that turn (a token that begins texts) is the opening. None where a system turn is written
    otherwise than after this opening.
    """
    if blocks.system is None:
        return blocks
    before, after = blocks.system
    head = blocks.opening
    if before.startswith(head):  # no system by default: the opening, then the turn
        return Blocks((before.removeprefix(head), after), blocks.user, blocks.answer, blocks.generation, head, None)
    if head.startswith(before) and head.endswith(after) and len(head) >= len(before) + len(after):
        default = head[len(before) : len(head) - len(after)]
        return Blocks(blocks.system, blocks.user, blocks.answer, blocks.generation, "", default)
    return None


def _holds_in_any_order(blocks: Blocks, target: Templated) -> bool:
    """Whether a conversation that begins with an answer is written by the same turns."""
    odd = [Message("system", SYSTEM)] if blocks.system else []
    odd += [Message("assistant", ANSWERS[0]), Message("user", USERS[0])]
    try:
        text = render(odd, target)
    except TemplateProblem:
        return False
    system = f"{blocks.system[0]}{SYSTEM}{blocks.system[1]}" if blocks.system else ""
    before, after = blocks.answer
    user = f"{blocks.user[0]}{USERS[0]}{blocks.user[1]}"
    return text == f"{blocks.opening}{system}{before}{ANSWERS[0]}{after}{user}{blocks.generation}"


def writes_the_date(target: Templated) -> bool:
    """Whether another day changes the prompt."""
    from assay.chat_templates.templating import Renderer

    variables = template_variables([Message("user", USERS[0])], (), target, prompt=True)
    elsewhen = Renderer(now=datetime(2001, 2, 3))
    try:
        other = elsewhen.render_many(target.template, [variables])[0]
    finally:
        elsewhen.close()
    return not isinstance(other, Rendering) or other.text != render([Message("user", USERS[0])], target)
