"""`assay parity`: what is shipped against what was gated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.console import Options, common_options
from assay.errors import SettingsError

if TYPE_CHECKING:
    from .artefact import Artefact


@click.command(short_help="Hold what is shipped against what was gated.")
@click.argument("artefact", metavar="ARTEFACT")
@click.option("--against", type=click.Path(path_type=Path), required=True, metavar="ADAPTER",
              help="What was gated: a folder, or NAME:VERSION.")  # fmt: skip
@click.option("--over", type=click.Path(path_type=Path), metavar="GGUF", help="Of an adapter's GGUF: that of its base.")
@click.option("--model", help="The base, where it is not where the adapter says.")
@click.option("--data", multiple=True, metavar="DATA", help="Records whose answers are weighed [those of training].")
@click.option("--records", type=click.IntRange(min=1), default=32, show_default=True, help="How many of them.")
@click.option("--suite", "suites", multiple=True, type=click.Path(path_type=Path), help="A suite that both answer.")
@click.option("--margin", type=float, default=0.02, show_default=True,
              help="Loss on a suite that other weights may cost, as a share of 1; to be proved.")  # fmt: skip
@common_options
def parity(
    options: Options,
    artefact: str,
    against: Path,
    over: Path | None,
    model: str | None,
    data: tuple[str, ...],
    records: int,
    suites: tuple[Path, ...],
    margin: float,
) -> int:
    """Hold what is shipped against what was gated.

    ARTEFACT is the folder of a merged model, a GGUF file (of an adapter with --over BASE.gguf), or a model of Ollama as
    ollama:NAME. Prompt and stop tokens
    must be identical; log-probabilities within a tolerance that depends on the weights; scores on the suites equal for
    the same weights in float32, else not worse by more than the margin. With -o, parity.json and parity.md.
    Exit code 3 where a check fails, 4 where one that is required could not be made: what is unproved never passes.
    """
    from ..merging.command import named_adapter, store_of_options, trusted
    from .held import AdapterOverBase
    from .material import of_own_answers, of_records
    from .opening import open_artefact
    from .parity import prove
    from .provenance import read_trained
    from .records import read_records, records_of_training

    if not 0 < margin < 1:
        raise SettingsError(f"--margin is {margin}, but should be between 0 and 1")
    against = named_adapter(options, against)
    trained = read_trained(against, model=model, offline=options.offline, trust_remote_code=trusted(options))
    given = (
        read_records(data, offline=options.offline)
        if data
        else records_of_training(trained, store_of_options(options), say=options.say)
    )
    shipped: Artefact = open_artefact(artefact, trained, over=over, trust_remote_code=trusted(options))
    options.say(f"parity: asking {against} over {trained.target.name}")
    gated = AdapterOverBase.load(trained, trust_remote_code=trusted(options))
    material = (
        of_records(given, trained.target, records) if given is not None else of_own_answers(gated, trained.target)
    )
    judge = None
    if suites:
        from .suites import judge_on

        judge = judge_on(suites, trained.target, margin, limit=options.limit, say=options.say)
    found = prove(gated, shipped, material, judge)
    if options.output is not None:
        found.write(options.output)
    options.show("\n".join(found.lines()))
    options.emit(found.to_json())
    return int(found.exit)
