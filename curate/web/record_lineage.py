"""Where a record comes from, what was made of it, and what people decided about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from assay.errors import AssayError
from assay.findings import LedgerRow
from assay.records import Record
from assay.reviews.journal import reviews_in
from assay.reviews.review import READING, Review, latest
from assay.web.site import Site

from ..pages.pieces import Piece
from ..reviews.replay import REVIEWED
from .places import RECORDS, Place, records_at, rows_among, rows_whose_list_has
from .record_findings import Fact, facts_of, place_name
from .record_turns import Text, cut

LISTED_RELATIVES = 60
MOST_RUNS = 24
"""Runs that are looked into for the seeds of a record: its run, and those that it came from."""

GENERATED = ("accepted.parquet", *RECORDS)


@dataclass(frozen=True)
class Relative:
    """A seed, or something made of the record. run: where it was found, "" where it was not; text of its turns."""

    name: str
    run: str
    href: str
    place: str
    turns: tuple[tuple[str, Text], ...]


@dataclass(frozen=True)
class Source:
    """A passage of a document that a generated record quotes."""

    place: str
    quote: Text


@dataclass(frozen=True)
class Written:
    """How a generated record came about: in short, in detail, and the passages it quotes."""

    facts: tuple[Fact, ...]
    details: tuple[Fact, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Decided:
    """An earlier decision. holds: whether it is the last one about the same thing. applied: the run already has it."""

    verdict: str
    who: str
    when: str
    about: str
    note: str
    answer: str
    holds: bool
    applied: bool = False


def ancestors(site: Site, name: str) -> list[tuple[str, Path]]:
    """The run and those that it came from, nearest first, as far as they are there."""
    out: list[tuple[str, Path]] = []
    todo = [name]
    while todo and len(out) < MOST_RUNS:
        at = todo.pop(0)
        if any(at == known for known, _ in out):
            continue
        try:
            out.append((at, site.folder(at)))
            manifest = site.manifest(at)
        except AssayError:
            continue
        todo += manifest.parents if manifest is not None else ()
    return out


def seeds_of(site: Site, name: str, record: Record, shown_as: Callable[[Record], Record]) -> list[Relative]:
    """The records that it was generated or edited from, with their text where it is at hand."""
    wanted = list(dict.fromkeys(record.parents))[:LISTED_RELATIVES]
    found: dict[str, Relative] = {}
    for run, folder in ancestors(site, name):
        for file in GENERATED:
            missing = [parent for parent in wanted if parent not in found]
            for row in rows_among(folder / file, "record_id", missing):
                relative = _relative(run, Place(folder / file, row), shown_as)
                found.setdefault(relative.name, relative)
    return [found.get(parent, Relative(parent, "", "", "", ())) for parent in wanted]


def made_of(site: Site, name: str, ids: Sequence[str], shown_as: Callable[[Record], Record]) -> list[Relative]:
    """What was generated or edited from a record with one of these ids, in this run and in runs of synth."""
    found = [
        _relative(run, Place(folder / file, row), shown_as)
        for run, folder in [(name, site.folder(name)), *_generating(site)]
        for file in (RECORDS if run == name else ("accepted.parquet",))
        for record_id in ids
        for row in rows_whose_list_has(folder / file, "parents", record_id)[:LISTED_RELATIVES]
    ]
    return list({relative.name: relative for relative in reversed(found)}.values())[::-1][:LISTED_RELATIVES]


def _generating(site: Site) -> list[tuple[str, Path]]:
    runs = site.runs("synth")[:MOST_RUNS]
    return [(run.run, run.path) for run in runs if (run.path / "accepted.parquet").is_file()]


def _relative(run: str, place: Place, shown_as: Callable[[Record], Record]) -> Relative:
    record = shown_as(records_at([place])[0])  # its id stays that of its content, whatever is masked
    href = (
        f"/data/{quote(run)}/record/{quote(record.row_id)}" if place.path.name in RECORDS else f"/review/{quote(run)}"
    )
    turns = tuple((message.role, cut((Piece(message.content or ""),), False)) for message in record.messages[:8])
    return Relative(record.id, run, href, place_name(record.source), turns)


def written_of(record: Record) -> Written | None:
    """None for a record that no method of synth wrote."""
    synth = record.meta.get("synth")
    if not isinstance(synth, Mapping):
        return None
    facts = [fact for fact in _written(synth) if fact.text]
    return Written(tuple(facts), tuple(_details(synth)), tuple(_sources(synth.get("sources"))))


def _written(synth: Mapping[str, Any]) -> Iterator[Fact]:
    yield Fact("method", str(synth.get("method") or ""))
    provider = synth.get("provider")
    yield Fact("written by", " of ".join(str(item) for item in (synth.get("model"), provider) if item))
    judge = synth.get("judge")
    if isinstance(judge, Mapping):
        yield Fact("judged by", str(judge.get("model") or ""))
    checks = synth.get("checks")
    yield Fact("checks passed", ", ".join(map(str, checks)) if isinstance(checks, list) else "")
    yield Fact("approved by", str(synth.get("reviewer") or ""))
    measured = synth.get("facts")
    yield from facts_of(measured) if isinstance(measured, Mapping) else ()


def _details(synth: Mapping[str, Any]) -> Iterator[Fact]:
    kept = {
        key: value
        for key, value in synth.items()
        if key not in {"method", "model", "provider", "judge", "checks", "reviewer", "sources", "facts", "settings"}
    }
    for group in (synth.get("settings"), kept):
        yield from facts_of(group) if isinstance(group, Mapping) else ()


def _sources(sources: Any) -> Iterator[Source]:
    for source in sources if isinstance(sources, list) else ():
        if isinstance(source, Mapping) and source.get("quote"):
            place = str(source.get("location") or source.get("id") or "")
            if source.get("start") is not None:
                place += f", characters {source['start']} to {source.get('end')}"
            yield Source(place, cut((Piece(str(source["quote"])),), False))


def ids_of(record: Record | None, row: LedgerRow | None) -> list[str]:
    """Ids that the row's content has and had: before a repair, and after."""
    ids = [record.id] if record is not None else []
    ids += [row.record_id, row.new_record_id or ""] if row is not None else []
    return list(dict.fromkeys(filter(None, ids)))


