"""The whole pipeline: curate, synth, curate again, train, evaluate, gate. What is unchanged is not run again.

The only module that knows the order of the stages. Each step opens its run, does its stage unless the run is
complete, and names the runs it came from; so a killed pipeline goes on where it was.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay import stages
from assay.config import read_document, to_json
from assay.dataset import Dataset
from assay.errors import SettingsError, SourceError, SuiteError, did_you_mean, require
from assay.pipeline.generated import Generated, without_replaced, write_replaced
from assay.pipeline.outcome import PipelineResult, StageRun, outcome_of
from assay.project import Project, bundled, concatenate, load_project, with_seed, with_tier
from assay.reviews.journal import journal_of_store
from assay.runs import Run, RunStore
from assay.storage import sha256_file
from assay.suites.general import BUNDLED, include_paths, tier_of, with_included

if TYPE_CHECKING:
    from assay.chat import ChatTarget
    from assay.models import ModelRef
    from assay.suites import EvaluationText, Suite

STAGES = ("curate", "synth", "train", "evaluate", "gate")


@dataclass
class _Work:
    """What the steps hand on. data is what would be trained now, general what is mixed in."""

    project: Project
    store: RunStore
    offline: bool
    redact: bool
    say: Callable[[str], None]
    target: ChatTarget
    model: ModelRef
    suites: tuple[Suite, ...]
    texts: tuple[EvaluationText, ...]
    data: Dataset
    previous: str | Path | None
    general: tuple[Any, ...] = ()
    parents: tuple[str, ...] = ()
    done: list[StageRun] = field(default_factory=list)
    adapter: Path | None = None
    generated: Generated | None = None

    def step(self, stage: str, settings: Any, inputs: dict[str, str], work: Callable[[Run], None]) -> StageRun:
        """One stage in its run. `work` is not called when the run is complete."""
        started = time.time()
        self.say(f"{stage}: started")
        with self.store.open(stage, settings, inputs, self.parents) as run:
            reused = run.complete
            if not reused:
                work(run)
        outcome = StageRun(stage, run.id, run.path, time.time() - started, reused)
        how = "unchanged, not run again" if reused else f"{outcome.seconds:.0f} s"
        self.say(f"{stage}: done ({how})  {run.path}")
        self.done.append(outcome)
        self.parents = (run.id,)
        return outcome


def run(
    settings_file: Path | str,
    *,
    overrides: tuple[str, ...] = (),
    first: str = "curate",
    last: str = "gate",
    offline: bool = False,
    redact: bool = False,
    limit: int | None = None,
    seed: int | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> PipelineResult:
    """Runs the pipeline of an assay.yaml.

    first  stages before it must be complete already; they are read from the store
    last   stop after this stage
    Raises SettingsError before anything runs, and whatever a stage raises.
    """
    path = Path(settings_file)
    project = load_project(read_document(path).override(overrides), path.parent)
    for notice in project.notices:
        say(f"note: {notice}")
    if seed is not None:
        project = with_seed(project, seed)
    return run_project(project, first=first, last=last, offline=offline, redact=redact, limit=limit, say=say)


def run_project(
    project: Project,
    *,
    first: str = "curate",
    last: str = "gate",
    offline: bool = False,
    redact: bool = False,
    limit: int | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> PipelineResult:
    """As `run`, for a project that was loaded."""
    from assay.pipeline.summary_page import write_page

    wanted = _stages_until(first, last)
    _check_installed(wanted, project)
    work = _prepare(project, offline=offline, redact=redact, limit=limit, say=say)
    if "evaluate" in wanted:
        _check_suites(work)
    steps: dict[str, Callable[[_Work], StageRun]] = {
        "curate": _curate, "synth": _synth, "train": _train, "evaluate": _evaluate, "gate": _gate
    }  # fmt: skip
    for stage in wanted:
        if stage == "synth" and not project.sections["synth"].enabled:
            continue
        outcome = steps[stage](work)
        if STAGES.index(stage) < STAGES.index(first) and not outcome.reused:
            say(f"{stage}: had to be run, because its inputs changed")
    ended = work.done[-1]
    decided = ended.stage == "gate"
    decision = _read_json(ended.path / "decision.json") if decided else None
    certificate = ended.path / "certificate.json" if decided else None
    page = project.store / "report.html"
    result = PipelineResult(tuple(work.done), decision, certificate, page, work.adapter)
    write_page(outcome_of(result), page)
    return result


def _stages_until(first: str, last: str) -> tuple[str, ...]:
    for name in (first, last):
        if name not in STAGES:
            raise SettingsError(f"no stage '{name}'", fix=f"stages: {', '.join(STAGES)}")
    if STAGES.index(first) > STAGES.index(last):
        raise SettingsError(f"--from {first} comes after --until {last}")
    return STAGES[: STAGES.index(last) + 1]


def _check_installed(wanted: Sequence[str], project: Project) -> None:
    """A package that training lacks is better missed before the data is curated. Raises MissingExtraError."""
    synth = project.sections["synth"]
    if "evaluate" in wanted:
        require("all", "torch", "peft", "trl")
    elif "train" in wanted or ("synth" in wanted and synth.enabled and synth.provider == "local"):
        require("train", "torch", "peft", "trl")


def _prepare(project: Project, *, offline: bool, redact: bool, limit: int | None, say: Callable[[str], None]) -> _Work:
    """Meets everything that can be wrong with settings, sources, suites and tokenizer before any time is spent."""
    from assay.chat import load_target
    from assay.models import resolve
    from assay.suites import evaluation_texts, read_suites

    settings = project.settings
    project = _of_one_tier(project, offline=offline, say=say)
    suites = read_suites(project.suite_paths)
    texts = tuple(evaluation_texts(suites, project.task_folders, project.sections["evaluate"].tasks))
    _check_policy(project, suites)
    previous = project.previous_adapter
    data = project.read_data(offline=offline, limit=limit)
    for note in data.notes:
        say(note)
    if len(data) == 0:
        raise SourceError("no valid row in the data", fix="`assay audit` says what is wrong with each")
    model = resolve(settings.model_name_or_path, revision=settings.revision, offline=offline, say=say)
    target = load_target(
        settings.model_name_or_path,
        revision=settings.revision,
        offline=offline,
        trust_remote_code=settings.trust_remote_code,
        say=say,
    )
    store = RunStore(project.store)
    general = stages.read_general(project.sections["train"].general_data, project.root, offline=offline)
    for note in (note for file in general for note in file.data.notes):
        say(note)
    return _Work(project, store, offline, redact, say, target, model, suites, texts, data, previous, general)


def _of_one_tier(project: Project, *, offline: bool, say: Callable[[str], None]) -> Project:
    """With bundled suites that suit the base, by its config. Raises ModelError."""
    from assay.models import resolve

    given, settings = project.sections["evaluate"].include_path, project.settings
    if BUNDLED not in include_paths(given):
        return project
    model = resolve(settings.model_name_or_path, revision=settings.revision, offline=offline, say=say)
    return with_tier(project, tier_of(BUNDLED, model, say))


def _check_suites(work: _Work) -> None:
    """What cannot be put to the model, or scored, is better met before training than after it; and so is what so few
    items cannot prove. Raises SuiteError, MissingExtraError."""
    allow_code = work.project.sections["evaluate"].allow_code
    for suite in work.suites:
        stages.prepare_suite(suite, work.target, allow_code=allow_code)
    section = work.project.sections["evaluate"]
    policy = stages.read_policy(work.project.path(work.project.settings.gate.policy))
    for line in stages.before_scoring(policy, work.suites, work.project.task_folders, section):
        work.say(line)


def _check_policy(project: Project, suites: Sequence[Suite]) -> None:
    """A policy that cannot be meant, and two of one name, are better met before training than after it.

    Raises SettingsError, SuiteError.
    """
    from assay.suites.task_files import tasks_in

    path = project.path(project.settings.gate.policy)
    policy = stages.read_policy(path)
    tasks = project.sections["evaluate"].tasks
    found = tasks_in(project.task_folders)
    for suite in suites:
        if suite.name in found and (not tasks or suite.name in tasks):
            task = found[suite.name].path
            raise SuiteError(f"'{suite.name}' is also the name of {task}", where=str(suite.path), fix="rename one")
    local = {*found, *(suite.name for suite in suites)}
    if any(task not in local for task in tasks):
        return  # names of lm-eval's own groups stand for tasks that only lm-eval knows
    known = {suite.name for suite in suites} | set(tasks or local)
    for name, suite in policy.suites.items():
        if suite.required and name not in known:
            raise SettingsError(
                f"the policy requires '{name}', which is not scored", where=str(path), fix=did_you_mean(name, known)
            )


def decisions_of(project: Project) -> tuple[tuple[str, ...], Path]:
    """Files and folder of people's decisions: on the sample data, which lies in the package, those in the store."""
    journal = journal_of_store(project.store)
    return (str(journal),) if project.root == bundled(".") and journal.is_file() else (), project.root


