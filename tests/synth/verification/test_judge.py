"""The judge may be another model at another place: asked there, priced as itself, under the same cap, and named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.protocols import Price
from assay.synth.asking.judging import judge_settings, make_judge
from assay.synth.costs.estimate import estimate, in_words
from assay.synth.files import describe
from assay.synth.provider import make_provider
from assay.synth.settings import JudgeSettings, SynthSettings
from assay.synth.stage import Synthesized, synth
from tests.synth.api_server import ApiServer, api_server

VERDICT = '{"reason": "right", "score": 5}'


@pytest.fixture
def other() -> Iterator[ApiServer]:
    with api_server() as server:
        server.reply, server.tokens = (lambda text: VERDICT), (20, 10)
        yield server


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")


def settings(api: Any, other: Any, count: int = 4, **more: Any) -> SynthSettings:
    api.reply = lambda text: f"In the store, I think: {text}"
    judge = JudgeSettings(provider="anthropic", model="judge-1", base_url=other.url, price=Price(30, 60))
    given: dict[str, Any] = {"price": Price(1, 2), "judge": judge, "methods": {"answer": {"count": count}}, **more}
    return SynthSettings(provider="openai_compatible", model="writer-1", base_url=f"{api.url}/v1", **given)


def generate(chosen: SynthSettings, seeds: Dataset, audit: Any, folder: Path) -> Synthesized:
    judge = make_judge(chosen, None)
    provider = make_provider(chosen, None)
    return synth(seeds, chosen, provider, audit, folder / "j.sqlite", judge=judge)


def test_another_provider_judges_and_its_price_and_name_stand_in_the_lineage(
    api: Any, other: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    result = generate(settings(api, other), seeds, keep_new, tmp_path)
    assert len(result.data) == 4
    assert len(api.answered) == 4 and not any("You check training data" in text for text in api.answered)
    assert len(other.answered) == 4 and all("You check training data" in text for text in other.answered)
    assert {request["path"] for request in other.seen} == {"/v1/messages"}
    each = (10 * 1 + 5 * 2 + 20 * 30 + 10 * 60) / 1e6
    for record in result.data.records():
        lineage = record.meta["synth"]
        assert (lineage["provider"], lineage["model"]) == ("openai_compatible", "writer-1")
        assert lineage["judge"] == {"provider": "anthropic", "model": "judge-1"}
        assert lineage["facts"]["judge"] == 5 and lineage["requests"] == 2
        assert lineage["usd"] == pytest.approx(each)
    assert result.spent.usd == pytest.approx(4 * each)
    assert result.judge is not None and result.judge.startswith("Judge: anthropic judge-1, $30 in, $60 out")


def test_one_cap_holds_for_the_writer_and_the_judge_together(
    api: Any, other: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    other.tokens = (800, 200)  # 3.6 cents each
    result = generate(settings(api, other, count=8, max_usd=0.2, concurrency=1), seeds, keep_new, tmp_path)
    assert result.stopped is not None and result.spent.usd <= 0.2
    assert 0 < len(other.seen) < 8 and result.refused["judge"] == 8 - len(result.data)


def test_a_second_run_asks_neither_again(api: Any, other: Any, seeds: Dataset, keep_new: Any, tmp_path: Path) -> None:
    first = generate(settings(api, other), seeds, keep_new, tmp_path)
    asked = len(api.seen), len(other.seen)
    assert generate(settings(api, other), seeds, keep_new, tmp_path).data.digest == first.data.digest
    assert (len(api.seen), len(other.seen)) == asked


def test_the_estimate_prices_the_judge_as_itself(api: Any, other: Any, seeds: Dataset) -> None:
    chosen = settings(api, other)
    alone = estimate(seeds, settings(api, other, verify={"judge": False}), Price(1, 2))
    found = estimate(seeds, chosen, Price(1, 2))
    assert (alone.low.requests, found.low.requests) == (4, 8) and alone.judge is None
    assert found.low.usd > 10 * alone.low.usd
    assert "Judge: anthropic judge-1, $30 in, $60 out, a million tokens (given in synth.price)." in in_words(
        found, Price(1, 2), "here"
    )


def test_a_model_that_judges_itself_is_allowed_and_said(
    api: Any, other: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    chosen = settings(api, other, judge=None, verify={"judge": True})
    api.reply = lambda text: VERDICT if "You check training data" in text else f"In the store: {text}"
    assert make_judge(chosen, None) is None
    result = generate(chosen, seeds, keep_new, tmp_path)
    assert len(result.data) == 4
    for said in (describe(result), in_words(estimate(seeds, chosen, Price(1, 2)), Price(1, 2), "")):
        assert "The judge is the model that writes" in said and "arXiv:2404.13076" in said
    assert json.loads(json.dumps(result.to_json()))["judge"] == result.judge
    [lineage, *_] = [record.meta["synth"] for record in result.data.records()]
    assert lineage["judge"] == {"provider": "openai_compatible", "model": "writer-1"}


def test_a_judge_inherits_only_what_belongs_to_its_place() -> None:
    writer = SynthSettings(
        provider="openai", model="a", base_url="https://x/v1", api_key_env="K", price=Price(1, 2), batch=True,
        temperature=0.9,
    )  # fmt: skip

    def asked(judge: JudgeSettings) -> tuple[Any, ...]:
        own = judge_settings(SynthSettings(**{**vars(writer), "judge": judge}))
        return own.provider, own.model, own.base_url, own.api_key_env, own.price, own.batch, own.temperature

    assert asked(JudgeSettings(model="b")) == ("openai", "b", "https://x/v1", "K", None, True, None)
    assert asked(JudgeSettings()) == ("openai", "a", "https://x/v1", "K", Price(1, 2), True, None)
    elsewhere = asked(JudgeSettings(provider="anthropic", model="b"))
    assert elsewhere == ("anthropic", "b", None, None, None, False, None)
    with pytest.raises(SettingsError, match=r"synth\.judge\.model"):
        judge_settings(SynthSettings(judge=JudgeSettings(provider="anthropic")))


def test_a_judge_without_a_price_is_refused_and_the_setting_named(seeds: Dataset) -> None:
    chosen = SynthSettings(judge=JudgeSettings(provider="openai", model="unheard-of"))
    with pytest.raises(SettingsError, match=r"synth\.judge\.price"):
        estimate(seeds, chosen, Price(0, 0))


def test_a_judge_that_was_named_and_not_made_is_said(
    api: Any, other: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    chosen = settings(api, other)
    with pytest.raises(SettingsError, match="make_judge"):
        synth(seeds, chosen, make_provider(chosen, None), keep_new, tmp_path / "j.sqlite")
    assert not api.seen


def test_personal_data_is_masked_before_a_judge_elsewhere_reads_it_though_the_writer_is_here() -> None:
    judge = JudgeSettings(provider="anthropic", model="claude-haiku-4-5", price=Price(1, 5))
    made: Any = make_judge(SynthSettings(judge=judge), None)
    assert made.veil is not None
