"""The server on 127.0.0.1, and the link that opens it."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING

from assay.errors import StorageError

if TYPE_CHECKING:
    from .site import Site

ADDRESS = "127.0.0.1"
USUAL_PORT = 8765


def serve(site: Site, *, path: str, port: int | None, open_browser: bool, say: Callable[[str], None]) -> None:
    """Until Ctrl-C. path: the page that opens first. port: None takes the usual one, or any that is free.

    Raises StorageError when the port that was asked for is taken.
    """
    import uvicorn

    from .app import application

    listening = _listening(port)
    app, keys = application(site)

    def link() -> str:
        joined = "&" if "?" in path else "?"
        return f"http://{ADDRESS}:{listening.getsockname()[1]}{path}{joined}token={keys.token()}"

    first = link()
    if site.unwritable:
        say(site.unwritable)
    say(f"the workbench is at\n\n  {first}\n\nThe link is good once; press Enter for another. Ctrl-C ends it.")
    if open_browser:
        threading.Thread(target=webbrowser.open, args=(first,), daemon=True).start()
    if sys.stdin is not None and sys.stdin.isatty():
        threading.Thread(target=_links_on_enter, args=(link, say), daemon=True).start()
    config = uvicorn.Config(app, log_level="error", access_log=False, server_header=False, timeout_graceful_shutdown=2)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _listening(port: int | None) -> socket.socket:
    """Raises StorageError. It listens at once: until one of them does, two processes can bind the same port."""
    for wanted in [USUAL_PORT, 0] if port is None else [port]:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((ADDRESS, wanted))
            made.listen()
        except OSError as error:
            made.close()
            if port is None and wanted != 0:
                continue
            raise StorageError(
                f"port {port} cannot be had ({error.strerror})", fix="name another with --port"
            ) from error
        break
    return made


def _links_on_enter(link: Callable[[], str], say: Callable[[str], None]) -> None:
    for _ in sys.stdin:
        say(f"  {link()}")
