"""`assay gate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.console import Options, common_options
from assay.errors import Exit, RunError, SettingsError

if TYPE_CHECKING:
    from .gate_report import Report


@click.command()
@click.argument("evaluation", required=False, type=click.Path(path_type=Path))
@click.option("--policy", "-p", type=click.Path(path_type=Path), help="The release policy [default: ./policy.yaml].")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the report for a pull request here.")
@click.option("--store", type=click.Path(path_type=Path), default=Path(".assay"), show_default=True, help="Run store.")
@common_options
def gate(options: Options, evaluation: Path | None, policy: Path | None, markdown: Path | None, store: Path) -> int:
    """Verdict on an evaluation: is the adapter fit to release?

    EVALUATION is the folder that `assay evaluate` wrote; by default the newest of the run store. The decision, its
    certificate and a page to read are written into --output, or into a run of the store.

    Exit code 0 for PASS, 3 for BLOCK and INVALID, 4 for INCONCLUSIVE (0 where the policy says on_inconclusive: warn).
    """
    from assay.storage import write_text

    from .gate_report import markdown as as_markdown
    from .gate_report import terminal

    report = _release(options, evaluation or _newest(store), policy or Path("policy.yaml"), store)
    if markdown is not None:
        write_text(markdown, as_markdown(report))
    options.emit(report.decision.to_json())
    options.show(terminal(report))
    options.show(f"\ncertificate  {report.decision.certificate}")
    return int(_exit_code(report))


def _release(options: Options, evaluation: Path, policy: Path, store: Path) -> Report:
    """In --output, or in a run of the store, which records what went in."""
    from assay.runs import RunStore
    from assay.storage import sha256_file

    from .release import judge_release, write_release

    items = evaluation / "items.parquet"
    if not items.is_file():
        raise SettingsError(
            "is no evaluation: it has no items.parquet", where=str(evaluation), fix="`assay evaluate` writes one"
        )
    if options.output is not None:
        released = judge_release(evaluation, policy, options.output, redact=options.redact)
        write_release(released)
        return released.report
    if not policy.is_file():
        raise SettingsError("there is no such policy", where=str(policy), fix="give --policy, or run `assay init`")
    inputs = {"evaluation": sha256_file(items), "policy": sha256_file(policy)}
    with RunStore(store).open("gate", {"redact": options.redact}, inputs, _parents(evaluation)) as run:
        released = judge_release(evaluation, policy, run.path, redact=options.redact)
        if not run.complete:
            write_release(released)
            run.facts["verdict"] = str(released.report.decision.verdict)
    return released.report


def _parents(evaluation: Path) -> tuple[str, ...]:
    return (evaluation.resolve().name,) if (evaluation / "manifest.json").is_file() else ()


def _newest(store: Path) -> Path:
    from assay.runs import RunStore

    found = [run for run in RunStore(store).manifests() if run.stage == "evaluate" and run.outcome == "done"]
    if not found:
        raise RunError("no finished evaluation", where=str(store), fix="run `assay evaluate`, or name its folder")
    return found[0].path


def _exit_code(report: Report) -> Exit:
    from assay.findings import Verdict

    verdict = report.decision.verdict
    if verdict is Verdict.PASS:
        return Exit.OK
    if verdict is Verdict.INCONCLUSIVE:
        return Exit.OK if report.policy.on_inconclusive == "warn" else Exit.INCONCLUSIVE
    return Exit.NEGATIVE
