"""A model on this machine: each request of a batch keeps its own bound, temperature and schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.protocols import GenerationRequest
from assay.records import Message
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings


@pytest.fixture(scope="module")
def local(tiny_model: Path) -> Any:
    pytest.importorskip("torch")
    return make_provider(SynthSettings(provider="local", model=str(tiny_model)), None, offline=True)


def ask(text: str, tokens: int, temperature: float, **more: Any) -> GenerationRequest:
    return GenerationRequest((Message("user", text),), tokens, temperature=temperature, seed=3, **more)


def test_each_request_of_a_batch_is_bounded_by_its_own_tokens(local: Any) -> None:
    answers = local.generate([ask("one", 3, 0.0), ask("two", 9, 0.0), ask("three", 5, 0.0)])
    assert all(answer.output_tokens <= most for answer, most in zip(answers, (3, 9, 5), strict=True))
    assert [answer.stop_reason for answer in answers].count("length") >= 1


def test_greedy_answers_do_not_depend_on_what_stands_beside_them(local: Any) -> None:
    greedy = ask("one", 6, 0.0)
    [alone] = local.generate([greedy])
    beside, _, again = local.generate([greedy, ask("two", 6, 5.0), greedy])
    assert alone.text == beside.text == again.text


def test_the_same_batch_gives_the_same_answers(local: Any) -> None:
    batch = [ask("one", 6, 1.0), ask("two", 6, 1.0)]
    assert local.generate(batch) == local.generate(batch)


def test_a_schema_is_told_where_the_prompt_does_not_speak_of_json() -> None:
    from assay.synth.providers.local import told

    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    assert "JSON object" in (told(ask("Say it.", 6, 0.0, schema=schema))[-1].content or "")
    for request in (ask("Say it.", 6, 0.0), ask("Say it as JSON.", 6, 0.0, schema=schema)):
        assert told(request) == request.messages
