"""Personal data does not leave the machine, and comes back into the answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.calls.caller import Caller
from assay.calls.journal import Journal
from assay.errors import ProviderRefusedError
from assay.protocols import GenerationRequest, Price
from assay.records import Message
from assay.synth.asking.personal import guarded, make_guarded_provider, make_veil
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings

MAIL, PHONE = "dora.lane@fenwick.co.uk", "+44 20 7946 0018"
PROMPT = f"Rewrite: I am {MAIL}, call {PHONE} or write to {MAIL}. I said <EMAIL_1> before."
ASK = GenerationRequest((Message("system", "Be brief."), Message("user", PROMPT)), 50)
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


@pytest.fixture(autouse=True)
def far_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server on loopback gets everything, so this one is taken for one that is elsewhere."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")
    monkeypatch.setattr("assay.synth.provider.is_loopback", lambda url: False)
    monkeypatch.setattr("assay.calls.batches.FIRST_POLL", 0.01)
    yield


def settings(name: str, api: Any, **more: Any) -> SynthSettings:
    base = api.url if name == "anthropic" else f"{api.url}/v1"
    return SynthSettings(provider=name, model="m", base_url=base, price=Price(1, 1), batch_poll_seconds=0.01, **more)


def answer(given: SynthSettings, path: Path, request: GenerationRequest = ASK) -> str | None:
    with Journal(path / "journal.sqlite", max_requests=9, max_usd=1) as book:
        caller = Caller(make_guarded_provider(given, None), book, Price(1, 1), max_retries=0)
        [found] = caller.ask([request])
    return found and found.text


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_placeholders_go_out_and_values_come_back(name: str, batch: bool, api: Any, tmp_path: Path) -> None:
    assert answer(settings(name, api, batch=batch), tmp_path) == f"Put otherwise: {PROMPT}"
    [asked] = api.answered
    assert MAIL not in asked and PHONE not in asked
    assert (
        asked.count("<EMAIL_2>") == 2 and asked.count("<EMAIL_1>") == 1
    )  # a placeholder that was there stays what it is
    assert MAIL not in str(api.seen) and PHONE not in str(api.seen)
    for file in tmp_path.iterdir():
        assert MAIL.encode() not in file.read_bytes()


def test_a_value_that_json_has_to_escape_comes_back_as_it_was(api: Any, tmp_path: Path) -> None:
    secret = 'password="a\\"b9Kq2!xZ"'
    request = GenerationRequest((Message("user", f"Keep {MAIL} and {secret}"),), 50, schema=SCHEMA)
    text = answer(settings("openai", api), tmp_path, request)
    assert json.loads(text or "")["text"] == f"Put otherwise: Keep {MAIL} and {secret}"


def test_what_is_blocked_is_not_sent_and_not_charged(api: Any, tmp_path: Path) -> None:
    with pytest.raises(ProviderRefusedError, match=r"email.*personal_data") as raised:
        answer(settings("openai", api, personal_data="block"), tmp_path)
    assert MAIL not in str(raised.value) and not api.seen
    with Journal(tmp_path / "journal.sqlite", max_requests=9, max_usd=1) as book:
        assert book.spent().usd == 0
    harmless = GenerationRequest((Message("user", "Hello"),), 50)
    assert answer(settings("openai", api, personal_data="block"), tmp_path, harmless) == "Put otherwise: Hello"


def test_it_is_sent_where_the_settings_say_so(api: Any, tmp_path: Path) -> None:
    answer(settings("openai", api, personal_data="send"), tmp_path)
    assert MAIL in api.answered[0]


def test_a_provider_of_another_package_stands_behind_the_veil_too(api: Any) -> None:
    given = settings("openai_compatible", api)

    class Other:
        name, model, batch_size, concurrency = "other", "m", 1, 1

        def generate(self, requests: Any) -> Any:
            return make_provider(given, None).generate(requests)

    provider = guarded(Other(), given)
    [came] = provider.generate([ASK])
    assert MAIL not in api.answered[0] and MAIL not in came.text


def test_nothing_is_hidden_from_a_model_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert make_veil(SynthSettings(provider="local", model="m")) is None
    assert make_veil(SynthSettings(provider="openai_compatible", base_url="http://127.0.0.1:8000/v1")) is None
    assert make_veil(SynthSettings(provider="openai_compatible", base_url="http://10.0.0.8:8000/v1")) is not None
