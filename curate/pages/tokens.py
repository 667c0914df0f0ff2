"""A record token by token, for a terminal: colour where there is any, and marks that say the same without."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence

import click

from assay.console import on_one_line, printable

from ..template.tokens import Prompt, Shown, Token

TRAINED, STOP, PLAIN = "+", "#", " "
LONGEST_TOKEN = 60
_SIGNS = {" ": "·", "\n": "↵", "\t": "→", "\r": "␍"}


def render_tokens(shown: Shown, width: int) -> str:
    """The model, the legend, each turn with its tokens, the inference prompts, and what the checks say."""
    return "\n".join(_lines(shown, width)) + "\n"


def _lines(shown: Shown, width: int) -> Iterator[str]:
    record = shown.record
    yield click.style(f"  {printable(shown.model)}", bold=True) + f"   {on_one_line(record.source)}   {record.id}"
    trained = sum(token.trained for token in shown.tokens)
    if shown.tokens_judged:
        yield f"  {len(shown.tokens):,} tokens, {trained:,} of them trained"
        yield click.style(f"  {TRAINED} trained   {STOP} trained stop token   · space   ↵ line break   → tab", dim=True)
    else:
        yield "  a template without its tokenizer: pieces of text, no token was judged"
        yield click.style(f"  {TRAINED} trained   · space   ↵ line break   → tab", dim=True)
    if shown.problem is not None:
        check, _, message = shown.problem
        yield click.style(_filled(f"not trained on: {check}: {message}", width), fg="red")
    for turn in shown.turns:
        own = [token for token in shown.tokens if token.turn == turn.index]
        yield ""
        where = "" if turn.start is not None else "   not in the text, or a part of another turn"
        yield click.style(f"  turn {turn.index} {printable(turn.role)}", fg="cyan", bold=True) + where
        yield from _cells(own, width)
    yield ""
    for prompt in shown.prompts:
        yield from _prompt(prompt, shown, width)
    yield _filled(f"stop tokens: {'  '.join(map(visible, shown.stops)) or 'none'}", width)
    for check, kind, message in shown.notes:
        yield click.style(_filled(f"{check} ({kind}): {message}", width), fg="yellow")


def _cells(tokens: Sequence[Token], width: int) -> Iterator[str]:
    """As many tokens a line as fit: mark, id, text."""
    line, used = "", 0
    for token in tokens:
        mark = STOP if token.trained and token.stop else TRAINED if token.trained else PLAIN
        text = visible(token.text)
        if token.id is None:
            if line:
                yield line
            yield from _piece(mark, text, token, width)
            line, used = "", 0
            continue
        plain = f"{mark}{token.id} {text if len(text) <= LONGEST_TOKEN else text[: LONGEST_TOKEN - 3] + '...'}"
        size = _columns(plain) + 3
        if line and used + size > width:
            yield line
            line, used = "", 0
        line += ("  " if not line else "   ") + _styled(plain, token)
        used += size
    if line:
        yield line


def _piece(mark: str, text: str, token: Token, width: int) -> Iterator[str]:
    """A piece of text in lines, each with the mark."""
    room = max(20, width - 4)
    for start in range(0, len(text), room):
        yield "  " + _styled(f"{mark} {text[start : start + room]}", token)


def _styled(text: str, token: Token) -> str:
    if token.trained and token.stop:
        return click.style(text, fg="magenta", bold=True)
    return click.style(text, fg="green") if token.trained else click.style(text, dim=True)


def _prompt(prompt: Prompt, shown: Shown, width: int) -> Iterator[str]:
    size = f"{prompt.tokens:,} tokens" if prompt.tokens is not None else f"{len(prompt.text):,} characters"
    head = f"inference prompt before turn {prompt.turn}: {size}, ending in {visible(prompt.text[-40:])}"
    if prompt.diverges_at is None:
        yield _filled(f"{head}; training begins with exactly these", width)
        return
    unit = "token" if prompt.tokens is not None else "character"
    yield click.style(_filled(f"{head}; training differs from {unit} {prompt.diverges_at:,} on", width), fg="red")
    yield _filled(f"  asked:   {visible(prompt.asked)}", width)
    yield _filled(f"  trained: {visible(prompt.seen)}", width)


def _filled(text: str, width: int) -> str:
    return textwrap.fill(printable(text), width, initial_indent="  ", subsequent_indent="    ", drop_whitespace=False)


def visible(text: str) -> str:
    """White space as signs, and whatever else cannot be seen, or could move the cursor, as its escape."""
    return printable("".join(_SIGNS.get(sign, sign) for sign in text))


def _columns(text: str) -> int:
    """Cells of a terminal: two for East Asian wide characters, none for what combines."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )
