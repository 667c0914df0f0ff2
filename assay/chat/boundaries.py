"""Tokens at the edge of prompt and answer, found without tokenising the whole text.

A tokenizer cuts a text at its added tokens (`<|im_start|>`, ...) before anything else, and a byte-level one then
cuts between words, so what becomes of the last characters of a prompt and the first of an answer depends on no more
than the text between the added token before them and the end of the first word after. That piece is
small, and alike in most records: words of letters alone differ in nothing that could matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache, cached_property
from itertools import accumulate, takewhile
from typing import Any

from assay.chat.encoded import tokenize
from assay.chat.target import ChatTarget

LONGEST_PIECE = 400
NEAR = 48
REMEMBERED = 100_000
MOST_RECENT = 4
_FIRST_WORD = re.compile(r"\s*\S*\s*\S?")
_WORD_BEGINS = re.compile(r"(?<=[^\W_]) (?=[A-Za-z])")
REACH = 24
"""Characters before the end of an answer that its last token can hardly begin before."""

_LETTERS = re.compile(r"[a-z]{2,}")


class Edge(Enum):
    """The tokens of a text around a place in it.

    CLEAN      the part before it has the tokens that it has alone
    DIFFERENT  no token reaches over it, and yet the part before has other tokens than alone
    STRADDLED  a token reaches over it
    """

    CLEAN = auto()
    DIFFERENT = auto()
    STRADDLED = auto()


@dataclass
class Boundaries:
    """Of one tokenizer.

    exact   whether a small piece says the same as the whole: byte-level with added tokens that are plain
    recent  what stood before the last edges, from an added token on that is lone
    lone    whether an added token is found wherever it is written, whatever stands before it
    alike   texts before edges, with every word alike
    ends    lone tokens that ended answers
    """

    target: ChatTarget
    known: dict[tuple[str, str], Edge] = field(default_factory=dict)
    before_words: dict[tuple[str, str], Edge | None] = field(default_factory=dict)
    lasts: dict[tuple[str, int], int | None] = field(default_factory=dict)
    recent: list[str] = field(default_factory=list)
    lone: dict[str, bool] = field(default_factory=dict)
    alike: dict[str, str] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)

    @cached_property
    def _described(self) -> dict[str, Any]:
        described: dict[str, Any] = json.loads(self.target.tokenizer.backend_tokenizer.to_str())
        return described

    @cached_property
    def _tokens_keep_to_themselves(self) -> bool:
        """Whether no added token takes the white space beside it."""
        return not any(token.get("lstrip") or token.get("rstrip") for token in self._described.get("added_tokens", []))

    @cached_property
    def exact(self) -> bool:
        described = self._described
        plain = all(
            not (token.get("single_word") or token.get("normalized") or re.search(r"\s", token["content"]))
            for token in described.get("added_tokens", [])
        )
        normalizer = (described.get("normalizer") or {}).get("type")
        return plain and normalizer in (None, "NFC") and _cuts_between_words(described.get("pre_tokenizer"))

    @cached_property
    def added(self) -> dict[str, int]:
        return dict(self.target.tokenizer.get_added_vocab())

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The longest added token first, as the tokenizer takes them."""
        names = sorted(filter(None, self.added), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, names)) or r"(?!)")

    @cached_property
    def _longest_name(self) -> int:
        return max(map(len, self.added), default=0)

    @cached_property
    def _names_reach(self) -> int:
        """Characters in which the added token at their end is found, and no tail of a longer one."""
        return min(LONGEST_PIECE, max(NEAR, 3 * self._longest_name))

    @cached_property
    def _reversible(self) -> bool:
        """Whether a text of known bytes comes back from its tokens: byte-level, with nothing normalised or trimmed."""
        decoder = (self._described.get("decoder") or {}).get("type")
        plain = self._described.get("normalizer") is None and self._tokens_keep_to_themselves
        return self.exact and plain and decoder == "ByteLevel"

    @cached_property
    def _unknown_bytes(self) -> re.Pattern[bytes]:
        vocabulary = self.target.tokenizer.get_vocab()
        unknown = bytes(byte for byte, sign in _byte_signs().items() if sign not in vocabulary)
        return re.compile(b"[" + re.escape(unknown) + b"]" if unknown else rb"(?!)")

    def comes_back(self, text: str) -> bool:
        """Whether the text is what its tokens stand for; False says nothing."""
        return self._reversible and self._unknown_bytes.search(text.encode()) is None

    def edge(self, text: str, cut: int) -> Edge | None:
        """How the text is cut into tokens around a character.

        None when a piece cannot say so, and the whole has to be tokenised.
        """
        if not self.exact:
            return None
        before = self._recently_before(text, cut) or self._before(text, cut)
        word = _FIRST_WORD.match(text, cut, cut + LONGEST_PIECE)
        after = word.group() if word else ""
        if before is None or len(after) >= LONGEST_PIECE:
            return None
        first = after[1:2] if after.startswith(" ") else after[:1]
        if first.isascii() and first.isalpha():
            edge = self._before_word(before, after)
            if edge is not None:
                return edge
        key = (before, after)
        if key not in self.known:
            if len(self.known) >= REMEMBERED:
                self.known.clear()
            self.known[key] = self._tokenized_edge(before, after)
        return self.known[key]

    def _before_word(self, before: str, after: str) -> Edge | None:
        """The edge before every word that looks like this one; None where it depends on the word.

        For words that begin with a letter, a space before it or none: a pattern that cuts between words sees that it
        is one, and not which.
        """
        key = (self.alike.get(before) or self._alike(before), _LETTERS.sub("aa", after))
        if key not in self.before_words:
            if len(self.before_words) >= REMEMBERED:
                self.before_words.clear()
            self.before_words[key] = self._cut_at(*key) if self._tokens_keep_to_themselves else None
        return self.before_words[key]

    def _alike(self, before: str) -> str:
        token = self.pattern.match(before)
        if len(self.alike) >= REMEMBERED:
            self.alike.clear()
        self.alike[before] = _LETTERS.sub("aa", before[token.end() :] if token else before)
        return self.alike[before]

    def _cut_at(self, before: str, after: str) -> Edge | None:
        """before, after: with "aa" in place of letters, which the answer must not depend on."""
        if before.endswith("'"):  # a pattern may look for 's and 'll
            return None
        cut = self.target.tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str
        alone = [piece for piece, _ in cut(before)] if before else []
        together = [piece for piece, _ in cut(before + after)]
        length = len("".join(alone))
        if length != len("".join(map(_as_bytes, before))) or length not in accumulate(map(len, together), initial=0):
            return None
        if together[: len(alone)] == alone:
            return Edge.CLEAN
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(alone, together, strict=False)))
        return None if "aa" in "".join(alone[same:]) else self._tokenized_edge(before, after)

    def _recently_before(self, text: str, cut: int) -> str | None:
        """What `_before` would find, where it has found the same shortly before."""
        for before in self.recent:
            if text.endswith(before, 0, cut):
                return before
        return None

    def _is_lone(self, name: str) -> bool:
        """Whether no other added token holds this one, or ends in its beginning."""
        if name not in self.lone:
            heads = tuple(name[:end] for end in range(1, len(name) + 1))
            self.lone[name] = not any(name in other or other.endswith(heads) for other in self.added if other != name)
        return self.lone[name]

    def _before(self, text: str, cut: int) -> str | None:
        """The text before the cut from a place on where it is cut whatever stands before: the nearer the better."""
        for reach in (NEAR, LONGEST_PIECE):
            start = max(0, cut - reach)
            before = self._from_added_token(text, start, cut)
            if before is None:
                before = self._from_word(text, start, cut)
            if before is not None:
                return before
        return None

    def _from_added_token(self, text: str, start: int, cut: int) -> str | None:
        """From the last added token on, or from the beginning."""
        found = [match.start() for match in self.pattern.finditer(text, start, cut)]
        if not found:
            return text[:cut] if start == 0 else None
        if len(found) > 1 or start == 0 or found[0] - start >= self._longest_name:  # else it may be a longer one's tail
            before = text[found[-1] : cut]
            token = self.pattern.match(before)
            if token is not None and self._is_lone(token.group()):
                self.recent = [before, *self.recent[: MOST_RECENT - 1]]
            return before
        return None

    def _from_word(self, text: str, start: int, cut: int) -> str | None:
        """From the last word on that stands after another, where there is no added token after it."""
        begun = _word_starts(text, start, cut)
        if not begun or self.pattern.search(text, begun[-1], cut) is not None:
            return None
        return text[begun[-1] : cut]

    def _tokenized_edge(self, before: str, after: str) -> Edge:
        (alone, _), (together, offsets) = tokenize([before, before + after], self.target)
        if any(start < len(before) < end for start, end in offsets):
            return Edge.STRADDLED
        return Edge.CLEAN if together[: len(alone)] == alone else Edge.DIFFERENT

    def last_token(self, text: str, end: int) -> int | None:
        """The token that holds the last character before `end`; None when only the whole can say.

        An added token where one stands there; else found from the last word that begins some way before.
        """
        for name, token in self.ends.items():
            if text.endswith(name, 0, end):
                return token
        *_, last = [None, *self.pattern.finditer(text, max(0, end - self._names_reach), end)]
        if last is not None and last.end() == end:
            if self._is_lone(last.group()) and len(self.ends) < MOST_RECENT:
                self.ends[last.group()] = self.added[last.group()]
            return self.added[last.group()]
        begun = _word_starts(text, end - REACH - NEAR, end - REACH) or _word_starts(
            text, end - LONGEST_PIECE, end - REACH
        )
        word = _FIRST_WORD.match(text, end, end + LONGEST_PIECE)
        after = word.group() if word else ""
        if not begun or not self.exact or len(after) >= LONGEST_PIECE:
            return None
        piece, cut = text[begun[-1] : end] + after, end - begun[-1]
        if (piece, cut) not in self.lasts:
            if len(self.lasts) >= REMEMBERED:
                self.lasts.clear()
            self.lasts[piece, cut] = self._last_within(piece, cut)
        return self.lasts[piece, cut]

    def _last_within(self, piece: str, cut: int) -> int | None:
        ((ids, offsets),) = tokenize([piece], self.target)
        within = [
            token for token, (start, stop) in zip(ids, offsets, strict=True) if start < cut or start == stop == cut
        ]
        return within[-1] if within else None


