"""The best checkpoint by a generated score: answers to items of a domain suite, scored by its scorer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from assay.errors import SettingsError
from assay.protocols import Selection
from assay.storage import write_table
from assay.suites import prompt_keys

from .generating import Asked

if TYPE_CHECKING:
    from trl import SFTTrainer

    from assay.chat import ChatTarget

    from ..settings import TrainSettings

METRIC = "eval_score"
NONE = "none"


def check_selection(settings: TrainSettings, selection: Selection | None, *, validated: bool, processes: int) -> None:
    """Raises SettingsError when a suite is to select and cannot."""
    if settings.selection_suite == NONE:
        return
    if selection is None:
        raise SettingsError(
            "selection_suite is set, and no items of it were handed in",
            fix="`assay train` and `assay run` read it; `train()` takes them as selection",
        )
    if not validated:
        raise SettingsError(
            "selection_suite scores a checkpoint at each evaluation, and there are no validation records to evaluate",
            fix="leave validation at its default, or leave selection_suite out",
        )
    if processes > 1:
        raise SettingsError(
            "selection_suite generates answers, which training on several devices does not",
            fix="leave selection_suite out: the validation loss selects",
        )


def score_of(selection: Selection, answer: Callable[[Any, Sequence[Asked]], list[str]], model: Any) -> float:
    """The mean over the items, 0 to 1. Raises SuiteError when the scorer fails."""
    asked = [Asked(item.prompt, selection.max_new_tokens) for item in selection.items]
    return fmean(item.score(text) for item, text in zip(selection.items, answer(model, asked), strict=True))


def select_by_score(
    trainer: SFTTrainer, selection: Selection, answer: Callable[[Any, Sequence[Asked]], list[str]]
) -> None:
    """Every evaluation of the trainer is scored too, and the score decides which checkpoint is best and when to stop.

    Of equal scores the earlier checkpoint is kept: it has moved less from the base.
    """
    trainer.args.metric_for_best_model = METRIC
    trainer.args.greater_is_better = True
    evaluated = trainer.evaluation_loop

    def scored(*arguments: Any, **named: Any) -> Any:
        output = evaluated(*arguments, **named)
        output.metrics[METRIC] = score_of(selection, answer, trainer.model)
        return output

    trainer.evaluation_loop = scored


def selected_on(selection: Selection) -> dict[str, Any]:
    """For the manifest and the adapter's card: what must not judge this adapter."""
    return {
        "suite": selection.suite,
        "data_sha256": selection.data_sha256,
        "part": "selection",
        "items": [item.id for item in selection.items],
    }


def with_selected(selection: Selection, *files: Path) -> None:
    """Adds the items to each file of trained records, where `assay evaluate` finds them and the gate leaves them out.

    Raises StorageError.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    keys = [prompt_keys(item.text) for item in selection.items]
    count = len(keys)
    known: dict[str, list[Any]] = {
        "record_id": [item.id for item in selection.items],
        "split": ["selection"] * count,
        "role": ["selection"] * count,
        "prompt_sha256": [key.exact for key in keys],
        "normalised_prompt_sha256": [key.normalised for key in keys],
    }
    for file in files:
        table = pq.read_table(file)
        added = {
            field.name: known.get(field.name, [0 if pa.types.is_integer(field.type) else ""] * count)
            for field in table.schema
        }
        write_table(pa.concat_tables([table, pa.table(added, schema=table.schema)]), file)


def read_selection(settings: TrainSettings, target: ChatTarget, root: Path) -> Selection | None:
    """What `settings.selection_suite` names, relative to root; None where nothing is named. Raises SuiteError."""
    from assay.stages import make_selection
    from assay.suites import read_suite

    if settings.selection_suite == NONE:
        return None
    made: Selection = make_selection(read_suite(root / settings.selection_suite), target, settings.selection_items)
    return made
