"""How many tokens texts have, exactly, at a tenth of the price of tokenising them.

Most tokenizers cut a text into words before they look for tokens, so that no token reaches from one word into the next.
Where that is certain, each word is tokenised once, and a text has as many tokens as its words have together. Where it
is not, for example in a sentencepiece model that merges over spaces, every text is tokenised.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from tokenizers import Tokenizer

    Counts = npt.NDArray[np.int64]

CHUNK = 256
REMEMBERED_CHARACTERS = 4_000_000
"""The tokens of so many characters of words are remembered; then the memory starts afresh."""

_CUT = re.compile(r"(?<=\S)(?= \S)")
"""Where a text may be cut: before a single space between words. What stands beside other white space stays whole."""

_CONTRACTIONS, _END = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+", r"|\s*[\r\n]+|\s+(?!\S)|\s+"
CUTTING_PATTERNS = frozenset(
    f"{_CONTRACTIONS}|{digits}| ?[^\\s\\p{{L}}\\p{{N}}]+[\\r\\n]*{_END}" for digits in (r"\p{N}", r"\p{N}{1,3}")
)
"""Of Qwen 2 and 3, and of Llama 3 and GPT-4: none of the alternatives takes a space but as its first character, or
among nothing but white space. The pattern that ByteLevel brings along, of GPT-2, has that in common with them."""


class TokenCounter:
    """Counts tokens without special ones; the memory of words grows with use."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._count: Callable[[Sequence[str]], Counts] = (
            _Words(tokenizer).count if cuts_at_spaces(tokenizer) else partial(_lengths, tokenizer)
        )

    def count(self, texts: Sequence[str]) -> Counts:
        """Shape [texts]. Half surrogate pairs, which no tokenizer reads, count as question marks."""
        import numpy as np

        readable = [text if text.isascii() else text.encode("utf-8", "replace").decode() for text in texts]
        chunks = (readable[start : start + CHUNK] for start in range(0, len(readable), CHUNK))
        return np.concatenate([np.zeros(0, np.int64), *map(self._count, chunks)])


def cuts_at_spaces(tokenizer: Tokenizer) -> bool:
    """Whether it is certain that it has no token with a part of the word before a space and of the word behind it."""
    from tokenizers.normalizers import NFC

    if not (tokenizer.normalizer is None or isinstance(tokenizer.normalizer, NFC)):
        return False
    if tokenizer.truncation or tokenizer.padding or getattr(tokenizer.model, "dropout", None):
        return False
    for token in tokenizer.get_added_tokens_decoder().values():
        if " " in token.content or token.lstrip or token.rstrip or token.single_word:
            return False
    steps = _steps(tokenizer)
    return all(map(_keeps_cuts, steps)) and any(map(_cuts, steps))


def _steps(tokenizer: Tokenizer) -> list[dict[str, Any]]:
    if tokenizer.pre_tokenizer is None:
        return []
    state: dict[str, Any] = json.loads(tokenizer.pre_tokenizer.__getstate__())
    return state["pretokenizers"] if state["type"] == "Sequence" else [state]


def _cuts(step: dict[str, Any]) -> bool:
    return step["type"] == "Split" or (step["type"] == "ByteLevel" and bool(step["use_regex"]))


def _keeps_cuts(step: dict[str, Any]) -> bool:
    if step["type"] == "Split":
        known = step["pattern"].get("Regex") in CUTTING_PATTERNS
        return known and step["behavior"] == "Isolated" and not step["invert"]
    return step["type"] == "Digits" or (step["type"] == "ByteLevel" and not step["add_prefix_space"])


class _Words(dict[str, int]):
    """{word: its number, in the order in which they came}; _counts[n] tokens of word n, with the space before it.

    The first word of a text, which has none, is remembered with a space before it, where the others have none.
    """

    _counts: Counts
    _new: list[str]
    _characters: int

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self._tokenizer = tokenizer
        self._forget()

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        self._new.append(word)
        return number

    def count(self, texts: Sequence[str]) -> Counts:
        import numpy as np

        if self._characters > REMEMBERED_CHARACTERS:
            self._forget()
        pieces = [_pieces(text) for text in texts]
        sizes = np.fromiter(map(len, pieces), np.int64, len(pieces))
        words = np.fromiter(map(self.__getitem__, chain.from_iterable(pieces)), np.int64, int(sizes.sum()))
        self._learn()
        counts: Counts = np.add.reduceat(self._counts[words], np.cumsum(sizes) - sizes)
        return counts

    def _learn(self) -> None:
        import numpy as np

        if self._new:
            self._characters += sum(map(len, self._new))
            spaced = [word[1:] if word.startswith(" ") else f" {word}" for word in self._new]
            self._counts = np.concatenate((self._counts, _lengths(self._tokenizer, spaced)))
            self._new.clear()

    def _forget(self) -> None:
        import numpy as np

        self.clear()
        self._new = []
        self._characters = 0
        self._counts = np.zeros(0, np.int64)


def _pieces(text: str) -> list[str]:
    """At least one: the first with a space before it, the others without the one that they have."""
    words = text.split(" ")
    if words != text.split():
        words = _CUT.split(text)
        words[1:] = [word[1:] for word in words[1:]]
    words[0] = f" {words[0]}"
    return words


def _lengths(tokenizer: Tokenizer, texts: Sequence[str]) -> Counts:
    import numpy as np

    encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    return np.fromiter(map(len, encoded), np.int64, len(encoded))
