"""Writes an answer that keeps every demand of an item of `instructions`, from the item's text alone.

What it writes is dull; that it can be written shows that no item asks for what cannot be.
"""

# ruff: noqa: E501

from __future__ import annotations

import json
import re
from collections.abc import Callable

from assay.text import words as counted

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
FILLER = {
    "English": "rain old men run home three doors lie near all those houses our sun rises late tides turn some soldiers wait alone",
    "German": "das alte haus steht heute ohne licht am rande der stadt und die kinder spielen noch lange im garten hinter dem baum",
    "French": "la vieille maison reste sans lumière au bord de la ville et les enfants jouent encore longtemps dans le jardin",
    "Spanish": "la casa vieja sigue sin luz al borde de la ciudad y los niños juegan todavía mucho tiempo en el jardín",
    "Italian": "la vecchia casa resta senza luce al margine della città e i bambini giocano ancora a lungo nel giardino",
    "Dutch": "het oude huis staat vandaag zonder licht aan de rand van de stad en de kinderen spelen nog lang in de tuin",
    "Portuguese": "a velha casa continua sem luz na beira da cidade e as crianças brincam ainda muito tempo no jardim",
}


def answer(prompt: str) -> str:
    """Raises AttributeError or IndexError for a prompt that is of no known form."""
    if "JSON" in prompt:
        return _object(prompt)
    text = (
        _list(prompt) if re.search(r"bullet points|numbered list|each beginning with '- '", prompt) else _prose(prompt)
    )
    if re.search(r"lower case|no capital letters", prompt):
        return text.lower()
    return text.upper() if "in capital letters" in prompt else text


def _object(prompt: str) -> str:
    """A value for each key, as it is described."""
    makers: tuple[tuple[str, Callable[[re.Match[str]], object]], ...] = (
        (r"a whole number from (\d+)", lambda found: int(found[1])),
        (r"a list of exactly (\w+) texts", lambda found: ["rain"] * NUMBERS.index(found[1])),
        (r"true or false", lambda found: True),
        (r"one of '(\w+)'", lambda found: found[1]),
        (r"one word in capital letters", lambda found: "CALM"),
        (r"a text of at most", lambda found: "rain at home"),
    )
    value = {}
    for key, said in re.findall(r"'(\w+)' \(([^)]*)\)", prompt):
        value[key] = next(make(found) for pattern, make in makers if (found := re.match(pattern, said)))
    return json.dumps(value)


def _required(prompt: str) -> list[str]:
    """Words that must occur, in an order that is allowed and as often as they must."""
    if found := re.search(r"Use both '(\w+)' and '(\w+)'", prompt):
        return list(found.groups())
    if found := re.search(r"Use the word '(\w+)' exactly (\w+) times", prompt):
        return [found[1]] * NUMBERS.index(found[2])
    found = re.search(r"(?:Use the words? (.*?)\.|The words? (.*?) must occur)", prompt)
    return re.findall(r"'(\w+)'", found[1] or found[2]) if found else []


def _list(prompt: str) -> str:
    found = re.search(r"exactly (\w+) (?:bullet|points|lines)", prompt)
    assert found is not None
    points = NUMBERS.index(found[1])
    most = re.search(r"more than (\w+) words", prompt)
    room = NUMBERS.index(most[1]) if most else 8
    lines: list[list[str]] = [[] for _ in range(points)]
    for i, word in enumerate(_required(prompt)):
        lines[i % points].append(word)
    texts = [" ".join((line or ["rain"])[:room]) for line in lines]
    numbered = "numbered list" in prompt
    return "\n".join(f"{i}. {text}" if numbered else f"- {text}" for i, text in enumerate(texts, start=1))


def _prose(prompt: str) -> str:
    tongue = next((name for name in FILLER if re.search(rf"\bin {name}\b", prompt)), "English")
    opening = re.search(r"Begin with the words '([^']*)'", prompt)
    closing = re.search(r"(?:exactly this sentence|must be): ([^\n]*?\.)", prompt)
    sentences = re.search(r"exactly (\w+) sentences", prompt)
    parts = re.search(r"Write (\w+) parts", prompt)
    marks = re.search(r"exactly (\w+) question marks?", prompt)
    asked = NUMBERS.index(marks[1]) if marks else 1 if "end with a question" in prompt else 0
    units = max(NUMBERS.index(sentences[1]) if sentences else 1, NUMBERS.index(parts[1]) if parts else 1, asked)
    head = "<<rain>>\n" if "double angle brackets" in prompt else ""
    tail = f" {closing[1]}" if closing else "\nP.S. rain" if "postscript" in prompt else ""
    fixed = [*(opening[1].split() if opening else []), *_required(prompt)]
    missing = max(_length(prompt) - len(counted(head + tail)) - len(fixed), units - len(fixed), 1)
    pool = FILLER[tongue].split()
    tokens = [*fixed, *(pool[i % len(pool)] for i in range(missing))]
    size = len(tokens) // units
    pieces = [tokens[i * size : (i + 1) * size if i < units - 1 else None] for i in range(units)]
    ends = ["?" if i >= units - asked else "." for i in range(units)]
    said = [
        f"{piece[0].capitalize() if not opening else piece[0]} {' '.join(piece[1:])}".strip() + end
        for piece, end in zip(pieces, ends, strict=True)
    ]
    if parts and units > NUMBERS.index(parts[1]):
        kept = NUMBERS.index(parts[1])
        said = [*said[: kept - 1], " ".join(said[kept - 1 :])]
    return head + ("\n***\n" if parts else " ").join(said) + tail


def _length(prompt: str) -> int:
    """A number of words that is allowed."""
    if found := re.search(r"(?:between|at least) (\d+) and (?:at most )?(\d+) words", prompt):
        return (int(found[1]) + int(found[2])) // 2
    if found := re.search(r"(?:at most|more than) (\d+) words", prompt):
        return int(found[1]) - 1
    return 24
