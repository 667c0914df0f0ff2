"""A page as one file: the same code that serves it, asked without a server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from assay.errors import NoSuchRunError

if TYPE_CHECKING:
    from .site import Site


def single_file(site: Site, address: str) -> str:
    """HTML of a page, such as "/evaluation/gate-12", with its style in it and nothing to load.

    Raises NoSuchRunError for an address that shows nothing.
    """
    status, body = asyncio.run(_asked(site, address))
    if status != 200:
        raise NoSuchRunError(
            f"no page '{address}' ({status})", where=str(site.store.root), fix="`assay runs` lists runs"
        )
    return body.decode("utf-8")


async def _asked(site: Site, address: str) -> tuple[int, bytes]:
    from .app import application
    from .guard import COOKIE

    app, keys = application(site)
    parts = urlsplit(address)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("save", "1")])
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
        "headers": [(b"host", b"localhost"), (b"cookie", f"{COOKIE}={keys.session}".encode())],
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
