"""`assay gate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.console import Options, common_options
from assay.errors import Exit, NoSuchRunError, SettingsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from assay.findings import Verdict

    from ..lm_eval_runs.gate import LoggedEvaluation
    from ..release.history import Trend
    from ..reports.gate_report import Report
    from .plan import SuiteSize
    from .policy import Policy, Role
    from .unpaired import UnpairedDecision

OUTPUT = "this folder"


@click.command()
@click.argument("evaluation", required=False, type=click.Path(path_type=Path))
@click.option("--policy", "-p", type=click.Path(path_type=Path), help="The release policy [default: ./policy.yaml].")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the report for a pull request here.")
@click.option(
    "--from-lm-eval",
    type=(click.Path(path_type=Path), click.Path(path_type=Path)),
    metavar="BASE CANDIDATE",
    help="Judge two runs of lm-eval by their logged samples, in place of EVALUATION.",
)
@click.option("--previous-lm-eval", type=click.Path(path_type=Path), metavar="DIR", help="A run of the last release.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write the verdict for a CI system's test page here.")
@click.option("--sign", "key", metavar="FILE", help="Sign with this Ed25519 key (PEM, OpenSSH, or env:NAME).")
@click.option("--plan", "planning", is_flag=True, help="Say how many items the policy's proofs need, and stop.")
@click.option("--suite", "suites", multiple=True, metavar="FILE", help="With --plan: a domain suite to be scored.")
@click.option(
    "--include-path",
    multiple=True,
    metavar="FOLDER",
    help="With --plan: task YAML to be scored, or bundled[:small|medium|large]; may be given again.",
)
@click.option("--store", type=click.Path(path_type=Path), default=Path(".assay"), show_default=True, help="Run store.")
@common_options
def gate(
    options: Options,
    evaluation: Path | None,
    policy: Path | None,
    markdown: Path | None,
    junit: Path | None,
    key: str | None,
    from_lm_eval: tuple[Path, Path] | None,
    previous_lm_eval: Path | None,
    planning: bool,
    suites: tuple[str, ...],
    include_path: tuple[str, ...],
    store: Path,
) -> int:
    """Verdict on an evaluation: is the adapter fit to release?

    EVALUATION is the folder that `assay evaluate` wrote; by default the newest of the run store. The decision, its
    certificate and a page to read are written into --output, or into a run of the store. --from-lm-eval judges what
    lm-eval wrote with --log_samples instead; without samples it gives intervals, and never a PASS. --plan judges
    nothing: it says how many items the policy's proofs take, before any is scored.

    Exit code 0 for PASS, 3 for BLOCK and INVALID, 4 for INCONCLUSIVE (0 where the policy says on_inconclusive: warn).
    """
    from assay.storage import write_text

    from ..release.signature import read_signing_key
    from ..reports.gate_report import markdown as as_markdown
    from ..reports.gate_report import terminal
    from ..reports.junit import junit as as_junit
    from .policy import read_policy
    from .unpaired import UnpairedDecision

    policy = policy or Path("policy.yaml")
    if planning:
        return _plan(options, policy, suites, include_path)
    if suites or include_path:
        raise SettingsError("--suite and --include-path go with --plan", fix="`assay evaluate` scores them")
    signing = read_signing_key(key) if key is not None else None
    if from_lm_eval is None and previous_lm_eval is None:
        report = _release(options, evaluation or _newest(store), policy, store, signing)
    else:
        logged = _logged(evaluation, from_lm_eval, previous_lm_eval, policy)
        judged = _release_logs(options, logged, policy, store, signing)
        if isinstance(judged, UnpairedDecision):
            _show_averages(options, judged, read_policy(policy), markdown, junit)
            return int(_exit_code(judged.verdict, read_policy(policy)))
        report = judged
    if markdown is not None:
        write_text(markdown, as_markdown(report))
    if junit is not None:
        write_text(junit, as_junit(report.decision, report.policy))
    options.emit(report.to_json())
    options.show(terminal(report))
    options.show(f"\ncertificate  {report.decision.certificate}")
    return int(_exit_code(report.decision.verdict, report.policy))


def _plan(options: Options, policy_file: Path, suites: tuple[str, ...], include_path: tuple[str, ...]) -> int:
    from assay.suites import read_suites

    from .plan import in_words, plan, size_of
    from .policy import read_policy

    policy = read_policy(policy_file)
    folders, bundled = _general(include_path, named=bool(policy.suites))
    sizes = _task_sizes(folders)
    kinds: dict[str, Role] = dict.fromkeys(sizes, "general")
    for paths, role in ((bundled, "general"), (suites, "domain")):
        for suite in read_suites(paths):
            sizes[suite.name] = size_of([item.cluster for item in suite.items], [item.slice for item in suite.items])
            kinds[suite.name] = "general" if role == "general" else "domain"
    proofs = plan(policy, sizes, kinds)
    options.emit({"alpha": policy.alpha, "proofs": [proof.to_json() for proof in proofs]})
    options.show(in_words(proofs, policy))
    return int(Exit.OK)


def _general(included: tuple[str, ...], *, named: bool) -> tuple[list[Path], list[Path]]:
    """Folders of tasks, and bundled suites of assay's own format: of all tiers where the policy names its suites."""
    from assay.suites.general import BUNDLED, TIERS, general_suites, is_bundled, named_tier

    if BUNDLED in included and not named:
        shown = ", ".join(f"{BUNDLED}:{name}" for name in TIERS)
        raise SettingsError("which of the bundled suites follows from the model, which is not loaded here", fix=shown)
    chosen = [named_tier(path) for path in included if is_bundled(path)]
    tiers = dict.fromkeys(name for tier in chosen for name in (TIERS if tier is None else (tier,)))
    found = [general_suites(name) for name in tiers]
    folders = [Path(path) for path in included if not is_bundled(path)]
    return [*folders, *(f.folder for f in found if f.folder is not None)], [path for f in found for path in f.suites]