def _word_starts(text: str, start: int, end: int) -> list[int]:
    return [match.start() for match in _WORD_BEGINS.finditer(text, max(0, start), max(0, end))]


@cache
def _byte_signs() -> dict[int, str]:
    """The character by which a byte-level vocabulary writes each byte (GPT-2's `bytes_to_unicode`)."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in set(plain)]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def _as_bytes(sign: str) -> str:
    """As many characters as a byte-level tokenizer makes of one."""
    return "x" * len(sign.encode("utf-8", "surrogatepass"))


def _cuts_between_words(pre_tokenizer: object) -> bool:
    """Whether a pre-tokenizer, as described in tokenizer.json, is byte-level with the usual cutting by words."""
    if not isinstance(pre_tokenizer, dict):
        return False
    parts: Sequence[dict[str, object]] = pre_tokenizer.get("pretokenizers") or [pre_tokenizer]
    kinds = [part.get("type") for part in parts]
    if "ByteLevel" not in kinds or not set(kinds) <= {"ByteLevel", "Split", "Digits"}:
        return False
    byte_level = parts[kinds.index("ByteLevel")]
    cut = bool(byte_level.get("use_regex", True)) or "Split" in kinds
    return cut and not byte_level.get("add_prefix_space", False)


_KNOWN: dict[tuple[str, str], Boundaries] = {}


def boundaries_of(target: ChatTarget) -> Boundaries:
    """Shared by all who ask about the same tokenizer."""
    key = (target.name, target.tokenizer_sha256)
    if key not in _KNOWN:
        if len(_KNOWN) >= 64:
            _KNOWN.clear()
        _KNOWN[key] = Boundaries(target)
    return _KNOWN[key]
