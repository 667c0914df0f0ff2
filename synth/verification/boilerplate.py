"""The boilerplate step: refusals, and talk of the model about itself or its task."""

from __future__ import annotations

import re

from ..generator import Draft, Job, Outcome, Refused
from ..verifier import Bench, verifier

ABOUT_ITSELF = re.compile(
    r"\b(?:as|i(?:'m| am)(?: just| only)?) an? (?:[\w-]+ ){0,2}(?:ai|artificial intelligence|chatbot|language model)\b"
    r"|\bi(?:'m| am) ready to (?:help|assist)\b|\byou(?:'re| are) ready to assist\b"
    r"|\bmy (?:training data|knowledge cut-?off)\b|\bals (?:eine )?ki\b|\ben tant qu'ia\b|\bcomo (?:una )?ia\b",
    re.IGNORECASE,
)
OFFER = re.compile(
    r"\bi(?:'d| would) be (?:happy|glad|delighted|pleased) to (?:help|assist)\b"
    r"|\blet me know (?:how|if|what) i can (?:help|assist)\b|\bhow (?:can|may) i (?:help|assist) you\b",
    re.IGNORECASE,
)
"""What an assistant says; as a request it asks for nothing."""
REFUSAL = re.compile(
    r"^\W*(?:(?:i(?:'m| am) (?:sorry|afraid)|sorry|unfortunately)[^.\n]{0,30})?\b"
    r"i (?:can(?:'|’)?t|cannot|can not|won't|am unable to|am not able to) "
    r"(?:help|assist|answer|provide|fulfil|comply|do that|create|write|generate)\b",
    re.IGNORECASE,
)
WRAPPING = re.compile(
    r"^\W*(?:sure|certainly|of course|absolutely)\b[^.\n]{0,60}here(?:'s| is| are)\b"
    r"|^\W*here(?:'s| is| are) (?:the|a|an|your|my|some) (?:[\w-]+ ){0,3}"
    r"(?:rewritten|rewrite|answer|question|instruction|response|version|conversation|dialogue|example|task)s?\b"
    r"|^\W*(?:rewritten|new|rephrased) (?:message|instruction|question|answer)\b",
    re.IGNORECASE,
)


@verifier
def boilerplate(draft: Draft, job: Job, bench: Bench, *, refusals: bool = False) -> Outcome:
    """Turns in which the model refuses, speaks of itself, or wraps its answer in words about it.

    Why: what a model says instead of an answer is learnt as one.

    refusals  keep answers that refuse, for data that is to teach refusing

    A turn that stands in the seed as it is is not judged: it is a person's.

    Example: "As an AI language model, I cannot ..." or "Here is the rewritten question: ...".
    """
    known = {message.content for message in job.seed.messages}
    for message in draft.messages:
        text = message.content or ""
        if text in known:
            continue
        talk = ABOUT_ITSELF.search(text) or WRAPPING.search(text) or (message.role == "user" and OFFER.search(text))
        if talk or _is_name_of(bench.settings.model, text):
            return Refused("boilerplate", "the model speaks about itself or the task")
        if message.role == "assistant" and not refusals and REFUSAL.search(text):
            return Refused("refusal", "the answer refuses")
    return draft


def _is_name_of(model: str | None, text: str) -> bool:
    """A small model that is shown the end of its own name answers with it."""
    family = re.match(r"[a-z]+", (model or "").rsplit("/", 1)[-1].lower())
    return family is not None and re.sub(r"[\W\d_]", "", text).lower() == family[0]
