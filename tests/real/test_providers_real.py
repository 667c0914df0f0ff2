"""The real services, where there is a key: one answer, one structured answer, one refused key; a cent at most.

ASSAY_OPENAI_MODEL and ASSAY_ANTHROPIC_MODEL name other models than the cheapest ones of the price list.
"""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest

from assay.calls.caller import Caller
from assay.calls.journal import Journal
from assay.errors import ProviderRefusedError
from assay.protocols import GenerationRequest
from assay.records import Message
from assay.synth.provider import make_provider, price_of
from assay.synth.settings import SynthSettings

SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string"}},
    "required": ["colour"],
    "additionalProperties": False,
}
ASK = GenerationRequest((Message("system", "Answer in one word."), Message("user", "What colour is grass?")), 400)
SERVICES = [
    ("openai", "chat", "OPENAI_API_KEY", os.environ.get("ASSAY_OPENAI_MODEL", "gpt-6-luna")),
    ("openai", "responses", "OPENAI_API_KEY", os.environ.get("ASSAY_OPENAI_MODEL", "gpt-6-luna")),
    ("anthropic", "chat", "ANTHROPIC_API_KEY", os.environ.get("ASSAY_ANTHROPIC_MODEL", "claude-haiku-4-5")),
]


@pytest.mark.parametrize(("name", "api", "variable", "model"), SERVICES)
def test_a_real_service_answers_within_its_reservation(
    name: str, api: Any, variable: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.environ.get(variable):
        pytest.skip(f"no {variable}")
    given = SynthSettings(provider=name, model=model, api=api, max_retries=3)
    requests = [ASK, dataclasses.replace(ASK, schema=SCHEMA)]
    with Journal(tmp_path / "journal.sqlite", max_requests=8, max_usd=0.01) as book:
        plain, structured = Caller(make_provider(given, None), book, price_of(given), 3).ask(requests)
        assert book.spent().usd < 0.01
    assert plain is not None and "green" in plain.text.lower() and plain.input_tokens > 0
    assert structured is not None and json.loads(structured.text)["colour"]
    monkeypatch.setenv("WRONG_KEY", "sk-this-is-no-key")
    wrong = dataclasses.replace(given, api_key_env="WRONG_KEY")
    with pytest.raises(ProviderRefusedError, match="401"):
        make_provider(wrong, None).generate([ASK])
