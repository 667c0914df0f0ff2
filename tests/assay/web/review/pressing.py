"""A browser without a browser: its cookies, and forms sent as they stand on the page."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from assay.reviews.journal import reviews_in
from assay.reviews.queue import Key, Queue
from assay.reviews.review import Review, Subject, latest
from assay.web.app import application
from assay.web.site import Site

HOST = "127.0.0.1:8765"
ORIGIN = {"origin": f"http://{HOST}"}


class Browser:
    """One browser on the server: its cookies, and forms sent as they stand on the page."""

    def __init__(self, site: Site) -> None:
        brought = application(site)
        self.client = TestClient(brought.app, base_url=f"http://{HOST}", follow_redirects=True)
        self.client.get("/", params={"token": brought.keys.token()})
        self.page = ""
        self.status = 0

    def open(self, address: str) -> str:
        return self.seen(self.client.get(address))

    def send(self, button: dict[str, str], action: str = "decide", page: str | None = None, **typed: str) -> str:
        """The form of the page that goes to `action`, with a button pressed."""
        path, fields = form_of(page if page is not None else self.page, action)
        return self.seen(self.client.post(path, data={**fields, **typed, **button}, headers=ORIGIN))

    def press(self, word: str, **typed: str) -> str:
        return self.send({"decision": word}, **typed)

    def undo(self) -> str:
        return self.send({}, "undo")

    def seen(self, answer: Any) -> str:
        self.page, self.status = answer.text, answer.status_code
        return self.page


def form_of(page: str, action: str) -> tuple[str, dict[str, str]]:
    """Of a form that keys press, its address and its fields."""
    for path, more, body in re.findall(r'<form method="post" action="([^"]+)"([^>]*)>(.*?)</form>', page, re.DOTALL):
        if path.endswith(f"/{action}") and "by-mouse" not in more:
            fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body)
            texts = re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n?(.*?)</textarea>', body, re.DOTALL)
            return path, {name: html.unescape(value) for name, value in [*fields, *texts]}
    raise AssertionError(f"no form for {action} in: {page[:2000]}")


def of(queue: Queue, kind: str) -> list[Key]:
    return [key for key in queue.keys if key.kind == kind]


def held(folder: Path) -> dict[Subject, Review]:
    return latest(reviews_in(folder / "reviews.jsonl"))


def row_on(page: str) -> str:
    """Of the record that the keys decide on."""
    form = re.search(r'class="deciding"[^>]*>(.*?)</form>', page, re.DOTALL)
    assert form is not None, page[:2000]
    return dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form.group(1)))["side"]


def sides_on(page: str) -> list[str]:
    """Of a screen with several records, the row of each, from the buttons for the mouse."""
    return [fields["side"] for _, fields in _by_mouse(page)]


def by_mouse(browser: Browser, side: str, word: str) -> str:
    """Presses a button of one side."""
    path, fields = next(form for form in _by_mouse(browser.page) if form[1]["side"] == side)
    return browser.seen(browser.client.post(path, data={**fields, "decision": word}, headers=ORIGIN))


def _by_mouse(page: str) -> list[tuple[str, dict[str, str]]]:
    forms = re.findall(r'action="([^"]+)" class="row by-mouse"[^>]*>(.*?)</form>', page, re.DOTALL)
    hidden = re.compile(r'type="hidden" name="([^"]+)" value="([^"]*)"')
    return [(path, {name: html.unescape(value) for name, value in hidden.findall(body)}) for path, body in forms]
