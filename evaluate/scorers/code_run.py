from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..scorer import scorer

_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:^[ \t]*```|\Z)", re.MULTILINE | re.DOTALL)


def _validate(settings: Mapping[str, Any]) -> None:
    from ..sandbox.sandbox import require_walls

    for name in ("seconds", "memory_mb"):
        if settings.get(name, 1) < 1:
            raise ValueError(f"{name} should be 1 or more")
    require_walls()


@scorer(needs=("tests",), runs_code=True, validate=_validate)
def code_run(
    output: str,
    reference: str,
    *,
    tests: Sequence[str],
    seconds: int = 10,
    memory_mb: int = 1024,
    partial_credit: bool = False,
) -> float:
    """1 when the Python program in the output passes the item's `tests`; with `partial_credit` the share it passes.

    The first code block marked as Python counts, else the first block, else the whole output. Each test is a program
    that raises nothing when all is well (`assert add(1, 2) == 3`), and runs after the answer's. The reference is a
    program that passes. It runs in a process of its own, without network, home, other files or other processes, for
    `seconds` of the processor and within `memory_mb`; where those walls cannot be had it is refused, and it is never
    run unless the user allows it (`--allow-code`).
    """
    from ..sandbox.sandbox import Limits, run_program

    outcome = run_program(program_in(output), tuple(tests), Limits(seconds, memory_mb << 20))
    share = outcome.passed / len(tests)
    return share if partial_credit else float(share == 1.0)


def program_in(output: str) -> str:
    """The program that an answer gives."""
    blocks = [(language.casefold(), code) for language, code in _FENCE.findall(output)]
    marked = [code for language, code in blocks if language in ("python", "py", "python3")]
    return next(iter([*marked, *(code for _, code in blocks)]), output)