def is_applied(item: Decided, row: LedgerRow | None) -> bool:
    """Whether the run did with the row what the decision says."""
    if row is None:
        return False
    wanted = {"drop": "dropped", "wrong": "dropped", "repair": "repaired", "relabel": "repaired"}.get(item.verdict)
    if wanted is None:
        return str(row.fate) in ("kept", "repaired")
    return str(row.fate) == wanted and REVIEWED in row.reasons


def decisions_about(journal: Path, ids: Sequence[str]) -> list[Decided]:
    """Newest first. Raises SourceError for a journal that cannot be read."""
    reviews, holding = _journal(journal)
    return [_decided(review, holding) for review in reversed(reviews) if review.subject.record_id in ids]


def _journal(path: Path) -> tuple[tuple[Review, ...], frozenset[int]]:
    try:
        found = path.stat()
    except OSError:
        return (), frozenset()
    return _read_journal(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=2)
def _read_journal(path: Path, changed: int, size: int) -> tuple[tuple[Review, ...], frozenset[int]]:
    reviews = reviews_in(path)
    return reviews, frozenset(id(review) for review in latest(reviews).values())


def _decided(review: Review, holding: frozenset[int]) -> Decided:
    check = review.subject.check
    about = "read as a whole" if check == READING else check or "the record as a whole"
    answer = review.answer
    if answer is None and review.messages:
        answer = "\n".join(f"{message.role}: {message.content or ''}" for message in review.messages)
    when = review.when.replace("T", " ").removesuffix("Z")
    return Decided(str(review.verdict), review.who, when, about, review.note, answer or "", id(review) in holding)
