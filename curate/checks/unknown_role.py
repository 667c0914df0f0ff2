"""The unknown_role check."""

from __future__ import annotations

from collections.abc import Iterator

from assay.findings import Finding, Severity
from assay.records import ROLES, Record

from ..check import Context, Decision, record_check
from ..example import Example


@record_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
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

    Example: {"messages": [{"role": "narrator", "content": "It rains."}, ...]}
    """
    for index, message in enumerate(record.messages):
        if message.role not in ROLES:
            yield unknown_role.about(
                record,
                f"message {index} has the role '{message.role}'; known are {', '.join(ROLES)}",
                evidence={"message": index, "role": message.role},
            )
