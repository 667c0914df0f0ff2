"""Paraphrase: a prompt in other words, with the answer kept."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence

from assay.protocols import GenerationRequest
from assay.records import Message, Record

from ..generator import Job, Refused, generator, load_prompt
from ..settings import SynthSettings

FACT = re.compile(r"[A-Za-z]*\d[\w.,:/-]*\w|\d|\S+@\S+|https?://\S+")
"""Numbers, codes, addresses: what an answer may copy out of its prompt."""

META = re.compile(
    r"\bas an ai\b|\blanguage model\b|\bi (?:can't|cannot|am unable to) (?:help|assist|rewrite)\b"
    r"|\brewritten message\b|^sure\b|^here(?:'s| is)\b",
    re.IGNORECASE,
)


@generator
def paraphrase(
    seeds: Sequence[Record],
    settings: SynthSettings,
    *,
    count: int = 50,
    per_seed: int = 4,
    max_length_ratio: float = 2.5,
    template: str | None = None,
) -> Iterator[Job]:
    """New prompts in other words whose answer is kept.

    Why: a model that saw one wording of each request learns the wording. The answer is a person's and stays;
    only the last user turn is rewritten, so nothing can be invented but a wording.

    count             accepted records wanted
    per_seed          wordings asked for of one seed at most
    max_length_ratio  a rewriting longer than this many times its seed is refused: it answers or rambles
    template          file in place of `prompts/paraphrase.jinja`; it is given `prompt`

    Example: "where's my parcel?" becomes "Could you tell me where my package is?", same answer.
    """
    prompt = load_prompt("paraphrase", template)
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
            yield Job(request, seed, prompt.sha256, _builder(seed, index, max_length_ratio))


def _builder(seed: Record, index: int, max_length_ratio: float) -> Callable[[str], tuple[Message, ...] | Refused]:
    original = seed.messages[index].content or ""

    def build(answer: str) -> tuple[Message, ...] | Refused:
        text = _clean(answer)
        if not text:
            return Refused("parse", "the answer is empty")
        if META.search(text):
            return Refused("boilerplate", "the model speaks about itself or the task")
        if text.casefold() == original.casefold():
            return Refused("same", "the wording is the seed's")
        if len(text) > max_length_ratio * len(original) + 20:
            return Refused("length", "much longer than its seed")
        lost = sorted(set(FACT.findall(original)) - set(FACT.findall(text)))
        if lost:
            return Refused("facts", f"lost {lost[0]}")
        added = sorted(set(FACT.findall(text)) - set(FACT.findall(original)))
        if added:
            return Refused("facts", f"invented {added[0]}")
        turn = Message("user", text, name=seed.messages[index].name)
        return (*seed.messages[:index], turn, *seed.messages[index + 1 :])

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
