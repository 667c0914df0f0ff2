"""The judge step: a model reads the record with a rubric."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..asking.answers import read_object
from ..asking.judging import judge_settings
from ..asking.prompting import ask, load_prompt
from ..comparing.words import conversation
from ..generator import Ask, Draft, Job, Outcome, Refused
from ..verifier import Bench, judging_verifier

RUBRIC = (
    "5: correct, complete, and exactly what was asked. 4: correct, with a small flaw of form. 3: right in part. "
    "2: mostly wrong, or beside the question. 1: wrong, invented, or no answer."
)

SCHEMA = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "score": {"type": "integer"}},
    "required": ["reason", "score"],
    "additionalProperties": False,
}


@judging_verifier
def judge(
    draft: Draft, job: Job, bench: Bench, *, rubric: str = RUBRIC, min_score: int = 4, template: str | None = None
) -> Outcome:
    """Records that a judge gives less than `min_score` by a rubric from 1 to 5.

    Why: what no rule can see, a reader can. It is asked through the same journal and the same caps. `synth.judge` names
    its model; without it the writer judges itself, and models rate their own answers higher than others do (Panickssery
    et al. 2024): read its scores beside what you read yourself.

    rubric     what the numbers mean; write the one of your task
    min_score  the least that is accepted
    template   file in place of `prompts/judge.jinja`; it is given `conversation`, `sources` and `rubric`

    Example: a fluent answer about another product, which gets a 2.
    """
    prompt = load_prompt("judge", template)
    sources = [quote.source for quote in draft.quotes]
    text = prompt.render(conversation=conversation(draft.messages), sources=sources, rubric=rubric)

    def read(answers: Sequence[str]) -> Outcome:
        found = read_object(answers[0])
        score = found.get("score") if isinstance(found, dict) else None
        if isinstance(score, bool) or not isinstance(score, int) or not 1 <= score <= 5:
            return Refused("judge", "the judge gave no score from 1 to 5")
        if score < min_score:
            return Refused("judge", f"the judge gave it {score}")
        return dataclasses.replace(draft, facts={**draft.facts, "judge": score})

    return Ask((ask(judge_settings(bench.settings), text, schema=SCHEMA),), read)
