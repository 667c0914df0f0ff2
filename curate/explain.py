"""`assay audit --list` and `--explain`: the documentation that is in the checks themselves."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from assay.console import Options, printable
from assay.errors import Exit

from .check import CHECKS, Check, Need
from .settings import settings_to_give

_NEEDS: Mapping[Need, str] = {
    "target": "`--model`",
    "evaluation_texts": "`--suite`",
    "encoder": "an encoder",
    "releases": "`--index`",
}
"""What to give so that a check can be judged."""


def show_checks(options: Options, name: str | None) -> int:
    """Lists all checks, or explains one. Raises UnknownNameError with the nearest name."""
    if name is not None:
        check = CHECKS.get(name)
        options.show(_explained(check))
        options.emit(_json(check))
        return int(Exit.OK)
    checks = CHECKS.all().values()
    for check in checks:
        options.show(f"{check.name:24} {check.severity!s:8} {check.decision!s:7} {_shortened(check.summary)}")
    options.show("\n`assay audit --explain CHECK` says what a check finds, why, and what its settings are")
    options.emit([_json(check) for check in checks])
    return int(Exit.OK)


def _explained(check: Check) -> str:
    lines = [check.name, "", *textwrap.dedent(check.documentation).splitlines(), ""]
    lines += [
        f"severity   {check.severity}",
        f"decision   {check.decision}" + ("; of each group one record stays" if check.keeps_one else ""),
        f"languages  {'any' if check.languages == ('*',) else ', '.join(check.languages)}",
    ]
    if check.needs:
        lines.append(f"needs      {', '.join(check.needs).replace('_', ' ')}")
    lines += ["", "settings, in assay.yaml:", "  curate:", "    checks:", f"      {check.name}:"]
    lines.append(f"        decision: {check.decision}")
    lines += [f"        {setting.name}: {setting.in_yaml}" for setting in settings_to_give(check)]
    examples = [textwrap.shorten(line, 300, placeholder=" ...") for item in check.examples for line in item.lines()]
    if examples:
        lines += ["", "examples, which its test runs:", *(f"  {printable(line)}" for line in examples)]
    return "\n".join(lines)


def _json(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "severity": str(check.severity),
        "decision": str(check.decision),
        "languages": list(check.languages),
        "needs": list(check.needs),
        "settings": {setting.name: setting.default for setting in settings_to_give(check)},
        "documentation": check.documentation,
        "examples": [line for example in check.examples for line in example.lines()],
    }


def _shortened(text: str) -> str:
    return textwrap.shorten(text, 78, placeholder=" ...")


def table_of_checks() -> str:
    """A Markdown table, one line a check: what docs/checks.md holds."""
    lines = ["| check | severity | decision | needs | settings | what it finds |", "|---|---|---|---|---|---|"]
    for check in CHECKS.all().values():
        settings = ", ".join(f"`{setting.name}: {setting.in_yaml}`" for setting in settings_to_give(check))
        cells = (
            f"`{check.name}`",
            str(check.severity),
            str(check.decision) + (", one stays" if check.keeps_one else ""),
            ", ".join(_NEEDS[need] for need in check.needs),
            settings,
            f"{check.summary}.".replace("|", "\\|").replace("<", "&lt;"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
