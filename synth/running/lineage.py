"""Where a generated record comes from: kept in its meta under "synth", and so in every file that it is written to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assay.calls.caller import Caller
from assay.calls.pricing import actual_usd
from assay.protocols import Generation
from assay.records import Json, Record, Source, record_id

from ..generator import Draft, Job, Quote
from ..settings import SynthSettings


@dataclass
class Candidate:
    """A draft on its way to acceptance.

    row_id      of its ledger row
    answers     every answer of the model that writes that went into it so far
    checks      steps that it has passed, in order
    judgements  answers of the judge
    """

    job: Job
    draft: Draft
    row_id: str
    source: Source
    answers: list[Generation]
    checks: list[str] = field(default_factory=list)
    judgements: list[Generation] = field(default_factory=list)


@dataclass(frozen=True)
class Origin:
    """What all candidates of one method have in common. arguments are the method's settings; judge is the writer where
    it judges itself.
    """

    method: str
    arguments: Mapping[str, Json]
    settings: SynthSettings
    writer: Caller
    judge: Caller

    def record(self, candidate: Candidate) -> Record:
        """The record, with its lineage as far as it has come."""
        job, draft = candidate.job, candidate.draft
        tools = job.seed.tools if draft.tools is None else draft.tools
        families = {parent.family for parent in (job.seed, *job.others)}
        return Record(
            id=record_id(draft.messages, tools),
            row_id=candidate.row_id,
            messages=draft.messages,
            source=candidate.source,
            tools=tools,
            origin="synthetic",
            parents=job.parents,
            meta={"synth": self._lineage(candidate)},
            family=families.pop() if len(families) == 1 else "",
        )

    def _lineage(self, candidate: Candidate) -> dict[str, Json]:
        job, answers, judgements = candidate.job, candidate.answers, candidate.judgements
        every = [*answers, *judgements]
        usd = sum(actual_usd(answer, self.writer.price) for answer in answers)
        return {
            "method": self.method,
            "prompt_template_sha256": job.template_sha256,
            "provider": self.writer.provider.name,
            "model": answers[0].model if answers else self.writer.provider.model,
            "judge": {"provider": self.judge.provider.name, "model": judgements[0].model} if judgements else None,
            "temperature": job.request.temperature,
            "sample": job.request.sample,
            "settings": {
                **self.arguments,
                **job.settings,
                "max_tokens": job.request.max_tokens,
                "seed": self.settings.seed,
            },
            "replaces": list(job.replaces),
            "sources": [quote_json(quote) for quote in candidate.draft.quotes],
            "requests": len(every),
            "input_tokens": sum(answer.input_tokens for answer in every),
            "output_tokens": sum(answer.output_tokens for answer in every),
            "usd": usd + sum(actual_usd(answer, self.judge.price) for answer in judgements),
            "checks": list(candidate.checks),
            "facts": dict(candidate.draft.facts),
            "reviewer": None,
        }


def quote_json(quote: Quote) -> dict[str, Json]:
    """Where in which document it stands, in characters, and what stands there; null where nobody has looked."""
    start, end = quote.place or (None, None)
    return {"id": quote.source_id, "location": quote.location, "start": start, "end": end, "quote": quote.text}


def generated_text(record: Record, parents: Sequence[Record]) -> str:
    """The turns that are none of its parents', joined: what the model wrote."""
    taken = {message.content for parent in parents for message in parent.messages}
    return "\n".join(m.content for m in record.messages if m.content and m.content not in taken)
