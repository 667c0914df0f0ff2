"""Which artefact a name on the command line means."""

from __future__ import annotations

from pathlib import Path

from assay.errors import ModelError

from .artefact import Artefact
from .provenance import Trained

OLLAMA = "ollama:"


def open_artefact(name: str, trained: Trained, *, trust_remote_code: bool = False) -> Artefact:
    """A merged folder, a GGUF file, or `ollama:NAME`. Raises ModelError for what is none of them.

    What cannot be asked here (no llama.cpp, no Ollama) is opened all the same: its checks are unproved.
    """
    if name.startswith(OLLAMA):
        from .ollama import OllamaModel

        return OllamaModel(name.removeprefix(OLLAMA))
    path = Path(name)
    if path.suffix == ".gguf":
        from .gguf import open_gguf

        return open_gguf(path)
    if (path / "adapter_config.json").is_file():
        raise ModelError(
            "is an adapter: what was gated is named by --against", where=name, fix="merge it first: assay merge"
        )
    from .held import ModelFolder

    return ModelFolder.load(path, trust_remote_code=trust_remote_code)
