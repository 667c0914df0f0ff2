"""Which artefact a name on the command line means."""

from __future__ import annotations

from pathlib import Path

from assay.errors import ModelError, SettingsError

from .artefact import Artefact
from .provenance import Trained

OLLAMA = "ollama:"


def open_artefact(
    name: str, trained: Trained, *, over: Path | None = None, trust_remote_code: bool = False
) -> Artefact:
    """A merged folder, a GGUF file, or `ollama:NAME`. over: of an adapter's GGUF, that of its base.

    Raises ModelError for what is none of them.

    What cannot be asked here (no llama.cpp, no Ollama) is opened all the same: its checks are unproved.
    """
    if over is not None and not name.endswith(".gguf"):
        raise SettingsError("--over names the base of an adapter's GGUF, and this is none", where=name)
    if name.startswith(OLLAMA):
        from .ollama import OllamaModel

        return OllamaModel(name.removeprefix(OLLAMA))
    path = Path(name)
    if path.suffix == ".gguf":
        from .gguf import open_gguf

        return open_gguf(path, over)
    if (path / "adapter_config.json").is_file():
        raise ModelError(
            "is an adapter: what was gated is named by --against", where=name, fix="merge it first: assay merge"
        )
    from .held import ModelFolder

    return ModelFolder.load(path, trust_remote_code=trust_remote_code)
