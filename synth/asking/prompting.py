"""Prompt templates: Jinja files, sandboxed; what records hold is a value in them and never part of their text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import SettingsError
from assay.protocols import GenerationRequest
from assay.records import Json, Message

from ..settings import SynthSettings

PROMPTS = Path(__file__).resolve().parent.parent / "prompts"


@dataclass(frozen=True)
class Prompt:
    """A prompt template and its hash; where names its file for errors."""

    template: Any
    sha256: str
    where: str = ""

    def render(self, **values: Json) -> str:
        """Raises SettingsError for a value that the template asks for and is not given."""
        import jinja2

        try:
            return str(self.template.render(**values)).strip()
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise SettingsError(
                f"the prompt template cannot be filled in ({error})",
                where=self.where,
                fix=f"it is given {', '.join(sorted(values))}",
            ) from error


def load_prompt(name: str, replacement: str | None = None) -> Prompt:
    """A template of `prompts/`, or the user's own file in its place. Raises SettingsError."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    path = Path(replacement) if replacement else PROMPTS / f"{name}.jinja"
    try:
        text = path.read_text(encoding="utf-8")
        environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, trim_blocks=True)
        template = environment.from_string(text)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("cannot read the prompt template", where=str(path)) from error
    except jinja2.TemplateSyntaxError as error:
        raise SettingsError(
            f"the prompt template is wrong ({error.message})", where=f"{path}:{error.lineno}"
        ) from error
    return Prompt(template, hashlib.sha256(text.encode()).hexdigest(), str(path))


def ask(
    settings: SynthSettings, text: str, *, sample: int = 0, schema: Mapping[str, Json] | None = None
) -> GenerationRequest:
    """One user turn, asked with the settings of the run."""
    return ask_messages(settings, (Message("user", text),), sample=sample, schema=schema)


def ask_messages(
    settings: SynthSettings,
    messages: tuple[Message, ...],
    *,
    sample: int = 0,
    schema: Mapping[str, Json] | None = None,
) -> GenerationRequest:
    """A conversation to go on with, asked with the settings of the run."""
    return GenerationRequest(
        messages=messages,
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        seed=settings.seed,
        sample=sample,
        schema=schema,
    )
