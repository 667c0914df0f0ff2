"""The model that a run was curated for: its tokenizer and template, loaded in a thread.

That takes some seconds, the libraries among them, so a page comes without it, says so, and asks again.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.records import Message, Record, Source
from assay.runs import Manifest
from assay.storage import sha256_file
from assay.web.site import Site

from .remembered import Remembered

if TYPE_CHECKING:
    from assay.chat import ChatTarget

PATIENCE = 0.3
"""Seconds that a page waits for a model."""


@dataclass(frozen=True)
class Target:
    """The model that a run was curated for. changed: its template is not the one of then."""

    chat: ChatTarget
    changed: bool


@dataclass(frozen=True)
class Loading:
    """A model that is being loaded."""

    model: str


_THREAD = ThreadPoolExecutor(1, "assay-model")
_LOADED: Remembered[Future[ChatTarget]] = Remembered(4)


def target_of(site: Site, name: str, patience: float | None = None) -> Target | Loading | str:
    """The model that the run was curated for, or the line that says why it is not at hand.

    patience  seconds that are waited for it; None for as long as it takes, and then it is never `Loading`
    """
    manifest = site.manifest(name) or _made_by(site, site.folder(name))
    if manifest is None:
        return "No manifest says which model this data was curated for."
    model, _, revision = str(manifest.data.get("inputs", {}).get("model") or "").rpartition("@")
    if not model:
        return "This data was curated without a model. With --model NAME, curate judges how its template renders it."
    key = (_where(model, site.project), None if revision in ("", "None") else revision)
    loaded = _LOADED.get(key, lambda: _THREAD.submit(_load, *key))
    try:
        target = loaded.result(patience)
    except TimeoutError:
        return Loading(model)
    except AssayError as error:
        _LOADED.forget(key)
        return f"The model {model} is not at hand: {error}"
    template = manifest.data["inputs"].get("template")
    return Target(target, template not in (None, target.template_sha256))


def _load(name: str, revision: str | None) -> ChatTarget:
    """With one conversation rendered: the process that renders templates is then running too."""
    from assay.chat import load_target

    from ..template.tokens import show_text

    target = load_target(name, revision=revision, offline=True)
    turns = (Message("user", "a"), Message("assistant", "b"))
    with suppress(AssayError):
        show_text(Record("", "", turns, Source("", None, 0)), target)
    return target


def _where(model: str, project: Path) -> str:
    """A folder that was named from the project's folder is found from elsewhere too."""
    beside = project / model
    return str(beside) if not Path(model).exists() and beside.is_dir() else model


def _made_by(site: Site, folder: Path) -> Manifest | None:
    """The run that wrote an opened folder: the one whose ledger is the same."""
    ledger = folder / "ledger.parquet"
    if not ledger.is_file():
        return None
    digest = sha256_file(ledger)
    runs = site.runs("curate")
    return next((run for run in runs if run.data.get("outputs", {}).get("ledger.parquet") == digest), None)
