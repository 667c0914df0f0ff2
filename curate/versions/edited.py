"""Which records of the new version are edits of old ones: what a set difference calls one gone and one come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from assay.records import Record
from assay.text import conversation_text, normalize, prompt_key, words

FEWEST_CHARACTERS = 20
"""An answer as long as this is hardly given twice by chance."""

SHARED_WORDS = 0.5
"""Jaccard similarity of the words of two records from which one is an edit of the other."""

RARE_WORDS = 6
MOST_CANDIDATES = 50


@dataclass(frozen=True)
class Edit:
    """how: "parent" (the new record says so), "answer" or "prompt" (the other one is the same), "both"."""

    old: Record
    new: Record
    how: str


def find_edits(removed: Sequence[Record], added: Sequence[Record]) -> list[Edit]:
    """Pairs of a removed and an added record, each in one pair at most; the surest first."""
    edits: list[Edit] = []
    used: set[str] = set()
    for how, pairs in (
        ("parent", _by_parent(removed, added)),
        ("answer", _by_key(removed, added, _prompt)),
        ("prompt", _by_key(removed, added, _answer)),
    ):
        _take(edits, used, how, pairs)
    rest_old = [record for record in removed if record.row_id not in used]
    rest_new = [record for record in added if record.row_id not in used]
    _take(edits, used, "both", _by_words(rest_old, rest_new))
    return edits


def _take(edits: list[Edit], used: set[str], how: str, pairs: Iterator[tuple[Record, Record]]) -> None:
    for old, new in pairs:
        if old.row_id not in used and new.row_id not in used:
            used |= {old.row_id, new.row_id}
            edits.append(Edit(old, new, how))


def _by_parent(removed: Sequence[Record], added: Sequence[Record]) -> Iterator[tuple[Record, Record]]:
    by_id = {record.id: record for record in removed}
    for record in added:
        yield from ((by_id[parent], record) for parent in record.parents if parent in by_id)


def _prompt(record: Record) -> str:
    return prompt_key(record) if record.prompt else ""


def _answer(record: Record) -> str:
    answer = normalize(record.answer)
    return answer if len(answer) >= FEWEST_CHARACTERS else ""


def _by_key(
    removed: Sequence[Record], added: Sequence[Record], key: Callable[[Record], str]
) -> Iterator[tuple[Record, Record]]:
    """Those of equal keys in order: the first with the first."""
    waiting: Mapping[str, list[Record]] = defaultdict(list)
    for record in reversed(removed):
        waiting[key(record)].append(record)
    for record in added:
        name = key(record)
        if name and waiting.get(name):
            yield waiting[name].pop(), record


def _by_words(removed: Sequence[Record], added: Sequence[Record]) -> Iterator[tuple[Record, Record]]:
    """The most alike first; only records that share one of their rarest words are compared."""
    sets = {record.row_id: frozenset(words(conversation_text(record.messages))) for record in (*removed, *added)}
    counts: dict[str, int] = defaultdict(int)
    for own in sets.values():
        for word in own:
            counts[word] += 1
    holding: dict[str, list[Record]] = defaultdict(list)
    for record in removed:
        for word in sorted(sets[record.row_id], key=lambda word: (counts[word], word))[: 2 * RARE_WORDS]:
            holding[word].append(record)
    found: list[tuple[float, int, Record, Record]] = []
    for record in added:
        mine = sets[record.row_id]
        rare = sorted((word for word in mine if word in holding), key=lambda word: (counts[word], word))[:RARE_WORDS]
        candidates = {other.row_id: other for word in rare for other in holding[word][:MOST_CANDIDATES]}
        for other in candidates.values():
            theirs = sets[other.row_id]
            similarity = len(mine & theirs) / len(mine | theirs)
            if similarity >= SHARED_WORDS:
                found.append((similarity, len(found), other, record))
    for _, _, old, new in sorted(found, key=lambda item: (-item[0], item[1])):
        yield old, new
