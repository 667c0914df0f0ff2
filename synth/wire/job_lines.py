"""What the lines of a batch job's results mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from assay.errors import ProviderError
from assay.protocols import BatchLine, Generation
from assay.records import Json

from .form import Form, broken
from .remote import OF_THE_REQUEST, code_of, status_error

JOB_SECONDS = 600.0
"""For one call about a job: a file of 200 MB takes longer than an answer."""

MOST_REQUESTS = 10_000
"""In one job. Providers take more requests, but not more than about 200 MB of them."""


def json_lines(name: str, content: bytes) -> Iterator[dict[str, Json]]:
    """Raises ProviderError where the file was cut: it can be fetched again."""
    for line in content.splitlines():
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            raise broken(name, "results of a batch job that are no JSON lines") from None
        if isinstance(value, dict):
            yield value


def answered(name: str, key: str, form: Form, body: Json) -> BatchLine:
    """A line with an answer; one that cannot be read was paid for."""
    try:
        return BatchLine(key, form.read(body))
    except ProviderError as error:
        return BatchLine(key, None, error)


def failed(name: str, key: str, status: int, body: Json, model: str) -> BatchLine:
    """A line with an error. What failed in a job was not paid for."""
    code = code_of(body)
    if code in OF_THE_REQUEST:
        return BatchLine(key, Generation(code, model, 0, 0, "refusal"))
    error = status_error(name, status, code, {})
    error.may_have_run = False
    return BatchLine(key, None, error)


def not_run(name: str, key: str, why: str) -> BatchLine:
    """Expired or cancelled before its turn came."""
    error = ProviderError(f"{name}: a request of a batch job {why}", fix="it is asked again")
    error.may_have_run = False
    return BatchLine(key, None, error)


def text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""
