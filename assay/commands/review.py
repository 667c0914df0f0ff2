"""`assay review`: what needs a person, one at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.console import STORE_OPTION, Options, common_options, split_overrides
from assay.errors import Exit, NoSuchRunError

if TYPE_CHECKING:
    from assay.reviews.queue import Queue
    from assay.reviews.review import Review


@dataclass(frozen=True)
class _Waiting:
    """What waits in a folder. words, facts: how things stand after some decisions, as text and as JSON."""

    queue: Queue
    words: Callable[[Iterable[Review]], str]
    facts: Callable[[Iterable[Review]], dict[str, Any]]


@click.command()
@click.argument("arguments", nargs=-1, metavar="RUN")
@click.option("--terminal", is_flag=True, help="Decide here, one record at a time, in place of the browser.")
@click.option(
    "--kind",
    default="",
    metavar="NAME",
    help="Only contradiction, duplicate, label, held, to_read, generated, or what a check of that name found.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Of the browser. [default: 8765, or any that is free]")
@click.option("--seeds", multiple=True, metavar="FILE", help="Data that generation started from, to be shown beside.")
@click.option("--reviews", type=click.Path(path_type=Path), metavar="FILE", help="The journal of decisions.")
@STORE_OPTION
@common_options
def review(
    options: Options,
    arguments: tuple[str, ...],
    terminal: bool,
    kind: str,
    port: int | None,
    seeds: tuple[str, ...],
    reviews: Path | None,
    store: Path,
) -> int:
    """Decide, record by record, on what needs a person.

    RUN is a run of synth or curate (`assay runs` lists them), or the folder that -o named. It opens in the browser,
    on this machine alone; --terminal stays in the terminal. Of a synth run the records come in an order of which any
    beginning stands for the whole, and the error rate of the set is shown as you go. Of a curate run come
    contradictions (both sides at once), duplicates, suspected labels, what is otherwise held, then records drawn to
    be read; duplicates that were dropped with --kind duplicate. Keys in the terminal: a keep (right), x drop (wrong)
    with a reason, 1 to 9 drop for a usual one, e edit in $EDITOR, l relabel, c the other side, g the whole group, s
    skip, u undo, v view all, q quit. Each decision is on the disk before the next record is shown.

    With --json, or without a terminal, it says how things stand.
    """
    import sys

    runs, options = split_overrides(arguments, options)
    folder = _folder(runs, store)
    waiting = _waiting(folder, seeds, options)
    journal = reviews or journal_of(folder, options)
    from assay.reviews.journal import reviews_in

    is_person = sys.stdin.isatty() and sys.stdout.isatty()
    if terminal:
        _decide(waiting, journal, kind)
    elif is_person and not options.json:
        _open(folder, store, journal, kind, seeds, options, port)
    options.show(waiting.words(reviews_in(journal)))
    if terminal or is_person:
        options.show(f"decisions are in {journal}")
    options.emit({"run": str(folder), "journal": str(journal), **_facts(waiting, reviews_in(journal))})
    return Exit.OK


def journal_of(folder: Path, options: Options) -> Path:
    """Beside the settings file that the run was made with: of --config, of the store's folder, or of this one."""
    from assay.reviews.journal import journal_of_store, usual_journal

    if folder.parent.name == "runs":
        return _shortest(journal_of_store(folder.resolve().parent.parent, options.config and options.config.parent))
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


def _waiting(folder: Path, seeds: tuple[str, ...], options: Options) -> _Waiting:
    """By what the folder holds. Raises SourceError."""
    from assay.reviews.opened import open_run
    from assay.reviews.rule import required_acceptance

    opened = open_run(folder, seeds, offline=options.offline)
    if opened.placed is None:
        return _held(opened.queue)
    placed, required = opened.placed, required_acceptance(options.document())
    from assay.reviews.acceptance import acceptance_of

    return _Waiting(
        opened.queue,
        lambda said: acceptance_of(placed, said).sentence(required),
        lambda said: acceptance_of(placed, said).to_json(required),
    )


def _held(queue: Queue) -> _Waiting:
    from assay.reviews.queue import KINDS, of_kind, progress, states_of
    from assay.reviews.standing import Standing
    from assay.reviews.waiting import waiting_of

    keys = of_kind(queue.keys, "")

    def counts(said: Iterable[Review]) -> dict[str, Any]:
        states = states_of(queue, Standing.of(said))
        done, left = progress(keys, states), waiting_of(keys, states)
        own = {kind: waiting_of([key for key in keys if key.kind == kind], states) for kind in KINDS}
        to_read = own["to_read"].records
        parts = [f"{KINDS[kind].lower()} {found.words}" for kind, found in own.items() if found.records]
        sentence = f"{done.decided:,} of {done.total:,} records done; left: {'; '.join(parts) or 'nothing'}"
        return {
            "items": len(keys),
            "held": left.records - to_read,
            "to_read": to_read,
            "cases": left.cases,
            "sentence": sentence,
        }

    return _Waiting(queue, lambda said: str(counts(said)["sentence"]), counts)


def _facts(waiting: _Waiting, said: tuple[Review, ...]) -> dict[str, Any]:
    """How things stand, by kind, and how far people agree."""
    from assay.reviews.agreement import agreements, read_by_two
    from assay.reviews.queue import KINDS, of_kind, progress, states_of
    from assay.reviews.standing import Standing
    from assay.reviews.waiting import waiting_of

    queue = waiting.queue
    states = states_of(queue, Standing.of(said))
    own = {kind: of_kind(queue.keys, kind) for kind in KINDS}
    both = read_by_two(said, (key.record_id for key in queue.keys))
    return {
        **waiting.facts(said),
        "kinds": {
            kind: {**progress(keys, states)._asdict(), "cases": waiting_of(keys, states).cases}
            for kind, keys in own.items()
            if keys
        },
        "agreement": [pair.to_json() for pair in agreements(both)],
    }


def _open(
    folder: Path, store: Path, journal: Path, kind: str, seeds: tuple[str, ...], options: Options, port: int | None
) -> None:
    """In the browser, until Ctrl-C."""
    from urllib.parse import quote, urlencode

    from assay.commands.ui import serve_at
    from assay.reviews.queue import states_of
    from assay.reviews.standing import journal_at
    from assay.web.review.desk import opened_run

    name = folder.resolve().name
    is_run = folder.resolve().parent == (store / "runs").resolve()
    query = [("kind", kind)] if kind else []
    states_of(opened_run(folder, seeds).queue, journal_at(journal).now()[1])  # so that the first page comes at once
    path = f"/review/{quote(name)}" + (f"?{urlencode(query)}" if query else "")
    folders = () if is_run else (folder,)
    serve_at(path, folders, journal, store, options, port=port, open_browser=True, seeds=seeds)


def _decide(waiting: _Waiting, journal: Path, kind: str) -> None:
    from assay.reviews.inspection import Inspection
    from assay.reviews.keys import Keyboard
    from assay.reviews.session import Session
    from assay.stages import conceal_record, conceal_text

    session = Session(waiting.queue, journal, kind)
    Inspection(session, Keyboard(), conceal_record, conceal_text, lambda: waiting.words(session.reviews())).run()
