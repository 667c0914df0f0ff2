"""`assay doctor`: each problem of this installation with its fix."""

from __future__ import annotations

import click

from assay.console import Options, common_options
from assay.errors import Exit

MARKS = {"ok": "ok", "note": "note", "problem": "PROBLEM"}


@click.command()
@common_options
def doctor(options: Options) -> int:
    """Look at this installation and name each problem with its fix.

    Exit code 0 when nothing is in the way, 1 otherwise.
    """
    from assay.doctor import Status, examine

    results = []
    for result in examine():
        results.append(result)
        options.show(f"{MARKS[result.status]:8}{result.name}: {result.detail}")
        if result.fix:
            options.show(f"{'':8}-> {result.fix}")
    problems = sum(result.status is Status.PROBLEM for result in results)
    options.show(f"{problems} problem{'' if problems == 1 else 's'}" if problems else "nothing is in the way")
    options.emit(
        {
            "ok": problems == 0,
            "results": [
                {"name": r.name, "status": str(r.status), "detail": r.detail, "fix": r.fix or None} for r in results
            ],
        }
    )
    return int(Exit.FAILED if problems else Exit.OK)
