"""`assay suite init`, `assay suite check` and `assay suite export`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.console import Options, common_options, parse_columns
from assay.errors import Exit, SuiteError

if TYPE_CHECKING:
    from assay.chat import ChatTarget
    from assay.dataset import Dataset

    from .power import PlannedPower
    from .problem import SuiteProblem

FOLDER = Path("suites")


@click.group()
def suite() -> None:
    """init: set a suite aside; check: validate one; export: for lm-eval."""


@suite.command()
@click.argument("data", nargs=-1, required=True)
@click.option("--name", metavar="NAME", help="Name of the suite [default: of the first file].")
@click.option("--items", metavar="N", type=click.IntRange(min=1), help="Items [default: up to 300, a quarter at most].")
@click.option("--by", metavar="COLUMN", help="Set whole groups of this column aside, or its newest times.")
@click.option("--columns", metavar="A=B,...", help="Your column names, for example prompt=text,answer=category.")
@click.option("--format", "data_format", default="auto", show_default=True, help="Format of DATA.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@click.option("--dry-run", is_flag=True, help="Say what would be set aside, and write nothing.")
@common_options
def init(
    options: Options,
    data: tuple[str, ...],
    name: str | None,
    items: int | None,
    by: str | None,
    columns: str | None,
    data_format: str,
    force: bool,
    dry_run: bool,
) -> int:
    """Set a suite aside from DATA before anything is generated or trained.

    Writes NAME.yaml, NAME.jsonl (the items) and NAME_training.parquet (all other records) into --output [default:
    ./suites]. Whole families leave training, so that no item has a near relative there. DATA is left as it is.
    """
    from assay.sources import ReadSettings, read
    from assay.suites import suite_name

    from .init import init_suite, plan_suite

    reading = ReadSettings(data_format, parse_columns(columns), limit=options.limit)
    dataset = read(data, reading, offline=options.offline)
    for note in dataset.notes:
        options.say(note)
    chosen = name if name is not None else suite_name(data[0])
    seed = options.seed or 0
    if dry_run:
        plan = plan_suite(dataset, name=chosen, seed=seed, items=items, by=by)
        for note in plan.notes:
            options.show(note)
        options.emit(
            {"items": len(plan.rows), "training": len(plan.training), "set_aside": plan.set_aside, "notes": plan.notes}
        )
        return Exit.OK
    folder = options.output or FOLDER
    made = init_suite(dataset, folder, name=chosen, seed=seed, items=items, by=by, force=force)
    for note in made.notes:
        options.show(note)
    for path in (made.suite_path, made.items_path, made.training_path):
        options.show(f"wrote {path}")
    options.show(f"next: assay audit {_quoted(made.training_path)} --suite {_quoted(made.suite_path)}")
    options.emit(
        {
            "suite": str(made.suite_path),
            "items_path": str(made.items_path),
            "training_path": str(made.training_path),
            "items": made.items,
            "training": made.training,
            "set_aside": made.set_aside,
            "notes": list(made.notes),
        }
    )
    return Exit.OK


@suite.command()
@click.argument("suites", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--data", "-d", multiple=True, metavar="DATA", help="Training data that must not hold an item.")
@click.option("--columns", metavar="A=B,...", help="Column names of that data.")
@click.option("--format", "data_format", default="auto", show_default=True, help="Format of that data.")
@click.option(
    "--margin", metavar="SHARE", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="Must be provable."
)
@click.option(
    "--changed",
    metavar="SHARE",
    type=click.FloatRange(0, 1, min_open=True),
    help="Of items on which base and adapter will differ [default: 0.25].",
)
@click.option("--model", metavar="NAME", help="Count tokens with its tokenizer, and render every item.")
@click.option("--allow-code", is_flag=True, help="Run references that are code against their tests, walled in.")
@common_options
def check(
    options: Options,
    suites: tuple[Path, ...],
    data: tuple[str, ...],
    columns: str | None,
    data_format: str,
    margin: float | None,
    changed: float | None,
    model: str | None,
    allow_code: bool,
) -> int:
    """Validate suites before a model is loaded.

    Each is told the smallest difference that it would show, at its number of items and clusters.

    Exit code 2 when one of SUITES cannot be read, 3 when an error is found in one: its scores would say nothing true.
    Warnings are for you to judge.
    """
    training = _training(data, columns, data_format, options) if data else None
    target = _target(model, options)
    results = [_check_one(path, training, margin, changed, target, allow_code=allow_code) for path in suites]
    for result in results:
        _show(result, options)
    options.emit({"suites": [_to_json(result, options.redact) for result in results]})
    return _exit_code(results)


@suite.command()
@click.argument("suite_file", metavar="SUITE", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@common_options
def export(options: Options, suite_file: Path, force: bool) -> int:
    """Write SUITE as a task of lm-eval, into --output [default: ./lm_eval_tasks].

    `lm_eval --include_path FOLDER --tasks NAME` then scores it as assay does. Where a scorer or a chat template is
    needed, Python beside the YAML calls assay, which must be installed.
    """
    import shlex

    from assay.suites import read_suite

    from .export import export_suite

    made = export_suite(read_suite(suite_file), options.output or Path("lm_eval_tasks"), force=force)
    for path in made.files:
        options.show(f"wrote {path}")
    options.show(f"next: {shlex.join(made.command)}")
    options.emit(
        {"task": made.task, "items": made.items, "files": [str(path) for path in made.files], "command": made.command}
    )
    return Exit.OK


@dataclass
class _Result:
    """What was found in one suite; fault is why it could not be read."""

    path: Path
    fault: str | None = None
    name: str = ""
    items: int = 0
    power: PlannedPower | None = None
    problems: list[SuiteProblem] = field(default_factory=list)

    @property
    def errors(self) -> int:
        return sum(str(problem.severity) == "error" for problem in self.problems)


def _check_one(
    path: Path,
    training: Dataset | None,
    margin: float | None,
    changed: float | None,
    target: ChatTarget | None,
    *,
    allow_code: bool,
) -> _Result:
    from assay.errors import MissingExtraError, UnknownNameError
    from assay.suites import read_suite

    from .check import check_suite
    from .power import planned_power

    result = _Result(path)
    try:
        read = read_suite(path)
        result.name, result.items = read.name, len(read.items)
        result.power = planned_power(read, changed)
        result.problems = check_suite(
            read, training=training, margin=margin, changed=changed, target=target, allow_code=allow_code
        )
    except (SuiteError, UnknownNameError, MissingExtraError) as error:
        result.fault = str(error)
    return result


def _show(result: _Result, options: Options) -> None:
    if result.fault is not None:
        click.echo(f"assay: {result.fault}", err=True)
        return
    warnings = sum(str(problem.severity) == "warning" for problem in result.problems)
    found = f"errors: {result.errors}, warnings: {warnings}" if result.problems else "nothing found"
    options.show(f"{result.path}: {result.items:,} items, {found}")
    if result.power is not None:
        options.show(f"  {result.power.in_words()}")
    for problem in result.problems:
        options.show(f"  {problem.severity}  {problem.problem}: {problem.text(redact=options.redact)}")


def _to_json(result: _Result, redact: bool) -> dict[str, Any]:
    return {
        "path": str(result.path),
        "name": result.name,
        "items": result.items,
        "fault": result.fault,
        "power": result.power.to_json() if result.power is not None else None,
        "problems": [problem.to_json(redact=redact) for problem in result.problems],
    }


def _exit_code(results: list[_Result]) -> int:
    if any(result.fault is not None for result in results):
        return Exit.USAGE
    return Exit.NEGATIVE if any(result.errors for result in results) else Exit.OK


def _training(data: tuple[str, ...], columns: str | None, data_format: str, options: Options) -> Dataset:
    from assay.errors import SourceError
    from assay.sources import ReadSettings, read

    dataset = read(data, ReadSettings(data_format, parse_columns(columns)), offline=options.offline)
    for note in dataset.notes:
        options.say(note)
    if not len(dataset):
        raise SourceError(
            "no record could be read, so no leak could be found",
            where=", ".join(data),
            fix="name its --format, or its --columns",
        )
    return dataset


def _target(model: str | None, options: Options) -> ChatTarget | None:
    if model is None:
        return None
    from assay.chat import load_target

    return load_target(model, offline=options.offline, say=options.say)


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))
