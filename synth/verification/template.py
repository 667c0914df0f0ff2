"""The template step: the chat template of the target renders the record, with an answer to learn from."""

from __future__ import annotations

from assay.records import Record, record_id

from ..generator import Draft, Job, Outcome, Refused
from ..verifier import Bench, verifier


@verifier
def template(draft: Draft, job: Job, bench: Bench) -> Outcome:
    """Records that the chat template of the target cannot render, or that leave nothing to learn.

    Why: what does not render cannot be trained on. Without a target (`model_name_or_path`) nothing is judged.

    Example: two user turns in a row, for a template that wants the roles in turn.
    """
    if bench.target is None:
        return draft
    from assay.chat import IGNORED, TemplateProblem, encode

    tools = job.seed.tools if draft.tools is None else draft.tools
    record = Record(record_id(draft.messages, tools), "", draft.messages, job.seed.source, tools)
    try:
        labels = encode(record, bench.target).labels
    except TemplateProblem as problem:
        return Refused("template", str(problem))
    if all(label == IGNORED for label in labels):
        return Refused("template", "no token of it would be learnt")
    return draft
