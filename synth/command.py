"""`assay synth`: files and terminal around the synth stage."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.console import Options, common_options, split_overrides
from assay.errors import Exit, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.dataset import Dataset

    from .settings import SynthSettings


@click.command()
@click.argument("data", nargs=-1)
@click.option(
    "--provider", help="openai, anthropic, openai_compatible, azure, bedrock, vertex or local [default: local]."
)
@click.option("--model", help="The provider's name of the model.")
@click.option("--suite", "suites", multiple=True, type=click.Path(path_type=Path), help="Refuse items of this suite.")
@click.option(
    "--dry-run", is_flag=True, help="Show the first prompts as they would be sent, and the estimate; ask nothing."
)
@click.option(
    "--measure", is_flag=True, help="Train with and without the new records, and say by the suites whether they helped."
)
@common_options
def synth(
    options: Options,
    data: tuple[str, ...],
    provider: str | None,
    model: str | None,
    suites: tuple[Path, ...],
    dry_run: bool,
    measure: bool,
) -> int:
    """Grow the data with a model, within a budget.

    New records start from those in DATA and are judged by every check of `curate` together with them. What it will
    cost is said first, and the caps synth.max_usd and synth.max_requests are never passed. What was answered is in the
    journal of --output: the same command asks for nothing twice. Personal data is masked before it is sent.

    New records train once people have read enough of them: assay review OUT --terminal.
    """
    paths, options = split_overrides(data, options)
    settings = _settings(options, provider, model)
    seeds = _seeds(paths, settings, options)
    if dry_run:
        return _show_prompts(seeds, settings, options)
    if options.output is None:
        raise SettingsError("no folder to write to", fix="add -o OUT")
    return _generate(seeds, settings, suites, options.output, options, measure=measure)


def _seeds(paths: Sequence[str], settings: SynthSettings, options: Options) -> Dataset:
    """Empty where no file is named and every method starts from something else, documents for example."""
    from assay.dataset import Dataset
    from assay.sources import ReadSettings, read

    from .stage import needs_seeds

    if paths:
        return read(paths, ReadSettings(limit=options.limit), offline=options.offline)
    without = needs_seeds(settings)
    if without:
        raise SettingsError(
            f"no data to start from, which {without[0]} needs", fix="name a file: assay synth DATA -o OUT"
        )
    return Dataset.from_records([])


def _settings(options: Options, provider: str | None, model: str | None) -> SynthSettings:
    from .settings import SynthSettings

    settings = options.settings(SynthSettings, "synth")
    given: dict[str, Any] = {"provider": provider, "model": model, "seed": options.seed}
    return dataclasses.replace(settings, **{key: value for key, value in given.items() if value is not None})


def _show_prompts(seeds: Dataset, settings: SynthSettings, options: Options) -> int:
    """The first requests of each method, as they would be sent, and what it all would cost."""
    from .costs.estimate import estimate, in_words
    from .costs.preview import preview
    from .provider import check_temperature, priced

    check_temperature(settings)
    price = priced(settings)
    shown = preview(seeds, settings, limit=3)
    found = estimate(seeds, settings, price.price)
    if not options.redact:
        for each in shown:
            options.show(f"--- {each.method}, for {each.source}\n{each.text()}\n")
    options.show(in_words(found, price.price, price.of))
    options.emit({"prompts": [each.to_json() for each in shown], "estimate": found.to_json()})
    return Exit.OK


def _generate(
    seeds: Dataset, settings: SynthSettings, suites: tuple[Path, ...], output: Path, options: Options, *, measure: bool
) -> int:
    from assay.chat import load_target
    from assay.commands.measure import check_measurable, measure_and_show
    from assay.locks import held
    from assay.stages import make_audit
    from assay.suites import read_suite

    from .asking.judging import make_judge
    from .asking.personal import make_guarded_provider
    from .costs.estimate import foretold_cost
    from .files import JOURNAL, describe, write_synthesized
    from .handed import make_bench, make_encode
    from .review.seeds import write_seeds
    from .stage import synth as generate

    if measure:
        check_measurable(options, suites)
    name = options.document().data.get("model_name_or_path")
    options.say(foretold_cost(seeds, settings))
    source = make_guarded_provider(settings, name, offline=options.offline)
    judge = make_judge(settings, name, offline=options.offline)
    read_suites = [read_suite(path) for path in suites]
    target = load_target(name, offline=options.offline) if name else None
    audit = make_audit(target=target, suites=read_suites)
    bench, encode = make_bench(settings, target, read_suites), make_encode()
    with held(output, "this folder"):  # a second process would ask, and pay for, what the first has under way
        result = generate(seeds, settings, source, audit, output / JOURNAL, seeds, options.say, bench, encode, judge)
        write_synthesized(result, output, seeds)
        write_seeds(seeds, result.data, output)
    options.show(describe(result))
    if measure and len(result.data):
        code, found = measure_and_show(options, seeds, result.combined(seeds), suites, output)
        options.emit({**result.to_json(), "measure": found})
        return code
    options.emit(result.to_json())
    return Exit.INCONCLUSIVE if result.stopped else Exit.OK
