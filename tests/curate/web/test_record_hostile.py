"""Text of records is shown, never interpreted: scripts, templates, control characters, a megabyte, half characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from assay.web.rendering import shown
from tests.browser import browser, served
from tests.curate.web.record_store import Store, chat, curated, holder, loaded, write_rows

SCRIPT = "<script>window.pwned = 1; alert(1)</script>"
BROKEN_OUT = "\"'></div></main><svg onload=alert(2)><img src=x onerror=alert(3)>"
TEMPLATES = "{{ 7 * 7 }} {% for x in range(10 ** 9) %}x{% endfor %} ${7*7} #{7*7} {{ config.__class__ }} {# no #}"
DIRECTIONS = "pay \u202e001 \u2066euros\u2069 to \u200fhim\u200b"
CONTROLS = "bell \x07 escape \x1b[31mred\x1b[0m null \x00 delete \x7f next line \x85 bom \ufeff"
EMOJI = "👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽 e\u0301 Z\u0351\u036b\u0343 می‌خواهم"
FORMULA = "=cmd|' /C calc'!A0"
NAME = '"><svg onload=alert(9)>.jsonl'
MEGABYTE = "0123456789abcdef " * 62_000
THOUGHT = f"<think>{SCRIPT}</think>It is {BROKEN_OUT}."


def hostile_rows() -> list[Any]:
    call = {
        "id": BROKEN_OUT,
        "type": "function",
        "function": {"name": SCRIPT, "arguments": {SCRIPT: BROKEN_OUT}},
    }
    tool = {"type": "function", "function": {"name": SCRIPT, "description": BROKEN_OUT, "parameters": {}}}
    calling = [
        {"role": "system", "content": SCRIPT},
        {"role": "user", "content": BROKEN_OUT},
        {"role": "assistant", "content": TEMPLATES, "tool_calls": [call]},
        {"role": "tool", "content": SCRIPT, "tool_call_id": BROKEN_OUT, "name": SCRIPT},
        {"role": "assistant", "content": FORMULA},
    ]
    odd = [{"role": "user", "content": "Who?"}, {"role": SCRIPT, "content": BROKEN_OUT}]
    return [
        {"messages": calling, "tools": [tool], SCRIPT: BROKEN_OUT, "link": "javascript:alert(8)"},
        {"messages": odd},
        chat(TEMPLATES, TEMPLATES, system=TEMPLATES),
        chat(DIRECTIONS, DIRECTIONS),
        chat(CONTROLS, CONTROLS),
        chat(EMOJI, EMOJI),
        chat("Write very much.", MEGABYTE + SCRIPT),
        chat(*(f"turn {number} {SCRIPT}" for number in range(400))),
        {"messages": [{"role": "user", "content": f"Nobody answers {SCRIPT}"}]},
        chat("How long may I return an item?", f"{SCRIPT} You have 30 days to return it."),
        chat("How long may I return an item?", f"{BROKEN_OUT} You have 14 days to return it."),
        chat(f"Copy me {BROKEN_OUT}", f"Copied {SCRIPT}"),
        chat(f"Copy me {BROKEN_OUT}", f"Copied {SCRIPT}"),
        chat("half", "a half \ud83d pair"),
        chat("Think.", THOUGHT),
        chat("Whom do I write to?", "To anna.lindqvist@mail.example.com, please."),
        '{"messages": [{"role": "user", "content": "half a row <script>alert(7)</script>',
        chat("<|im_start|>system", f"<|im_end|>{SCRIPT}<|im_start|>assistant"),
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Store:
    folder = tmp_path_factory.mktemp("hostile")
    write_rows(folder / NAME, hostile_rows())
    return curated(folder, NAME, "--model", str(tiny_model))


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with holder(store.folder) as asking:
        yield asking


class Page(HTMLParser):
    """What a page holds: tags with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data


VIEWS = ("", "?view=template", "?view=tokens", "?save=1", "?whole=1")
RENDERED = ("template", "tokens")
EMBEDDING = {"iframe", "object", "embed", "svg", "img", "base", "form", "style", "video", "audio", "link", "meta"}


def broken_rules(page: Page, saved: bool) -> list[str]:
    """What stands in a page that no text of a record may have brought there."""
    out = []
    for tag, attributes in page.tags:
        if tag == "script" and attributes != {"src": "/static/keys.js", "defer": ""}:
            out.append(f"a script {attributes}")
        out += [f"{name} on {tag}" for name in attributes if name.startswith("on") or name in ("style", "srcdoc")]
        address = attributes.get("href", "")
        if not re.match(r"$|/(?!/)|\?|#", address):
            out.append(f"a link to {address}")
        if tag in EMBEDDING and (tag, saved) not in ALLOWED and attributes.get("method") != "dialog":
            out.append(f"<{tag} {attributes}>")
    return out


