"""`assay init`: a commented settings file, a suite set aside from the data, and a policy."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.console import Options, common_options, parse_columns
from assay.errors import Exit, SettingsError

if TYPE_CHECKING:
    from assay.foreign.reading import Foreign


@click.command()
@click.argument("data", nargs=-1)
@click.option(
    "--from",
    "foreign",
    type=click.Path(path_type=Path),
    help="Settings of Axolotl, LLaMA-Factory or TRL, or an adapter: its folder, or NAME:VERSION.",
)
@click.option("--model", help="The base model to adapt [default: what --from names, else smollm2-135m-instruct].")
@click.option("--suite", type=click.Path(path_type=Path), help="Your own suite, instead of one set aside from DATA.")
@click.option("--columns", metavar="A=B,...", help="Your column names, for example prompt=text,answer=category.")
@click.option("--format", "data_format", default="auto", show_default=True, help="Format of DATA.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@common_options
def init(
    options: Options,
    data: tuple[str, ...],
    foreign: Path | None,
    model: str | None,
    suite: Path | None,
    columns: str | None,
    data_format: str,
    force: bool,
) -> int:
    """Write a commented assay.yaml for your data.

    Whole families of DATA are set aside as a domain suite before anything is generated or trained: without a suite
    there is no gate. DATA itself is left as it is; the rest is written beside the suite.

    --from takes model, data and training settings over from another trainer's file, and names what it leaves out.
    """
    from assay.models.embedded import DEFAULT_MODEL
    from assay.starting import Start, start_project

    taken = _taken(foreign, options)
    data = data or tuple(taken.data)
    if not data:
        said = f"{foreign} names none that is here" if foreign is not None else "a project begins with its records"
        raise SettingsError("no data was named", fix=f"write `assay init DATA`; {said}")
    base = model or taken.model or DEFAULT_MODEL
    folder = options.output or Path()
    written = start_project(
        Start(
            data,
            data_format,
            parse_columns(columns),
            base,
            suite,
            options.seed or 0,
            taken.train,
            taken.revision if model is None else None,
        ),
        folder,
        force=force,
        say=options.say,
    )
    for path in written:
        options.show(f"wrote {path}")
    looking = shlex.join(["assay", "audit", str(written[0]), "--model", base, "--suite", str(suite or written[1])])
    options.show(f"next: {looking}   or   {shlex.join(['assay', 'run', str(folder / 'assay.yaml')])}")
    options.emit({"written": [str(path) for path in written], "notes": taken.notes})
    return Exit.OK


def _taken(foreign: Path | None, options: Options) -> Foreign:
    """What --from says; each note is said."""
    from assay.foreign.reading import Foreign
    from assay.foreign.settings import read_foreign
    from assay.releases.adapter_names import adapter_folder

    if foreign is None:
        return Foreign("assay")
    foreign = adapter_folder(foreign, Path(".assay"))
    taken = read_foreign(foreign)
    options.say(f"{foreign}: settings of {taken.tool}")
    for note in taken.notes:
        options.say(f"note: {note}")
    return taken
