"""The scorer step: the domain suite's own scorer can read the answer."""

from __future__ import annotations

from assay.errors import SuiteError

from ..generator import Draft, Job, Outcome, Refused
from ..verifier import Bench, verifier


@verifier
def scorer(draft: Draft, job: Job, bench: Bench) -> Outcome:
    """Answers that the domain suite's own scorer would not count as right when given as their own reference.

    Why: an answer in a form that the scorer cannot read (JSON that does not parse, a label among sentences) teaches the
    model to fail the suite. Without a scorer nothing is judged.

    Example: the suite wants {"intent": ...}, and the answer is a sentence.
    """
    answer = draft.messages[-1].content or ""
    if bench.scorer is None or not answer:
        return draft
    try:
        score = bench.scorer(answer, answer)
    except SuiteError:  # as a reference it is in no form of the suite's; its own words may quote the answer
        return Refused("scorer", "the suite's scorer cannot read it")
    return draft if score >= 1.0 else Refused("scorer", f"the suite's scorer gives it {score:g} against itself")
