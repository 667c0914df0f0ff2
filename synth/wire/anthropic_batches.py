"""Anthropic's message batches: requests in one body, answered within a day at half the price.

A batch takes no label of its own. One whose id was lost is found by when it was created, by how many requests it has,
and by their ids, which can be read once it has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from assay.protocols import BatchLine, BatchResult, GenerationRequest
from assay.records import Json

from .batched import Wanted
from .form import broken, member
from .job_lines import answered, failed, json_lines, not_run, text
from .remote import Remote

CLOCKS_DIFFER = timedelta(minutes=5)


class AnthropicJobs:
    """See `batched.Jobs`."""

    labelled = False

    async def submit(self, client: Any, remote: Remote, tag: str, requests: Mapping[str, GenerationRequest]) -> str:
        import httpx2

        body = [{"custom_id": key, "params": remote.body(request)} for key, request in requests.items()]
        answer = await client.post("/v1/messages/batches", cast_to=httpx2.Response, body={"requests": body})
        identifier = member(answer.json(), "id")
        if not isinstance(identifier, str):
            raise broken(remote.name, "a batch job without an id")
        return identifier

    async def candidates(self, client: Any, wanted: Wanted) -> list[str]:
        """Of as many requests, created since then, and no other's of this journal."""
        earliest, count = datetime.fromisoformat(wanted.since) - CLOCKS_DIFFER, len(set(wanted.keys))
        found: list[str] = []
        async for job in client.messages.batches.list(limit=100):
            if _moment(job.created_at) < earliest:
                break
            counts = job.request_counts
            total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
            if total == count and job.id not in wanted.known:
                found.append(job.id)
        return found

    async def ended(self, client: Any, job: str) -> bool:
        return bool((await client.messages.batches.retrieve(job)).processing_status == "ended")

    async def result(self, client: Any, remote: Remote, job: str) -> BatchResult:
        import httpx2

        # by the job's id: what a server names as the place may be another host
        answer = await client.get(f"/v1/messages/batches/{job}/results", cast_to=httpx2.Response)
        return BatchResult(tuple(_line(remote, line) for line in json_lines(remote.name, answer.content)))


def _line(remote: Remote, line: dict[str, Json]) -> BatchLine:
    key, kind = text(line, "custom_id"), member(line, "result", "type")
    if kind == "succeeded":
        return answered(remote.name, key, remote.form, member(line, "result", "message"))
    if kind == "errored":
        error = member(line, "result", "error")
        status = 400 if member(error, "error", "type") == "invalid_request_error" else 500
        return failed(remote.name, key, status, error, remote.model)
    return not_run(remote.name, key, "expired" if kind == "expired" else "was not run")


def _moment(value: Any) -> datetime:
    """The client leaves a time that it cannot read as text."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
