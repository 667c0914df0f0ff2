"""Tokens at the edge of prompt and answer, found without tokenising the whole text.

A tokenizer cuts a text at its added tokens (`<|im_start|>`, ...) before anything else, and a byte-level one then
cuts between words, so what becomes of the last characters of a prompt and the first of an answer depends on no more
than the text between the added token before them and the end of the first word after. That piece is
small, and alike in most records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from assay.chat_target import ChatTarget
from assay.encoded import tokenize

LONGEST_PIECE = 400
REMEMBERED = 100_000
_FIRST_WORD = re.compile(r"\s*\S*\s*\S?")


@dataclass
class Boundaries:
    """Of one tokenizer.

    exact  whether a small piece says the same as the whole: byte-level with added tokens that are plain
    """

    target: ChatTarget
    known: dict[tuple[str, str], bool] = field(default_factory=dict)

    @cached_property
    def exact(self) -> bool:
        described = json.loads(self.target.tokenizer.backend_tokenizer.to_str())
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

    def clean(self, text: str, cut: int) -> bool | None:
        """Whether the text is cut into tokens at `cut`, and the part before it as if it stood alone.

        None when a piece cannot say so, and the whole has to be tokenised.
        """
        if not self.exact:
            return None
        before = self._from_added_token(text, cut)
        word = _FIRST_WORD.match(text, cut, cut + LONGEST_PIECE)
        after = word.group() if word else ""
        if before is None or len(after) >= LONGEST_PIECE:
            return None
        key = (before, after)
        if key not in self.known:
            if len(self.known) >= REMEMBERED:
                self.known.clear()
            self.known[key] = self._tokenizes_apart(before, after)
        return self.known[key]

    def _from_added_token(self, text: str, cut: int) -> str | None:
        """The text before the cut from the last added token on, or from the beginning."""
        for reach in (48, LONGEST_PIECE):
            start = max(0, cut - reach)
            found = [match.start() for match in self.pattern.finditer(text, start, cut)]
            if len(found) > 1 or (found and start == 0):  # the first might be the tail of a longer token
                return text[found[-1] : cut]
            if start == 0:
                return text[:cut]
        return None

    def _tokenizes_apart(self, before: str, after: str) -> bool:
        (alone, _), (together, offsets) = tokenize([before, before + after], self.target)
        straddled = any(start < len(before) < end for start, end in offsets)
        return not straddled and together[: len(alone)] == alone

    def last_token(self, text: str, end: int) -> int | None:
        """The added token that the text ends in at `end`, None where it ends in none."""
        names = [match for match in self.pattern.finditer(text, max(0, end - LONGEST_PIECE), end) if match.end() == end]
        return self.added[names[-1].group()] if names else None


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
