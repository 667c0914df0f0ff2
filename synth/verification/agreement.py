"""The agreement step: independent answers to the same question say the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from assay.errors import SettingsError

from ..asking.prompting import ask_messages
from ..comparing.words import agree
from ..generator import Draft, Job, Outcome, Poll, Refused
from ..verifier import Bench, asking_verifier

FIRST_SAMPLE = 10_000
"""Sample numbers that no method uses, so that an answer is never compared with itself."""


@asking_verifier
def agreement(
    draft: Draft, job: Job, bench: Bench, *, k: int = 3, min_share: float = 0.66, min_overlap: float = 0.4
) -> Outcome:
    """Answers that independent ones do not agree with (self-consistency, Wang et al. 2022).

    Why: what a model invents, it invents differently each time. It is asked `k` times more, each its own request, with
    the question alone (and the source, where there is one). Two answers agree when they are the same but for case and
    white space; or name the same numbers and share `min_overlap` of their content words (Dice). The domain suite's
    scorer is asked in their place where there is one. An answer that was cut or declined agrees with none.

    k            independent answers asked for
    min_share    share of them that has to agree
    min_overlap  as above

    Example: an answer "30 days" of which the three others say 14, 60 and "it depends".
    """
    if k < 1:
        raise SettingsError(f"k is {k}, but should be 1 or more", where="synth.verify.agreement")
    question = draft.question or draft.messages[:-1]
    answer = draft.messages[-1].content or ""
    if not answer:  # a call of a tool: its arguments are judged by the tool's schema
        return draft
    requests = tuple(ask_messages(bench.settings, question, sample=FIRST_SAMPLE + number) for number in range(k))

    def judge(others: Sequence[str | None]) -> Outcome:
        texts = [other for other in others if other is not None]
        if bench.scorer is not None:
            agreeing = sum(bench.scorer(text, answer) for text in texts)
        else:
            agreeing = sum(agree(text, answer, min_overlap) for text in texts)
        share = agreeing / k
        if share < min_share:
            return Refused("agreement", f"{share:.2f} of {k} independent answers agree")
        return dataclasses.replace(draft, facts={**draft.facts, "agreement": round(share, 3)})

    return Poll(requests, judge)
