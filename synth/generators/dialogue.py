"""Dialogue: conversations of several turns that begin with a record's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from assay.protocols import GenerationRequest
from assay.records import Message, Record

from ..asking.answers import read_text
from ..asking.prompting import ask, ask_messages
from ..comparing.diversity import nearest_by_words
from ..comparing.words import conversation, echoes
from ..generator import Ask, Draft, Job, Outcome, Prompt, Refused, generator, load_prompt
from ..settings import SynthSettings
from ..starting.seeds import shuffled, single_turn

SAME_TURN = 0.8
"""Jaccard similarity of words from which a turn is an earlier one again."""


@generator
def dialogue(
    seeds: Sequence[Record],
    settings: SynthSettings,
    *,
    count: int = 50,
    per_seed: int = 1,
    turns: int = 3,
    max_words: int = 80,
    template: str | None = None,
) -> Iterator[Job]:
    """Conversations that go on where a record ends: a person asks further, and is answered, turn by turn.

    Why: a model that saw single questions forgets what was said two turns ago. Each turn is a request of its own that
    is given the conversation so far, so that an answer cannot know the question after it.

    count      accepted records wanted
    per_seed   conversations from one record
    turns      of the person, the record's own among them
    max_words  of a turn of the person
    template   file in place of `prompts/dialogue.jinja`; it is given `conversation` and `number`

    The record's own question and answer stay as they are.

    Example: after "Where is my parcel?" and its answer: "And if it does not come tomorrow?"
    """
    prompt = load_prompt("dialogue", template)
    order = shuffled([record for record in seeds if single_turn(record)], settings.seed)
    for sample in range(per_seed):
        for seed in order:
            talk = _Talk(prompt, settings, sample, turns, max_words)
            build = partial(talk.asked, before=seed.messages)
            yield Job(talk.request(seed.messages), seed, prompt.sha256, build)


@dataclass(frozen=True)
class _Talk:
    prompt: Prompt
    settings: SynthSettings
    sample: int
    turns: int
    max_words: int

    def request(self, before: tuple[Message, ...]) -> GenerationRequest:
        number = _questions(before) + 1
        text = self.prompt.render(conversation=conversation(_said(before)), number=number)
        return ask(self.settings, text, sample=self.sample)

    def asked(self, answer: str, before: tuple[Message, ...]) -> Outcome:
        """After the person's next turn: it is answered."""
        text = read_text(answer, "user", "person", "next message", "message")
        refused = self._refusal(text, before)
        if refused is not None:
            return refused
        question = (*before, Message("user", text))
        request = ask_messages(self.settings, question, sample=self.sample)
        return Ask((request,), lambda answers: self._answered(answers[0], question))

    def _answered(self, answer: str, question: tuple[Message, ...]) -> Outcome:
        """After the assistant's turn: the person asks again, or the conversation ends."""
        text = answer.strip()
        if not text:
            return Refused("parse", "an answer is empty")
        if nearest_by_words(text, [m.content or "" for m in question if m.role == "assistant"]) >= SAME_TURN:
            return Refused("repeats", "the assistant says the same again")
        talked = (*question, Message("assistant", text))
        if _questions(talked) >= self.turns:
            return Draft(talked, question=question)
        return Ask((self.request(talked),), lambda answers: self.asked(answers[0], talked))

    def _refusal(self, text: str, before: tuple[Message, ...]) -> Refused | None:
        if not text:
            return Refused("parse", "the turn is empty")
        if len(text.split()) > self.max_words:
            return Refused("length", f"the turn has more than {self.max_words} words")
        if "\nassistant:" in text.casefold() or text.casefold().startswith("assistant:"):
            return Refused("roles", "it speaks for the assistant")
        if echoes(text, self.prompt.render(conversation="", number=0)):
            return Refused("echo", "it repeats the prompt")
        if nearest_by_words(text, [m.content or "" for m in before if m.role != "system"]) >= SAME_TURN:
            return Refused("repeats", "the person says what was said before")
        return None


def _said(messages: Sequence[Message]) -> list[Message]:
    """Without the system turn, which the person does not see."""
    return [message for message in messages if message.role not in ("system", "developer")]


def _questions(messages: Sequence[Message]) -> int:
    return sum(message.role == "user" for message in messages)
