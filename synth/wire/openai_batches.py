"""OpenAI's Batch API: a file of requests, answered within a day at half the price."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from assay.errors import ProviderError, ProviderRefusedError
from assay.protocols import BatchLine, BatchResult, GenerationRequest
from assay.records import Json

from .batched import Wanted
from .form import member, number
from .job_lines import answered, failed, json_lines, not_run, text
from .remote import CODE, Remote

TAG = "assay_tag"
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
WAITS = frozenset({"token_limit_exceeded", "rate_limit_exceeded"})
"""Of a job that was turned away whole: what is queued already has to be done first."""


class OpenAIJobs:
    """See `batched.Jobs`."""

    labelled = True

    async def submit(self, client: Any, remote: Remote, tag: str, requests: Mapping[str, GenerationRequest]) -> str:
        url = f"/v1{remote.form.path}"
        lines = [
            {"custom_id": key, "method": "POST", "url": url, "body": remote.body(request)}
            for key, request in requests.items()
        ]
        content = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
        file = await client.files.create(file=(f"assay-{tag}.jsonl", content), purpose="batch")
        job = await client.batches.create(
            input_file_id=file.id, endpoint=url, completion_window="24h", metadata={TAG: tag}
        )
        return str(job.id)

    async def candidates(self, client: Any, wanted: Wanted) -> list[str]:
        async for job in client.batches.list(limit=100):
            if (job.metadata or {}).get(TAG) == wanted.tag:
                return [str(job.id)]
        return []

    async def ended(self, client: Any, job: str) -> bool:
        return (await client.batches.retrieve(job)).status in ENDED

    async def result(self, client: Any, remote: Remote, job: str) -> BatchResult:
        found = await client.batches.retrieve(job)
        if found.status == "failed":
            return BatchResult((), _refused(remote.name, found))
        files = [each for each in (found.output_file_id, found.error_file_id) if each]
        contents = [(await client.files.content(each)).content for each in files]
        return BatchResult(
            tuple(_line(remote, line) for content in contents for line in json_lines(remote.name, content))
        )


def _line(remote: Remote, line: dict[str, Json]) -> BatchLine:
    key, response = text(line, "custom_id"), line.get("response")
    status = number(member(response, "status_code"))
    if status == 200:
        return answered(remote.name, key, remote.form, member(response, "body"))
    if status:
        return failed(remote.name, key, status, member(response, "body"), remote.model)
    code = member(line, "error", "code")
    return not_run(remote.name, key, "expired" if code == "batch_expired" else "was not run")


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
