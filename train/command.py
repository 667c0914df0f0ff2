"""`assay train`: files and terminal around the training stage."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.console import Options, common_options, split_overrides
from assay.errors import Exit, SettingsError

if TYPE_CHECKING:
    from .inputs import Inputs
    from .processes.launch import Strategy


@click.command(short_help="Train a LoRA or QLoRA adapter.")
@click.argument("data", nargs=-1, metavar="DATA...")
@click.option("--model", help="Base model: a hub id, a folder, or an embedded name [default: assay.yaml's].")
@click.option("--input-format", default="auto", metavar="NAME", help="Format of DATA [auto].")
@click.option("--dry-run", is_flag=True, help="Show recipe, records and three of them as they train; load no weights.")
@click.option("--show-mask", metavar="ID", help="Draw one record as it trains, by id or FILE:LINE, and stop.")
@click.option("--processes", type=click.IntRange(min=2), metavar="N", help="Train on N devices of this machine.")
@click.option(
    "--strategy",
    type=click.Choice(["ddp", "fsdp", "deepspeed"]),
    default="ddp",
    show_default=True,
    help="With --processes: the whole model on each device, or a share of it.",
)
@click.option(
    "--zero-stage",
    type=click.IntRange(2, 3),
    metavar="2|3",
    help="With --strategy deepspeed: share out the model (3, the default), or gradients and optimiser alone (2).",
)
@common_options
def train(
    options: Options,
    data: tuple[str, ...],
    model: str | None,
    input_format: str,
    dry_run: bool,
    show_mask: str | None,
    processes: int | None,
    strategy: Strategy,
    zero_stage: int | None,
) -> int:
    """Train a LoRA or QLoRA adapter.

    DATA is what `assay curate` wrote (its folder, or data.parquet), or files of any format; without it, the data of
    assay.yaml. Data without a split gets one: train.validation of its records, whole families, are set aside.
    Settings are overridden as in train.lora_r=8; docs/training.md has them all. Records that a model generated train
    when people have read enough of them (assay review); synth.require_acceptance=0 asks for none.

    The run is kept in the store (.assay); with -o, adapter, curve and logs are copied to a folder of your choice. A run
    that was killed goes on from its last checkpoint when the same command is given again.
    """
    from .before.template import check_curated
    from .inputs import check_reviewed, named_sources, read_inputs
    from .processes.group import from_environment

    me = from_environment()
    if processes is None and me.size == 1 and (strategy != "ddp" or zero_stage is not None):
        raise SettingsError(f"--strategy {strategy} shares out among processes", fix="say how many: --processes 2")
    if processes is not None and me.size == 1 and not (dry_run or show_mask):
        return _start(options, split_overrides(data, options)[1], processes, strategy, zero_stage)
    if not me.is_first:
        options = dataclasses.replace(options, quiet=True, json=False)
    sources, options = split_overrides(data, options)
    inputs = read_inputs(sources, input_format, model, options)
    if show_mask is not None:
        return _show_mask(inputs, show_mask, options)
    sources = named_sources(sources, options)
    check_curated(inputs.target, inputs.store, sources)
    if dry_run:
        return _dry_run(inputs, options)
    from .run import run_train

    check_reviewed(inputs, sources, options)
    outcome = run_train(inputs, sources, options)
    if not me.is_first:
        return int(Exit.OK)
    options.show(_summary(outcome.result, inputs, outcome.path, redact=options.redact))
    options.emit(outcome.result)
    return int(Exit.OK)


def _start(options: Options, settled: Options, processes: int, strategy: Strategy, stage: int | None) -> int:
    """The same command once for each device. settled: with the overrides that stand among the arguments."""
    from .processes.launch import Launch, by_hand, check_devices, start, write_config
    from .processes.strategy import check_strategy
    from .recipe import find_hardware, precision
    from .settings import TrainSettings

    settings = settled.settings(TrainSettings, "train")
    hardware = find_hardware(settings)
    dtype, _ = precision(settings, hardware)
    launch = Launch(strategy, processes, dtype, hardware.is_gpu, settings.load_in_4bit, stage)
    check_devices(launch, settings, hardware)
    check_strategy(settings, launch.sharing)
    config = (options.output or Path(".assay")) / "accelerate.yaml"
    new = [path for path in (config, config.parent) if not path.exists()]
    write_config(launch, config)
    options.say(f"train: {processes} processes ({config}); by hand: {by_hand(launch, config)}")
    code = start(launch, click.get_current_context().find_root().obj)
    if code == Exit.USAGE:
        _take_back(new)
    return code


def _take_back(written: Sequence[Path]) -> None:
    """What was written for a command that was refused; a folder only while it is empty."""
    for path in written:
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


def _show_mask(inputs: Inputs, name: str, options: Options) -> int:
    """The records of that name whole. Raises SettingsError where --redact keeps their text back."""
    from .before.shown import find
    from .rows import encode_rows

    if options.redact:
        raise SettingsError("shows the text of a record, which --redact keeps back", where="--show-mask")
    found = find(encode_rows(inputs.data, inputs.settings, inputs.target, inputs.general), inputs.target, name)
    for record in found:
        options.show(f"{record.heading}\n\n{record.text()}\n")
    options.emit({"records": [record.to_json() for record in found]})
    return int(Exit.OK)


def _dry_run(inputs: Inputs, options: Options) -> int:
    from .prepared import prepare
    from .preview import preview, render

    prepared = prepare(inputs.data, inputs.settings, inputs.target, inputs.general)
    for note in prepared.notes:
        options.say(f"note: {note}")
    shown = preview(prepared, inputs.target)
    options.show(render(shown, redact=options.redact))
    options.emit(shown.to_json(redact=options.redact))
    return int(Exit.OK)


def _summary(result: Mapping[str, Any], inputs: Inputs, run: Path, *, redact: bool) -> str:
    from .watching.ending import ending

    counts = result["counts"]
    lines = [
        f"  {counts['read']:,} rows read = {counts['kept']:,} kept + {counts['repaired']:,} repaired + "
        f"{counts['dropped']:,} dropped + {counts['held']:,} held",
        f"  {result['steps']:,} steps in {result['seconds']:.0f} s; training loss {result['training_loss']:.3f}",
    ]
    mixture = result.get("mixture")
    if mixture is not None:
        lines.insert(
            1, f"  {mixture['drawn']:,} of the {mixture['task'] + mixture['drawn']:,} that train are general ones"
        )
    if result["validation_loss"] is not None:
        before = result["validation_loss_before"]
        fell = f" (before training {before:.3f})" if before is not None else ""
        lines.append(f"  validation loss {result['validation_loss']:.3f}{fell}; step {result['best_step']} is kept")
    lines += [f"  warning: {warning}" for warning in result["warnings"]]
    lines += ending(result, run, redact=redact)
    suggestion = f"assay evaluate --model {inputs.target.name} --adapter {result['adapter']} --suite SUITE.yaml"
    return "\n".join([*lines, f"  adapter  {result['adapter']}", "", "  next", f"  {suggestion}"])
