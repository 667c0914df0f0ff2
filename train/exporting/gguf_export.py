"""GGUF of an adapter or of a merged model, by llama.cpp's own converter, read back before it takes its name."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from assay.chat import ChatTarget
from assay.errors import ModelError, SettingsError, StorageError, did_you_mean, storage_error

from ..parity.provenance import Trained, read_json
from .artefacts import folder_of
from .conversion import convert
from .converter import ADAPTER_SCRIPT, MODEL_SCRIPT, Converter
from .gguf_reading import GgufFacts, check_model, read_gguf
from .quantising import QUANTISATIONS, Quantiser
from .staging import NONE, corrections_of, stage_adapter, stage_config, stage_model, weights_metadata

BITS = {"f32": 32.0, "f16": 16.0, "bf16": 16.0, "q8_0": 8.5}
"""Bits a weight of what the converter itself writes."""


@dataclass(frozen=True)
class Exported:
    """A file that was written. notes: what the reader should know."""

    facts: GgufFacts
    notes: tuple[str, ...]


def check_outtype(name: str, *, adapter: bool) -> None:
    """Raises SettingsError for a type that the converter and the quantiser do not know."""
    known = [*BITS] if adapter else [*BITS, *QUANTISATIONS]
    if name not in known:
        raise SettingsError(f"--outtype: no type '{name}'", fix=did_you_mean(name, known))


def export_model(
    folder: Path,
    target: ChatTarget,
    out: Path,
    outtype: str,
    converter: Converter,
    quantiser: Quantiser | None,
    say: Callable[[str], None],
) -> Exported:
    """A model's folder as a GGUF at `out`. quantiser: for types that the converter does not write.

    Raises ModelError, StorageError, MissingExtraError.
    """
    source = folder_of(target.ref, weights=True, offline=True) if target.ref.is_hub else folder
    first = outtype if outtype in BITS else _unrounded(source)
    size = sum(path.stat().st_size for path in source.glob("*.safetensors"))
    check_room(out, size if outtype in BITS else 2 * size)
    corrections = replace(corrections_of(target), metadata=weights_metadata(source))
    with scratch_beside(out) as scratch:
        stage_model(source, target, scratch / "model")
        made = scratch / "model.gguf"
        say(f"gguf: converting {folder} to {first} with {converter.origin}")
        arguments = [str(scratch / "model"), "--outfile", str(made), "--outtype", first]
        lines = convert(converter, MODEL_SCRIPT, arguments, corrections, scratch, say)
        check_model(read_gguf(made), target, corrections)
        if quantiser is not None and outtype not in BITS:
            say(f"gguf: quantising to {outtype} with {quantiser.origin}")
            quantiser.quantise(made, scratch / "quantised.gguf", outtype)
            made = scratch / "quantised.gguf"
            check_model(read_gguf(made), target, corrections)
        made.replace(out)
    return Exported(read_gguf(out), _notes(lines))


def _unrounded(folder: Path) -> str:
    """The type that holds a model's weights as they are, for the quantiser: f16 has no room for what bf16 holds."""
    config = read_json(folder / "config.json")
    dtype = str(config.get("dtype") or config.get("torch_dtype"))
    return {"bfloat16": "bf16", "float32": "f32"}.get(dtype, "f16")


def export_adapter(
    source: Trained, out: Path, outtype: str, converter: Converter, say: Callable[[str], None]
) -> Exported:
    """An adapter as a GGUF at `out`; of its base only the config is read.

    Raises ModelError for an adapter that the format cannot hold, StorageError, MissingExtraError.
    """
    check_room(out, 2 * sum(path.stat().st_size for path in source.folder.glob("adapter_model.safetensors")))
    with scratch_beside(out) as scratch:
        stage_adapter(source, scratch / "adapter")
        stage_config(folder_of(source.target.ref, weights=False, offline=False), scratch / "base")
        made = scratch / "adapter.gguf"
        say(f"gguf: converting {source.folder} to {outtype} with {converter.origin}")
        arguments = ["--base", str(scratch / "base"), "--outfile", str(made), "--outtype", outtype]
        arguments.append(str(scratch / "adapter"))
        convert(converter, ADAPTER_SCRIPT, arguments, NONE, scratch, say)
        facts = read_gguf(made)
        if facts.kind != "adapter" or facts.tensors == 0:
            raise ModelError(f"the converter wrote a {facts.kind} with {facts.tensors} tensors in place of an adapter")
        made.replace(out)
    return Exported(read_gguf(out), ())


def _notes(lines: list[str]) -> tuple[str, ...]:
    named = [line.rpartition(" ")[2] for line in lines if line.startswith("assay: splitting named ")]
    if not named:
        return ()
    return (
        f"llama.cpp does not know this tokenizer by its hash; its splitting is named {named[0]} by its description",
    )


def check_free(out: Path, *, force: bool) -> None:
    """Raises SettingsError when something stands where the output goes."""
    if out.exists() and not force:
        raise SettingsError("is there already", where=str(out), fix="--force overwrites it")
    if out.is_dir() and force:
        raise SettingsError("is a folder, and the output is a file", where=str(out), fix="choose another -o")


def check_room(out: Path, size: int) -> None:
    """Raises StorageError unless the disk that `out` is on has `size` bytes free."""
    place = next(parent for parent in out.absolute().parents if parent.exists())
    free = shutil.disk_usage(place).free
    if free < size:
        raise StorageError(
            f"the conversion needs about {size / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free",
            where=str(place),
            fix="make room, or choose another -o",
        )


@contextmanager
def scratch_beside(out: Path) -> Iterator[Path]:
    """A folder on the disk of `out`, gone afterwards, so that taking the name is a rename. Raises StorageError.

    Folders that were made for `out` go again where the block raises.
    """
    made = [folder for folder in (out.parent, *out.parent.parents) if not folder.exists()]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as name:
            os.chmod(name, 0o755)  # noqa: PTH101
            yield Path(name).absolute()
    except OSError as error:
        raise storage_error(error, f"writing {out.name}") from error
    finally:
        with contextlib.suppress(OSError):
            for folder in made:
                folder.rmdir()  # only while nothing is in it
