"""`assay merge`: files and terminal around merging and combining."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.console import DEFAULT_CONFIG, Options, common_options
from assay.errors import Exit, SettingsError

if TYPE_CHECKING:
    from assay.runs import Run, RunStore

    from ..parity.provenance import Trained
    from .combine import CombineSettings
    from .settings import MergeSettings


@click.command(short_help="Merge an adapter into its base, or several into one adapter, and prove it.")
@click.argument("adapters", nargs=-1, type=click.Path(path_type=Path), metavar="ADAPTER...")
@click.option(
    "--list", "listed", is_flag=True, help="List the store's adapters with their certificates; merge nothing."
)
@click.option("--base", type=click.Choice(["full", "dequantized"]), default="full", show_default=True,
              help="full: its own weights; dequantized: its 4-bit weights, which QLoRA trained against.")  # fmt: skip
@click.option("--dtype", type=click.Choice(["bfloat16", "float16", "float32"]), default="bfloat16", show_default=True,
              help="What the sums are rounded to, once.")  # fmt: skip
@click.option("--weights", metavar="A,B", help="Several adapters: the weight of each [1 each].")
@click.option("--method", metavar="NAME", default="cat", show_default=True,
              help="Several adapters: cat, linear, svd, ties, dare_linear, dare_ties, ...")  # fmt: skip
@click.option("--density", type=float, help="Share of entries that stay, for ties, dare and magnitude_prune.")
@click.option("--model", help="The base, where it is not where the adapter says.")
@click.option("--data", multiple=True, metavar="DATA", help="Records whose answers are weighed [those of training].")
@click.option("--records", type=click.IntRange(min=1), default=32, show_default=True, help="How many of them.")
@common_options
def merge(
    options: Options,
    adapters: tuple[Path, ...],
    listed: bool,
    base: Any,
    dtype: Any,
    weights: str | None,
    method: Any,
    density: float | None,
    model: str | None,
    data: tuple[str, ...],
    records: int,
) -> int:
    """Merge an adapter into its base, or several into one adapter, and prove it.

    With one ADAPTER, -o gets a whole model: safetensors, tokenizer, the chat template and the stop tokens of training.
    It is read back and held against base and adapter; where the two differ, nothing is left and the exit code is 3.
    With several, of one base, -o gets one adapter that is their weighted sum: gate it, then merge it.
    An ADAPTER is a folder, or NAME:VERSION of `assay adapters`.
    """
    if listed:
        return _list(options)
    if not adapters:
        raise SettingsError("no adapter was named", fix="write `assay merge out/adapter -o merged`")
    if options.output is None:
        raise SettingsError("nothing says where the result goes", fix="add -o FOLDER")
    adapters = tuple(named_adapter(options, adapter) for adapter in adapters)
    _check_meant(len(adapters))
    if len(adapters) == 1:
        from .settings import MergeSettings

        return _merge(options, adapters[0], MergeSettings(base, dtype, records), model, data)
    from .combine import CombineSettings

    seed = options.seed if options.seed is not None else 0
    settings = CombineSettings(_weights(weights, len(adapters)), method, density, seed=seed)
    return _combine(options, adapters, settings, model)


OF_SEVERAL = {"weights": "--weights", "method": "--method", "density": "--density"}
OF_ONE = {"base": "--base", "dtype": "--dtype", "data": "--data", "records": "--records"}


def _check_meant(adapters: int) -> None:
    """Raises SettingsError for an option that would do nothing with so many adapters."""
    context = click.get_current_context()
    idle = OF_SEVERAL if adapters == 1 else OF_ONE
    given = [
        option
        for name, option in idle.items()
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
    ]
    if not given:
        return
    if adapters == 1:
        raise SettingsError(f"{given[0]} combines several adapters, and one was named", fix="leave it out")
    raise SettingsError(
        f"{given[0]} is of a merge into the base, and several adapters become one adapter",
        fix="leave it out, and `assay merge` the combination once it is gated",
    )


def _weights(text: str | None, adapters: int) -> tuple[float, ...]:
    """Raises SettingsError."""
    if text is None:
        return (1.0,) * adapters
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise SettingsError(f"--weights {text}: not numbers", fix="write --weights 0.7,0.3") from error


def _read(options: Options, folder: Path, model: str | None) -> Trained:
    from ..parity.provenance import read_trained

    return read_trained(folder, model=model, offline=options.offline, trust_remote_code=trusted(options))


def trusted(options: Options) -> bool:
    return bool(options.document().data.get("trust_remote_code", False))


def store_of_options(options: Options) -> RunStore:
    from assay.runs import RunStore

    root = (options.config or DEFAULT_CONFIG).parent
    return RunStore(root / str(options.document().data.get("store", ".assay")))


def named_adapter(options: Options, given: Path) -> Path:
    """The folder of an adapter that is named by it, or as NAME:VERSION. Raises SettingsError, ModelError."""
    from assay.releases.adapter_names import adapter_folder

    return adapter_folder(given, store_of_options(options).root)


def _merge(options: Options, folder: Path, settings: MergeSettings, model: str | None, data: tuple[str, ...]) -> int:
    from ..parity.checks import Outcome
    from ..parity.records import read_records, records_of_training
    from .merge import NotTheSameError, check_before
    from .merge import merge as run_merge

    assert options.output is not None
    trained = _read(options, folder, model)
    check_before(trained, settings, options.output)
    store = store_of_options(options)
    given = (
        read_records(data, offline=options.offline) if data else records_of_training(trained, store, say=options.say)
    )
    inputs = {"data": given.digest} if given is not None else {}
    try:
        with _run(store, {"base": settings.base, "dtype": settings.dtype}, [trained], inputs) as run:
            found = run_merge(
                trained,
                settings,
                options.output,
                data=given,
                run=run.id,
                trust_remote_code=trusted(options),
                say=options.say,
            )
            found.parity.write(run.path)
            run.facts |= {"parity": str(Outcome.PASS), "merged": str(options.output)}
    except NotTheSameError as error:
        options.show("\n".join(error.parity.lines()))
        options.emit({"parity": error.parity.to_json(), "error": str(error)})
        options.say(f"assay: {error}")
        return int(Exit.NEGATIVE)
    options.show("\n".join(found.lines()))
    options.emit(found.to_json())
    return int(Exit.OK)


def _combine(options: Options, folders: tuple[Path, ...], settings: CombineSettings, model: str | None) -> int:
    from .combine import check_combinable, combine, said_of
    from .folder import check_target

    assert options.output is not None
    trained = [_read(options, folder, model) for folder in folders]
    check_combinable(trained, settings)
    check_target(options.output)
    for note in said_of(trained):
        options.say(f"note: {note}")
    plain = {"weights": list(settings.weights), "method": settings.method, "density": settings.density}
    with _run(store_of_options(options), {**plain, "seed": settings.seed}, trained, {}) as run:
        found = combine(trained, settings, options.output, run=run.id, trust_remote_code=trusted(options))
        run.facts |= {"combined": found.to_json()}
    options.show(
        f"{options.output}: {settings.method} of {len(trained)} adapters, rank {found.rank}, {found.modules} layers; "
        f"{found.distance:.1%} away from the weighted sum of their updates\n"
        f"  no gate has seen it: assay evaluate --model {trained[0].target.name} --adapter {options.output} "
        "--suite SUITE.yaml"
    )
    options.emit(found.to_json())
    return int(Exit.OK)


@contextmanager
def _run(
    store: RunStore, settings: Mapping[str, Any], adapters: list[Trained], inputs: Mapping[str, str]
) -> Iterator[Run]:
    """A run of the store, child of the runs that trained the adapters where those are in it."""
    from .folder import adapter_facts

    known = {manifest.run for manifest in store.manifests()}
    files = {
        f"adapter {number}: {name}": digest
        for number, one in enumerate(adapters, start=1)
        for name, digest in dict(adapter_facts(one)["files"]).items()
    }
    parents = tuple(one.run for one in adapters if one.run in known and one.run is not None)
    base = {"model": f"{adapters[0].target.name}@{adapters[0].target.revision}"}
    with store.open("merge", settings, {**base, **files, **inputs}, parents) as run:
        yield run


def _list(options: Options) -> int:
    from .listing import adapters_in, lines

    store = store_of_options(options)
    found = adapters_in(store)[: options.limit]
    options.show("\n".join(lines(found)) if found else f"no adapter was trained yet in {store.root}")
    options.emit([one.to_json() for one in found])
    return int(Exit.OK)
