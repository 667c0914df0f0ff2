"""What a generator is: one file in `generators/`, one decorated function that plans jobs.

A job is a request together with the way from its answer to a record. Planning asks nothing and costs nothing,
so that the same seeds and settings give the same jobs in the same order, after a crash too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from assay.errors import SettingsError
from assay.protocols import GenerationRequest
from assay.records import Message, Record
from assay.registry import Registry

PROMPTS = Path(__file__).resolve().parent / "prompts"


class Refused(NamedTuple):
    """An answer that makes no record, and the step that says so."""

    step: str
    reason: str


@dataclass(frozen=True)
class Job:
    """One record to ask for.

    build  turns the text of an answer into the messages of a new record, or says why not
    """

    request: GenerationRequest
    seed: Record
    template_sha256: str
    build: Callable[[str], tuple[Message, ...] | Refused]


@dataclass(frozen=True)
class Generator:
    """A method. function(seeds, settings, *, ...) -> Iterator[Job]"""

    name: str
    function: Callable[..., Iterator[Job]]


def generator(function: Callable[..., Iterator[Job]]) -> Generator:
    """Decorates a method; keyword-only arguments are its settings."""
    return Generator(function.__name__, function)


GENERATORS: Registry[Generator] = Registry("assay.synth.generators", "assay.generators", "generator", Generator)


@dataclass(frozen=True)
class Prompt:
    """A prompt template and its hash; records are values in it, never part of its text."""

    template: Any
    sha256: str

    def render(self, **values: str) -> str:
        return str(self.template.render(**values)).strip()


def load_prompt(name: str, replacement: str | None = None) -> Prompt:
    """A template of `prompts/`, or the user's own file in its place. Raises SettingsError."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    path = Path(replacement) if replacement else PROMPTS / f"{name}.jinja"
    try:
        text = path.read_text(encoding="utf-8")
        template = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined).from_string(text)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("cannot read the prompt template", where=str(path)) from error
    except jinja2.TemplateSyntaxError as error:
        raise SettingsError(
            f"the prompt template is wrong ({error.message})", where=f"{path}:{error.lineno}"
        ) from error
    return Prompt(template, hashlib.sha256(text.encode()).hexdigest())
