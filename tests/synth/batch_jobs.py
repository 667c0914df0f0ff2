"""Batch jobs of both protocols, as a server on loopback keeps them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Answer = Callable[[str, dict[str, Any]], dict[str, Any]]


@dataclass
class Job:
    """fate: what happens to it, one of those in `Jobs`; polls: looks before it has ended."""

    id: str
    lines: list[dict[str, Any]]
    failed: list[dict[str, Any]]
    fate: str
    polls: int
    total: int
    metadata: dict[str, str] = field(default_factory=dict)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Jobs:
    """fates are taken first, one a job:

    lost        it is there, and the connection is cut before its id is said
    expired     the second half of its requests was not reached
    partly      every third request failed on the server's side
    invalid     every third request is one that will never be answered
    duplicated  every line stands twice
    miscounted  a line of no request, and none for the last one
    cut         its results end in the middle of a line when they are first fetched
    turned away it never ran (OpenAI only)
    """

    fates: list[str] = field(default_factory=list)
    polls: int = 1
    jobs: dict[str, Job] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    fetched: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, path: str, body: dict[str, Any], answer: Answer) -> Any:
        """What creating a file or job answers, "cut" for nothing, None for what is neither."""
        if path.endswith("/files"):
            content = re.search(rb"\r\n\r\n(\{.*\})\r\n--", body["multipart"], re.DOTALL)
            assert content is not None
            with self.lock:
                name = f"file-{len(self.files)}"
                self.files[name] = content[1]
            return {"id": name, "object": "file", "bytes": 1, "created_at": 0, "filename": "f", "purpose": "batch"}
        if path.endswith("/messages/batches"):
            asked = [(each["custom_id"], each["params"]) for each in body["requests"]]
            return self._create("/v1/messages", asked, {}, answer, anthropic=True)
        if path.endswith("/batches"):
            lines = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines()]
            asked = [(line["custom_id"], line["body"]) for line in lines]
            assert {line["url"] for line in lines} == {body["endpoint"]}
            return self._create(body["endpoint"], asked, body["metadata"], answer, anthropic=False)
        return None

    def get(self, path: str) -> Any:
        """None for what is not there."""
        plain = path.partition("?")[0]
        name = plain.rstrip("/").split("/")[-1]
        if plain.endswith("/messages/batches"):
            listed = [self._anthropic(job) for job in self._newest()]
            return {"data": listed, "has_more": False, "first_id": None, "last_id": None}
        if plain.endswith("/batches"):
            return {"object": "list", "data": [self._openai(job) for job in self._newest()], "has_more": False}
        if plain.endswith("/content"):
            job, kind = plain.split("/")[-2].rsplit("-", 1)
            return self._content(self.jobs[job], self.jobs[job].lines if kind == "out" else self.jobs[job].failed)
        if plain.endswith("/results"):
            job = self.jobs[plain.split("/")[-2]]
            return self._content(job, [*job.lines, *job.failed])
        if name in self.jobs:
            self.jobs[name].polls -= 1
            return self._anthropic(self.jobs[name]) if "/messages/" in plain else self._openai(self.jobs[name])
        return None

    def _newest(self) -> list[Job]:
        return sorted(self.jobs.values(), key=lambda job: job.created, reverse=True)

    def _create(self, path: str, asked: list[Any], metadata: dict[str, str], answer: Answer, *, anthropic: bool) -> Any:
        with self.lock:
            fate = self.fates.pop(0) if self.fates else "plain"
            name = f"{'msgbatch' if anthropic else 'batch'}_{len(self.jobs)}"
        lines, failed = [], []
        for number, (key, body) in enumerate(asked):
            third = number % 3 == 2
            if fate == "turned away":
                continue
            if fate == "expired" and number >= len(asked) / 2:
                failed.append(_expired(key, anthropic))
            elif fate == "partly" and third:
                failed.append(_error(key, 500, "api_error", anthropic))
            elif fate == "invalid" and third:
                failed.append(_error(key, 400, "invalid_request_error", anthropic))
            elif fate == "miscounted" and number == len(asked) - 1:
                lines.append(_line("of-no-request", answer(path, body), anthropic))
            else:
                lines.append(_line(key, answer(path, body), anthropic))
        if fate == "duplicated":
            lines = [line for line in lines for _ in range(2)]
        job = Job(name, lines[::-1], failed, fate, self.polls, len(asked), metadata)
        with self.lock:
            self.jobs[name] = job
        return "cut" if fate == "lost" else (self._anthropic(job) if anthropic else self._openai(job))

    def _content(self, job: Job, lines: list[dict[str, Any]]) -> bytes:
        data = "\n".join(json.dumps(line) for line in lines).encode()
        if job.fate == "cut" and job.id not in self.fetched:
            self.fetched.add(job.id)
            return data[:-20]
        return data

    def _openai(self, job: Job) -> dict[str, Any]:
        status = "in_progress" if job.polls > 0 else "expired" if job.fate == "expired" else "completed"
        errors = None
        if job.fate == "turned away":
            status, errors = "failed", {"object": "list", "data": [{"code": "model_not_found", "message": "no"}]}
        ended = status != "in_progress"
        return {
            "id": job.id, "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "f",
            "completion_window": "24h", "status": status, "created_at": int(job.created.timestamp()),
            "metadata": job.metadata, "errors": errors,
            "output_file_id": f"{job.id}-out" if ended and job.lines else None,
            "error_file_id": f"{job.id}-err" if ended and job.failed else None,
            "request_counts": {"total": job.total, "completed": len(job.lines), "failed": len(job.failed)},
        }  # fmt: skip

    def _anthropic(self, job: Job) -> dict[str, Any]:
        ended = job.polls <= 0
        counts = {"processing": 0 if ended else job.total, "canceled": 0, "expired": 0, "errored": 0}
        return {
            "id": job.id, "type": "message_batch", "processing_status": "ended" if ended else "in_progress",
            "request_counts": {**counts, "succeeded": job.total if ended else 0},
            "created_at": job.created.isoformat(), "expires_at": job.created.isoformat(), "ended_at": None,
            "archived_at": None, "cancel_initiated_at": None,
            "results_url": f"http://elsewhere.invalid/{job.id}" if ended else None,
        }  # fmt: skip


def _line(key: str, answer: dict[str, Any], anthropic: bool) -> dict[str, Any]:
    if anthropic:
        return {"custom_id": key, "result": {"type": "succeeded", "message": answer}}
    response = {"status_code": 200, "request_id": "q", "body": answer}
    return {"id": "l", "custom_id": key, "response": response, "error": None}


def _error(key: str, status: int, kind: str, anthropic: bool) -> dict[str, Any]:
    error = {"type": "error", "error": {"type": kind, "message": "key sk-canary refused"}}
    if anthropic:
        return {"custom_id": key, "result": {"type": "errored", "error": error}}
    return {"id": "l", "custom_id": key, "response": {"status_code": status, "body": error}, "error": None}


def _expired(key: str, anthropic: bool) -> dict[str, Any]:
    if anthropic:
        return {"custom_id": key, "result": {"type": "expired"}}
    return {"id": "l", "custom_id": key, "response": None, "error": {"code": "batch_expired", "message": "late"}}
