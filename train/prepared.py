"""What is known of a training before its model is loaded: every refusal that needs no model happens here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assay.chat import ChatTarget, extended
from assay.dataset import Dataset
from assay.errors import missing_extra
from assay.models.devices import on_the_cpu

from .before.answers import check_answers
from .before.arguments import check_arguments
from .before.modules import check_modules
from .before.precision import check_precision
from .before.stops import check_stops
from .before.template import check_template
from .before.vocabulary import check_vocabulary
from .methods.kernels import check_kernels
from .methods.liger import check_liger
from .methods.new_tokens import token_ids
from .methods.packing import with_packing
from .mixing import GeneralFile, read_general, with_general
from .planning.room import room_warning
from .recipe import Recipe, find_hardware, resolve
from .rows import Rows, encode_rows, padding_token
from .settings import TrainSettings
from .splitting import with_split
from .watching.samples import Question, questions
from .watching.trackers import check_trackers


@dataclass(frozen=True)
class Prepared:
    """Everything that is known before the model is loaded.

    notes    what was decided about the data
    unseen   prompts whose answers are looked at while it trains
    """

    recipe: Recipe
    rows: Rows
    notes: tuple[str, ...] = ()
    unseen: tuple[Question, ...] = ()


def prepare(
    data: Dataset, settings: TrainSettings, target: ChatTarget, general: Sequence[GeneralFile] | None = None
) -> Prepared:
    """The resolved recipe and the encoded rows; every refusal that needs no model happens here.

    general  what `settings.general_data` names, where it was read already; else it is read, paths from here

    Raises SettingsError, SourceError or TrainingError.
    """
    try:
        hardware = find_hardware(settings)
    except ImportError as error:
        raise missing_extra("train", error) from error
    check_kernels(settings, hardware)
    if settings.use_liger_kernel:
        check_liger(settings, target.ref)
    check_template(target)
    check_trackers(settings.report_to)
    check_arguments(settings)
    target = extended(target, settings.new_tokens)
    pad = padding_token(settings, target)
    data, note = with_split(data, settings)
    general = read_general(settings.general_data, Path()) if general is None else general
    rows = encode_rows(data, settings, target, general)
    rows = replace(rows, warnings=(*rows.warnings, *check_stops(rows, target), *check_answers(rows, target)))
    recipe = resolve(
        settings,
        records=len(rows.training),
        longest=rows.longest,
        pad_token_id=pad,
        hardware=hardware,
        validated=bool(rows.validation),
    )
    check_modules(recipe, target.ref)
    if settings.new_tokens:
        recipe = replace(recipe, new_token_ids=token_ids(settings.new_tokens, target, rows))
    rows = replace(rows, warnings=(*rows.warnings, *check_vocabulary(rows, target, recipe.new_token_ids)))
    if settings.packing:
        varlen = hardware.flash_attention and recipe.dtype != "float32"
        recipe = with_packing(recipe, [len(row.input_ids) for row in rows.training], varlen=varlen)
    notes = [note] if note is not None else []
    notes += check_precision(target.ref, recipe.dtype, load_in_4bit=recipe.load_in_4bit)
    if rows.mixture is not None:
        notes.append(rows.mixture.line)
        recipe = with_general(recipe, rows.mixture)
    if settings.device == "auto" and recipe.device == "cpu":
        notes += [told for told in [on_the_cpu()] if told is not None]
    unseen = questions(rows.validation, settings.samples if recipe.processes == 1 else 0, target)
    told = room_warning(recipe, rows.training, target.ref)
    rows = rows if told is None else replace(rows, warnings=(*rows.warnings, told))
    return Prepared(recipe, rows, tuple(notes), unseen)
