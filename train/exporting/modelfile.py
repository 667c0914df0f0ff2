"""An Ollama Modelfile in which no text of a template or record can become an instruction.

The format (https://docs.ollama.com/modelfile) has no escapes: a value stands between three quotes and ends at the next
three. TEMPLATE is written so that it holds no quotes in a row (`go_template.literal`); what else cannot stand between
quotes is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.console import on_one_line
from assay.errors import ModelError


@dataclass(frozen=True)
class Modelfile:
    """model and adapter are names of files beside it; num_ctx in tokens; comments are for people."""

    model: str
    adapter: str | None
    template: str
    system: str | None
    stops: Sequence[str]
    num_ctx: int | None
    comments: Sequence[str]

    def text(self) -> str:
        """Raises ModelError for a value that the format cannot hold."""
        lines = [f"# {on_one_line(comment)}" for comment in self.comments]
        lines.append(f"FROM ./{self.model}")
        if self.adapter is not None:
            lines.append(f"ADAPTER ./{self.adapter}")
        lines.append(f"TEMPLATE {quoted(self.template, 'TEMPLATE')}")
        if self.system is not None:
            lines.append(f"SYSTEM {quoted(self.system, 'SYSTEM')}")
        if self.num_ctx is not None:
            lines.append(f"PARAMETER num_ctx {self.num_ctx}")
        lines += [f"PARAMETER stop {quoted(stop, 'stop')}" for stop in self.stops]
        return "\n".join(lines) + "\n"


def fits_quotes(value: str) -> bool:
    """Whether a value comes back from between three quotes as it is: signs that do not print are left out by Ollama."""
    shown = all(sign.isprintable() or sign in "\n\t" for sign in value)
    return shown and '"""' not in value and not value.startswith('"') and not value.endswith('"')


def quoted(value: str, what: str) -> str:
    """Between three quotes. Raises ModelError for what would end them, or come back as something else."""
    if not fits_quotes(value):
        raise ModelError(f"a Modelfile cannot hold this {what}: quotes at its edges or three in a row, or hidden signs")
    return f'"""{value}"""'
