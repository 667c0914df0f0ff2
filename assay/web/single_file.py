"""A page as one file: the same code that serves it, asked without a server."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from assay.calls.event_loop import run_async
from assay.errors import NoSuchRunError, SettingsError

if TYPE_CHECKING:
    from .site import Site


def single_file(site: Site, address: str) -> str:
    """HTML of a page, such as "/evaluation/gate-12", with its style in it and nothing to load.

    Raises NoSuchRunError for an address that shows nothing, with the line that the page says.
    """
    return _body(site, address, (("save", "1"),))


def redacted_file(site: Site, address: str, run: str) -> str:
    """The same without text of records and answers, of this run and of all that it came from.

    The page leaves it out; then what it became is looked through, since a page of another version may not know how.
    Raises SettingsError where text is left, NoSuchRunError as above.
    """
    from .redaction import quotation, texts_of

    html = _body(site, address, (("save", "1"), ("redact", "1")))
    if quotation(html, texts_of(site, run)) is not None:
        raise SettingsError(
            "this page cannot be written without text of records",
            where=address,
            fix="choose another with --page: evaluation, training and lineage say the numbers",
        )
    return html


def _body(site: Site, address: str, asked: tuple[tuple[str, str], ...]) -> str:
    status, body = run_async(lambda: _asked(site, address, asked))
    html = body.decode("utf-8")
    if status != 200:
        said = re.search(r"<p>(.*?)</p>", html, re.DOTALL)
        line = unescape(said.group(1)) if said else f"answered {status}"
        raise NoSuchRunError(line, where=f"page {address}")
    return html


async def _asked(site: Site, address: str, asked: tuple[tuple[str, str], ...]) -> tuple[int, bytes]:
    from .app import application

    app, keys = application(site)
    parts = urlsplit(address)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *asked])
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost"), (b"cookie", f"{keys.cookie}={keys.session}".encode())],
        "client": None,
        "server": ("localhost", 80),
    }
    status, body = 0, bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        body.extend(message.get("body", b""))

    await app(scope, receive, send)
    return status, bytes(body)
