"""What audit and curate are given on the command line, read and checked before any check runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.console import Options, parse_columns
from assay.errors import SettingsError, SourceError
from assay.sources import ReadSettings, read

from .engine.engines import Engine, choose
from .settings import CurateSettings, active_checks

if TYPE_CHECKING:
    from assay.chat import ChatTarget
    from assay.dataset import Dataset
    from assay.project import Project
    from assay.reviews.review import Review
    from assay.suites import EvaluationText, Suite

    from .contradictions.confirmers import Confirmer, ConfirmSettings
    from .duplicates.releases import Releases


@dataclass(frozen=True)
class Given:
    """Arguments as they were typed."""

    data: tuple[str, ...]
    model: str | None = None
    suites: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    input_format: str = "auto"
    columns: str = ""
    system: str | None = None
    preference: bool = False
    against: tuple[str, ...] = ()
    workers: int | None = None
    engine: str = "auto"
    index: str | None = None
    reviews: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inputs:
    """Arguments of the stage functions."""

    data: Dataset
    settings: CurateSettings
    target: ChatTarget | None
    suites: tuple[Suite, ...]
    evaluation_texts: tuple[EvaluationText, ...]
    engine: Engine | None = None
    confirmer: Confirmer | None = None
    releases: Releases | None = None
    reviews: tuple[Review, ...] = ()


def read_inputs(given: Given, options: Options) -> Inputs:
    """Without DATA, the data, model and suites of the settings file. Raises SettingsError, SourceError, ModelError."""
    from assay.suites import evaluation_texts, read_suites

    from .duplicates.releases import Releases
    from .reviews.sources import given_reviews

    settings = options.settings(CurateSettings, "curate").beside(options.config.parent if options.config else Path())
    if options.seed is not None:
        settings = dataclasses.replace(settings, seed=options.seed)
    _check_settings(settings, options)
    suite_paths: Sequence[Path | str] = given.suites
    folders = [Path(name) for name in given.tasks]
    model, revision, trust = given.model, None, False
    if given.data:
        reading = ReadSettings(
            given.input_format, parse_columns(given.columns), given.preference, options.limit, given.system
        )
        data = read(given.data, reading, offline=options.offline)
    else:
        project = _project(options)
        data = project.read_data(offline=options.offline, limit=options.limit)
        suite_paths = [*suite_paths, *project.suite_paths]
        folders += project.task_folders
        trust = project.settings.trust_remote_code
        if model is None:
            model, revision = project.settings.model_name_or_path, project.settings.revision
    if len(data) == 0:
        raise _no_rows(data, given, options.redact)
    suites = read_suites(suite_paths)
    held_back = (*evaluation_texts((), folders), *_texts_of(given.against, options.offline))
    target = _target(model, revision, trust, options)
    engine = choose(len(data), given.workers, given.engine)
    releases = Releases(given.index) if given.index is not None else None
    decided = given_reviews(given.reviews, options.config.parent if options.config else Path())
    for note in decided.notes:
        options.say(note)
    confirmer = _confirmer(settings, model, options)
    return Inputs(data, settings, target, suites, held_back, engine, confirmer, releases, decided.reviews)


def _confirm_settings(settings: CurateSettings) -> ConfirmSettings | None:
    """Raises SettingsError."""
    given = settings.checks.get("contradiction")
    if not isinstance(given, Mapping) or given.get("confirm") is None:
        return None
    from .contradictions.confirmers import read_confirm

    return read_confirm(given["confirm"])


def _confirmer(settings: CurateSettings, model: str | None, options: Options) -> Confirmer | None:
    """What gives a second opinion on contradictions; the judge speaks through a provider of synth's.

    Raises SettingsError, ModelError, MissingExtraError.
    """
    confirm = _confirm_settings(settings)
    if confirm is None:
        return None
    from .contradictions.confirm import make_confirmer, make_judge

    if confirm.judge is None:
        return make_confirmer(confirm, offline=options.offline)
    from assay.protocols import Price
    from assay.runs import RunStore
    from assay.stages import SynthSettings, make_provider, price_of

    judge = confirm.judge
    provider = SynthSettings(
        provider=judge.provider,
        model=judge.model,
        base_url=judge.base_url,
        api_key_env=judge.api_key_env,
        price=None if judge.price is None else Price(judge.price["input"], judge.price["output"]),
        concurrency=judge.concurrency,
        timeout=judge.timeout,
        temperature=0.0,
    )
    price = price_of(provider)
    return make_judge(
        judge, make_provider(provider, model, offline=options.offline), price, RunStore().root, options.say
    )


def _texts_of(files: Sequence[str], offline: bool) -> Iterator[EvaluationText]:
    """The prompts of data that is no suite: a benchmark's file, the test set of an earlier release."""
    from assay.suites import EvaluationText, prompt_text, suite_name

    for file in files:
        for record in read([file], ReadSettings(preference=True), offline=offline).records():
            yield EvaluationText(
                suite_name(file), str(record.source.line or record.source.row), prompt_text(record.prompt)
            )


def _check_settings(settings: CurateSettings, options: Options) -> None:
    """Raises SettingsError with the line of the settings file where there is one."""
    try:
        active_checks(settings)
        _confirm_settings(settings)
    except SettingsError as error:
        if not (error.where or "").startswith("curate."):  # in a file that a check reads: the error names its line
            raise
        path = tuple((error.where or "").split("."))
        raise SettingsError(
            f"{error.where}: {error.what}", where=options.document().where(path), fix=error.fix
        ) from error


def _project(options: Options) -> Project:
    from assay.console import DEFAULT_CONFIG
    from assay.project import load_project

    path = options.config or DEFAULT_CONFIG
    if not path.is_file():
        raise SettingsError("no data was named", fix="write `assay audit FILE`, or list the data in assay.yaml")
    return load_project(options.document(), path.parent)


def _target(model: str | None, revision: str | None, trust: bool, options: Options) -> ChatTarget | None:
    if model is None:
        return None
    from assay.chat import load_target

    return load_target(model, revision=revision, offline=options.offline, trust_remote_code=trust, say=options.say)


def _no_rows(data: Dataset, given: Given, redact: bool) -> SourceError:
    if not data.faults:
        return SourceError("there is no row in it", where=", ".join(given.data) or None)
    first = data.faults[0]
    return SourceError(
        f"no valid row: none of {len(data.faults):,} could be read"
        + ("" if redact else f"; the first: {first.message}"),
        where=str(first.source),
        fix=None if "columns:" in first.message else "name its format, or the columns with --columns",
    )
