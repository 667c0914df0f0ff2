"""`assay report`: a page of the workbench as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.console import STORE_OPTION, Options, common_options, split_overrides
from assay.errors import Exit, NoSuchRunError, SettingsError

if TYPE_CHECKING:
    from assay.web.site import Site

OF_STAGES = {
    "data": ("curate",),
    "review": ("curate", "synth"),
    "training": ("train",),
    "evaluation": ("gate", "evaluate"),
    "lineage": (),
}
"""Pages, and the stages whose runs they show; lineage shows every run."""

HAVE_THEIR_OWN = {
    "gate.html": "open {0}/gate.html, which `assay gate` wrote; with --redact it writes it without texts",
    "evaluation.json": "`assay gate {0} --policy policy.yaml -o release` writes the page of its verdict",
}
"""What `-o` of another stage wrote, and where to look at it."""


@click.command()
@click.argument("arguments", nargs=-1, metavar="RUN")
@click.option("--page", type=click.Choice(list(OF_STAGES)), help="Which page [default: by the stage of the run].")
@STORE_OPTION
@common_options
def report(options: Options, arguments: tuple[str, ...], page: str | None, store: Path) -> int:
    """Write a page of a run as one HTML file.

    It opens from disk, loads nothing and runs nothing: for a mail, a pull request, or a PDF by the browser's print.
    RUN is a run (`assay runs` lists them), its folder, or a folder that `curate -o` wrote. A page that shows another
    stage is that of the nearest run it came from: `assay report gate-... --page data`. --output names the file
    [default: RUN-PAGE.html].

    With --redact the file holds no text of records and answers; a page that cannot be without is refused.
    """
    from assay.storage import write_text
    from assay.web.single_file import redacted_file, single_file

    runs, options = split_overrides(arguments, options)
    site, name = _site(runs, store)
    name, page = _shown(site, name, page)
    address = f"/{page}/{name}"
    html = redacted_file(site, address, name) if options.redact else single_file(site, address)
    file = options.output or Path(f"{name}-{page}.html")
    write_text(file, html)
    size = len(html.encode("utf-8"))
    options.emit({"file": str(file), "run": name, "page": page, "bytes": size, "redacted": options.redact})
    options.show(f"{file}: {page} of {name}, {size / 1000:,.0f} KB")
    return Exit.OK


def _site(runs: tuple[str, ...], store: Path) -> tuple[Site, str]:
    """The store, or that of a run's folder, and the name in it. Raises NoSuchRunError."""
    from assay.reviews.journal import journal_of_store
    from assay.runs import RunStore
    from assay.web.site import Site

    if len(runs) != 1:
        fix = "`assay runs` lists them; a folder that -o named will do as well"
        raise NoSuchRunError(f"name one run, not {len(runs)}", fix=fix)
    folder, opened = Path(runs[0]), {}
    if folder.is_dir():
        folder = folder.resolve()
        if folder.parent.name == "runs":
            store = folder.parent.parent
        else:
            opened = {folder.name: folder}
    project = store.resolve().parent
    site = Site(RunStore(store), journal_of_store(store), project, opened)
    name = folder.name if folder.is_dir() else runs[0]
    site.folder(name)
    return site, name


def _shown(site: Site, name: str, page: str | None) -> tuple[str, str]:
    """The run whose page it is, and the page. Raises SettingsError where the run came from none that has it."""
    from assay.web.home import PLACES

    manifest = site.manifest(name)
    if manifest is None:
        if page not in (None, "data", "review"):
            fix = "--page data or review, or name a run"
            raise SettingsError(f"a folder has no page '{page}'", where=name, fix=fix)
        _refuse_other_folders(site.folder(name))
        return name, page or "data"
    page = page or PLACES.get(manifest.stage, "/lineage/{}").split("/")[1]
    wanted = OF_STAGES[page] or (manifest.stage,)
    waiting, seen = [name], set()
    while waiting:
        at = waiting.pop(0)
        found = site.manifest(at) if at not in seen and (site.store.root / "runs" / at).is_dir() else None
        seen.add(at)
        if found is not None and found.stage in wanted:
            return at, page
        waiting += found.parents if found is not None else ()
    pages = [other for other, stages in OF_STAGES.items() if manifest.stage in stages or not stages]
    raise SettingsError(
        f"came from no run that has the page '{page}'", where=name, fix=f"its own pages are {' and '.join(pages)}"
    )


def _refuse_other_folders(folder: Path) -> None:
    """Of an evaluation or a release the store alone has pages. Raises SettingsError."""
    for file, fix in HAVE_THEIR_OWN.items():
        if (folder / file).is_file() and not (folder / "data.parquet").is_file():
            raise SettingsError("a folder of this kind has no page here", where=str(folder), fix=fix.format(folder))
