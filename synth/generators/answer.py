"""Answer: new answers for old prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from assay.records import Message, Record

from ..asking.prompting import ask_messages
from ..generator import Draft, Job, Outcome, Refused, generator, load_prompt
from ..settings import SynthSettings
from ..starting.seeds import shuffled


@generator
def answer(
    seeds: Sequence[Record],
    settings: SynthSettings,
    *,
    count: int = 50,
    per_seed: int = 1,
    system: bool = False,
    template: str | None = None,
) -> Iterator[Job]:
    """New answers for prompts that are there.

    Why: questions are often at hand where answers are not, or not good ones; and a better model's answers teach a
    smaller one. Records that end on a person's turn are answered; the last answer of others is written anew.

    count     accepted records wanted
    per_seed  answers of one prompt
    system    ask with the text of the template as the system turn; it is not kept in the record
    template  file in place of `prompts/answer.jinja`; it is given `prompt`, the last user turn

    The record's own turns are sent as they are. The new record takes the place of the old one.

    Example: "How long does a refund take?" without an answer gets one.
    """
    prompt = load_prompt("answer", template)
    order = shuffled([record for record in seeds if _question(record)], settings.seed)
    for sample in range(per_seed):
        for seed in order:
            question = _question(seed)
            before = (Message("system", prompt.render(prompt=question[-1].content or "")),) if system else ()
            request = ask_messages(settings, (*before, *question), sample=sample)
            build = partial(_draft, question=question, old=seed.answer)
            yield Job(request, seed, prompt.sha256, build, replaces=(seed.row_id,))


def _question(record: Record) -> tuple[Message, ...]:
    """The turns up to the last user turn, or none where tools are called or nothing is asked."""
    places = [index for index, message in enumerate(record.messages) if message.role == "user"]
    if not places or not (record.messages[places[-1]].content or "").strip():
        return ()
    turns = record.messages[: places[-1] + 1]
    return () if record.tools or any(message.role == "tool" for message in turns) else turns


def _draft(text: str, question: tuple[Message, ...], old: str) -> Outcome:
    said = text.strip()
    if not said:
        return Refused("parse", "the answer is empty")
    if " ".join(said.split()) == " ".join(old.split()):
        return Refused("same", "the answer is the old one")
    return Draft((*question, Message("assistant", said)), question=question)
