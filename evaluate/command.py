"""`assay evaluate`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.console import Options, common_options, split_overrides
from assay.errors import Exit, SettingsError

if TYPE_CHECKING:
    from assay.suites import Suite

    from .asking.progress import Show
    from .evaluation import Evaluation
    from .identity import Models
    from .settings import EvaluateSettings


@click.command()
@click.argument("assignments", nargs=-1, metavar="[KEY=VALUE...]")
@click.option("--model", help="Base model: a hub id, a folder, or a name [default: as in assay.yaml].")
@click.option("--adapter", type=click.Path(path_type=Path), metavar="ADAPTER",
              help="The candidate: a folder, or NAME:VERSION; without it the base alone.")  # fmt: skip
@click.option("--previous", metavar="ADAPTER",
              help="Last release: a folder, NAME:VERSION, certificate, or none [the store's].")  # fmt: skip
@click.option("--training-data", multiple=True, metavar="FILE", help="What the candidate was trained on, for leaks.")
@click.option("--suite", "suites", multiple=True, metavar="FILE", help="A domain suite; may be given again.")
@click.option("--tasks", metavar="NAME,...", help="lm-eval tasks, groups or tags.")
@click.option(
    "--include-path",
    multiple=True,
    metavar="FOLDER",
    help="lm-eval task YAML, or bundled[:small|medium|large]; may be given again.",
)
@click.option("--chat-template", metavar="FILE", help="In place of the model's own.")
@click.option("--backend", type=click.Choice(["assay", "hf", "vllm", "openai"]), help="Who computes; openai: a server.")
@click.option("--items", type=click.Choice(["all", "selection", "gate"]), help="The part that selects, or that judges.")
@click.option("--stop-early", is_flag=True, help="Stop as soon as the verdict of --policy is proved.")
@click.option("--policy", "-p", type=click.Path(path_type=Path), help="What will judge it [default: ./policy.yaml].")
@click.option("--allow-code", is_flag=True, help="Let a suite's scorer run code that a model wrote, walled in.")
@click.option("--write-lm-eval", type=click.Path(path_type=Path), metavar="DIR", help="Also write it as lm-eval does.")
@click.option("--store", type=click.Path(path_type=Path), help="Run store [default: .assay, or as in assay.yaml].")
@common_options
def evaluate(options: Options, assignments: tuple[str, ...], **given: Any) -> int:
    """Score base and adapter on your suites.

    Every answer of every model to every item goes to items.parquet, in a run of the store or in --output;
    `assay gate` gives the verdict on it. Answers that were given before are not computed again.
    """
    from .reports.score_table import score_table

    strangers, options = split_overrides(assignments, options)
    if strangers:
        raise SettingsError(f"'{strangers[0]}' is no override", fix="write --suite FILE, or evaluate.batch_tokens=8192")
    settings, suites, models, store = _inputs(options, given)
    policy = _policy_file(options, given["policy"])
    if models.candidate is not None or given["policy"] is not None:
        _say_plan(options, settings, suites, policy, required=given["policy"] is not None or settings.stop_early)
    evaluation, folder = _run(options, settings, suites, models, store, policy)
    from .evaluation_files import to_json

    options.emit({**to_json(evaluation), "items": str(folder / "items.parquet")})
    options.show(score_table(evaluation))
    options.show(f"\nanswers  {folder / 'items.parquet'}")
    if given["write_lm_eval"] is not None:
        _write_lm_eval(evaluation, suites, settings, given["write_lm_eval"])
        options.show(f"lm-eval  {given['write_lm_eval']}, a folder a model")
    if "candidate" in evaluation.evidence:
        options.show(f"next: assay gate {folder} --policy policy.yaml    a verdict")
    return int(Exit.OK)


def _policy_file(options: Options, given: Path | None) -> Path:
    """As the option, the settings file or the folder says; it need not be there."""
    document = options.document()
    file = Path(document.file)
    named = dict(document.data.get("gate") or {}).get("policy")
    return given or (file.parent / str(named) if named is not None and file.is_file() else Path("policy.yaml"))


def _say_plan(
    options: Options, settings: EvaluateSettings, suites: tuple[Suite, ...], policy_file: Path, *, required: bool
) -> None:
    """What the policy's proofs need, before a model is loaded. Raises SettingsError for one that was asked for."""
    from assay.suites.general import include_paths

    from .gate.planned import before_scoring
    from .gate.policy import read_policy
    from .judging.roles import check_policy_roles

    if not required and not policy_file.is_file():
        return
    try:
        policy = read_policy(policy_file)
        check_policy_roles(policy, [(s.name, {**s.scorer_settings, "name": s.scorer}) for s in suites], policy_file)
    except SettingsError as error:
        if required:
            raise
        options.say(f"WARNING: the gate will not take this policy: {error}")
        return
    for line in before_scoring(policy, suites, [Path(path) for path in include_paths(settings.include_path)], settings):
        options.say(line)


def _write_lm_eval(evaluation: Evaluation, suites: tuple[Suite, ...], settings: EvaluateSettings, folder: Path) -> None:
    """Also for an evaluation that was made before and has not been run again."""
    from assay.suites.general import include_paths

    from .lm_eval_runs.write import documents_of, write_lm_eval

    tasks = [Path(path) for path in include_paths(settings.include_path)]
    write_lm_eval(evaluation, documents_of(evaluation, suites, tasks), folder)


