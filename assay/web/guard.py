"""Who may ask the workbench for something, and what a page may do.

Any page of any site can make a browser send requests to 127.0.0.1, and any program of this machine can connect to it.
So:

- the first request must bring the token of the link that was printed. It is good once; the browser gets a cookie for
  it and is sent to the same address without the token, which then stands in no history.
- the Host is this machine by name, or a foreign name that was pointed at it (DNS rebinding) reads the pages.
- only POST writes, and only from a page of ours: its Origin is the address that was asked.
- no page may run what it was not sent with: scripts and styles come from files of ours, never from the page itself.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
LARGEST_FORM = 64 * 1024 * 1024
"""Bytes of a request's body: a record of some megabytes, edited, percent-encoded."""

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass
class Keys:
    """The session's secret, the name of the cookie that holds it, and the tokens of links that were not used yet.

    The name is each server's own: a browser has one jar for all ports of 127.0.0.1, where a second server's cookie
    would take the place of the first's.
    """

    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    cookie: str = field(default_factory=lambda: f"assay_session_{secrets.token_hex(4)}")
    tokens: set[str] = field(default_factory=set)

    def token(self) -> str:
        """A new one, good once."""
        made = secrets.token_urlsafe(24)
        self.tokens.add(made)
        return made

    def take(self, token: str) -> bool:
        found = next((known for known in self.tokens if _same(known, token)), None)
        if found is None:
            return False
        self.tokens.discard(found)
        return True


@dataclass
class Guard:
    """ASGI middleware: refuses with a status and a line, or passes the request on and adds the headers."""

    app: ASGIApp
    keys: Keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = self._refusal(scope)
        if answer is not None:
            await answer(scope, receive, _with_headers(send))
        else:
            await self.app(scope, _bounded(receive), _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if _without_port(host) not in HOSTS:
            return _refused(421, f"this server answers to 127.0.0.1 and localhost, not to {host!r:.80}")
        method = scope["method"]
        if method not in ("GET", "HEAD", "POST"):
            return _refused(405, "only GET, HEAD and POST")
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        token = dict(query).get("token")
        if token is not None and method == "GET" and self.keys.take(token):
            return self._admitted(scope["path"], query)
        if not _same(self._session(headers.get("cookie", "")), self.keys.session):
            return _refused(
                403,
                "This link was used, or the server was started again. Press Enter in the terminal where assay "
                "runs: it prints a new link.",
            )
        if method == "POST" and not _same_origin(headers, host):
            return _refused(403, "a change must come from a page of this server")
        return None

    def _admitted(self, path: str, query: list[tuple[str, str]]) -> Response:
        kept = urlencode([(name, value) for name, value in query if name != "token"])
        local = "/" + path.lstrip("/\\")  # two slashes in front would name another host
        answer = RedirectResponse(f"{local}?{kept}" if kept else local, status_code=303)
        answer.set_cookie(self.keys.cookie, self.keys.session, httponly=True, samesite="lax", path="/")
        return answer

    def _session(self, cookie: str) -> str:
        jar = SimpleCookie()
        try:
            jar.load(cookie)
        except CookieError:
            return ""
        return jar[self.keys.cookie].value if self.keys.cookie in jar else ""


def _refused(status: int, line: str) -> Response:
    return PlainTextResponse(f"assay: {line}\n", status_code=status)


def _same(one: str, other: str) -> bool:
    """In a time that tells nothing; `compare_digest` takes no text beyond ASCII."""
    return hmac.compare_digest(one.encode(), other.encode())


def _without_port(host: str) -> str:
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _same_origin(headers: dict[str, str], host: str) -> bool:
    """By Origin; where an old browser sends none, by Sec-Fetch-Site."""
    origin = headers.get("origin")
    if origin is not None:
        return origin in (f"http://{host}", f"https://{host}")
    return headers.get("sec-fetch-site") == "same-origin"


def _with_headers(send: Send) -> Send:
    """Headers that a page set itself stay: a report that was written earlier has a policy of its own."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message["headers"]}
            more = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            message["headers"] = [*message["headers"], *(pair for pair in more if pair[0] not in given)]
        await send(message)

    return sending


def _bounded(receive: Receive) -> Receive:
    """Ends a request whose body is larger than any record."""
    read = 0

    async def receiving() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > LARGEST_FORM:
            return {"type": "http.disconnect"}
        return message

    return receiving
