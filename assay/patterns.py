"""Regular expressions that people write into files: RE2's syntax, which takes linear time on any text.

Python's own expressions can take hours on one hostile line. RE2 has neither look-around nor back-references, and its
`\\w`, `\\d` and `\\b` know ASCII only: `\\pL` is a letter of any script. https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from assay.errors import SettingsError, missing_extra


@dataclass(frozen=True)
class Pattern:
    """A compiled expression; places are characters [start, end) of the text."""

    text: str
    _compiled: Any

    def finditer(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it matches, from left to right, without overlaps and without empty matches."""
        for match in self._compiled.finditer(_encodable(text)):
            start, end = match.span()
            if end > start:
                yield start, end

    def found_in(self, text: str) -> bool:
        return self._compiled.search(_encodable(text)) is not None


def compile_pattern(text: str, where: str, *, ignore_case: bool = True) -> Pattern:
    """Raises SettingsError for what is no RE2 expression, MissingExtraError where google-re2 is not installed."""
    try:
        import re2
    except ImportError as error:
        raise missing_extra("style", error) from error
    try:
        return Pattern(text, _compile(text, ignore_case))
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else error
        raise SettingsError(
            f"'{text:.60}' is no regular expression of RE2 ({reason})",
            where=where,
            fix="RE2 has no look-around and no back-references",
        ) from error


@lru_cache(maxsize=1024)
def _compile(text: str, ignore_case: bool) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    return re2.compile(text, options)


def _encodable(text: str) -> str:
    """RE2 reads UTF-8: half a surrogate pair becomes a question mark, so that every place stays as it was."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
