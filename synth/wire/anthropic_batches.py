"""Anthropic's message batches: requests in one body, answered within a day at half the price.

A batch takes no label of its own. One whose id was lost is found by when it was created, by how many requests it has,
and by their ids, which can be read once it has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from assay.protocols import BatchLine, BatchResult, Generation, GenerationRequest
from assay.records import Json

from .form import broken, member
from .job_lines import JOB_SECONDS, MOST_REQUESTS, answered, failed, json_lines, not_run, text
from .remote import Remote, connected, faults

CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class AnthropicBatches:
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
        body = [{"custom_id": key, "params": self.remote.body(request)} for key, request in requests.items()]
        async with self._client() as client:
            import httpx2

            answer = await client.post("/v1/messages/batches", cast_to=httpx2.Response, body={"requests": body})
            identifier = member(answer.json(), "id")
        if not isinstance(identifier, str):
            raise broken(self.name, "a batch job without an id")
        return identifier

    async def find(self, tag: str, keys: Collection[str], since: str, known: Collection[str]) -> str | None:
        earliest = datetime.fromisoformat(since) - CLOCKS_DIFFER
        wanted = set(keys)
        for job in await self._candidates(len(wanted), earliest, known):
            while not await self.ended(job):
                await asyncio.sleep(self.poll_seconds)
            if wanted & {line.key for line in (await self.result(job)).lines}:
                return job
        return None

    async def _candidates(self, count: int, earliest: datetime, known: Collection[str]) -> list[str]:
        """Of as many requests, created since then, and no other's of this journal."""
        found: list[str] = []
        async with self._client() as client:
            async for job in client.messages.batches.list(limit=100):
                if _moment(job.created_at) < earliest:
                    break
                counts = job.request_counts
                total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
                if total == count and job.id not in known:
                    found.append(job.id)
        return found

    async def ended(self, job: str) -> bool:
        async with self._client() as client:
            return bool((await client.messages.batches.retrieve(job)).processing_status == "ended")

    async def result(self, job: str) -> BatchResult:
        import httpx2

        async with self._client() as client:  # by the job's id: what a server names as the place may be another host
            answer = await client.get(f"/v1/messages/batches/{job}/results", cast_to=httpx2.Response)
        return BatchResult(tuple(self._line(line) for line in json_lines(self.name, answer.content)))

    def _line(self, line: dict[str, Json]) -> BatchLine:
        key, kind = text(line, "custom_id"), member(line, "result", "type")
        if kind == "succeeded":
            return answered(self.name, key, self.remote.form, member(line, "result", "message"))
        if kind == "errored":
            error = member(line, "result", "error")
            status = 400 if member(error, "error", "type") == "invalid_request_error" else 500
            return failed(self.name, key, status, error, self.model)
        return not_run(self.name, key, "expired" if kind == "expired" else "was not run")

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Any]:
        async with connected(self.remote, lambda _: None) as client, faults(self.remote, JOB_SECONDS):
            yield client.with_options(timeout=JOB_SECONDS)


def _moment(value: Any) -> datetime:
    """The client leaves a time that it cannot read as text."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
