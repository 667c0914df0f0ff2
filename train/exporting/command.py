"""`assay export`: GGUF, Ollama, and the settings of other trainers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from assay.console import Options, common_options
from assay.errors import Exit, SettingsError

if TYPE_CHECKING:
    from assay.chat import ChatTarget

    from ..parity.provenance import Trained
    from .converter import Converter
    from .gguf_reading import GgufFacts
    from .quantising import Quantiser

F = TypeVar("F", bound=Callable[..., Any])


@click.group(short_help="GGUF, an Ollama folder, or the settings of another trainer.")
def export() -> None:
    """GGUF, an Ollama folder, or the settings of another trainer.

    docs/exporting.md has an example of each.
    """


def gguf_options(function: F) -> F:
    """What both ways to a GGUF take."""
    for option in (
        click.option("--force", is_flag=True, help="Overwrite what is there."),
        click.option(
            "--llama-cpp",
            type=click.Path(path_type=Path),
            help="A checkout of llama.cpp, or llama-cpp-python's source package [default: the pinned one, fetched].",
        ),
        click.option("--model", "--base", help="The base, where it is not where the adapter says."),
        click.option("--outtype", help="f32, f16, bf16, q8_0, or of a model q4_k_m and the like."),
    ):
        function = option(function)
    return function


@export.command(short_help="A GGUF file of an adapter or of a merged model.")
@click.argument("source", type=click.Path(path_type=Path))
@gguf_options
@common_options
def gguf(
    options: Options, source: Path, outtype: str | None, model: str | None, llama_cpp: Path | None, force: bool
) -> int:
    """A GGUF file of an adapter or of a merged model, made by llama.cpp's own converter.

    SOURCE is an adapter's folder or NAME:VERSION, or a model's folder. An adapter becomes f32 and a model f16 unless
    --outtype says otherwise. The file is read back before it takes its name.
    """
    from ..merging.command import named_adapter
    from .artefacts import kind_of
    from .gguf_export import check_free
    from .gguf_reading import describe

    if options.output is None:
        raise SettingsError("says not where to", fix="give -o FILE.gguf")
    source = named_adapter(options, source)
    kind = kind_of(source)
    if kind == "gguf":
        raise SettingsError("is a GGUF file already", where=str(source), fix="name an adapter's or a model's folder")
    check_free(options.output, force=force)
    job = _Job(options, llama_cpp, model)
    made = job.adapter(source, options.output, outtype) if kind == "adapter" else None
    facts = made if made is not None else job.model(source, options.output, outtype)[0]
    options.show(describe(facts))
    options.emit(_facts_json(facts, job.notes))
    return int(Exit.OK)


@export.command(short_help="A folder that `ollama create` takes.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--num-ctx",
    type=click.IntRange(min=1),
    metavar="TOKENS",
    help="What Ollama reads at once [default: the length of training, 4096 or more].",
)
@gguf_options
@common_options
def ollama(
    options: Options,
    source: Path,
    num_ctx: int | None,
    outtype: str | None,
    model: str | None,
    llama_cpp: Path | None,
    force: bool,
) -> int:
    """A folder that `ollama create` takes: Modelfile and GGUF files.

    SOURCE is an adapter's folder or NAME:VERSION, a model's folder, or a GGUF file. TEMPLATE, stop and SYSTEM come from
    the chat template that was trained; what Ollama's language cannot say of it is listed as unproved, and a template
    that it cannot say at all is refused.
    """
    from ..merging.command import named_adapter
    from ..parity.provenance import trained_length
    from .artefacts import kind_of
    from .gguf_reading import read_gguf
    from .ollama import ADAPTER, MODEL, check_folder, context_for, write_folder

    out = options.output
    if out is None:
        raise SettingsError("says not where to", fix="give -o FOLDER")
    source = named_adapter(options, source)
    kind = kind_of(source)
    check_folder(out, force=force)
    job = _Job(options, llama_cpp, model)
    adapter: Path | None = None
    stops: tuple[str, ...] = ()
    if kind == "gguf":
        facts = read_gguf(source)
    elif kind == "model":
        facts, stops = job.model(source, out / MODEL, outtype)
    else:
        facts, stops = job.base_of(source, out / MODEL, outtype)
        adapter = job.adapter(source, out / ADAPTER, None).path
    length = trained_length(source) if kind != "gguf" else None
    written = write_folder(out, facts, adapter, stops, num_ctx or context_for(length, facts), options.say)
    options.show("\n".join(f"wrote {path}" for path in written.files))
    options.show(f"  {written.template.proved} conversations come out as the trained template writes them")
    options.show(f"next: ollama create NAME -f {out / 'Modelfile'}")
    options.emit(
        {
            "written": [str(path) for path in written.files],
            "system": written.template.system,
            "stops": list(written.stops),
            "num_ctx": written.num_ctx,
            "conversations_proved": written.template.proved,
            "unproved": list(written.template.unproved),
            "notes": job.notes,
        }
    )
    return int(Exit.OK)


def _describe(tool: str, start: str, options: Options, source: Path, data: tuple[str, ...], force: bool) -> int:
    """The settings of another trainer for one run, and the data beside them."""
    import importlib

    from .described_run import read_run
    from .gguf_export import check_free

    if options.output is None:
        raise SettingsError("says not where to", fix="give -o FILE.yaml")
    check_free(options.output, force=force)
    run = read_run(source, data, options)
    file = getattr(importlib.import_module(f"assay.train.exporting.{tool}"), f"{tool}_file")(run, options.output)
    for note in run.notes:
        options.say(f"note: {note}")
    for what in file.left_out:
        options.say(f"not the same: {what}")
    written = file.write(options.output, run)
    options.show("\n".join(f"wrote {path}" for path in written))
    options.show(f"next: (cd {written[-1].parent} && {start.replace('FILE', written[-1].name)})")
    options.emit({"written": [str(path) for path in written], "not_the_same": file.left_out, "notes": list(run.notes)})
    return int(Exit.OK)


def _describing(tool: str, name: str, start: str) -> None:
    """Adds the command that writes one trainer's settings."""

    @export.command(tool, short_help=f"Settings of {name} for the same run.")
    @click.argument("source", metavar="RUN_OR_SETTINGS", type=click.Path(path_type=Path))
    @click.option("--data", multiple=True, help="What the run was given, where it does not say it itself.")
    @click.option("--force", is_flag=True, help="Overwrite what is there.")
    @common_options
    def command(options: Options, source: Path, data: tuple[str, ...], force: bool) -> int:
        return _describe(tool, start, options, source, data, force)

    command.help = (
        f"Settings of {name} for the same run, and its data beside them.\n\nRUN_OR_SETTINGS is an assay.yaml, the "
        f"folder that assay train left, or NAME:VERSION of `assay adapters`. What {name} cannot be told is a "
        "comment in the file and a line here."
    )


