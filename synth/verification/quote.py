"""The quote step: what a draft says that its source says stands there."""

from __future__ import annotations

import dataclasses
import re

from ..generator import Draft, Job, Outcome, Quote, Refused
from ..verifier import Bench, verifier

SAME = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "\u00a0": " "})
"""Typographic forms that models exchange for plain ones, character for character, so that places stay the same."""


@verifier
def quote(draft: Draft, job: Job, bench: Bench, *, min_words: int = 3) -> Outcome:
    """Quoted spans that do not stand in the source.

    Why: a model that invents a fact invents its evidence too; a span that is really there can be looked up by a person.
    White space, letter case and the typography of quotation marks and dashes do not count; every word does.

    min_words  a quote of fewer words is in nearly any text, and shows nothing (a quote that is all of its line may be
               shorter)

    Example: the quote "lasts for 14 days" where the document says "lasts for 30 days".
    """
    found = []
    for item in draft.quotes:
        place = locate(item)
        if place is None:
            return Refused("quote", "the quoted span is not in the source")
        start, end = place
        exact = item.source[start:end]
        if len(re.findall(r"\w+", exact)) < min_words and exact.strip() not in map(str.strip, item.source.splitlines()):
            return Refused("quote", f"the quoted span has fewer than {min_words} words")
        found.append(dataclasses.replace(item, text=exact, place=(item.start + start, item.start + end)))
    return dataclasses.replace(draft, quotes=tuple(found))


def locate(item: Quote) -> tuple[int, int] | None:
    """Where a quote begins and ends in `item.source`, or None."""
    wanted = re.sub(r"\s+", " ", plain(item.text)).strip(" \"'").rstrip(". ")
    if not wanted:
        return None
    pattern = r"\s+".join(re.escape(word) for word in wanted.split(" ")) + r"\.?"
    match = re.search(pattern, plain(item.source), re.IGNORECASE)
    return match.span() if match else None


def plain(text: str) -> str:
    """The same text in plain punctuation, character for character."""
    return text.translate(SAME)
