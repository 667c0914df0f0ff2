from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.records import Json

from ..judging.settings import read_settings, recorded
from ..scorer import scorer


def _validate(settings: Mapping[str, Any]) -> None:
    try:
        read_settings(settings)
    except OSError as error:
        raise ValueError(f"{error.filename} cannot be read ({error.strerror})") from error


@scorer(needs=("messages",), is_answer=False, validate=_validate, judged=True, recorded=recorded)
def llm_judge(
    output: str,
    reference: str,
    *,
    messages: Sequence[Json],
    mode: str = "grade",
    provider: str = "",
    model: str = "",
    rubric: str = "",
    file: str = "",
    sha256: str = "",
    grades: int = 5,
    pass_at: float = 0.75,
    use_reference: bool = True,
    labels: str = "",
    labels_sha256: str = "",
    max_usd: float = 0.0,
    max_requests: int = 10_000,
    price: Mapping[str, float] | None = None,
    base_url: str = "",
    api_key_env: str = "",
    temperature: float = 0.0,
    max_tokens: int = 400,
    concurrency: int = 8,
    timeout: float = 60.0,
    max_retries: int = 6,
) -> float:
    """What a language model says of the answer: a grade by your rubric, or a win, tie or loss against the base's.

    `mode: grade` asks for 1 to `grades`, which become 0 to 1. `mode: pairwise` shows the answer beside the base's in
    both orders; where the two disagree it is a tie, and the base scores 0.5 throughout. `rubric`, or a text `file`
    beside the suite, says what a good answer is. `labels` is a file of human verdicts that the judge is held against.
    Answers are judged together once all are given, so this function alone gives no score: `assay evaluate` does.
    """
    raise ValueError("a judge is asked once all answers are given, by `assay evaluate`")
