"""What holds now: the journal read once, and then only what was added to it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from .journal import read_reviews, reviews_from_text
from .review import SECOND_READING, UNDECIDED, Review, Subject, Verdict

_NONE: Mapping[Subject, Review] = {}
_NO_SKIPS: frozenset[Subject] = frozenset()


@dataclass
class Standing:
    """The decisions that hold, by record. What it gave of a record stays as it was when more is added.

    second  {(record id, who): second reading}
    """

    second: dict[tuple[str, str], Review] = field(default_factory=dict)
    _about: dict[str, dict[Subject, Review]] = field(default_factory=dict)
    _skips: dict[str, frozenset[Subject]] = field(default_factory=dict)

    @classmethod
    def of(cls, reviews: Iterable[Review]) -> Standing:
        made = cls()
        for review in reviews:
            made.add(review)
        return made

    def add(self, review: Review) -> None:
        """The next line of the journal."""
        subject, record = review.subject, review.subject.record_id
        if subject.check == SECOND_READING:
            self.second.pop((record, review.who), None)
            if review.verdict not in UNDECIDED:
                self.second[record, review.who] = review
            return
        own = {other: held for other, held in self.about(record).items() if other != subject}
        skips = self._skips.get(record, _NO_SKIPS) - {subject}
        if review.verdict is Verdict.SKIP:
            skips |= {subject}
        elif review.verdict is not Verdict.UNDO:
            own[subject] = review
        self._about[record], self._skips[record] = own, skips

    def about(self, record_id: str) -> Mapping[Subject, Review]:
        """What holds of a record."""
        return self._about.get(record_id, _NONE)

    def was_skipped(self, record_id: str) -> bool:
        """It was looked at last without a decision."""
        return bool(self._skips.get(record_id))


class Journal:
    """A file of decisions, read on from where it was read last. One for a path: see `journal_at`.

    version  another number after each change
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.version = 0
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._forget()

    def _forget(self) -> None:
        self._reviews: list[Review] = []
        self._held: tuple[Review, ...] = ()
        self._standing = Standing()
        self._whole = 0
        self._digest = hashlib.sha256()

    def now(self) -> tuple[tuple[Review, ...], Standing]:
        """All decisions in order, and what holds. Raises SourceError."""
        with self._lock:
            changed = _stamp(self.path)
            if changed != self._seen or self._whole < 0:
                self._read_on()
                self._held = tuple(self._reviews)
                self._seen, self.version = changed, self.version + 1
            return self._held, self._standing

    def _read_on(self) -> None:
        """Lines that are whole stay read as long as the bytes before them are the same: people edit the file, too."""
        data = self.path.read_bytes() if self.path.is_file() else b""
        if hashlib.sha256(data[: self._whole]).digest() != self._digest.digest():
            self._forget()
        end = data.rfind(b"\n") + 1
        if end < len(data):  # a line without its end: a crash cut it off, or somebody wrote it by hand
            self._forget()
            self._take(read_reviews(self.path))
            self._whole, self._digest = -1, hashlib.sha256(b"never")
            return
        if end > self._whole:
            first = data[: self._whole].count(b"\n")
            self._take(reviews_from_text(data[self._whole : end], self.path, first))
            self._digest.update(data[self._whole : end])
            self._whole = end

    def _take(self, reviews: Iterable[Review]) -> None:
        for review in reviews:
            self._reviews.append(review)
            self._standing.add(review)


def _stamp(path: Path) -> tuple[int, int, int]:
    """Other when the file is another: what is added makes it longer."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return found.st_ino, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=8)
def _at(path: Path) -> Journal:
    return Journal(path)


def journal_at(path: Path) -> Journal:
    """The same for the same file, so that pages share what was read."""
    return _at(path.resolve())
