"""A remote model that is asked in batch jobs, by whichever protocol its provider has for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from assay.protocols import BatchResult, Generation, GenerationRequest

from .job_lines import JOB_SECONDS, MOST_REQUESTS
from .remote import Remote, connected, faults


@dataclass(frozen=True)
class Wanted:
    """A job whose id was lost: its label, its request keys, when it was about to be submitted (UTC), and the ids of
    jobs that are others."""

    tag: str
    keys: Collection[str]
    since: str
    known: Collection[str]


class Jobs(Protocol):
    """How a provider takes jobs. client: the official one, connected. Each call raises ProviderError."""

    @property
    def labelled(self) -> bool:
        """Whether jobs carry their label, so that a candidate is the job that was lost."""
        ...

    async def submit(self, client: Any, remote: Remote, tag: str, requests: Mapping[str, GenerationRequest]) -> str: ...

    async def candidates(self, client: Any, wanted: Wanted) -> list[str]:
        """Ids of jobs that may be the one that was lost, the newest first."""
        ...

    async def ended(self, client: Any, job: str) -> bool: ...

    async def result(self, client: Any, remote: Remote, job: str) -> BatchResult: ...


@dataclass(frozen=True)
class Batched:
    """A `BatchProvider`: the remote model, and the way in which its provider takes jobs."""

    remote: Remote
    jobs: Jobs
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
        async with self._client() as client:
            return await self.jobs.submit(client, self.remote, tag, requests)

    async def find(self, tag: str, keys: Collection[str], since: str, known: Collection[str]) -> str | None:
        async with self._client() as client:
            candidates = await self.jobs.candidates(client, Wanted(tag, keys, since, known))
        for job in candidates:
            if self.jobs.labelled or await self._holds(job, keys):
                return job
        return None

    async def _holds(self, job: str, keys: Collection[str]) -> bool:
        """Whether a job is about one of these requests, which can be read once it has ended: within a day."""
        while not await self.ended(job):
            await asyncio.sleep(self.poll_seconds)
        return not set(keys).isdisjoint(line.key for line in (await self.result(job)).lines)

    async def ended(self, job: str) -> bool:
        async with self._client() as client:
            return await self.jobs.ended(client, job)

    async def result(self, job: str) -> BatchResult:
        async with self._client() as client:
            return await self.jobs.result(client, self.remote, job)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Any]:
        async with connected(self.remote, lambda _: None) as client, faults(self.remote, JOB_SECONDS):
            yield client.with_options(timeout=JOB_SECONDS)
