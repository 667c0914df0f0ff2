"""OpenAI's Batch API: a file of requests, answered within a day at half the price."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from assay.errors import ProviderError, ProviderRefusedError
from assay.protocols import BatchLine, BatchResult, Generation, GenerationRequest
from assay.records import Json

from .form import member, number
from .job_lines import JOB_SECONDS, MOST_REQUESTS, answered, failed, json_lines, not_run, text
from .remote import CODE, Remote, connected, faults

TAG = "assay_tag"
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
WAITS = frozenset({"token_limit_exceeded", "rate_limit_exceeded"})
"""Of a job that was turned away whole: what is queued already has to be done first."""


@dataclass(frozen=True)
class OpenAIBatches:
    """A `BatchProvider` beside the remote model that it asks."""

    remote: Remote
    poll_seconds: float
    most_requests: int = MOST_REQUESTS

    @property
    def name(self) -> str:
        return self.remote.name

    @property
    def model(self) -> str:
        return self.remote.model

    @property
    def concurrency(self) -> int:
        return self.remote.concurrency

    @property
    def batch_size(self) -> int:
        return self.remote.batch_size

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Generation]:
        return self.remote.generate(requests)

    def restore(self, request: GenerationRequest, generation: Generation) -> Generation:
        return self.remote.restore(request, generation)

    async def submit(self, tag: str, requests: Mapping[str, GenerationRequest]) -> str:
        form = self.remote.form
        lines = [
            {"custom_id": key, "method": "POST", "url": f"/v1{form.path}", "body": self.remote.body(request)}
            for key, request in requests.items()
        ]
        content = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
        async with self._client() as client:
            file = await client.files.create(file=(f"assay-{tag}.jsonl", content), purpose="batch")
            job = await client.batches.create(
                input_file_id=file.id, endpoint=f"/v1{form.path}", completion_window="24h", metadata={TAG: tag}
            )
        return str(job.id)

    async def find(self, tag: str, keys: Collection[str], since: str, known: Collection[str]) -> str | None:
        async with self._client() as client:
            async for job in client.batches.list(limit=100):
                if (job.metadata or {}).get(TAG) == tag:
                    return str(job.id)
        return None

    async def ended(self, job: str) -> bool:
        async with self._client() as client:
            return (await client.batches.retrieve(job)).status in ENDED

    async def result(self, job: str) -> BatchResult:
        async with self._client() as client:
            found = await client.batches.retrieve(job)
            if found.status == "failed":
                return BatchResult((), _refused(self.name, found))
            files = [each for each in (found.output_file_id, found.error_file_id) if each]
            contents = [(await client.files.content(each)).content for each in files]
        return BatchResult(tuple(self._line(line) for content in contents for line in json_lines(self.name, content)))

    def _line(self, line: dict[str, Json]) -> BatchLine:
        key, response = text(line, "custom_id"), line.get("response")
        status = number(member(response, "status_code"))
        if status == 200:
            return answered(self.name, key, self.remote.form, member(response, "body"))
        if status:
            return failed(self.name, key, status, member(response, "body"), self.model)
        code = member(line, "error", "code")
        return not_run(self.name, key, "expired" if code == "batch_expired" else "was not run")

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Any]:
        async with connected(self.remote, lambda _: None) as client, faults(self.remote, JOB_SECONDS):
            yield client.with_options(timeout=JOB_SECONDS)


def _refused(name: str, job: Any) -> ProviderError:
    """Why a whole job was turned away, before any of it ran."""
    errors = (job.errors.data if job.errors else None) or []
    code = str(errors[0].code or "") if errors else ""
    said = f"{name} turned a batch job away" + (f" ({code})" if CODE.fullmatch(code) else "")
    if code in WAITS:
        error = ProviderError(said, fix="it is submitted again later")
        error.may_have_run, error.retry_after = False, 60.0
        return error
    return ProviderRefusedError(said, fix="check the model, and that it takes batch jobs")
