"""`assay run`: the whole pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.console import DEFAULT_CONFIG, Options, common_options, split_overrides
from assay.errors import Exit, SettingsError

if TYPE_CHECKING:
    from assay.pipeline.outcome import PipelineResult


@click.command()
@click.argument("arguments", nargs=-1, metavar="[ASSAY.YAML] [SECTION.KEY=VALUE]...")
@click.option(
    "--from", "first", metavar="STAGE", default="curate", show_default=True, help="First stage that may have to run."
)
@click.option("--until", "last", metavar="STAGE", default="gate", show_default=True, help="Last stage to run.")
@common_options
def run(options: Options, arguments: tuple[str, ...], first: str, last: str) -> int:
    """Run the whole pipeline: curate, synth, train, evaluate, gate.

    A stage whose settings and inputs did not change is not run again, and what was killed goes on where it was.
    """
    from assay.pipeline import run as run_pipeline

    files, options = split_overrides(arguments, options)
    if len(files) > 1:
        raise SettingsError(f"one settings file at a time, not {len(files)}", fix=f"leave out {files[1]}")
    path = Path(files[0]) if files else (options.config or DEFAULT_CONFIG)
    store = () if options.output is None else (f"store={json.dumps(str(options.output.resolve()))}",)
    result = run_pipeline(
        path,
        overrides=(*store, *options.overrides),
        first=first,
        last=last,
        offline=options.offline,
        redact=options.redact,
        limit=options.limit,
        seed=options.seed,
        say=options.say,
    )
    return report(options, result)


def report(options: Options, result: PipelineResult) -> int:
    """Shows the end of a pipeline; the exit code is the verdict's."""
    from assay.pipeline.ending import ending
    from assay.pipeline.outcome import outcome_of

    options.emit(result.to_json())
    options.show(ending(outcome_of(result)))
    return exit_code(result)


def exit_code(result: PipelineResult) -> int:
    """0 for PASS and for a pipeline that was asked to end before the gate."""
    verdict = result.decision["verdict"] if result.decision else "PASS"
    return {"PASS": Exit.OK, "INCONCLUSIVE": Exit.INCONCLUSIVE}.get(verdict, Exit.NEGATIVE)