def _curate(work: _Work, stage: str = "curate") -> StageRun:
    settings = work.project.sections["curate"]
    decided = stages.given_reviews(*decisions_of(work.project))
    for note in decided.notes:
        work.say(note)

    def do(run: Run) -> None:
        curated = stages.curate(work.data, settings, work.target, work.suites, work.texts, reviews=decided.reviews)
        stages.write_curated(curated, run.path, redact=work.redact)
        run.facts |= {"counts": curated.ledger.counts(), "template_sha256": work.target.template_sha256}

    said = {**to_json(settings), "redact": work.redact}
    inputs = {"data": _data_digest(work.data), **_evaluation_digests(work), **work.target.digests()}
    if decided.reviews:
        inputs["reviews"] = stages.digest_of_reviews(decided.reviews)
    outcome = work.step(stage, said, inputs, do)
    work.data = Dataset.read_parquet(outcome.path / "data.parquet")
    counts = _read_json(outcome.path / "summary.json")
    work.say(
        f"{stage}: {counts['read']} read = {counts['kept']} kept + {counts['repaired']} repaired + "
        f"{counts['dropped']} dropped + {counts['held']} held"
    )
    if len(work.data) == 0:
        raise SourceError("curate kept no record", where=str(outcome.path / "report.html"), fix="read the report")
    return outcome


