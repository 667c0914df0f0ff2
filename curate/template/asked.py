"""What `assay audit` is asked about chat templates: several models, templates alone, records to show, a request."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assay.console import Options
from assay.errors import SettingsError

from ..corpus import Corpus
from ..settings import CurateSettings
from .matrix import Matrix, matrix, matrix_table
from .models import Loaded, Named, load_model, load_models, templates_in
from .request import read_request
from .tokens import Shown, find_record, show_record

if TYPE_CHECKING:
    from assay.chat import ChatTarget
    from assay.dataset import Dataset
    from assay.records import Record

MOST_SHOWN = 20
"""Records of one id that are shown: duplicates beyond these look the same."""


@dataclass(frozen=True)
class Asked:
    """models, templates, show, inference: as they were typed."""

    models: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    inference: str | None = None

    @property
    def target(self) -> str | None:
        """The model that the audit's checks use: the first that has a tokenizer."""
        from assay.chat.text_target import is_template_alone

        return next((name for name in self.models if not is_template_alone(name)), None)

    @property
    def wants_matrix(self) -> bool:
        """Whether there is more to say than the findings about one model do."""
        return bool(self.templates) or len(self.models) > 1 or (bool(self.models) and self.target is None)

    def settings(self, options: Options) -> Options:
        """With --inference as the setting of its check."""
        if self.inference is None:
            return options
        path = Path(self.inference).absolute()
        override = f"curate.checks.inference_mismatch.request={path}"
        return replace(options, overrides=(*options.overrides, override))

    def load(self, target: ChatTarget | None, options: Options) -> list[Loaded]:
        """Every model that was named, each once; `target` is loaded already.

        Raises ModelError for a name that is none, SettingsError for a folder without templates.
        """
        loaded: list[Loaded] = []
        for name in dict.fromkeys(self.models):
            if target is not None and name == self.target:
                loaded.append(Loaded(name, target))
            else:
                loaded.append(Loaded(name, load_model(Named(name, name), offline=options.offline, say=options.say)))
        if target is not None and not self.models:
            loaded.append(Loaded(target.name, target))
        return loaded + load_models(templates_in(self.templates), offline=options.offline, say=_silent)


def _silent(_: str) -> None:
    pass


def show_records(asked: Asked, data: Dataset, models: Sequence[Loaded], options: Options) -> None:
    """Each record that was asked for under each model, one after the other. Raises SettingsError."""
    from ..pages.concealment import conceal_record
    from ..pages.tokens import render_tokens

    usable = [model.target for model in models if model.target is not None]
    if not usable:
        raise SettingsError("a record is shown as a model sees it", where="--show", fix="name one with --model NAME")
    if options.redact:
        raise SettingsError("shows the text of a record, which --redact keeps back", where="--show")
    records = Corpus(data.table)
    variables = read_request(Path(asked.inference)).variables if asked.inference is not None else None
    shown: list[Shown] = []
    for name in asked.show:
        found = find_record(records, name)
        if len(found) > MOST_SHOWN:
            options.say(f"{len(found):,} records are {name}; the first {MOST_SHOWN} are shown")
        for record in found[:MOST_SHOWN]:
            hidden = conceal_record(record)
            if hidden.messages != record.messages or hidden.tools != record.tools:
                options.say(f"{record.source}: personal data and secrets are masked; the tokens are those of the masks")
            shown += [replace(show_record(hidden, target, variables), record=record) for target in usable]
    width = min(shutil.get_terminal_size((110, 24)).columns, 130)
    options.show("\n".join(render_tokens(item, width) for item in shown))
    options.emit({"shown": [item.to_json() for item in shown]})


def compare_models(
    models: Sequence[Loaded], data: Dataset, settings: CurateSettings, options: Options, steps: list[str]
) -> Matrix:
    """The table of models and records, written to --output where there is one; steps: what to do next, added to.

    Raises StorageError.
    """
    own = settings.checks.get("over_long_answer")
    limit = own.get("max_length", 0) if isinstance(own, dict) else 0
    records = Corpus(data.table)
    options.say(f"judging {len(models)} chat templates on {len(records):,} records")
    found = matrix(records, models, int(limit))
    found = found.without_text() if options.redact else found
    if options.output is not None:
        write_matrix(found, records, options.output)
        steps.insert(0, f"{options.output / 'template_matrix.html'}    which records fit which model")
    return found


def write_matrix(found: Matrix, records: Sequence[Record], folder: Path) -> None:
    """template_matrix.parquet, .json and .html. Raises StorageError."""
    from assay.storage import write_json, write_table, write_text

    from ..pages.matrix_page import matrix_page

    write_table(matrix_table(found, records), folder / "template_matrix.parquet")
    write_json(folder / "template_matrix.json", found.to_json())
    write_text(folder / "template_matrix.html", matrix_page(found))
