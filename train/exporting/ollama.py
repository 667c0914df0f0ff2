"""A folder that `ollama create` takes: the GGUF files and a Modelfile with what was trained."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.chat.conversation import find_style
from assay.chat.target import TextTarget
from assay.chat_templates.templating import shared_renderer
from assay.errors import ModelError, SettingsError
from assay.storage import write_text

from .artefacts import template_sha256
from .gguf_reading import GgufFacts
from .modelfile import Modelfile, fits_quotes
from .ollama_template import OllamaTemplate, ollama_template
from .turns import NotExpressible

MODEL, ADAPTER, MODELFILE = "model.gguf", "adapter.gguf", "Modelfile"

CONTEXT = 4096
"""Tokens that Ollama reads by default on cards below 24 GB (docs/context-length.mdx); older versions read 2,048."""


@dataclass(frozen=True)
class OllamaFolder:
    """What was written. stops and num_ctx: of the Modelfile."""

    files: tuple[Path, ...]
    template: OllamaTemplate
    stops: tuple[str, ...]
    num_ctx: int | None


def text_target(facts: GgufFacts, template: str, stops: Sequence[str]) -> TextTarget:
    """The chat side of a GGUF file, from what stands in it."""
    special = {"bos_token": facts.token_text(facts.bos_id), "eos_token": facts.token_text(_first(facts.stop_ids))}
    known = {name: text for name, text in special.items() if text is not None}
    style = find_style(template, known, shared_renderer())
    return TextTarget(str(facts.path), template, None, known, tuple(stops), style)


def _first(ids: Sequence[int]) -> int | None:
    return ids[0] if ids else None


def check_folder(out: Path, *, force: bool) -> None:
    """Raises SettingsError when a Modelfile, or something that is no folder, stands there."""
    if out.exists() and not out.is_dir():
        raise SettingsError("is a file, and the output is a folder", where=str(out), fix="choose another -o")
    if (out / MODELFILE).exists() and not force:
        raise SettingsError("is there already", where=str(out / MODELFILE), fix="--force overwrites it")


def compose(facts: GgufFacts, trained_stops: Sequence[str]) -> tuple[OllamaTemplate, tuple[str, ...]]:
    """TEMPLATE and the stops for a model's GGUF. Raises ModelError where the template cannot be said."""
    if facts.kind == "adapter":
        raise ModelError("is an adapter, which runs on a model", where=str(facts.path), fix="name the adapter's folder")
    if not facts.template:
        raise ModelError("has no chat template", where=str(facts.path), fix="export it again with one")
    stops = tuple(dict.fromkeys(stop for stop in [*trained_stops, *facts.stop_texts()] if stop.strip()))
    target = text_target(facts, facts.template, stops)
    bos = facts.token_text(facts.bos_id) if facts.adds_bos else None
    try:
        return ollama_template(target, bos), stops
    except NotExpressible as reason:
        raise ModelError(
            f"the chat template cannot be said in Ollama's language: {reason}",
            where=str(facts.path),
            fix="llama.cpp's server renders the trained template itself (llama-server --jinja)",
        ) from reason


def context_for(trained: int | None, facts: GgufFacts) -> int | None:
    """Tokens for `num_ctx`: all of a record as long as those that trained, so that no prompt is cut in silence.

    Never below Ollama's own default, and never above what the model was made for; None where neither length is known.
    trained  tokens of the longest record that could train
    """
    if trained is None:
        return None
    wanted = max(trained, CONTEXT)
    return wanted if facts.context_length is None else min(wanted, facts.context_length)


def write_folder(
    out: Path,
    model: GgufFacts,
    adapter: Path | None,
    trained_stops: Sequence[str],
    num_ctx: int | None,
    say: Callable[[str], None],
) -> OllamaFolder:
    """The Modelfile beside the GGUF files, which are linked or copied where they lie elsewhere.

    num_ctx  tokens; None leaves the context to Ollama, which is said

    Raises ModelError, StorageError.
    """
    template, stops = compose(model, trained_stops)
    files = [_beside(model.path, out / MODEL)]
    if adapter is not None:
        files.append(_beside(adapter, out / ADAPTER))
    for what in template.unproved:
        say(f"unproved: {what}")
    usable = tuple(stop for stop in stops if fits_quotes(stop))
    for stop in sorted(set(stops) - set(usable)):
        say(f"note: a Modelfile cannot hold the stop {stop!r}; it is left out")
    if num_ctx is None:
        say("note: nothing says how long the records of training were, so num_ctx is left to Ollama; see --num-ctx")
    comments = [
        f"chat template sha256 {template_sha256(model.template or '')[:12]}; "
        f"{template.proved} conversations came out as the trained template writes them",
        *(f"unproved: {what}" for what in template.unproved),
    ]
    modelfile = Modelfile(
        MODEL, ADAPTER if adapter is not None else None, template.text, template.system, usable, num_ctx, comments
    )
    write_text(out / MODELFILE, modelfile.text())
    return OllamaFolder((*files, out / MODELFILE), template, usable, num_ctx)


def _beside(path: Path, place: Path) -> Path:
    """The file at `place`, as a second name of the same data where the disk allows it."""
    if path.resolve() == place.resolve():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    try:
        os.link(path.resolve(), place)
    except OSError:
        shutil.copyfile(path, place)
    return place
