"""What `assay synth --measure` adds: settings and terminal around `assay.pipeline.measure`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assay.console import Options
from assay.errors import Exit, SettingsError
from assay.findings import Verdict

if TYPE_CHECKING:
    from assay.dataset import Dataset

FILE = "measure.json"
_EXITS = {Verdict.PASS: Exit.OK, Verdict.INCONCLUSIVE: Exit.INCONCLUSIVE}


def measure_and_show(
    options: Options, existing: Dataset, combined: Dataset, suites: Sequence[Path], out: Path
) -> tuple[Exit, dict[str, object]]:
    """Measures, shows, writes OUT/measure.json. The exit code is the verdict's, and the JSON what was found.

    Raises SettingsError, SuiteError, and what training and scoring raise.
    """
    from assay.chat import load_target
    from assay.pipeline.measure import Question, measure
    from assay.runs import RunStore
    from assay.storage import write_json
    from assay.suites import read_suites

    document = options.document()
    train, evaluate = stage_settings(options)
    target = load_target(
        model_of(options),
        revision=document.data.get("revision"),
        offline=options.offline,
        trust_remote_code=bool(document.data.get("trust_remote_code", False)),
        say=options.say,
    )
    question = Question(existing, combined, read_suites(suites), train, evaluate, target)
    found = measure(question, RunStore(), options.say)
    write_json(out / FILE, found.to_json())
    options.show("\n".join(found.lines()))
    return _EXITS.get(found.verdict, Exit.NEGATIVE), found.to_json()


def check_measurable(options: Options, suites: Sequence[Path]) -> None:
    """Before anything is paid for. Raises SettingsError, MissingExtraError."""
    from assay.errors import require

    if not suites:
        raise SettingsError("--measure needs a suite to measure on", fix="add --suite SUITE.yaml")
    model_of(options)
    require("all", "torch", "peft", "trl")


def model_of(options: Options) -> str:
    """The base to train. Raises SettingsError."""
    name = options.document().data.get("model_name_or_path")
    if not name:
        raise SettingsError(
            "--measure trains, and no base is named",
            fix="add model_name_or_path=smollm2-135m-instruct, or name it in assay.yaml",
        )
    return str(name)


def stage_settings(options: Options) -> tuple[object, object]:
    from assay import stages

    train = options.settings(stages.TrainSettings, "train")
    evaluate = options.settings(stages.EvaluateSettings, "evaluate")
    if options.seed is not None:
        train = dataclasses.replace(train, seed=options.seed)
    return train, evaluate
