"""`assay audit` and `assay curate`."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from assay.console import Options, common_options, split_overrides
from assay.errors import Exit, SettingsError

if TYPE_CHECKING:
    from .inputs import Given
    from .scores.show import Scored
    from .stage import Audited
    from .template.matrix import Matrix


MODEL = "Target model whose chat template is judged: a hub id, a folder, or a name."


def input_options(format_option: str, **model: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """DATA and what says how to read and judge it. format_option names the format of DATA, model is of --model."""
    options = (
        click.argument("data", nargs=-1, metavar="DATA..."),
        click.option("--model", **{"help": MODEL, **model}),
        click.option("--suite", "suites", multiple=True, metavar="FILE", help="Domain suite that must not leak."),
        click.option("--tasks", multiple=True, metavar="FOLDER", help="lm-eval tasks, local, that must not leak."),
        click.option("--against", multiple=True, metavar="FILE", help="Any data whose prompts must not leak."),
        click.option(format_option, "input_format", default="auto", metavar="NAME", help="Format of DATA [auto]."),
        click.option("--columns", default="", metavar="NAME=COLUMN,...", help="e.g. prompt=text,answer=category"),
        click.option("--system", help="A system turn for every record without one."),
        click.option("--preference", is_flag=True, help="Read preference data for its chosen side."),
        click.option("--reviews", multiple=True, metavar="FILE", help="Decisions: a filled-in .csv, or a .jsonl."),
        click.option("--workers", type=click.IntRange(1), help="Processes that look at the data [one a core]."),
        click.option("--index", metavar="URL", help="Redis index of earlier releases, redis://HOST:6379/0#NAME."),
        click.option("--engine", type=click.Choice(["auto", "ray"]), default="auto", help="Where they run [auto]."),
    )

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        return functools.reduce(lambda decorated, option: option(decorated), reversed(options), function)

    return decorate


@click.command()
@input_options("--format", multiple=True, help=f"{MODEL} Repeat it to compare models; a .jinja file will do.")
@click.option("--templates", multiple=True, metavar="FOLDER", help="Chat templates to compare: a folder, or a glob.")
@click.option("--show", multiple=True, metavar="ID", help="A record token by token: an id, or FILE:LINE.")
@click.option("--inference", metavar="FILE", help="A request as production sends it, to hold the data against.")
@click.option("--scores", metavar="NAMES", help="perplexity,ifd of the usable records, by the model: facts.")
@click.option("--subset", type=click.IntRange(1), metavar="N", help="With --scores: N records by score, N at random.")
@click.option("--fail-on", type=click.Choice(["error", "warning"]), help="Exit 3 when there is such a finding.")
@click.option("--list", "list_", is_flag=True, help="List the checks.")
@click.option("--explain", metavar="CHECK", help="What a check finds, why, and its settings.")
@common_options
def audit(
    options: Options,
    data: tuple[str, ...],
    model: tuple[str, ...],
    templates: tuple[str, ...],
    show: tuple[str, ...],
    inference: str | None,
    scores: str | None,
    subset: int | None,
    fail_on: str | None,
    list_: bool,
    explain: str | None,
    **given: Any,
) -> int:
    """Look at data, change nothing: is it fit to train on?

    DATA is files, folders, globs or hub ids; without it, what assay.yaml names. With -o, findings.parquet,
    report.html and summary.json are written there, and with several models template_matrix.parquet, .json and .html.
    """
    if list_ or explain:
        from .explain import show_checks

        return show_checks(options, explain)
    from .inputs import read_inputs
    from .outputs import write_audited
    from .scores.show import names_of, score_usable
    from .stage import audit as run_audit
    from .template.asked import Asked, compare_models, show_records

    data, options = split_overrides(data, options)
    asked = Asked(model, templates, show, inference)
    given["model"] = asked.target
    options = asked.settings(options)
    inputs = read_inputs(_given(data, given), options)
    models = asked.load(inputs.target, options) if show or asked.wants_matrix else []
    if show:
        show_records(asked, inputs.data, models, options)
        return int(Exit.OK)
    names = names_of(scores, subset, inputs.target, options)
    audited = run_audit(
        inputs.data,
        inputs.settings,
        inputs.target,
        inputs.suites,
        inputs.evaluation_texts,
        inputs.engine,
        inputs.confirmer,
        inputs.releases,
        inputs.reviews,
    )
    steps = [f"{_typed('curate', data, given, options)} -o OUT    write what is fit; every row is accounted for"]
    if options.output is not None:
        write_audited(audited, options.output, redact=options.redact)
        steps.insert(0, f"{options.output / 'report.html'}    every finding with its text")
    else:
        steps.insert(0, f"{_typed('audit', data, given, options)} -o OUT    a report with the texts side by side")
    table = compare_models(models, inputs.data, inputs.settings, options, steps) if asked.wants_matrix else None
    scored = score_usable(audited, names, subset, inputs.target, options) if names else None
    _show(audited, options, steps, table, scored)
    return int(Exit.NEGATIVE if fail_on is not None and _reaches(audited, fail_on) else Exit.OK)


@click.command()
@input_options("--input-format")
@click.option("--format", "format_", metavar="NAME", help="Also write the data in this format.")
@click.option("--release", metavar="NAME", help="Add what is kept to the --index of releases, under this name.")
@click.option("--diff", nargs=2, metavar="OLD NEW", help="What NEW changes: two OUT folders, runs, or data files.")
@common_options
def curate(
    options: Options,
    data: tuple[str, ...],
    format_: str | None,
    release: str | None,
    diff: tuple[str, str] | None,
    **given: Any,
) -> int:
    """Decide on each record, write what is fit to train on, and account for every row.

    With -o OUT: data.parquet (kept and repaired), held.parquet (waits for a person), dropped.parquet, ledger.parquet
    (the fate of every row), findings.parquet, report.html, summary.json. --format NAME also writes data.jsonl so.
    """
    if diff:
        from .versions.show import show_diff

        return show_diff(options, *diff)
    from .inputs import read_inputs
    from .run import kept_records, run_curate

    data, options = split_overrides(data, options)
    inputs = read_inputs(_given(data, given), options)
    if release is not None and inputs.releases is None:
        raise SettingsError("a release is added to an index", where="--release", fix="name the index with --index URL")
    outcome = run_curate(inputs, options, format_)
    options.show(outcome.text)
    if release is not None and inputs.releases is not None:
        added = inputs.releases.add(kept_records(outcome), release)
        options.say(f"{added:,} records added to the index as the release {release}")
    options.emit(outcome.summary)
    return int(Exit.OK)


def _given(data: tuple[str, ...], given: dict[str, Any]) -> Given:
    from .inputs import Given

    return Given(data=data, **given)


def _typed(command: str, data: tuple[str, ...], given: dict[str, Any], options: Options) -> str:
    """A command on the same data with the same options, to be copied."""
    words = ["assay", command, *data]
    for name, option in (("model", "--model"), ("columns", "--columns"), ("system", "--system")):
        words += [option, given[name]] if given[name] else []
    words += [word for suite in given["suites"] for word in ("--suite", suite)]
    words += [word for folder in given["tasks"] for word in ("--tasks", folder)]
    words += [word for file in given["against"] for word in ("--against", file)]
    if given["input_format"] != "auto":
        words += ["--format" if command == "audit" else "--input-format", given["input_format"]]
    words += ["--preference"] if given["preference"] else []
    words += ["-c", str(options.config)] if options.config is not None else []
    return shlex.join(words)


def _show(audited: Audited, options: Options, steps: list[str], table: Matrix | None, scored: Scored | None) -> None:
    from .pages.matrix import render_matrix
    from .pages.terminal import render

    tables = [render_matrix(table)] if table is not None else []
    tables += scored.lines if scored is not None else []
    options.show(render(audited, next_steps=steps, tables=tables, redact=options.redact))
    out = audited.to_json(redact=options.redact)
    if table is not None:
        out["templates"] = table.to_json()
    if scored is not None:
        out["scores"] = dict(scored.facts)
    options.emit(out)


def _reaches(audited: Audited, severity: str) -> bool:
    worst = audited.worst()
    return worst is not None and (str(worst) == "error" or str(worst) == severity)
