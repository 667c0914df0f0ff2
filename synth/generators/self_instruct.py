"""Self-instruct: new instructions in the manner of the seeds, and their answers (Wang et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from assay.records import Message, Record

from ..asking.answers import read_text
from ..asking.prompting import ask, ask_messages
from ..comparing.diversity import nearest_by_words
from ..comparing.words import echoes
from ..generator import Ask, Draft, Job, Outcome, Refused, generator, load_prompt
from ..settings import SynthSettings
from ..starting.seeds import circles, question_of, rounds_of, single_turn

LABELS = ("instruction", "task", "your task", "new task", "a new task", "new instruction")


@generator
def self_instruct(
    seeds: Sequence[Record],
    settings: SynthSettings,
    *,
    count: int = 50,
    per_seed: int = 4,
    shown: int = 3,
    max_similarity: float = 0.7,
    min_words: int = 3,
    max_words: int = 200,
    template: str | None = None,
) -> Iterator[Job]:
    """New instructions in the manner of a few seeds, each answered in a second request.

    Why: a few dozen examples say what kind of task is meant, and too few of them exist to learn it from.

    count           accepted records wanted
    per_seed        instructions asked for a seed, on average
    shown           seeds that are shown at once; they come from one circle of seeds, which stays one family
    max_similarity  Jaccard similarity of words with any seed that was shown, above which an instruction is not new
    min_words       of an instruction
    max_words       of an instruction
    template        file in place of `prompts/self_instruct.jinja`; it is given `examples`, a list of texts

    The answer is asked for with the system turn of the first seed that was shown, and with nothing else.

    Example: from "Write a polite reminder" and "Shorten this mail" comes "Turn these notes into a short letter".
    """
    prompt = load_prompt("self_instruct", template)
    asked = prompt.render(examples=[])
    usable = circles([record for record in seeds if single_turn(record)], settings.seed)
    times = max(1, per_seed * sum(map(len, usable)) // max(1, len(usable)))
    for sample, examples in rounds_of(usable, shown, settings.seed, times):
        limits = partial(_refusal, examples=examples, asked=asked, words=(min_words, max_words), most=max_similarity)
        text = prompt.render(examples=[question_of(record) for record in examples])
        yield Job(
            ask(settings, text, sample=sample),
            examples[0],
            prompt.sha256,
            partial(_instruction, settings=settings, seed=examples[0], limits=limits),
            variant=str(sample),
            others=tuple(examples[1:]),
        )


def _instruction(answer: str, settings: SynthSettings, seed: Record, limits: partial[Refused | None]) -> Outcome:
    text = read_text(answer, *LABELS)
    refused = limits(text)
    if refused is not None:
        return refused
    system = tuple(message for message in seed.messages if message.role in ("system", "developer"))
    question = (*system, Message("user", text))
    return Ask((ask_messages(settings, question),), lambda answers: _answered(question, answers[0]))


def _answered(question: tuple[Message, ...], answer: str) -> Outcome:
    text = answer.strip()
    if not text:
        return Refused("parse", "the answer is empty")
    return Draft((*question, Message("assistant", text)), question=question)


def _refusal(text: str, examples: Sequence[Record], asked: str, words: tuple[int, int], most: float) -> Refused | None:
    length = len(text.split())
    if not words[0] <= length <= words[1]:
        return Refused("length", f"the instruction has {length} words")
    if echoes(text, asked):
        return Refused("echo", "it repeats the prompt")
    if nearest_by_words(text, [question_of(record) for record in examples]) > most:
        return Refused("same", "the instruction is nearly that of a seed")
    return None
