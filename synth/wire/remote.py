"""A model behind HTTP, asked through an official client: connections, deadlines, and what each fault means."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Protocol, TypeAlias

from assay.calls.pacing import Limits
from assay.errors import ProviderError, ProviderRefusedError
from assay.protocols import Generation, GenerationRequest
from assay.records import Json

from .form import Form, broken
from .limits import limits_of, ratelimit_headers, retry_after

Connect: TypeAlias = Callable[[Any], Any]
"""From an HTTP client to an official, asynchronous client that uses it."""


class Veil(Protocol):
    """What takes personal data out of requests, and puts it back into answers."""

    def over(self, request: GenerationRequest) -> GenerationRequest: ...

    def off(self, request: GenerationRequest, generation: Generation) -> Generation: ...


CODE = re.compile(r"[a-z]+(_[a-z]+)*")
RETRYABLE = frozenset({408, 409, 425, 429, *range(500, 600)}) - {501, 505}
BUSY = frozenset({429, 503, 529})
MAY_HAVE_RUN = frozenset({502, 504, 520, 524})
"""A gateway says that it heard nothing of the model, which may have answered all the same."""

SPENT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_error", "billing_not_active"})

OF_THE_REQUEST = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "context_length_exceeded",
        "invalid_prompt",
        "ResponsibleAIPolicyViolation",
        "string_above_max_length",
    }
)
"""A content policy, or a prompt that is too long: this request will never be answered, others may."""

ABOUT_THIS_MACHINE = (
    *("X-Stainless-" + of for of in ("Arch", "Async", "Lang", "OS", "Package-Version", "Runtime", "Runtime-Version")),
    *("x-stainless-" + of for of in ("read-timeout", "timeout")),
)
"""Headers that the clients add for their makers' statistics: nobody asked for them, and each takes time."""

FIXES = {
    401: "check the key",
    402: "check the account's credit",
    403: "check what the key may do",
    404: "check synth.model and synth.base_url",
}


@dataclass(frozen=True)
class Remote:
    """A provider: see `assay.protocols`. The client's own retries are off: ours go through the journal.

    sdk      the module of the official client: `openai` or `anthropic`
    timeout  seconds for a whole request, however slowly its answer drips
    begun    system turns that were sent before
    """

    name: str
    model: str
    concurrency: int
    form: Form
    timeout: float
    sdk: Any = field(repr=False)
    connect: Connect = field(repr=False)
    batch_size: int = 1
    veil: Veil | None = None
    begun: set[str] = field(default_factory=set, repr=False, compare=False)

    def body(self, request: GenerationRequest) -> dict[str, Json]:
        """As it is sent. Raises ProviderRefusedError for what may not be."""
        return self.form.body(self._marked(request if self.veil is None else self.veil.over(request)))

    def _marked(self, request: GenerationRequest) -> GenerationRequest:
        """A system turn is to be kept from its second coming: keeping what comes once would cost more, for nothing."""
        first = request.messages[0] if len(request.messages) > 1 else None
        if request.shared or first is None or first.role not in ("system", "developer"):
            return request
        text = first.content or ""
        again = text in self.begun
        self.begun.add(text)
        return replace(request, shared=1) if again else request

    def restore(self, request: GenerationRequest, generation: Generation) -> Generation:
        """The answer with what the veil took out of the request."""
        return generation if self.veil is None else self.veil.off(request, generation)

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Generation]:
        from assay.calls.event_loop import run_async

        async def ask_all() -> list[Generation]:
            async with self.session(lambda _: None) as ask:
                return [await ask(request) for request in requests]

        return run_async(ask_all)

    @asynccontextmanager
    async def session(
        self, told: Callable[[Limits], None]
    ) -> AsyncIterator[Callable[[GenerationRequest], Awaitable[Generation]]]:
        async with connected(self, told) as client:

            async def ask(request: GenerationRequest) -> Generation:
                try:
                    answer = await post(self, client, self.form.path, self.body(request))
                except _DeclinedError as error:
                    return Generation(error.code, self.model, 0, 0, "refusal")
                return self.form.read(answer)

            yield ask