def _inputs(options: Options, given: dict[str, Any]) -> tuple[EvaluateSettings, tuple[Suite, ...], Models, Path]:
    """Options over settings over defaults; suites and model are read before anything is computed."""
    from assay.chat import load_target
    from assay.models.adapter_fit import check_fit_here
    from assay.project import NO_PREVIOUS
    from assay.releases.adapter_names import adapter_folder
    from assay.runs import RunStore
    from assay.sources import ReadSettings, read
    from assay.suites import read_suites
    from assay.suites.general import include_paths, is_bundled, tier_of, with_included, with_tiers

    from .identity import Models
    from .models.backends import with_server
    from .release.previous import with_previous

    document = options.document()
    root = Path(document.file).parent if Path(document.file).is_file() else Path()
    top = document.data
    settings = _settings(options, given, root)
    included = include_paths(given["include_path"]) or tuple(
        path if is_bundled(path) else str(root / path) for path in include_paths(settings.include_path)
    )
    name = given["model"] or top.get("model_name_or_path")
    if name is None:
        raise SettingsError("no model is named", fix="give --model: a hub id, a folder, or smollm2-135m-instruct")
    store = Path(given["store"] or root / str(top.get("store", ".assay")))
    adapter = adapter_folder(given["adapter"], store) if given["adapter"] is not None else None
    named = dict(top.get("gate") or {}).get("previous")
    previous: str | Path | None = given["previous"] or named
    if previous not in (None, NO_PREVIOUS):
        previous = adapter_folder(str(previous), store, Path() if given["previous"] else root)
    suites = read_suites(settings.suites)
    check_fit_here(str(name), adapter)
    target = load_target(
        str(name),
        revision=None if given["model"] else top.get("revision"),
        offline=options.offline,
        chat_template=given["chat_template"],
        trust_remote_code=bool(top.get("trust_remote_code")),
        say=options.say,
    )
    settings = with_included(settings, with_tiers(included, lambda path: tier_of(path, target.ref, options.say)))
    suites = (*suites, *read_suites(settings.suites[len(suites) :]))
    training = read(given["training_data"], ReadSettings(), offline=options.offline) if given["training_data"] else None
    models = Models(target, adapter, None, training, bool(top.get("trust_remote_code")))
    found = with_previous(models, previous, RunStore(store), settings)
    if found.said:
        options.say(found.said)
    return settings, suites, with_server(found.models, settings), store


def _settings(options: Options, given: dict[str, Any], root: Path) -> EvaluateSettings:
    """root: the folder that paths of the settings start at."""
    from .settings import EvaluateSettings

    settings = options.settings(EvaluateSettings, "evaluate")
    paths = given["suites"] or [str(root / path) for path in settings.suites]
    return dataclasses.replace(
        settings,
        suites=tuple(str(path) for path in paths),
        tasks=_names(given["tasks"]) if given["tasks"] else settings.tasks,
        limit=options.limit or settings.limit,
        backend=given["backend"] or settings.backend,
        items=given["items"] or settings.items,
        stop_early=settings.stop_early or given["stop_early"],
        allow_code=settings.allow_code or given["allow_code"],
        seed=settings.seed if options.seed is None else options.seed,
    )


def _names(given: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in given.split(",") if name.strip())


def _run(
    options: Options,
    settings: EvaluateSettings,
    suites: tuple[Suite, ...],
    models: Models,
    store: Path,
    policy_file: Path,
) -> tuple[Evaluation, Path]:
    """Into --output, or into a run of the store, which is not done again when nothing has changed."""
    from assay.config import to_json
    from assay.locks import held
    from assay.runs import RunStore
    from assay.storage import sha256_file

    from . import evaluation_files
    from .gate.policy import read_policy
    from .identity import input_digests, training_run
    from .judging.providers import judges
    from .release.history import history, with_times_used
    from .stage import evaluate as run_evaluate

    policy = read_policy(policy_file) if settings.stop_early else None
    say, show = _progress(options)

    def do() -> Evaluation:
        evaluation = run_evaluate(
            models,
            suites,
            settings,
            answers_folder=store / "answers",
            policy=policy,
            judges=judges(store, offline=options.offline),
            say=say,
            show=show,
        )
        return with_times_used(evaluation, history(RunStore(store)))

    if options.output is not None:
        with held(options.output, "this folder"):
            evaluation_files.write(do(), options.output)
        return evaluation_files.read(options.output), options.output
    parents = tuple(training_run(folder) for folder in models.adapters.values())
    inputs = input_digests(models, suites, settings) | ({"policy": sha256_file(policy_file)} if policy else {})
    with RunStore(store).open("evaluate", to_json(settings), inputs, tuple(filter(None, parents))) as run:
        if run.complete:
            options.say("evaluate: unchanged, not run again")
        else:
            evaluation = do()
            evaluation_files.write(evaluation, run.path)
            run.facts["identity"] = dict(evaluation.identity)
    return evaluation_files.read(run.path), run.path


def _progress(options: Options) -> tuple[Callable[[str], None], Show | None]:
    """How lines are said, and what draws the line of a terminal; None where stderr is none."""
    import sys

    from .asking.progress import StatusLine

    if options.quiet or not sys.stderr.isatty():
        return options.say, None
    line = StatusLine(lambda text: click.echo(text, err=True, nl=False))

    def say(text: str) -> None:
        line.clear()
        options.say(text)

    return say, line.show
