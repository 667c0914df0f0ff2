"""`assay plan`: files and terminal around the plan."""

from __future__ import annotations

from pathlib import Path

import click

from assay.console import Options, common_options, split_overrides
from assay.errors import Exit


@click.command(short_help="Memory, hours and money of a training run, before anything is spent.")
@click.argument("data", nargs=-1, metavar="DATA...")
@click.option("--model", help="A hub id, a folder, a config.json or an embedded name [default: assay.yaml's].")
@click.option("--shape", help="A known model by name, from assay's list: llama-3.1-8b, qwen3-8b, ...")
@click.option("--shapes", type=click.Path(path_type=Path), help="A YAML of further shapes.")
@click.option("--records", type=click.IntRange(min=1), help="Without data: how many records.")
@click.option("--tokens", type=click.IntRange(min=1), help="Without data: their mean length in tokens.")
@click.option("--longest", type=click.IntRange(min=1), help="Without data: the longest in tokens [the mean].")
@click.option("--card", "names", multiple=True, metavar="NAME", help="Only this card; may be given again.")
@click.option("--cards", type=click.Path(path_type=Path), help="A YAML of cards and prices of your own.")
@click.option("--memory", type=float, metavar="GB", help="As if so much memory were free on this machine.")
@click.option("--input-format", default="auto", metavar="NAME", help="Format of DATA [auto].")
@common_options
def plan(
    options: Options,
    data: tuple[str, ...],
    model: str | None,
    shape: str | None,
    shapes: Path | None,
    records: int | None,
    tokens: int | None,
    longest: int | None,
    names: tuple[str, ...],
    cards: Path | None,
    memory: float | None,
    input_format: str,
) -> int:
    """Memory, hours and money of a training run, before anything is spent.

    DATA is what `assay train` would be given; without it, the data of assay.yaml, or --records and --tokens. The model
    is read from its config alone: no weights are loaded and no code of a model repository is run.

    Peak memory by part for QLoRA, LoRA and full fine-tuning, which cards it fits, hours and money on each, what to
    change to make it fit, and what this machine would need. Settings are overridden as in train.lora_r=8;
    docs/planning.md says where each figure comes from.
    """
    from .cards import choose, load_cards
    from .inputs import Request, read_request
    from .machine import limited, this_machine
    from .screen import render, to_json
    from .stage import plan as make_plan

    sources, options = split_overrides(data, options)
    chosen = choose(load_cards(cards), names)
    request = Request(sources, input_format, model, shape, shapes, records, tokens, longest)
    planned = read_request(request, options)
    machine = this_machine(planned.settings)
    if memory is not None:
        machine = limited(machine, memory, planned.settings)
    made = make_plan(planned.subject, planned.lengths, planned.settings, chosen, machine)
    options.show(render(made))
    options.emit(to_json(made))
    return int(Exit.OK)
