"""`assay sweep`: a few settings of a training tried out, the best of them judged."""

from __future__ import annotations

import json
from pathlib import Path

import click

from assay.console import DEFAULT_CONFIG, Options, common_options, split_overrides
from assay.errors import SettingsError


@click.command()
@click.argument("arguments", nargs=-1, metavar="[ASSAY.YAML] train.KEY=VALUE,VALUE... [SECTION.KEY=VALUE]...")
@common_options
def sweep(options: Options, arguments: tuple[str, ...]) -> int:
    """Try a few settings of a training, and gate the best.

    Each combination is trained and scored on the half of every suite that selects; the best of those that kept their
    general ability is judged by the gate on the other half, whose verdict is the exit code. What does not change
    between two of them is not run again.
    """
    from assay.commands.run import exit_code
    from assay.pipeline.ending import ending
    from assay.pipeline.outcome import outcome_of
    from assay.pipeline.sweep import axes_of
    from assay.pipeline.sweep import sweep as try_out

    files, options = split_overrides(arguments, options)
    if len(files) > 1:
        raise SettingsError(f"one settings file at a time, not {len(files)}", fix=f"leave out {files[1]}")
    path = Path(files[0]) if files else (options.config or DEFAULT_CONFIG)
    axes, fixed = axes_of(options.overrides)
    store = () if options.output is None else (f"store={json.dumps(str(options.output.resolve()))}",)
    swept = try_out(
        path, axes, (*store, *fixed),
        offline=options.offline, redact=options.redact, limit=options.limit, seed=options.seed, say=options.say,
    )  # fmt: skip
    options.emit(swept.to_json())
    options.show("\n".join(swept.lines()))
    options.show(ending(outcome_of(swept.result)))
    return exit_code(swept.result)