def _synth(work: _Work) -> StageRun:
    """New records go through curate again together with the old ones, before anything trains on them."""
    settings = work.project.sections["synth"]
    curate_settings = work.project.sections["curate"]
    trainable = work.data.select_split("train")

    def do(run: Run) -> None:
        work.say(stages.foretold_cost(trainable, settings))
        name = work.project.settings.model_name_or_path
        provider = stages.make_guarded_provider(settings, name, offline=work.offline)
        judge = stages.make_judge(settings, name, offline=work.offline)
        audit = stages.make_audit(curate_settings, work.target, work.suites, work.texts)
        # One journal for the store and not one a run: other data or settings must not pay for an answer again.
        journal = work.project.store / "journal.sqlite"
        bench, encode = stages.make_bench(settings, work.target, work.suites), stages.make_encode()
        result = stages.synth(trainable, settings, provider, audit, journal, work.data, work.say, bench, encode, judge)
        stages.write_synthesized(result, run.path)
        write_replaced(work.data, result.replaced, run.path)
        run.facts |= result.to_json()

    inputs = {"data": work.data.digest, **_evaluation_digests(work), **work.target.digests()}
    asked = {name: value for name, value in to_json(settings).items() if name != "require_acceptance"}
    outcome = work.step("synth", asked, inputs, do)
    accepted = Dataset.read_parquet(outcome.path / "accepted.parquet")
    if len(accepted):
        reviews = stages.given_reviews(*decisions_of(work.project)).reviews
        work.generated = Generated(outcome.path, accepted, reviews, settings.require_acceptance)
        work.say(work.generated.found.sentence(settings.require_acceptance))
        work.data = concatenate([without_replaced(work.data, outcome.path), accepted])
        _curate(work, "curate")
    return outcome


