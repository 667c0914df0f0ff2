"""What the checks personal_data, contact_details and secret share; nothing heavy is imported before it is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from assay.findings import Finding
from assay.records import Record

from .looked import KEY, Looked

if TYPE_CHECKING:
    from ..check import Check, Context
    from .pattern import Group


def findings(
    check: Check,
    record: Record,
    context: Context,
    group: Group,
    entities: Sequence[str] = (),
    countries: Sequence[str] = (),
) -> Sequence[Finding]:
    """At most one finding, about the values of a group; see report.py."""
    looked: Looked | None = context.shared.get(KEY)
    if looked is not None and looked.records is context.records and looked.signs.get(record.row_id) == 0:
        return ()
    from .report import report

    return report(check, record, context, group, entities, countries)


def entities_of(group: Group) -> Callable[[], tuple[str, ...]]:
    """What the setting `entities` of the group's check may hold."""

    def names() -> tuple[str, ...]:
        from .scan import entities_of

        return entities_of(group)

    return names


def countries() -> tuple[str, ...]:
    """What the setting `countries` may hold."""
    from .scan import COUNTRIES

    return COUNTRIES


def masked(group: Group) -> Callable[..., Record]:
    """The repair of the group's check: f(record, entities=(), countries=())."""

    def repair(record: Record, entities: Sequence[str] = (), countries: Sequence[str] = ()) -> Record:
        from .masking import mask_record
        from .scan import chosen

        return mask_record(record, chosen(group, entities, countries))

    return repair
