"""The unknown_role check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.findings import Finding, Severity
from assay.records import ROLES, Record

from ..answers.role_names import meant_by
from ..check import Context, Decision, record_check
from ..example import Example


def _by_their_names(record: Record) -> Record:
    """With known roles where all names leave no doubt; else as it was, and so held for a person."""
    meant = [message.role if message.role in ROLES else meant_by(message.role) for message in record.messages]
    if any(role is None for role in meant):
        return record
    return record.with_messages(
        replace(message, role=role) for message, role in zip(record.messages, meant, strict=True) if role is not None
    )


@record_check(
    severity=Severity.ERROR,
    decision=Decision.REPAIR,
    repair=_by_their_names,
    examples=(
        Example(
            found=[{"messages": [{"role": "narrator", "content": "It rains."}, {"role": "user", "content": "Where?"}]}],
            not_found=[("Where does it rain?", "In Bergen.")],
        ),
    ),
)
def unknown_role(record: Record, context: Context) -> Iterator[Finding]:
    """A turn has a role that no chat format knows.

    Why: most chat templates raise on it or, worse, leave the turn out in silence. Names that other formats
    use for the known roles ("human", "gpt", "observation", ...) were mapped when the file was read.

    The repair puts the known role where the name leaves no doubt ("<|assistant|>", "USER:", "bot_1", "Asistente");
    with any other name among them the record is held.

    Example: {"messages": [{"role": "narrator", "content": "It rains."}, ...]}
    """
    for index, message in enumerate(record.messages):
        if message.role in ROLES:
            continue
        meant = meant_by(message.role)
        what = f"'{meant}' is meant" if meant is not None else f"known are {', '.join(ROLES)}"
        yield unknown_role.about(
            record,
            f"message {index} has the role '{message.role[:60]}'; {what}",
            evidence={"message": index, "before": message.role[:200], "after": meant},
        )