def _task_sizes(folders: list[Path]) -> dict[str, SuiteSize]:
    """Of tasks whose data lies on this machine."""
    from assay.suites.task_files import tasks_in

    from .plan import size_of

    found = {}
    for task in tasks_in(folders).values():
        rows = task.documents()
        labels = [[None if row.get(key) is None else str(row[key]) for row in rows] for key in ("cluster", "slice")]
        if rows:
            found[task.name] = size_of(*labels)
    return found


def _show_averages(
    options: Options, judged: UnpairedDecision, policy: Policy, markdown: Path | None, junit: Path | None
) -> None:
    """There is no certificate, and so nothing to sign."""
    from assay.storage import write_text

    from ..reports.junit import junit as as_junit

    if markdown is not None:
        write_text(markdown, judged.markdown())
    if junit is not None:
        write_text(junit, as_junit(judged.decision, policy))
    options.emit(judged.to_json())
    options.show(judged.text())


def _logged(
    evaluation: Path | None, logs: tuple[Path, Path] | None, previous: Path | None, policy: Path
) -> LoggedEvaluation:
    from ..lm_eval_runs.gate import read_logged
    from .policy import read_policy

    if logs is None:
        raise SettingsError("--previous-lm-eval goes with --from-lm-eval", fix="give --from-lm-eval BASE CANDIDATE")
    if evaluation is not None:
        raise SettingsError(f"either --from-lm-eval or an evaluation ({evaluation}) can be judged, not both")
    return read_logged(*logs, previous, read_policy(policy))


