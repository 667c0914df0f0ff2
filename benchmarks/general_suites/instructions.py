"""Writing to order: demands on form that a program can check, put in words, several at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from general_suites.item import Item, Tier, listed

TOPICS = (
    "a lighthouse in winter",
    "learning to ride a bicycle",
    "a market on a Saturday morning",
    "the first day at a new job",
    "keeping bees",
    "a train that is late",
    "a library at night",
    "growing tomatoes on a balcony",
    "a lost umbrella",
    "moving house",
    "a walk along a river",
    "repairing an old radio",
    "a birthday without guests",
    "the smell of bread",
    "a school play",
    "crossing a desert",
    "a power cut",
    "teaching a parrot to speak",
    "a chess game in the park",
    "waiting for the doctor",
    "a storm at sea",
    "cleaning out a garage",
    "a letter from abroad",
    "planting an apple tree",
    "a mountain hut",
    "the last bus home",
    "a broken clock",
    "a neighbour who sings",
    "camping in the rain",
    "a night shift",
    "painting a fence",
    "a dog that is afraid of water",
    "the opening of a bridge",
    "a village without internet",
    "sharing a kitchen",
    "an orchestra rehearsal",
    "a snowed-in airport",
    "collecting stamps",
    "a visit to the dentist",
    "baking for forty people",
    "a river that floods",
    "learning a new alphabet",
    "a garden shed",
    "a very small shop",
    "watching the stars",
    "an old tram",
    "a cat on the roof",
    "selling lemonade",
    "a museum of buttons",
    "a long queue",
    "a windmill",
    "mending a sail",
    "a quiet office",
    "a football match for children",
    "an early frost",
    "a lost glove",
    "a choir on tour",
    "a day without a phone",
    "a hidden path",
    "the oldest tree in town",
)
TASKS = (
    "Write a short text about {topic}.",
    "Write a few lines for a newsletter about {topic}.",
    "Describe {topic} to a friend.",
    "Write a diary entry about {topic}.",
    "Write a short note on {topic}.",
    "Tell a very short story about {topic}.",
)
LISTS = ("Give tips on {topic}.", "Write down thoughts on {topic}.", "List things that come to mind about {topic}.")
WANTED = (
    "copper",
    "harvest",
    "whisper",
    "marble",
    "lantern",
    "thunder",
    "velvet",
    "compass",
    "cinnamon",
    "granite",
    "ribbon",
    "echo",
    "harbour",
    "puzzle",
    "meadow",
    "anchor",
    "feather",
    "silver",
    "kettle",
    "shadow",
    "pepper",
    "ladder",
)
COMMON = ("the", "and", "is", "of", "to", "in", "it", "was", "very", "with")
CLOSINGS = (
    "That is all for today.",
    "More will follow soon.",
    "And so it ends.",
    "Thank you for reading.",
    "Nobody was surprised.",
    "We will see.",
    "Ask me again tomorrow.",
    "It was worth it.",
)
OPENINGS = (
    "Nobody expected this",
    "Listen carefully",
    "Years ago",
    "To begin with",
    "Strange but true",
    "On a cold morning",
)
TONGUES = {"de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "nl": "Dutch", "pt": "Portuguese"}
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class Demand(NamedTuple):
    """words  as it is put to the model; check  an object for the scorer all_of; sort  what it is about"""

    words: str
    check: dict[str, object]
    sort: str


def _regex(pattern: str) -> dict[str, object]:
    return {"scorer": "regex", "reference": pattern}


def _words_between(random: Random) -> Demand:
    least = random.choice((20, 30, 40, 50, 60))
    most = least + random.choice((10, 15, 20))
    words = random.choice(("Use between {a} and {b} words.", "The text must have at least {a} and at most {b} words."))
    return Demand(
        words.format(a=least, b=most), {"scorer": "length", "least_words": least, "most_words": most}, "words"
    )


def _words_most(random: Random) -> Demand:
    most = random.choice((15, 20, 25, 30))
    words = random.choice(("Use at most {n} words.", "Do not use more than {n} words in all."))
    return Demand(words.format(n=most), {"scorer": "length", "most_words": most, "least_words": 5}, "words")


def _sentences(random: Random) -> Demand:
    n = random.randint(2, 5)
    words = random.choice(("Write exactly {n} sentences.", "The text has exactly {n} sentences, no more and no fewer."))
    inner = r"[^.!?\s](?:[^.!?]|[.!?](?=[^\s.!?\"')\u201d\u2019]))*[.!?]+[\"')\u201d\u2019]*"
    pattern = rf"\A\s*(?:{inner}(?:\s+|\Z)){{{n}}}\Z"
    return Demand(words.format(n=NUMBERS[n]), _regex(pattern), "sentences")


def _holds(random: Random) -> Demand:
    wanted = random.sample(WANTED, random.randint(1, 3))
    said = listed([f"'{word}'" for word in wanted])
    noun = "word" if len(wanted) == 1 else "words"
    words = random.choice((f"Use the {noun} {said}.", f"The {noun} {said} must occur."))
    return Demand(words, {"scorer": "required_phrase", "phrases": wanted, "partial_credit": False}, "holds")


def _order(random: Random) -> Demand:
    a, b = random.sample(WANTED, 2)
    pattern = rf"(?is)\A(?!.*\b{b}\b.*\b{a}\b).*\b{a}\b.*\b{b}\b"
    return Demand(f"Use both '{a}' and '{b}', with '{a}' always before '{b}'.", _regex(pattern), "holds")


def _times(random: Random) -> Demand:
    word, n = random.choice(WANTED), random.randint(2, 4)
    pattern = rf"(?is)\A(?:(?!\b{word}\b).)*(?:\b{word}\b(?:(?!\b{word}\b).)*){{{n}}}\Z"
    return Demand(f"Use the word '{word}' exactly {NUMBERS[n]} times.", _regex(pattern), "holds")


def _without(random: Random) -> Demand:
    words = random.sample(COMMON, random.randint(1, 2))
    said = " or ".join(f"'{word}'" for word in words)
    text = random.choice((f"Do not use the word {said}.", f"Nowhere in the text may the word {said} occur."))
    return Demand(text, {"scorer": "must_not_contain", "phrases": words}, "without")


def _no_comma(random: Random) -> Demand:
    return Demand("Use no commas.", _regex(r"\A[^,]+\Z"), "without")


def _no_letter(random: Random) -> Demand:
    letter = random.choice("bcgkpvy")
    return Demand(f"Do not use the letter '{letter}' anywhere.", _regex(rf"(?i)\A[^{letter}]+\Z"), "letter")


def _lower(random: Random) -> Demand:
    words = random.choice(("Write everything in lower case.", "Use no capital letters at all."))
    return Demand(words, _regex(r"\A[^A-Z]*[a-z][^A-Z]*\Z"), "case")


def _upper(random: Random) -> Demand:
    return Demand("Write everything in capital letters.", _regex(r"\A[^a-z]*[A-Z][^a-z]*\Z"), "case")


def _ends(random: Random) -> Demand:
    closing = random.choice(CLOSINGS)
    words = random.choice(("End with exactly this sentence: {c}", "The last sentence must be: {c}"))
    return Demand(words.format(c=closing), _regex(rf"{re.escape(closing)}\s*\Z"), "end")


def _postscript(random: Random) -> Demand:
    return Demand(
        "Put a postscript that begins with 'P.S.' on a line of its own at the end.",
        _regex(r"\nP\.S\.[^\n]+\s*\Z"),
        "end",
    )


def _question_end(random: Random) -> Demand:
    return Demand("Let the text end with a question.", _regex(r"\?\s*\Z"), "end")


def _begins(random: Random) -> Demand:
    opening = random.choice(OPENINGS)
    return Demand(f"Begin with the words '{opening}'.", _regex(rf"\A\s*{opening}\b"), "begin")


def _title(random: Random) -> Demand:
    return Demand(
        "Put a title in double angle brackets, such as <<title>>, on the first line.",
        _regex(r"\A\s*<<[^<>\n]+>>\s*\n\s*\S"),
        "begin",
    )


def _paragraphs(random: Random) -> Demand:
    n = random.randint(2, 4)
    pattern = rf"\A(?:(?!\n\s*\*\*\*\s*\n).)+(?:\n\s*\*\*\*\s*\n(?:(?!\n\s*\*\*\*\s*\n).)+){{{n - 1}}}\Z"
    return Demand(
        f"Write {NUMBERS[n]} parts, and put a line with three asterisks, ***, between one part and the next.",
        _regex(f"(?s){pattern}"),
        "parts",
    )


def _questions(random: Random) -> Demand:
    n = random.randint(1, 3)
    noun = "question mark" if n == 1 else "question marks"
    return Demand(f"The text must hold exactly {NUMBERS[n]} {noun}.", _regex(rf"\A[^?]*(?:\?[^?]*){{{n}}}\Z"), "marks")


def _bullets(random: Random) -> Demand:
    n = random.randint(3, 7)
    words = random.choice(
        (
            "Answer with exactly {n} bullet points, each on a line that begins with '- ', and nothing else.",
            "Give a list of exactly {n} lines, each beginning with '- '. Write nothing before or after it.",
        )
    )
    return Demand(words.format(n=NUMBERS[n]), _regex(rf"\A\s*(?:- +\S[^\n]*(?:\n\s*|\Z)){{{n}}}\Z"), "list")


def _numbered(random: Random) -> Demand:
    n = random.randint(3, 7)
    pattern = r"\n\s*".join(rf"{i}\. +\S[^\n]*" for i in range(1, n + 1))
    return Demand(
        f"Answer with a numbered list of exactly {NUMBERS[n]} points, in the form '1. ...', and nothing else.",
        _regex(rf"\A\s*{pattern}\s*\Z"),
        "list",
    )


def _short_lines(random: Random) -> Demand:
    n = random.randint(4, 8)
    marker = r"(?:- |\d+\. )"
    longer = rf"(?:\S+ +){{{n}}}\S"
    pattern = rf"(?m)\A(?![\s\S]*^(?:{marker}|(?!{marker})){longer})\s*\S"
    return Demand(f"No point may have more than {NUMBERS[n]} words.", _regex(pattern), "lines")


PROSE: tuple[Callable[[Random], Demand], ...] = (
    _words_between,
    _words_most,
    _sentences,
    _holds,
    _holds,
    _order,
    _times,
    _without,
    _no_comma,
    _lower,
    _upper,
    _ends,
    _question_end,
    _begins,
    _title,
    _questions,
    _postscript,
    _paragraphs,
    _no_letter,
)
LIST: tuple[Callable[[Random], Demand], ...] = (_bullets, _numbered)
WITH_LIST: tuple[Callable[[Random], Demand], ...] = (
    _holds,
    _without,
    _no_comma,
    _lower,
    _upper,
    _short_lines,
    _times,
    _no_letter,
)
COUNT: dict[Tier, tuple[int, int]] = {"medium": (2, 3), "large": (4, 6)}
AGAINST = (
    {"sentences", "list"},
    {"sentences", "parts"},
    {"case", "end"},
    {"case", "begin"},
    {"sentences", "marks"},
    {"end", "marks"},
    {"letter", "end"},
    {"letter", "begin"},
    {"letter", "holds"},
    {"without", "end"},
    {"without", "begin"},
    {"sentences", "end"},
    {"parts", "end"},
    {"sentences", "begin"},
)
"""Sorts of demands that could contradict each other, or whose joint reading is open to doubt."""


def make(random: Random, tier: Tier, number: int) -> Item:
    """A third of the items ask for prose, a third for lists, a third for JSON or another language."""
    topic = TOPICS[number % len(TOPICS)]
    form = number // len(TOPICS) % 4
    count = random.randint(*COUNT[tier])
    if form == 2:
        return _json(random, topic, count)
    if form == 1:
        demands = _compatible(random, count - 1, [random.choice(LIST)(random)], WITH_LIST)
        task = random.choice(LISTS).format(topic=topic)
    else:
        first = [_language(random)] if form == 3 else []
        demands = _compatible(random, count - len(first), first, IN_ANY_LANGUAGE if first else PROSE)
        task = random.choice(TASKS).format(topic=topic)
    return _item(random, task, demands, f"{topic}-{form}")


def _item(random: Random, task: str, demands: Sequence[Demand], cluster: str) -> Item:
    if random.random() < 0.5:
        asked = f"{task} {' '.join(demand.words for demand in demands)}"
    else:
        asked = f"{task}\n\n" + "\n".join(f"* {demand.words}" for demand in demands)
    return Item(asked, json.dumps([demand.check for demand in demands]), cluster)


def _compatible(
    random: Random, count: int, demands: list[Demand], pool: Sequence[Callable[[Random], Demand]]
) -> list[Demand]:
    """Adds demands of different sorts that go together."""
    tries = 0
    while count > 0 and tries < 200:
        tries += 1
        new = random.choice(pool)(random)
        sorts = {demand.sort for demand in demands}
        if new.sort in sorts or any({new.sort, sort} in AGAINST for sort in sorts):
            continue
        demands.append(new)
        count -= 1
    return demands


def _language(random: Random) -> Demand:
    code = random.choice(tuple(TONGUES))
    words = random.choice(("Write in {t}.", "The whole text must be in {t}."))
    return Demand(words.format(t=TONGUES[code]), {"scorer": "language", "language": code}, "language")


IN_ANY_LANGUAGE: tuple[Callable[[Random], Demand], ...] = (
    _words_between,
    _sentences,
    _no_comma,
    _lower,
    _question_end,
    _title,
    _questions,
    _paragraphs,
    _postscript,
)


def _json(random: Random, topic: str, count: int) -> Item:
    """An object with named keys of stated types, and as many further demands on them as the tier asks for."""
    keys = random.sample(
        ("summary", "mood", "season", "people", "costs", "steps", "risks", "place", "hours", "needs_help"), count + 1
    )
    properties: dict[str, object] = {}
    said = []
    for key in keys:
        words, schema = _property(random, key)
        said.append(f"'{key}' ({words})")
        properties[key] = schema
    schema = {"type": "object", "properties": properties, "required": keys, "additionalProperties": False}
    lead = random.choice(
        (
            "Invent details about {t} and give them as one JSON object with exactly these keys: {k}.",
            "Answer with a single JSON object about {t}. Its keys, and no others: {k}.",
        )
    )
    tail = random.choice(("Write nothing but the JSON.", "No text before or after the object."))
    bare = r"\A\s*(?:```(?:json)?\s*)?\{.*\}\s*(?:```)?\s*\Z"
    demands = [
        Demand(lead.format(t=topic, k=listed(said)), {"scorer": "json_schema", "schema": schema}, "json"),
        Demand(tail, _regex(f"(?s){bare}"), "alone"),
    ]
    return Item(" ".join(demand.words for demand in demands), json.dumps([d.check for d in demands]), f"{topic}-json")


def _property(random: Random, key: str) -> tuple[str, dict[str, object]]:
    if key in ("people", "costs", "hours"):
        low = random.choice((2, 5, 10, 20))
        return f"a whole number from {low} to {low * 4}", {"type": "integer", "minimum": low, "maximum": low * 4}
    if key in ("steps", "risks"):
        n = random.randint(2, 5)
        return f"a list of exactly {NUMBERS[n]} texts", {
            "type": "array",
            "items": {"type": "string"},
            "minItems": n,
            "maxItems": n,
        }
    if key == "needs_help":
        return "true or false", {"type": "boolean"}
    if key == "season":
        return "one of 'spring', 'summer', 'autumn', 'winter'", {"enum": ["spring", "summer", "autumn", "winter"]}
    if key == "mood":
        return "one word in capital letters", {"type": "string", "pattern": "^[A-Z]+$"}
    most = random.choice((40, 60, 80))
    return f"a text of at most {most} characters", {"type": "string", "maxLength": most, "minLength": 3}
