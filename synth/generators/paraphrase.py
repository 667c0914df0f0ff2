"""Paraphrase: a prompt in other words, with the answer kept."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from assay.protocols import GenerationRequest
from assay.records import Message, Record

from ..comparing.words import content_words, overlap, runs
from ..generator import Draft, Job, Outcome, Refused, generator, load_prompt
from ..settings import SynthSettings

FACT = re.compile(r"[A-Za-z]*\d[\w.,:/-]*\w|\d|\S+@\S+|https?://\S+")
"""Numbers, codes, addresses: what an answer may copy out of its prompt."""

NAME = re.compile(r"(?<=[\w,;:] )(?!I')[A-Z][\w'-]+")
"""Capitalised within a sentence: names, mostly. "I" is too short to be one."""

META = re.compile(
    r"\bas an ai\b|\blanguage model\b|\bi (?:can't|cannot|am unable to) (?:help|assist|rewrite)\b"
    r"|\brewritten message\b|^sure\b|^here(?:'s| is)\b",
    re.IGNORECASE,
)

ABOUT_THE_TEXT = re.compile(r"\b(?:the|this|your|original) (?:message|sentence|word|request)\b", re.IGNORECASE)
"""A rewriting that talks of the message is not one, unless the message did."""

ECHO = 4
"""Words on end of the instruction that make an answer an echo of it."""

ENOUGH_WORDS = 4
"""Content words below which too few can be shared to tell: "where's my parcel?" has none with "my package, where?"."""


@generator
def paraphrase(
    seeds: Sequence[Record],
    settings: SynthSettings,
    *,
    count: int = 50,
    per_seed: int = 4,
    max_length_ratio: float = 2.5,
    min_shared_words: float = 0.3,
    template: str | None = None,
) -> Iterator[Job]:
    """New prompts in other words whose answer is kept.

    Why: a model that saw one wording of each request learns the wording. The answer is a person's and stays;
    only the last user turn is rewritten, so nothing can be invented but a wording.

    count             accepted records wanted
    per_seed          wordings asked for of one seed at most
    max_length_ratio  a rewriting longer than this many times its seed is refused: it answers or rambles
    min_shared_words  content words shared with the seed, twice over the sum of both (Dice), below which the rewriting
                      is about something else; asked only of seeds with a few content words
    template          file in place of `prompts/paraphrase.jinja`; it is given `prompt`

    Example: "where's my parcel?" becomes "Could you tell me where my package is?", same answer.
    """
    prompt = load_prompt("paraphrase", template)
    limits = Limits(max_length_ratio, min_shared_words)
    order = [record for record in seeds if _rewritable(record)]
    random.Random(settings.seed).shuffle(order)
    for sample in range(per_seed):
        for seed in order:
            index = _last_user(seed)
            assert index is not None
            text = seed.messages[index].content or ""
            request = GenerationRequest(
                messages=(Message("user", prompt.render(prompt=text)),),
                max_tokens=settings.max_tokens,
                temperature=settings.temperature,
                seed=settings.seed,
                sample=sample,
            )
            judge = partial(_refusal, original=text, asked=prompt.render(prompt=""), limits=limits)
            yield Job(request, seed, prompt.sha256, _builder(seed, index, judge))


class Limits(NamedTuple):
    """As in `paraphrase`."""

    max_length_ratio: float
    min_shared_words: float


def _refusal(text: str, original: str, asked: str, limits: Limits) -> Refused | None:
    """Why a rewriting is none; asked is the instruction without the message."""
    if not text:
        return Refused("parse", "the answer is empty")
    if META.search(text) or (ABOUT_THE_TEXT.search(text) and not ABOUT_THE_TEXT.search(original)):
        return Refused("boilerplate", "the model speaks about itself or the task")
    if text.casefold() == original.casefold():
        return Refused("same", "the wording is the seed's")
    if len(text) > limits.max_length_ratio * len(original) + 20:
        return Refused("length", "much longer than its seed")
    if (runs(text, ECHO) & runs(asked, ECHO)) - runs(original, ECHO):
        return Refused("echo", "it repeats the instruction")
    return _facts_changed(text, original) or _drifted(text, original, limits.min_shared_words)


def _facts_changed(text: str, original: str) -> Refused | None:
    lost = sorted(set(FACT.findall(original)) - set(FACT.findall(text)))
    lost += [name for name in NAME.findall(original) if name.casefold() not in text.casefold()]
    if lost:
        return Refused("facts", f"lost {lost[0]}")
    added = sorted(set(FACT.findall(text)) - set(FACT.findall(original)))
    return Refused("facts", f"invented {added[0]}") if added else None


def _drifted(text: str, original: str, least: float) -> Refused | None:
    before, after = content_words(original), content_words(text)
    if len(before) < ENOUGH_WORDS:
        return None
    shared = overlap(before, after)
    return Refused("drift", f"shares {shared:.2f} of its content words with its seed") if shared < least else None


def _builder(seed: Record, index: int, judge: Callable[[str], Refused | None]) -> Callable[[str], Outcome]:
    def build(answer: str) -> Outcome:
        text = _clean(answer)
        refused = judge(text)
        if refused is not None:
            return refused
        turn = Message("user", text, name=seed.messages[index].name)
        return Draft((*seed.messages[:index], turn, *seed.messages[index + 1 :]))

    return build


def _clean(answer: str) -> str:
    """Without the label and the quotation marks that models put around a rewriting."""
    text = re.sub(r"^\s*(?:rewritten\s+)?message\s*:\s*", "", answer.strip(), flags=re.IGNORECASE)
    if len(text) > 1 and text[0] in "\"'“" and text[-1] in "\"'”":
        text = text[1:-1].strip()
    return text


def _rewritable(record: Record) -> bool:
    """Only conversations whose answer follows one user turn: elsewhere later turns may quote the wording."""
    index = _last_user(record)
    return (
        record.origin == "human"
        and index is not None
        and bool((record.messages[index].content or "").strip())
        and sum(message.role == "user" for message in record.messages) == 1
        and record.messages[-1].role == "assistant"
    )


def _last_user(record: Record) -> int | None:
    return next((i for i in range(len(record.messages) - 1, -1, -1) if record.messages[i].role == "user"), None)
