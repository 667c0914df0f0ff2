from __future__ import annotations

from collections.abc import Sequence

from ..outputs.tool_calls import Call, arguments_agree, calls_in, expected_calls
from ..scorer import scorer

_ABSENT = object()


@scorer(special_tokens=True)
def tool_call(output: str, reference: str, *, arguments: Sequence[str] = (), partial_credit: bool = True) -> float:
    """How far the output calls the tools of the reference, by name and arguments.

    The reference is `{"name": "get_weather", "arguments": {"city": "Lyon"}}`, a list of such where several must be
    called, in any order, or `[]` where none must be. A wrong name scores 0; with the right one, the name and each
    argument of either side are a point. A call too many or too few counts as a wrong one. Without `partial_credit` all
    must agree. `arguments` names those that count; without it, all. Calls are read in the forms of the common chat
    templates: JSON (Hermes, Qwen, Llama 3, Mistral, Granite, Cohere), tags (Qwen3-Coder, GLM, MiniMax M2), a name
    before JSON (Mistral, DeepSeek, Kimi K2, gpt-oss), Python (Llama 3.2, LFM2). Special tokens stay in the output.
    """
    expected, given = expected_calls(reference), calls_in(output)
    if not expected:
        return float(not given)
    left = list(given)
    total = 0.0
    for wanted in expected:
        best = max(left, key=lambda call: _likeness(call, wanted, arguments), default=None)
        if best is not None and (likeness := _likeness(best, wanted, arguments)) > 0.0:
            left.remove(best)
            total += likeness
    score = total / max(len(expected), len(given))
    return score if partial_credit else float(score == 1.0)


def _likeness(given: Call, wanted: Call, names: Sequence[str]) -> float:
    if given.name != wanted.name:
        return 0.0
    if not isinstance(given.arguments, dict) or not isinstance(wanted.arguments, dict):
        return 1.0 if arguments_agree(given.arguments, wanted.arguments) else 0.5
    counted = names or given.arguments.keys() | wanted.arguments.keys()
    agreeing = sum(
        arguments_agree(given.arguments.get(name, _ABSENT), wanted.arguments.get(name, _ABSENT)) for name in counted
    )
    return (1 + agreeing) / (1 + len(counted))