_describing("axolotl", "Axolotl", "axolotl train FILE")
_describing("llamafactory", "LLaMA-Factory", "llamafactory-cli train FILE")
_describing("trl", "TRL", "trl sft --config FILE")


class _Job:
    """Conversions of one command, which share a converter. notes: what was said about them."""

    def __init__(self, options: Options, llama_cpp: Path | None, base: str | None) -> None:
        self.options, self.llama_cpp, self.base = options, llama_cpp, base
        self.notes: list[str] = []
        self._converter: Converter | None = None

    def converter(self) -> Converter:
        from .converter import find_converter

        if self._converter is None:
            self._converter = find_converter(self.llama_cpp, offline=self.options.offline, say=self.options.say)
        return self._converter

    def model(self, folder: Path, out: Path, outtype: str | None) -> tuple[GgufFacts, tuple[str, ...]]:
        """The GGUF of a model's folder, and what ends its turns."""
        from assay.releases.proofs import check_as_proved

        from .artefacts import read_model

        how = self._how(outtype)
        check_as_proved(folder)
        target = read_model(folder, offline=self.options.offline, say=self.options.say)
        return self._convert(folder, target, out, *how)

    def base_of(self, adapter: Path, out: Path, outtype: str | None) -> tuple[GgufFacts, tuple[str, ...]]:
        """The GGUF of an adapter's base, with the template that the adapter was trained in."""
        from .artefacts import folder_of

        how = self._how(outtype)
        source = self._adapter(adapter)
        folder = folder_of(source.target.ref, weights=True, offline=self.options.offline)
        return self._convert(folder, source.target, out, *how)

    def _how(self, outtype: str | None) -> tuple[str, Quantiser | None]:
        """The type of a model's weights, and what writes it where the converter does not."""
        from .gguf_export import BITS, check_outtype
        from .quantising import find_quantiser

        chosen = (outtype or "f16").lower()
        check_outtype(chosen, adapter=False)
        return chosen, None if chosen in BITS else find_quantiser(self.llama_cpp)

    def _convert(
        self, folder: Path, target: ChatTarget, out: Path, chosen: str, quantiser: Quantiser | None
    ) -> tuple[GgufFacts, tuple[str, ...]]:
        from .gguf_export import export_model

        made = export_model(folder, target, out, chosen, self.converter(), quantiser, self.options.say)
        self._note(made.notes)
        return made.facts, target.stop_texts

    def adapter(self, folder: Path, out: Path, outtype: str | None) -> GgufFacts:
        """The GGUF of an adapter alone."""
        from .gguf_export import check_outtype, export_adapter

        chosen = (outtype or "f32").lower()
        check_outtype(chosen, adapter=True)
        source = self._adapter(folder)
        made = export_adapter(source, out, chosen, self.converter(), self.options.say)
        self._note((*made.notes, *_trained_over(source)))
        return made.facts

    def _adapter(self, folder: Path) -> Trained:
        """How an adapter was trained, once it is known that a GGUF can hold it."""
        from ..parity.provenance import read_json, read_trained
        from .staging import check_plain_lora

        check_plain_lora(read_json(folder / "adapter_config.json"), str(folder))
        return read_trained(folder, model=self.base, offline=self.options.offline, say=self.options.say)

    def _note(self, notes: tuple[str, ...]) -> None:
        for note in notes:
            self.options.say(f"note: {note}")
        self.notes += notes


def _trained_over(adapter: Trained) -> tuple[str, ...]:
    """What is said of an adapter whose base was quantised while it trained."""
    held = adapter.precision.quantisation
    if held is None:
        return ()
    return (
        f"it was trained over the base in {held}; over another GGUF of the base it answers otherwise: assay parity",
    )


def _facts_json(facts: GgufFacts, notes: list[str]) -> dict[str, Any]:
    return {
        "file": str(facts.path),
        "kind": facts.kind,
        "architecture": facts.architecture,
        "bytes": facts.path.stat().st_size,
        "tensors": facts.tensors,
        "types": facts.types,
        "parameters": facts.parameters,
        "stop_token_ids": list(facts.stop_ids),
        "stop_tokens": list(facts.stop_texts()),
        "adds_bos": facts.adds_bos,
        "lora_alpha": facts.lora_alpha,
        "notes": list(notes),
    }
