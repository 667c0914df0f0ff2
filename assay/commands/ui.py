"""`assay ui`: the workbench in the browser."""

from __future__ import annotations

from pathlib import Path

import click

from assay.console import STORE_OPTION, Options, common_options, split_overrides
from assay.errors import Exit, SettingsError, SourceError


@click.command()
@click.argument("arguments", nargs=-1, metavar="[FOLDER]...")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: 8765, or any that is free]")
@click.option("--no-browser", is_flag=True, help="Print the link, open nothing.")
@click.option("--reviews", type=click.Path(path_type=Path), metavar="FILE", help="The journal of decisions.")
@STORE_OPTION
@common_options
def ui(
    options: Options,
    arguments: tuple[str, ...],
    port: int | None,
    no_browser: bool,
    reviews: Path | None,
    store: Path,
) -> int:
    """Look and decide in the browser.

    Data, review queue, training, evaluation and lineage, from the run store alone, on 127.0.0.1, for whoever has the
    link that is printed; no network is asked for anything. A FOLDER is another run store, such as assay-demo, or what
    `curate -o` or `synth -o` wrote. From another machine: `ssh -L 8765:127.0.0.1:8765 HOST`, then the same link.
    """
    folders, options = split_overrides(arguments, options)
    serve_at("/", tuple(map(Path, folders)), reviews, store, options, port=port, open_browser=not no_browser)
    return Exit.OK


def serve_at(
    path: str,
    folders: tuple[Path, ...],
    reviews: Path | None,
    store: Path,
    options: Options,
    *,
    port: int | None,
    open_browser: bool,
    seeds: tuple[str, ...] = (),
) -> None:
    """The workbench, opened at a page.

    seeds  files of data that generation started from, shown beside what it wrote
    Raises SourceError for a folder that is none, StorageError for a taken port.
    """
    import os
    import sys

    from assay.reviews.journal import journal_of_store
    from assay.runs import RunStore
    from assay.web.serving import serve
    from assay.web.site import Site

    for folder in folders:
        if not folder.is_dir():
            fix = "name a run store, or what `assay curate -o` wrote"
            raise SourceError("is no folder", where=str(folder), fix=fix)
    if options.config is not None and not options.config.is_file():
        raise SettingsError("cannot read settings (no such file)", where=str(options.config), fix="leave --config out")
    stores = [folder for folder in folders if (folder / "runs").is_dir()]
    if len(stores) > 1:
        raise SourceError("is a second run store", where=str(stores[1]), fix="one `assay ui` for each")
    if stores:
        store = stores[0]
    named = {folder.resolve().name: folder for folder in folders if folder not in stores}
    same = next((one for one in folders if one not in stores and named[one.resolve().name] != one), None)
    if same is not None:
        raise SourceError("has the name of another folder given", where=str(same), fix="open them one at a time")
    project = options.config.parent if options.config else store.resolve().parent
    journal = reviews or journal_of_store(store, options.config and options.config.parent)
    site = Site(RunStore(store), journal, project, named, seeds=seeds)
    seen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform in ("darwin", "win32"))
    if open_browser and not seen:
        click.echo(
            "no browser can be opened here: open the link yourself, or decide here with `assay review --terminal`"
        )
    serve(site, path=path, port=port, open_browser=open_browser and seen, say=click.echo)
