"""Azure, Bedrock and Vertex through the official clients: where they send what, with which credentials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assay.errors import ProviderError, ProviderRefusedError, SettingsError
from assay.protocols import GenerationRequest, Price
from assay.records import Message
from assay.synth.provider import make_provider, price_of
from assay.synth.settings import SynthSettings
from tests.synth.api_server import Refusal

ASK = GenerationRequest((Message("system", "Be brief."), Message("user", "Hello")), 9)
CLOUDS = ["azure", "bedrock", "vertex"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE", "OPENAI_ORG_ID"):
        monkeypatch.delenv(name, raising=False)
    given = {
        "AZURE_OPENAI_API_KEY": "sk-azure", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "sk-aws",
        "AWS_REGION": "eu-west-1", "ANTHROPIC_VERTEX_PROJECT_ID": "a-project", "CLOUD_ML_REGION": "europe-west1",
        "VERTEX_TOKEN": "sk-vertex", "OPENAI_API_KEY": "sk-openai", "ANTHROPIC_API_KEY": "sk-anthropic",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)


def settings(name: str, api: Any, **more: Any) -> SynthSettings:
    key = "VERTEX_TOKEN" if name == "vertex" else None
    return SynthSettings(provider=name, model="a-model", base_url=api.url, api_key_env=key, timeout=20, **more)


def generate(given: SynthSettings) -> Any:
    [answer] = make_provider(given, None).generate([ASK])
    return answer


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("azure", "/openai/deployments/a-model/chat/completions?api-version=2024-10-21"),
        ("bedrock", "/model/a-model/invoke"),
        (
            "vertex",
            "/projects/a-project/locations/europe-west1/publishers/anthropic/models/a-model:rawPredict",
        ),
    ],
)
def test_each_cloud_is_asked_at_its_own_address_with_its_own_credentials(name: str, path: str, api: Any) -> None:
    if name == "bedrock":
        pytest.importorskip("boto3")
    answer = generate(settings(name, api))
    assert (answer.text, answer.input_tokens, answer.stop_reason) == ("Put otherwise: Hello", 10, "stop")
    [sent] = api.seen
    assert sent["path"] == path
    headers = {key.lower(): value for key, value in sent["headers"].items()}
    if name == "azure":
        assert headers["api-key"] == "sk-azure"
    elif name == "bedrock":
        assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")
        assert "/eu-west-1/bedrock/aws4_request" in headers["authorization"]
        assert sent["body"]["anthropic_version"] and "model" not in sent["body"]
    else:
        assert headers["authorization"] == "Bearer sk-vertex"
        assert sent["body"]["anthropic_version"] and "model" not in sent["body"]
    for secret in ("sk-openai", "sk-anthropic", "sk-aws"):
        assert secret not in str(headers)


def test_bedrock_takes_a_key_where_one_is_named(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-bearer")
    generate(replace(settings("bedrock", api), api_key_env="MY_KEY"))
    headers = {key.lower(): value for key, value in api.seen[0]["headers"].items()}
    assert headers["authorization"] == "Bearer sk-bearer"


def test_azure_speaks_responses_too(api: Any) -> None:
    assert generate(replace(settings("azure", api), api="responses")).text == "Put otherwise: Hello"
    assert api.seen[0]["path"].startswith("/openai/responses?api-version=")


@pytest.mark.parametrize("name", CLOUDS)
def test_faults_mean_the_same_in_a_cloud(name: str, api: Any) -> None:
    if name == "bedrock":
        pytest.importorskip("boto3")
    api.faults = [Refusal(429, "throttled", {"retry-after": "2"}), 401]
    with pytest.raises(ProviderError) as passing:
        generate(settings(name, api))
    assert passing.value.retry_after == 2.0 and not isinstance(passing.value, ProviderRefusedError)
    with pytest.raises(ProviderRefusedError, match="401"):
        generate(settings(name, api))


def test_azure_says_no_by_policy_about_one_request_alone(api: Any) -> None:
    api.faults = [Refusal(400, "content_filter")]
    assert generate(settings("azure", api)).stop_reason == "refusal"


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("azure", "AZURE_OPENAI_API_KEY"),
        ("vertex", "ANTHROPIC_VERTEX_PROJECT_ID"),
        ("vertex", "CLOUD_ML_REGION"),
        ("vertex", "VERTEX_TOKEN"),
    ],
)
def test_what_is_missing_is_named(name: str, variable: str, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(SettingsError, match=variable):
        make_provider(settings(name, api), None)


@pytest.mark.parametrize("name", CLOUDS)
def test_a_cloud_has_no_price_of_its_own_and_no_batch_jobs_here(name: str, api: Any) -> None:
    with pytest.raises(SettingsError, match=r"synth\.price"):
        price_of(SynthSettings(provider=name, model="claude-haiku-4-5"))
    with pytest.raises(SettingsError, match=r"synth\.batch"):
        make_provider(settings(name, api, batch=True, price=Price(1, 1)), None)
    with pytest.raises(SettingsError, match="--offline"):
        make_provider(replace(settings(name, api), base_url="https://cloud.example"), None, offline=True)
