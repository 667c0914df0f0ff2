"""Which of many short strings stand in which record: one walk over the bytes of a batch serves all checks.

Most checks find nothing in most records, and most of those records lack every sign of it: no "=" for arithmetic, no
digit for a telephone number. A check declares such signs as cues, and is called only for records that hold one:

    @record_check(..., cues=Cues("=", " plus ", any_case=("password",)))

All cues of all checks make one deterministic automaton (Aho and Corasick, 1975; here by the subset construction, so
that a cue may hold classes of bytes and be of any case).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from assay.records import Record

from .personal.strings import one_text

if TYPE_CHECKING:
    from .column import Array

MOST_CUES = 63
"""Sets of cues in one automaton: the bits of a mask, less its sign."""

KEY = "cues.marked"
"""Among what a context shares: the `Marked` of the batch that is looked at."""

LONG_WORD = 26
"""Letters and digits on end, of which hardly any word of a language has so many."""


@dataclass(frozen=True, init=False)
class Cues:
    """Signs of which one stands in every record in which a check finds something.

    A record is its turns, tool calls, declared tools and other columns. In a cue a class of bytes is written as in a
    regular expression ("gl[a-z][a-z]-"), and a backslash stands before a bracket that is none. Every turn stands
    between line breaks: "\\ndef " is for what stands at the beginning of one or of a line. `long_words` is for
    what has LONG_WORD letters and digits on end.
    """

    exact: tuple[str, ...]
    any_case: tuple[str, ...]
    raw: tuple[bytes, ...]
    long_words: bool

    def __init__(
        self, *exact: str, any_case: Sequence[str] = (), raw: Sequence[bytes] = (), long_words: bool = False
    ) -> None:
        """raw: cues as bytes of UTF-8, such as `first_bytes` gives."""
        for name, value in (("exact", exact), ("any_case", tuple(any_case)), ("raw", tuple(raw))):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "long_words", long_words)

    def sequences(self) -> list[list[frozenset[int]]]:
        """Each cue as the bytes that may stand at each of its places."""
        exact = [_parsed(cue.encode()) for cue in self.exact]
        raw = [_parsed(cue) for cue in self.raw]
        return [*exact, *raw, *([_both_cases(place) for place in _parsed(cue.encode())] for cue in self.any_case)]


def first_bytes(first: str, last: str) -> tuple[bytes, ...]:
    """The bytes with which the UTF-8 of the characters from `first` to `last` begins, as cues."""
    return tuple(bytes([byte]) for byte in range(first.encode()[0], last.encode()[0] + 1))


def _parsed(cue: bytes) -> list[frozenset[int]]:
    places: list[frozenset[int]] = []
    at = 0
    while at < len(cue):
        if cue[at : at + 1] == b"[":
            end = cue.index(b"]", at)
            places.append(_class(cue[at + 1 : end]))
            at = end + 1
            continue
        at += cue[at : at + 1] == b"\\"
        places.append(frozenset(cue[at : at + 1]))
        at += 1
    return places


def _class(inside: bytes) -> frozenset[int]:
    if inside[:1] == b"^":
        return frozenset(range(256)) - _class(inside[1:])
    members: set[int] = set()
    at = 0
    while at < len(inside):
        if inside[at + 1 : at + 2] == b"-" and at + 2 < len(inside):
            members.update(range(inside[at], inside[at + 2] + 1))
            at += 3
            continue
        members.add(inside[at])
        at += 1
    return frozenset(members)


def _both_cases(place: frozenset[int]) -> frozenset[int]:
    return frozenset(bytes(place).lower() + bytes(place).upper())


class Marked(NamedTuple):
    """texts of the records, and of each a mask of the sets of cues that it holds; shape [records]."""

    records: Sequence[Record]
    texts: Sequence[str]
    masks: Array
    automaton: Automaton

    def held(self, cues: Cues, start: int = 0, end: int | None = None) -> list[int] | None:
        """Which of the records [start, end) hold one of the cues, counted from `start`; None where nobody looked."""
        bit = self.automaton.bits.get(cues)
        return None if bit is None else (self.masks[start:end] & bit).nonzero()[0].tolist()


class Automaton:
    """All cues at once.

    bits         {cues: bit of the mask}
    classes      of each byte the column of `transitions`; shape [256]
    transitions  shape [states, classes]
    found        of each state the bits of the cues that end there; shape [states]
    """

    def __init__(self, sets: Sequence[Cues]) -> None:
        distinct = list(dict.fromkeys(sets))[:MOST_CUES]
        self.bits = {cues: 1 << number for number, cues in enumerate(distinct)}
        self.long_words = sum(bit for cues, bit in self.bits.items() if cues.long_words)
        self.classes, self.transitions, self.found = _determinised(
            [(sequence, bit) for cues, bit in self.bits.items() for sequence in cues.sequences()]
        )

    def mark(self, records: Sequence[Record]) -> Marked:
        texts = [one_text(record) for record in records]
        return Marked(records, texts, self.masks(*utf8(texts)), self)

    def masks(self, data: Array, offsets: Array) -> Array:
        """Of each text the bits of the cues that it holds, int64, shape [texts]; the texts as `utf8` gives them."""
        import numpy as np

        from .cue_kernel import mark

        masks = np.zeros(len(offsets) - 1, np.int64)
        mark(
            data, offsets, self.classes, self.transitions, self.found,
            np.int64(self.long_words), np.int64(LONG_WORD), masks,
        )  # fmt: skip
        return masks


def utf8(texts: Sequence[str]) -> tuple[Array, Array]:
    """The bytes of all texts, lone surrogates among them, and [texts + 1] offsets into them."""
    import numpy as np

    joined = "".join(texts)
    parts = texts if joined.isascii() else [text.encode("utf-8", "surrogatepass") for text in texts]
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=offsets[1:])
    return np.frombuffer(joined.encode("utf-8", "surrogatepass"), np.uint8), offsets


def _determinised(cues: Sequence[tuple[Sequence[frozenset[int]], int]]) -> tuple[Array, Array, Array]:
    """Classes, transitions and outputs of the automaton that finds every cue wherever it stands."""
    import numpy as np

    places = list(dict.fromkeys(place for sequence, _ in cues for place in sequence))
    signatures = [tuple(place for place in range(len(places)) if byte in places[place]) for byte in range(256)]
    number_of = {signature: number for number, signature in enumerate(dict.fromkeys(signatures))}
    classes = np.array([number_of[signature] for signature in signatures], np.uint8)
    columns = {place: sorted({int(classes[byte]) for byte in place}) for place in places}

    steps: list[tuple[list[int], int, int]] = []  # (columns, next step or -1, bits found there)
    starts: list[int] = []
    for sequence, bit in cues:
        starts.append(len(steps))
        for place in sequence[:-1]:
            steps.append((columns[place], len(steps) + 1, 0))
        steps.append((columns[sequence[-1]], -1, bit))

    nowhere: tuple[frozenset[int], int] = (frozenset(), 0)
    states = {nowhere: 0}
    rows: list[list[int]] = []
    order = [nowhere]
    from_anywhere = _reached(starts, steps)
    for state in order:  # grows while it is walked
        row = rows[0].copy() if rows else [0] * len(number_of)
        for column, (inside, bits) in (_reached(state[0], steps) if rows else from_anywhere).items():
            if rows and column in from_anywhere:
                inside, bits = inside | from_anywhere[column][0], bits | from_anywhere[column][1]
            after = (frozenset(inside), bits)
            row[column] = states.setdefault(after, len(states))
            if row[column] == len(order):
                order.append(after)
        rows.append(row)
    width = np.uint16 if len(rows) < 65_536 else np.uint32
    return classes, np.array(rows, width), np.array([bits for _, bits in order], np.int64)


def _reached(steps: Iterable[int], table: Sequence[tuple[list[int], int, int]]) -> dict[int, tuple[set[int], int]]:
    """{column: (steps after it, bits found)} from these steps."""
    reached: dict[int, tuple[set[int], int]] = {}
    for step in steps:
        columns, after, bit = table[step]
        for column in columns:
            inside, bits = reached.setdefault(column, (set(), 0))
            if after >= 0:
                inside.add(after)
            reached[column] = (inside, bits | bit)
    return reached
