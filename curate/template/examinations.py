"""What became of each record under the target's template, found once for all checks that ask."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from assay.records import Record

if TYPE_CHECKING:
    from assay.chat import ChatTarget, Examined, TemplateProblem

AHEAD = 32
"""Records that are examined together: as many as `assay.chat.rendered` renders in one talk with its worker."""

KEPT = 4_096


class Examinations:
    """Of some records, examined a few at a time in their order, as checks ask; a check may be interrupted meanwhile."""

    def __init__(self, records: Sequence[Record], target: ChatTarget) -> None:
        self.records, self.target = records, target
        self.seconds = 0.0
        self._order = {_key(record): position for position, record in enumerate(records)}
        self._kept: dict[tuple[str, str], Examined | TemplateProblem] = {}
        self._last: tuple[Record, Examined | TemplateProblem] | None = None

    def at(self, record: Record) -> Examined | TemplateProblem:
        """All checks ask about one record before the next."""
        last = self._last
        if last is not None and last[0] is record:
            return last[1]
        found = self._kept.get(_key(record))
        if found is None:
            found = self._examine(record)
        self._last = (record, found)
        return found

    def _examine(self, record: Record) -> Examined | TemplateProblem:
        from assay.chat import examine_all

        began = time.perf_counter()
        position = self._order.get(_key(record))
        wanted = [record] if position is None else self.records[position : position + AHEAD]
        try:
            found = list(examine_all(wanted, self.target))
        finally:
            self.seconds += time.perf_counter() - began
        if position is not None:
            if len(self._kept) > KEPT:
                self._kept.clear()
            self._kept.update(zip(map(_key, wanted), found, strict=True))
        return found[0]


def _key(record: Record) -> tuple[str, str]:
    return record.row_id, record.id
