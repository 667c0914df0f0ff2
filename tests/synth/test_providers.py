"""The official clients against a real server: what they send, and what each fault becomes."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from assay.errors import ProviderError, ProviderRefusedError, SettingsError
from assay.protocols import GenerationRequest, Price
from assay.records import Message
from assay.synth.provider import make_provider, price_of
from assay.synth.settings import SynthSettings
from assay.synth.wire.limits import retry_after
from tests.synth.api_server import Refusal

ASK = GenerationRequest((Message("system", "Be brief."), Message("user", "Hello")), max_tokens=7, temperature=0.5)


def settings(name: str, url: str, **more: Any) -> SynthSettings:
    base = url if name == "anthropic" else f"{url}/v1"
    return SynthSettings(provider=name, model="a-model", base_url=base, max_retries=0, timeout=5, **more)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")


PROVIDERS = ["openai", "openai_compatible", "anthropic"]


@pytest.mark.parametrize("name", PROVIDERS)
def test_an_answer_comes_with_its_usage(name: str, api: Any) -> None:
    [answer] = make_provider(settings(name, api.url), None).generate([ASK])
    assert answer.text == "Put otherwise: Hello"
    assert (answer.input_tokens, answer.output_tokens, answer.stop_reason) == (10, 5, "stop")


def test_the_bound_on_tokens_has_the_name_that_each_protocol_knows(api: Any) -> None:
    for name in PROVIDERS:
        make_provider(settings(name, api.url), None).generate([ASK])
    sent = [request["body"] for request in api.seen]
    assert [sent[0]["max_completion_tokens"], sent[1]["max_tokens"], sent[2]["max_tokens"]] == [7, 7, 7]
    assert sent[2]["system"] == "Be brief." and [m["role"] for m in sent[2]["messages"]] == ["user"]


def test_a_compatible_server_is_not_sent_the_key_of_openai(api: Any) -> None:
    make_provider(settings("openai_compatible", api.url), None).generate([ASK])
    assert "sk-canary" not in str(api.seen[0]["headers"])


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_server_is_not_told_what_machine_asks(name: str, api: Any) -> None:
    make_provider(settings(name, api.url), None).generate([ASK])
    told = {header.lower() for header in api.seen[0]["headers"] if "stainless" in header.lower()}
    assert told <= {"x-stainless-retry-count"}


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(
    "fault", [408, 409, 429, 500, 503, 521, 529, "cut", "reset", "not json", "half", "list", "no usage"]
)
def test_a_passing_fault_can_be_retried(name: str, fault: int | str, api: Any) -> None:
    api.faults = [fault]
    with pytest.raises(ProviderError) as raised:
        make_provider(settings(name, api.url), None).generate([ASK])
    assert not isinstance(raised.value, ProviderRefusedError)
    assert raised.value.may_have_run == isinstance(fault, str)
    assert len(api.seen) == 1


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_cannot_be_retried_stops_and_repeats_no_word_of_the_server(name: str, status: int, api: Any) -> None:
    api.faults = [status]
    with pytest.raises(ProviderRefusedError) as raised:
        make_provider(settings(name, api.url), None).generate([ASK])
    assert str(status) in str(raised.value)
    assert "sk-canary" not in str(raised.value)


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_server_says_how_long_to_wait(name: str, api: Any) -> None:
    api.faults, api.headers = [429], {"retry-after": "3"}
    with pytest.raises(ProviderError) as raised:
        make_provider(settings(name, api.url), None).generate([ASK])
    assert raised.value.retry_after == 3.0


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("fault", ["slow", "drip"])
def test_a_body_that_comes_too_slowly_ends_at_the_deadline(name: str, fault: str, api: Any) -> None:
    api.faults = [fault]
    given = replace(settings(name, api.url), timeout=0.4)
    started = time.monotonic()
    with pytest.raises(ProviderError) as raised:
        make_provider(given, None).generate([ASK])
    assert time.monotonic() - started < 1.4
    assert raised.value.may_have_run


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_server_that_is_not_there_can_be_retried(name: str) -> None:
    with pytest.raises(ProviderError) as raised:
        make_provider(settings(name, "http://127.0.0.1:9"), None).generate([ASK])
    assert not isinstance(raised.value, ProviderRefusedError)
    assert "the server cannot be reached" in str(raised.value) and not raised.value.may_have_run


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("fault", ["cut", "reset"])
def test_a_connection_that_was_cut_may_have_brought_a_bill(name: str, fault: str, api: Any) -> None:
    api.faults = [fault]
    with pytest.raises(ProviderError, match="the connection was cut") as raised:
        make_provider(settings(name, api.url), None).generate([ASK])
    assert raised.value.may_have_run


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_redirect_is_not_followed_with_the_key(name: str, api: Any) -> None:
    api.faults = [Refusal(307, "moved", {"location": f"{api.url}/elsewhere"})]
    with pytest.raises(ProviderRefusedError, match="another address"):
        make_provider(settings(name, api.url), None).generate([ASK])
    assert len(api.seen) == 1


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(
    ("status", "code"), [(429, "insufficient_quota"), (402, "billing_error"), (429, "billing_hard_limit_reached")]
)
def test_an_empty_account_is_not_asked_again(name: str, status: int, code: str, api: Any) -> None:
    api.faults = [Refusal(status, code)]
    with pytest.raises(ProviderRefusedError, match="credit"):
        make_provider(settings(name, api.url), None).generate([ASK])


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("code", ["content_policy_violation", "context_length_exceeded"])
def test_a_request_that_will_never_be_answered_stops_no_other(name: str, code: str, api: Any) -> None:
    api.faults = [Refusal(400, code), None]
    first, second = make_provider(settings(name, api.url), None).generate([ASK, ASK])
    assert (first.stop_reason, first.text, first.input_tokens) == ("refusal", code, 0)
    assert second.stop_reason == "stop"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_wish_of_a_server_is_read_as_it_is_written(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == seconds


def test_a_wish_may_be_a_date() -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 < retry_after({"retry-after": then}) <= 30


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_missing_key_names_its_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"{name.upper()}_API_KEY")
    with pytest.raises(SettingsError, match=f"{name.upper()}_API_KEY"):
        make_provider(SynthSettings(provider=name, model="m"), None)


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_offline_refuses_a_remote_provider(name: str) -> None:
    with pytest.raises(SettingsError, match="--offline"):
        make_provider(SynthSettings(provider=name, model="m"), None, offline=True)


def test_a_remote_model_without_a_price_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"synth\.price"):
        price_of(SynthSettings(provider="openai", model="m"))


def test_a_server_on_this_machine_is_free_unless_a_price_is_given() -> None:
    url = "http://127.0.0.1:11434/v1"
    assert price_of(SynthSettings(provider="openai_compatible", base_url=url)) == Price(0, 0)
    assert price_of(SynthSettings(provider="openai_compatible", base_url=url, price=Price(1, 2))) == Price(1, 2)
