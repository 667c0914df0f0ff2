"""`assay demo`: the main job on the sample data and the embedded model."""

from __future__ import annotations

from pathlib import Path

import click

from assay.commands.run import report
from assay.console import Options, common_options
from assay.errors import Exit

FOLDER = Path("assay-demo")

CARELESS = (
    "synth.enabled=false",
    "train.learning_rate=0.01",
    "train.lora_r=64",
    "train.num_train_epochs=1",
    "train.early_stopping_patience=0",
    "train.general_data=[]",
    "train.general_ratio=null",
)
"""What the contrast does otherwise: a rate fifty times the usual one, no early stopping, no general records."""


@click.command()
@click.option("--contrast", is_flag=True, help="Also train carelessly on the dirty file, and gate that one too.")
@common_options
def demo(options: Options, contrast: bool) -> int:
    """The main job on the sample data and the embedded model.

    Audits a support desk's tickets, curates them, paraphrases some, trains a QLoRA adapter, scores base and adapter
    on the desk's own suite and on general ability, and gives the verdict, whatever it is. Everything is computed.
    The exit code is 0 when the demo ran to its end, whatever the verdict.
    """
    from assay.pipeline.demonstration import run_careless, run_demo
    from assay.pipeline.ending import ending
    from assay.pipeline.outcome import outcome_of

    folder = options.output or FOLDER
    options.say(f"the demo writes to {folder}")
    result = run_demo(folder, offline=options.offline, redact=options.redact, say=options.say)
    if not contrast:
        report(options, result)
        return Exit.OK
    careless = run_careless(
        folder / "careless", CARELESS, offline=options.offline, redact=options.redact, say=options.say
    )
    options.emit({"curated": result.to_json(), "careless": careless.to_json()})
    options.show("CURATED DATA AND THE USUAL RECIPE")
    options.show(ending(outcome_of(result)))
    options.show("\n\nTHE DIRTY FILE AND A CARELESS RECIPE")
    options.show(ending(outcome_of(careless)))
    return Exit.OK