class _DeclinedError(Exception):
    """This one request will never be answered."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@asynccontextmanager
async def connected(remote: Remote, told: Callable[[Limits], None]) -> AsyncIterator[Any]:
    """An official client with connections of its own; they are closed with it."""

    async def look(response: Any) -> None:
        told(limits_of(ratelimit_headers(response.headers.raw)))

    import httpx2

    # aiohttp takes 60 % of the processor time for a request; a proxy is the other transport's business
    proxied = any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ)
    aiohttp = importlib.util.find_spec("aiohttp") is not None and not proxied
    make = remote.sdk.DefaultAioHttpClient if aiohttp else remote.sdk.DefaultAsyncHttpxClient
    most = max(1, remote.concurrency)
    http = make(
        follow_redirects=False,
        timeout=remote.timeout,
        limits=httpx2.Limits(max_connections=most, max_keepalive_connections=most),
        event_hooks={"response": [look]},
    )
    async with http:
        yield remote.connect(http)


async def post(remote: Remote, client: Any, path: str, body: dict[str, Json]) -> Json:
    """The JSON of an answer. Raises ProviderError."""
    import httpx2

    try:  # as `faults` does, without what entering it costs each request
        async with asyncio.timeout(remote.timeout):
            response = await client.post(path, cast_to=httpx2.Response, body=body, options=quiet(remote.sdk))
    except Exception as error:  # noqa: BLE001 what is not the client's, or a deadline, is raised as it is
        raise meaning(remote, error) from None
    try:
        return response.json()
    except ValueError:
        raise broken(remote.name, "no JSON") from None


@cache
def quiet(sdk: Any) -> dict[str, Any]:
    """Options of a request by which a client leaves out what it says of this machine."""
    return {"headers": {name: sdk.Omit() for name in ABOUT_THIS_MACHINE}}


@asynccontextmanager
async def faults(remote: Remote, seconds: float | None = None) -> AsyncIterator[None]:
    """Turns what the client raises into ProviderError; seconds: the deadline, the remote's own where None."""
    try:
        async with asyncio.timeout(remote.timeout if seconds is None else seconds):
            yield
    except Exception as error:  # noqa: BLE001 what is not the client's, or a deadline, is raised as it is
        raise meaning(remote, error) from None


def meaning(remote: Remote, error: Exception) -> Exception:
    """What an error of the client is to us; others are what they are."""
    sdk = remote.sdk
    if isinstance(error, TimeoutError):
        return ProviderError(f"{remote.name}: no answer in time", fix="raise synth.timeout if that happens often")
    if isinstance(error, sdk.APIStatusError):
        return _status(remote.name, error)
    if isinstance(error, sdk.APIConnectionError):
        return _unconnected(remote.name, error)
    if isinstance(error, getattr(sdk, "OpenAIError", None) or sdk.AnthropicError):
        return ProviderError(f"{remote.name}: {type(error).__name__}", fix="it is asked again later")
    return broken(remote.name, "no JSON") if isinstance(error, ValueError) else error


def _unconnected(name: str, error: BaseException) -> ProviderError:
    """A server that was never reached ran nothing. Which it was aiohttp says, where it is used: the clients call a cut
    connection a time-out, or one that was not made."""
    kinds = {kind for each in _causes(error) for kind in type(each).__mro__}
    aiohttp = any(kind.__module__.partition(".")[0] == "aiohttp" for kind in kinds)
    if ("ClientConnectorError" if aiohttp else "ConnectError") in {kind.__name__ for kind in kinds}:
        there = ProviderError(f"{name}: the server cannot be reached", fix="check synth.base_url, and that it runs")
        there.may_have_run = False
        return there
    return ProviderError(f"{name}: the connection was cut, or no answer came in time", fix="it is asked again later")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(name: str, error: Any) -> Exception:
    code = code_of(error.body)
    if error.status_code in (400, 413, 422) and code in OF_THE_REQUEST:
        return _DeclinedError(code)
    return status_error(name, error.status_code, code, error.response.headers)


def code_of(body: Json) -> str:
    """The server's word for an error: OpenAI's `code`, or else its `type`; Anthropic's `error.type`."""
    inner = body.get("error") if isinstance(body, dict) and isinstance(body.get("error"), dict) else body
    if not isinstance(inner, dict):
        return ""
    deeper = inner.get("innererror")
    codes = [deeper.get("code") if isinstance(deeper, dict) else None, inner.get("code"), inner.get("type")]
    return next((code for code in codes if isinstance(code, str) and code), "")


def status_error(name: str, status: int, code: str, headers: Mapping[str, str]) -> ProviderError:
    """The error for an HTTP status. The server's own words are left out: they may quote the key or a record.

    So may what it sends for a code, unless that is one plain word.
    """
    reason = f"{name} answered {status}" + (f" ({code})" if CODE.fullmatch(code) else "")
    if status in RETRYABLE and code not in SPENT:
        error = ProviderError(reason, fix="it is asked again later")
        error.retry_after, error.may_have_run = retry_after(headers), status in MAY_HAVE_RUN
        error.busy = status in BUSY
        return error
    fix = FIXES.get(status, "asking again cannot help")
    if code in SPENT:
        fix = FIXES[402]
    if 300 <= status < 400:  # the request would go to a host that the settings do not name
        fix = "it points to another address: name that as synth.base_url if you trust it"
    return ProviderRefusedError(reason, fix=fix)
