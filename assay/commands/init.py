"""`assay init`: a commented settings file, a suite set aside from the data, and a policy."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from assay.console import Options, common_options, parse_columns
from assay.errors import Exit


@click.command()
@click.argument("data", nargs=-1, required=True)
@click.option("--model", default="smollm2-135m-instruct", show_default=True, help="The base model to adapt.")
@click.option("--suite", type=click.Path(path_type=Path), help="Your own suite, instead of one set aside from DATA.")
@click.option("--columns", metavar="A=B,...", help="Your column names, for example prompt=text,answer=category.")
@click.option("--format", "data_format", default="auto", show_default=True, help="Format of DATA.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@common_options
def init(
    options: Options,
    data: tuple[str, ...],
    model: str,
    suite: Path | None,
    columns: str | None,
    data_format: str,
    force: bool,
) -> int:
    """Write a commented assay.yaml for your data.

    Whole families of DATA are set aside as a domain suite before anything is generated or trained: without a suite
    there is no gate. DATA itself is left as it is; the rest is written beside the suite.
    """
    from assay.starting import Start, start_project

    folder = options.output or Path()
    written = start_project(
        Start(data, data_format, parse_columns(columns), model, suite, options.seed or 0),
        folder,
        force=force,
        say=options.say,
    )
    for path in written:
        options.show(f"wrote {path}")
    looking = shlex.join(["assay", "audit", str(written[0]), "--model", model, "--suite", str(suite or written[1])])
    options.show(f"next: {looking}   or   {shlex.join(['assay', 'run', str(folder / 'assay.yaml')])}")
    options.emit({"written": [str(path) for path in written]})
    return Exit.OK
