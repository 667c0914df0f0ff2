"""Rounds are as large as what is asked allows: a batch job may take a day, so few of them carry everything."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from assay.dataset import Dataset
from assay.protocols import Price
from assay.synth.provider import make_provider
from assay.synth.running.rounds import enough
from assay.synth.settings import SynthSettings
from assay.synth.stage import Synthesized, synth
from tests.synth.api_server import Refusal
from tests.synth.conftest import seed_record

PROVIDERS = ["openai", "anthropic"]
REFUSED = ("seven", "eight", "nine")
TENS = ("one", "two", "three", "four", "five", "six", *REFUSED, "zero")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")
    monkeypatch.setattr("assay.calls.batches.FIRST_POLL", 0.01)


def many(count: int) -> Dataset:
    return Dataset.from_records(
        seed_record(number, f"Where is the {TENS[number % 10]} parcel of order BW-{number:04d}?")
        for number in range(count)
    )


def generate(api: Any, name: str, audit: Any, folder: Path, **more: Any) -> Synthesized:
    base = api.url if name == "anthropic" else f"{api.url}/v1"
    settings = SynthSettings(
        provider=name, model="m", base_url=base, batch=True, batch_poll_seconds=0.02, max_requests=5000, min_new=0,
        **more,
    )  # fmt: skip
    return synth(many(1000), settings, make_provider(settings, None), audit, folder / "j.sqlite")


@pytest.mark.parametrize("name", PROVIDERS)
def test_one_job_carries_all_that_is_wanted(name: str, api: Any, keep_new: Any, tmp_path: Path) -> None:
    result = generate(api, name, keep_new, tmp_path, methods={"paraphrase": {"count": 500}})
    assert len(result.data) == 500 and [job.total for job in api.jobs.jobs.values()] == [500]


@pytest.mark.parametrize("name", PROVIDERS)
def test_where_three_in_ten_are_refused_a_second_job_brings_the_rest(
    name: str, api: Any, keep_new: Any, tmp_path: Path
) -> None:
    """The second is by the rate of the first, and so much larger that it does not leave a few for a third."""
    api.reply = lambda text: "Where is it?" if any(word in text for word in REFUSED) else f"Put otherwise: {text}"
    result = generate(api, name, keep_new, tmp_path, methods={"paraphrase": {"count": 500, "per_seed": 1}})
    assert len(result.data) == 500 and result.stopped is None
    first, second = (job.total for job in api.jobs.jobs.values())
    assert first == 500 and 150 / 0.7 <= second <= 150 / 0.7 + 3 * math.sqrt(second)
    assert 0 < result.refused["surplus"] <= 3 * math.sqrt(second)


def test_all_that_curate_kept_is_judged_in_one_job(api: Any, keep_new: Any, tmp_path: Path) -> None:
    def reply(text: str) -> str:
        if "You check training data" in text:
            return '{"reason": "", "score": 2}' if "nine" in text else '{"reason": "", "score": 5}'
        return "Where is it?" if "eight" in text else f"Put otherwise: {text}"

    api.reply = reply
    methods = {"paraphrase": {"count": 300, "per_seed": 1}}
    result = generate(api, "openai", keep_new, tmp_path, methods=methods, verify={"judge": True})
    assert len(result.data) == 300 and len(api.jobs.jobs) == 4  # two rounds, each one job to write and one to judge


def live(api: Any, audit: Any, folder: Path, **more: Any) -> Synthesized:
    settings = SynthSettings(
        provider="openai_compatible", model="m", base_url=f"{api.url}/v1", concurrency=1, min_new=0, **more
    )
    return synth(many(200), settings, make_provider(settings, None), audit, folder / "j.sqlite")


@pytest.mark.parametrize("fault", ["refusal", Refusal(400, "content_policy_violation")])
def test_what_is_declined_again_and_again_is_not_asked_on(fault: Any, api: Any, keep_new: Any, tmp_path: Path) -> None:
    api.faults = [fault] * 1000
    result = live(api, keep_new, tmp_path, methods={"paraphrase": {"count": 100}}, max_declined=5)
    assert len(api.seen) == 5 and result.refused == {"refusal": 5}
    assert result.stopped is not None and "declined 5 prompts in a row" in result.stopped
    assert "synth.max_declined" in result.stopped


def test_a_prompt_now_and_then_that_is_declined_stops_nothing(api: Any, keep_new: Any, tmp_path: Path) -> None:
    api.faults = [*["refusal", None] * 30]
    result = live(api, keep_new, tmp_path, methods={"paraphrase": {"count": 40}}, max_declined=2)
    assert len(result.data) == 40 and result.stopped is None
    assert result.refused["refusal"] == 30


def test_declined_later_it_stops_too_and_keeps_what_there_is(api: Any, keep_new: Any, tmp_path: Path) -> None:
    api.faults = [*[None] * 30, *["refusal"] * 500]
    result = live(api, keep_new, tmp_path, methods={"paraphrase": {"count": 150}}, max_declined=20)
    assert len(result.data) == 30 and len(api.seen) == 20 + 64
    assert result.stopped is not None and "declined 54 prompts in a row" in result.stopped


def test_zero_turns_it_off(api: Any, keep_new: Any, tmp_path: Path) -> None:
    api.faults = ["refusal"] * 40
    result = live(api, keep_new, tmp_path, methods={"paraphrase": {"count": 4}}, max_declined=0)
    assert len(result.data) == 4


def test_a_judge_that_declines_everything_stops_it_before_more_is_written(
    api: Any, keep_new: Any, tmp_path: Path
) -> None:
    api.faults = [*[None] * 5, *["refusal"] * 500]
    methods = {"paraphrase": {"count": 100}}
    result = live(api, keep_new, tmp_path, methods=methods, verify={"judge": True}, max_declined=5)
    assert len(api.seen) == 10 and not len(result.data)
    assert result.stopped is not None and "'judge' declined 5 prompts in a row" in result.stopped


def test_a_wrong_key_is_tried_once_and_not_by_each_method(api: Any, keep_new: Any, tmp_path: Path) -> None:
    api.faults = [401] * 10
    result = live(api, keep_new, tmp_path, methods={"paraphrase": {"count": 2}, "answer": {"count": 3}})
    assert len(api.seen) == 1 and result.wanted == 5 and result.stopped is not None and "401" in result.stopped


@pytest.mark.parametrize(("missing", "rate"), [(1, 0.5), (30, 0.9), (150, 0.7), (1000, 0.1), (7, 1.0)])
def test_what_is_asked_leaves_too_few_in_one_case_of_forty(missing: int, rate: float) -> None:
    from statistics import NormalDist

    asked = enough(missing, rate)
    if rate == 1.0:
        assert asked == missing
        return
    spread = math.sqrt(asked * rate * (1 - rate))
    assert NormalDist(asked * rate, spread).cdf(missing) <= 0.0228
    assert NormalDist((asked - 1) * rate, math.sqrt((asked - 1) * rate * (1 - rate))).cdf(missing) > 0.0227


def test_how_far_it_is_is_said_now_and_then_and_not_for_each_answer(api: Any, keep_new: Any, tmp_path: Path) -> None:
    settings = SynthSettings(
        provider="openai_compatible", model="m", base_url=f"{api.url}/v1", price=Price(1, 1), min_new=0,
        methods={"paraphrase": {"count": 20}},
    )  # fmt: skip
    said: list[str] = []
    synth(many(30), settings, make_provider(settings, None), keep_new, tmp_path / "j.sqlite", on_progress=said.append)
    assert [line for line in said if "requests answered" in line][-1] == (
        "paraphrase: 20 of 20 requests answered, $0.0003"
    )
    assert len(said) < 20
