"""`assay review`: what needs a person, one at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.console import Options, common_options, split_overrides
from assay.errors import Exit, NoSuchRunError, SourceError

if TYPE_CHECKING:
    from assay.records import Record
    from assay.reviews.item import Item
    from assay.reviews.review import Review

STORE_OPTION = click.option(
    "--store", type=click.Path(path_type=Path), default=Path(".assay"), show_default=True, help="The run store."
)


@dataclass(frozen=True)
class _Queue:
    """What waits in a folder. status: how things stand after some decisions, as words and as JSON."""

    items: list[Item]
    words: Callable[[Iterable[Review]], str]
    facts: Callable[[Iterable[Review]], dict[str, Any]]


@click.command()
@click.argument("arguments", nargs=-1, metavar="RUN")
@click.option("--terminal", is_flag=True, help="Decide here, one record at a time [default where there is a terminal].")
@click.option("--seeds", multiple=True, metavar="FILE", help="Data that generation started from, to be shown beside.")
@click.option("--reviews", type=click.Path(path_type=Path), metavar="FILE", help="The journal of decisions.")
@STORE_OPTION
@common_options
def review(
    options: Options,
    arguments: tuple[str, ...],
    terminal: bool,
    seeds: tuple[str, ...],
    reviews: Path | None,
    store: Path,
) -> int:
    """Decide, record by record, on what needs a person.

    RUN is a run of synth or curate (`assay runs` lists them), or the folder that -o named. Of a synth run the records
    come in an order of which any beginning stands for the whole, and the error rate of the set is shown as you go. Of a
    curate run come the held ones, then those drawn to be read. Keys: a approve, e edit in $EDITOR, r reject with a
    reason, s skip, u undo, v view all, q quit. Each decision is on the disk before the next record is shown.

    With --json, or without a terminal, it says how things stand.
    """
    import sys

    runs, options = split_overrides(arguments, options)
    folder = _folder(runs, store)
    queue = _queue(folder, _seeds(folder, seeds, options), options)
    journal = reviews or journal_of(folder, options)
    from assay.reviews.journal import reviews_in

    if not terminal and (options.json or not (sys.stdin.isatty() and sys.stdout.isatty())):
        said = reviews_in(journal)
        options.show(queue.words(said))
        options.emit({"run": str(folder), "journal": str(journal), **queue.facts(said)})
        return Exit.OK
    _decide(queue, journal)
    options.show(f"{queue.words(reviews_in(journal))}\ndecisions are in {journal}")
    options.emit({"run": str(folder), "journal": str(journal), **queue.facts(reviews_in(journal))})
    return Exit.OK


def journal_of(folder: Path, options: Options) -> Path:
    """Beside the settings file that the run was made with: of --config, of the store's folder, or of this one."""
    from assay.reviews.journal import usual_journal

    store = folder.resolve().parent.parent
    if options.config is None and folder.parent.name == "runs" and (store.parent / "assay.yaml").is_file():
        return _shortest(usual_journal(store.parent))
    return usual_journal(options.config.parent if options.config else Path())


def _shortest(path: Path) -> Path:
    with contextlib.suppress(ValueError):
        return path.resolve().relative_to(Path.cwd())
    return path


def _folder(runs: tuple[str, ...], store: Path) -> Path:
    """Raises NoSuchRunError, SourceError."""
    if len(runs) != 1:
        fix = "`assay runs` lists them; a folder that -o named will do as well"
        raise NoSuchRunError(f"name one run, not {len(runs)}", fix=fix)
    for folder in (Path(runs[0]), store / "runs" / runs[0]):
        if folder.is_dir():
            return folder
    raise NoSuchRunError(f"no run '{runs[0]}'", where=str(store), fix="`assay runs` lists them")


def _queue(folder: Path, seeds: dict[str, Record], options: Options) -> _Queue:
    """By what the folder holds. Raises SourceError."""
    from assay.api import curate_queue, synth_queue

    if (folder / "accepted.parquet").is_file():
        return _generated(synth_queue(folder, seeds, folder.resolve().name), options)
    if (folder / "held.parquet").is_file():
        return _held(curate_queue(folder))
    if (folder / "findings.parquet").is_file():
        fix = "an audit keeps no records: `assay curate DATA -o OUT`, then `assay review OUT`"
        raise SourceError("was audited, not curated", where=str(folder), fix=fix)
    fix = "name a run of synth or curate, or the folder that -o named"
    raise SourceError("holds nothing that waits for a person", where=str(folder), fix=fix)


def _generated(items: list[Item], options: Options) -> _Queue:
    from assay.reviews.acceptance import acceptance_of
    from assay.reviews.rule import required_acceptance
    from assay.reviews.sample import Placed

    required = required_acceptance(options.document())
    placed = [Placed(item.record, str((item.noted or {})["stratum"])) for item in items]
    return _Queue(
        items,
        lambda said: acceptance_of(placed, said).sentence(required),
        lambda said: acceptance_of(placed, said).to_json(required),
    )


def _held(items: list[Item]) -> _Queue:
    from assay.reviews.session import waiting_of

    def words(said: Iterable[Review]) -> str:
        waiting = waiting_of(items, said)
        held = sum(not item.is_reading for item in waiting)
        decided = f"{len(items) - len(waiting):,} of {len(items):,} decided"
        return f"{decided}; {held:,} held and {len(waiting) - held:,} to read"

    def facts(said: Iterable[Review]) -> dict[str, Any]:
        waiting = waiting_of(items, said)
        held = sum(not item.is_reading for item in waiting)
        return {"items": len(items), "held": held, "to_read": len(waiting) - held, "sentence": words(said)}

    return _Queue(items, words, facts)


def _seeds(folder: Path, named: tuple[str, ...], options: Options) -> dict[str, Record]:
    """Records that generation may have started from: those named, those beside the run, those of the run before it."""
    from assay.dataset import Dataset
    from assay.runs import RunStore
    from assay.sources import ReadSettings, read

    found: dict[str, Record] = {}
    if named:
        found |= {record.id: record for record in read(named, ReadSettings(), offline=options.offline).records()}
    paths = [folder / "seeds.parquet"]
    with contextlib.suppress(NoSuchRunError):
        run = RunStore(folder.resolve().parent.parent).get(folder.resolve().name)
        paths += [folder.resolve().parent / parent / "data.parquet" for parent in run.parents]
    for path in paths:
        if path.is_file():
            found |= {record.id: record for record in Dataset.read_parquet(path).records()}
    return found


def _decide(queue: _Queue, journal: Path) -> None:
    from assay.api import conceal_record, conceal_text
    from assay.reviews.inspection import Inspection
    from assay.reviews.keys import Keyboard
    from assay.reviews.session import Session

    session = Session(queue.items, journal)
    Inspection(session, Keyboard(), conceal_record, conceal_text, lambda: queue.words(session.reviews())).run()
