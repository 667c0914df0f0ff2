"""The role_order check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import ROLES, Message, Record

from ..check import Context, Decision, record_check
from ..example import Example


@record_check(
    severity=Severity.ERROR,
    decision=Decision.HOLD,
    examples=(
        Example(
            found=[
                ("Hello.", "Good morning.", "Where are you?"),
                {"messages": [{"role": "assistant", "content": "Good morning."}]},
                {
                    "messages": [
                        {"role": "user", "content": "Hello."},
                        {"role": "assistant", "content": "Good morning."},
                        {"role": "assistant", "content": "Good morning!"},
                    ]
                },
            ],
            not_found=[("Hello.", "Good morning."), ("Hello.", "Good morning.", "Where are you?", "In Oslo.")],
        ),
    ),
)
def role_order(record: Record, context: Context) -> Iterator[Finding]:
    """The turns do not follow one another as in a conversation: system, then user and assistant by turns.

    Why: many chat templates raise on such a record, and those that do not train the model to talk over the
    user. A conversation that ends with the user has its last question unanswered.

    Example: two assistant turns in a row, a system turn in the middle, an assistant turn first.
    """
    if record.last_assistant_index is None:
        return  # no_answer says so
    for index, problem in _problems(record.messages):
        yield role_order.about(record, problem, evidence={"message": index})


def _problems(messages: Sequence[Message]) -> Iterator[tuple[int, str]]:
    previous = ""
    for index, message in enumerate(messages):
        role = message.role
        if role not in ROLES:
            continue  # unknown_role says so
        if role in ("system", "developer"):
            if previous not in ("", "system"):
                yield index, f"a {role} turn in the middle (message {index})"
            elif not previous:
                previous = "system"
            continue
        problem = _follows(previous, role, messages, index)
        if problem:
            yield index, problem
        previous = role
    if previous in ("user", "tool"):
        yield len(messages) - 1, f"the conversation ends with a {previous} turn"


def _follows(previous: str, role: str, messages: Sequence[Message], index: int) -> str | None:
    if previous in ("", "system"):
        return None if role == "user" else f"the conversation starts with a turn of the {role}"
    if role == previous and role in ("user", "assistant"):
        return f"two {role} turns in a row (messages {index - 1} and {index})"
    if previous == "tool" and role == "user":
        return f"a tool result is followed by the user (message {index})"
    return None