def _release_logs(
    options: Options, logged: LoggedEvaluation, policy: Path, store: Path, signing: Ed25519PrivateKey | None
) -> Report | UnpairedDecision:
    """As `_release`, with the evaluation that the logs hold written beside the decision."""
    from assay.locks import held
    from assay.runs import RunStore
    from assay.storage import sha256_file, write_json

    from ..release.release import judge_release, write_release
    from .policy import read_policy

    if logged.lacking:
        judged = logged.judge_averages(read_policy(policy))
        if options.output is not None:
            write_json(options.output / "decision.json", judged.to_json())
        return judged
    if options.output is not None:
        with held(options.output, OUTPUT):
            logged.write_evaluation(options.output / "evaluation")
            released = judge_release(options.output / "evaluation", policy, options.output, redact=options.redact)
            write_release(released, signing)
        return released.report
    inputs = {**logged.inputs, "policy": sha256_file(policy)}
    with RunStore(store).open("gate", {**_settings(options, signing), "source": "lm-eval"}, inputs) as run:
        if not run.complete:
            logged.write_evaluation(run.path / "evaluation")
        released = judge_release(run.path / "evaluation", policy, run.path, redact=options.redact)
        if not run.complete:
            write_release(released, signing)
            run.facts["verdict"] = str(released.report.decision.verdict)
    return released.report


def _release(
    options: Options, evaluation: Path, policy: Path, store: Path, signing: Ed25519PrivateKey | None
) -> Report:
    """In --output, or in a run of the store, which records what went in."""
    from assay.locks import held
    from assay.runs import RunStore
    from assay.storage import sha256_file

    from ..release.release import judge_release, write_release

    items, header = evaluation / "items.parquet", evaluation / "evaluation.json"
    lacking = next((path.name for path in (items, header) if not path.is_file()), None)
    if lacking is not None:
        raise SettingsError(
            f"is no evaluation: it has no {lacking}", where=str(evaluation), fix="`assay evaluate` writes one"
        )
    trends = _trends(store, evaluation)
    if options.output is not None:
        with held(options.output, OUTPUT):
            released = judge_release(evaluation, policy, options.output, redact=options.redact, trends=trends)
            write_release(released, signing)
        return released.report
    if not policy.is_file():
        raise SettingsError("there is no such policy", where=str(policy), fix="give --policy, or run `assay init`")
    inputs = {"evaluation": sha256_file(items), "header": sha256_file(header), "policy": sha256_file(policy)}
    with RunStore(store).open("gate", _settings(options, signing), inputs, _parents(evaluation)) as run:
        released = judge_release(evaluation, policy, run.path, redact=options.redact, trends=trends)
        if not run.complete:
            write_release(released, signing)
            run.facts["verdict"] = str(released.report.decision.verdict)
    return released.report


def _trends(store: Path, evaluation: Path) -> tuple[Trend, ...]:
    """Those that the evaluation is part of."""
    from assay.runs import RunStore

    from ..release.history import history, trends

    if not _parents(evaluation):
        return ()
    name = evaluation.resolve().name
    return tuple(found for found in trends(history(RunStore(store))) if name in {point.run for point in found.points})


def _settings(options: Options, signing: Ed25519PrivateKey | None) -> dict[str, object]:
    """A certificate signed by another key is another run."""
    from ..release.signature import key_fingerprint

    return {"redact": options.redact} | ({"signed_by": key_fingerprint(signing)} if signing is not None else {})


def _parents(evaluation: Path) -> tuple[str, ...]:
    return (evaluation.resolve().name,) if (evaluation / "manifest.json").is_file() else ()


def _newest(store: Path) -> Path:
    from assay.runs import RunStore

    found = [run for run in RunStore(store).manifests() if run.stage == "evaluate" and run.outcome == "done"]
    if not found:
        raise NoSuchRunError("no finished evaluation", where=str(store), fix="run `assay evaluate`, or name its folder")
    return found[0].path


def _exit_code(verdict: Verdict, policy: Policy) -> Exit:
    from assay.findings import Verdict

    if verdict is Verdict.PASS:
        return Exit.OK
    if verdict is Verdict.INCONCLUSIVE:
        return Exit.OK if policy.on_inconclusive == "warn" else Exit.INCONCLUSIVE
    return Exit.NEGATIVE