def _train(work: _Work) -> StageRun:
    if work.generated is not None:
        work.generated.check()
    settings = work.project.sections["train"]
    selection = stages.read_selection(settings, work.target, work.project.root)

    def do(run: Run) -> None:
        trained = stages.train(
            work.data, settings, run.path, work.target, work.model,
            general=work.general, run=run, say=work.say, selection=selection,
        )  # fmt: skip
        run.facts |= trained.to_json()
        if work.generated is not None:
            run.facts["acceptance"] = work.generated.to_json()

    inputs = stages.training_digests(work.data, work.general, work.target, work.model, selection)
    outcome = work.step("train", to_json(settings), inputs, do)
    work.adapter = outcome.path / "adapter"
    return outcome


def _evaluate(work: _Work) -> StageRun:
    assert work.adapter is not None
    section = work.project.sections["evaluate"]
    placed = dataclasses.replace(section, suites=tuple(str(work.project.path(name)) for name in section.suites))
    settings = with_included(placed, work.project.included)
    candidate = stages.Models(work.target, work.adapter, trust_remote_code=work.project.settings.trust_remote_code)
    previous = stages.with_previous(candidate, work.previous, work.store, settings)
    models = stages.with_server(previous.models, settings)
    if previous.said:
        work.say(previous.said)
    policy_file = work.project.path(work.project.settings.gate.policy)
    policy = stages.read_policy(policy_file) if settings.stop_early else None

    def do(run: Run) -> None:
        answers = work.project.store / "answers"
        judges = stages.judges(work.project.store, offline=work.offline)
        evaluation = stages.evaluate(
            models, work.suites, settings, answers_folder=answers, policy=policy, judges=judges, say=work.say
        )
        stages.write_evaluation(stages.with_times_used(evaluation, stages.history(work.store)), run.path)
        run.facts |= {"identity": dict(evaluation.identity)}

    inputs = stages.input_digests(models, work.suites, settings)
    if policy is not None:
        inputs["policy"] = sha256_file(policy_file)
    return work.step("evaluate", to_json(section), inputs, do)


def _gate(work: _Work) -> StageRun:
    evaluated = work.done[-1]
    policy_path = work.project.path(work.project.settings.gate.policy)

    def do(run: Run) -> None:
        decision = stages.gate_evaluation(evaluated.path, policy_path, run.path, redact=work.redact)
        run.facts |= {"verdict": str(decision.verdict)}

    parts = {"evaluation": "items.parquet", "header": "evaluation.json"}
    inputs = {name: sha256_file(evaluated.path / file) for name, file in parts.items()}
    inputs["policy"] = sha256_file(policy_path)
    return work.step("gate", {"redact": work.redact}, inputs, do)


def _data_digest(data: Dataset) -> str:
    """The records and the rows that could not be read: both are in the ledger."""
    import hashlib

    faults = json.dumps([[fault.row_id, fault.message] for fault in data.faults])
    return hashlib.sha256(f"{data.digest}{faults}".encode()).hexdigest()


def _evaluation_digests(work: _Work) -> dict[str, str]:
    """Of the texts that must not leak: other suites, other findings."""
    import hashlib

    texts = json.dumps([[text.suite, text.item_id, text.text] for text in work.texts])
    return {"evaluation_texts": hashlib.sha256(texts.encode()).hexdigest()}


def _read_json(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
