"""Waits for requests that another process has under way, instead of paying for them again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from assay.calls.asking import Asking
from assay.calls.journal_askers import UnderWay
from assay.protocols import Generation

FIRST_LOOK, LONGEST_LOOK = 0.1, 2.0
"""Seconds between two looks into the journal."""


async def settled(caller: Asking, keys: Sequence[str], tell: Callable[[str, Generation], None]) -> list[str]:
    """Tells the answers as they come, until none is missing or nobody asks for one that is: its process failed with it,
    or ended. Returns those that are missing.

    A process that stands still is waited for; it is named, so that it can be ended. What a batch job will answer is
    not waited for here: a job goes on when its process has ended, and somebody must ask for what came.
    """
    left, said, pause = list(keys), "", FIRST_LOOK
    while left:
        came = caller.journal.answers(left)
        for key, generation in came.items():
            tell(key, generation)
        left = [key for key in left if key not in came]
        busy = [one for one in caller.journal.under_way(left) if not one.in_job]
        if not left or len({one.key for one in busy}) < len(left):
            break
        if (who := _who(busy)) != said:
            said = who
            caller.say(f"waiting for {len(left):,} {'request' if len(left) == 1 else 'requests'} that {who}")
        await caller.sleep(pause)
        pause = min(1.5 * pause, LONGEST_LOOK)
    return left


def _who(busy: Sequence[UnderWay]) -> str:
    [((process, since), _), *others] = Counter((one.process, one.since) for one in busy).most_common()
    if not others:
        return f"process {process} asks for (since {since})"
    return f"process {process} (since {since}) and {len(others)} more ask for"
