"""`assay runs` with what stands below it, and `assay lineage`."""

from __future__ import annotations

import importlib
import re
from dataclasses import asdict
from pathlib import Path

import click

from assay.console import STORE_OPTION, Options, common_options
from assay.errors import Exit

SHA256 = re.compile("[0-9a-f]{64}")


OF_EVALUATE = {
    "compare": "assay.evaluate.release.history_command:compare",
    "trend": "assay.evaluate.release.history_command:trend",
}
"""Subcommands that look into evaluations live with that stage; they are loaded when they are asked for."""


class _Runs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *OF_EVALUATE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in OF_EVALUATE:
            return super().get_command(ctx, cmd_name)
        module, _, function = OF_EVALUATE[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), function)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Runs, invoke_without_command=True)
@STORE_OPTION
@common_options
@click.pass_context
def runs(context: click.Context, options: Options, store: Path) -> int:
    """List what was run, newest first.

    trend, compare: evaluations over time, and two of them item by item; export, import: runs from machine to machine.
    """
    if context.invoked_subcommand is not None:
        return Exit.OK
    from assay.runs import RunStore

    found = RunStore(store).manifests()[: options.limit]
    options.emit([{"path": str(manifest.path), **manifest.data} for manifest in found])
    if not found:
        options.show(f"nothing was run yet in {store}")
    for manifest in found:
        data = manifest.data
        said = data.get("error") or manifest.verdict
        line = f"{data['started']}  {manifest.outcome:8}  {data['seconds']:>9.1f} s  {manifest.run}"
        options.show(f"{line}  {said}" if said else line)
    return Exit.OK


@click.command()
@click.argument("adapter", type=click.Path(path_type=Path))
@click.option("--store", type=click.Path(path_type=Path), help="The run store [default: where the adapter is].")
@common_options
def lineage(options: Options, adapter: Path, store: Path | None) -> int:
    """Walk from an adapter back to its data, and forward to its evaluations.

    ADAPTER is a folder, or NAME:VERSION of `assay adapters`.
    """
    from assay.lineage import lineage as walk
    from assay.lineage import store_of
    from assay.releases.adapter_names import adapter_folder
    from assay.runs import RunStore

    adapter = adapter_folder(adapter, store or Path(".assay"))
    found = walk(adapter, RunStore(store) if store else store_of(adapter) or RunStore())
    options.emit(
        {
            "adapter": found.card,
            "back": [{"depth": step.depth, **step.manifest.data} for step in found.back],
            "forward": [dict(manifest.data) for manifest in found.forward],
            "origins": found.origins and {**asdict(found.origins), "parents": sorted(found.origins.parents)},
        }
    )
    options.show(f"adapter {adapter}")
    options.show(f"  on {found.card.get('base')} (revision {found.card.get('revision')})")
    options.show("came from")
    for step in found.back:
        options.show(f"  {step.line}")
        for name, digest in dict(step.manifest.data["inputs"]).items():
            short = digest[:16] if SHA256.fullmatch(digest) else digest
            options.show(f"  {'  ' * step.depth}    {name}: {short}")
    if found.origins is not None:
        options.show("trained on")
        options.show(f"  {found.origins.human} records that people wrote, in {found.origins.data}")
        for model, number in found.origins.writers.items():
            options.show(f"  {number} written by {model}")
        for who, number in found.origins.readers.items():
            options.show(f"  {number} of these read by {who}")
        if found.origins.synthetic:
            options.show(f"  from {len(found.origins.parents)} seeds, whose ids are in the column `parents`")
        if found.origins.general:
            options.show(f"  {found.origins.general} general records mixed in, from train.general_data")
    options.show("was judged by" if found.forward else "was judged by nothing yet")
    for manifest in found.forward:
        verdict = dict(manifest.data["facts"]).get("verdict")
        options.show(f"  {manifest.run}" + (f"  {verdict}" if verdict else ""))
    return Exit.OK


@runs.command("export")
@click.argument("names", nargs=-1, required=True, metavar="RUN...")
@STORE_OPTION
@common_options
def export(options: Options, names: tuple[str, ...], store: Path) -> int:
    """Pack runs, with all they came from, into one file: --output [default: runs.zip]."""
    from assay.run_archive import export_runs
    from assay.runs import RunStore

    file = options.output or Path("runs.zip")
    packed = export_runs(RunStore(store), names, file)
    options.emit({"file": str(file), "runs": packed})
    options.show(f"{file}: {', '.join(packed)}")
    return Exit.OK


@runs.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@STORE_OPTION
@common_options
def import_(options: Options, file: Path, store: Path) -> int:
    """Take the runs of a file that `assay runs export` wrote into the store: all of them, or none."""
    from assay.run_archive import import_runs
    from assay.runs import RunStore

    found = import_runs(RunStore(store), file)
    options.emit({"new": found.new, "known": found.known})
    for word, taken in (("new", found.new), ("known already", found.known)):
        if taken:
            options.show(f"{word}: {', '.join(taken)}")
    return Exit.OK