ALLOWED = {("link", False), ("meta", False), ("meta", True), ("style", True)}


@pytest.mark.parametrize("query", VIEWS)
def test_no_page_of_a_hostile_record_holds_more_than_text(store: Store, client: TestClient, query: str) -> None:
    for row in store.rows():
        loaded(client, store.page(row["row_id"], query))
        answer = client.get(store.page(row["row_id"], query))
        assert answer.status_code == 200, (row, answer.text[-500:])
        assert not broken_rules(Page(answer.text), "save=1" in query), row["source_line"]
        unseen = re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", answer.text
        )
        assert unseen is None, (row["source_line"], unseen)


@pytest.mark.parametrize("line", [1, 3, 4, 5, 6, 10, 11])
def test_every_text_can_be_read_as_it_was_written(store: Store, client: TestClient, line: int) -> None:
    text = Page(client.get(store.page(store.at(line))).text).text
    for message in hostile_rows()[line - 1]["messages"]:
        assert shown(message["content"]) in text


def test_what_cannot_be_seen_is_written_out_and_families_stay_together(store: Store, client: TestClient) -> None:
    assert "⟨U+202E⟩001" in client.get(store.page(store.at(4))).text
    assert "escape ⟨U+001B⟩[31mred" in client.get(store.page(store.at(5))).text
    assert "👨‍👩‍👧‍👦" in client.get(store.page(store.at(6))).text


def test_calls_tools_and_columns_are_shown_as_they_are(store: Store, client: TestClient) -> None:
    text = Page(client.get(store.page(store.at(1))).text).text
    assert f"calls {SCRIPT}" in text
    assert text.count(SCRIPT) >= 5
    assert "javascript:alert(8)" in text
    assert FORMULA in text


def test_thinking_is_apart_from_the_answer(store: Store, client: TestClient) -> None:
    page = Page(client.get(store.page(store.at(15))).text)
    assert any(attributes.get("class") == "thinking" for _, attributes in page.tags)
    assert SCRIPT in page.text
    assert BROKEN_OUT in page.text


def test_a_megabyte_is_shown_in_part_and_whole_when_asked_for(store: Store, client: TestClient) -> None:
    row = store.at(7)
    part = client.get(store.page(row)).text
    assert len(part) < 60_000
    assert "characters are not shown" in part
    whole = Page(client.get(store.page(row, "?whole=1")).text).text
    assert MEGABYTE + SCRIPT in whole
    tokens = loaded(client, store.page(row, "?view=tokens"))
    assert len(tokens) < 1_500_000
    assert "Later tokens" in tokens


def test_hundreds_of_turns_are_cut_and_shown_whole_when_asked_for(store: Store, client: TestClient) -> None:
    row = store.at(8)
    part, whole = (client.get(store.page(row, query)).text for query in ("", "?whole=1"))
    assert "200 more turns" in part
    assert "turn 399 " not in part
    assert "turn 399 " in whole


def test_a_row_that_is_no_record_names_its_place_and_what_is_wrong(store: Store, client: TestClient) -> None:
    text = Page(client.get(store.page(store.at(17))).text).text
    assert "The text of this row is not in the run" in text
    assert f"{NAME}:17" in text
    assert "unreadable row" in text


def test_a_saved_page_hides_personal_data_and_one_without_text_holds_none(store: Store, client: TestClient) -> None:
    row = store.at(16)
    assert "anna.lindqvist" in client.get(store.page(row)).text
    assert "anna.lindqvist" not in client.get(store.page(row, "?save=1")).text
    assert "please" in client.get(store.page(row, "?save=1")).text
    for line in (1, 10, 12, 15):
        html = client.get(store.page(store.at(line), "?save=1&redact=1")).text
        for words in (SCRIPT, TEMPLATES, "return an item", "Copy me", "Copied"):
            assert words not in Page(html).text, line


def test_nothing_runs_in_a_real_browser(store: Store) -> None:
    with browser() as chromium, served(store.folder) as server:
        page = chromium.new_page()
        page.set_default_timeout(150_000)  # the first page with tokens loads a tokenizer
        seen: list[str] = []
        page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: seen.append(f"error {error}"))
        page.on("console", lambda message: seen.append(f"console {message.text}"))
        page.goto(server.link)
        names = "Object.getOwnPropertyNames(window).filter((name) => !/^\\d+$/.test(name)).sort().join()"
        untouched = page.evaluate(names)
        addresses = [store.page(row["row_id"]) for row in store.rows()]
        addresses += [store.page(store.at(line), f"?view={view}") for line in (1, 5) for view in RENDERED]
        for address in addresses:
            page.goto(server.root + address)
            assert page.evaluate(names) == untouched
            assert page.evaluate("document.scripts.length") == 1
            assert page.evaluate("document.querySelectorAll('main svg, main img, main iframe').length") == 0
        assert seen == []
