"""Each step is counted, runs when it should, and those that cost are asked only about what is worth it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from assay.chat import load_target
from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.protocols import Price
from assay.synth.handed import make_bench
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings
from assay.synth.stage import Synthesized, synth
from assay.synth.verifier import Bench, steps
from tests.synth.test_handed import SUITE

METHODS = {"answer": {"count": 4}}


def generate(
    api: Any, seeds: Dataset, audit: Any, folder: Path, scorer: Any = None, target: Any = None, **more: Any
) -> Synthesized:
    settings = SynthSettings(
        provider="openai_compatible", model="m", base_url=f"{api.url}/v1", **{"methods": METHODS, **more}
    )
    bench = Bench(settings, target, scorer)
    return synth(seeds, settings, make_provider(settings, None), audit, folder / "j.sqlite", bench=bench)


def count(result: Synthesized, step: str) -> tuple[int, int]:
    return next((item.entered, item.refused) for item in result.steps if item.step == step)


def test_steps_that_ask_run_only_when_they_are_named() -> None:
    assert [step.name for step in steps(SynthSettings())] == ["boilerplate", "quote", "scorer", "template"]
    named = SynthSettings(verify={"judge": True, "quote": False, "agreement": {"k": 2}})
    assert [step.name for step in steps(named)] == ["boilerplate", "scorer", "template", "agreement", "judge"]


@pytest.mark.parametrize(
    ("verify", "said"),
    [({"juge": True}, "judge"), ({"judge": {"min_skore": 2}}, "min_score"), ({"judge": 3}, "true, false or settings")],
)
def test_a_wrong_setting_is_said(verify: Any, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        steps(SynthSettings(verify=verify))


def test_agreement_asks_k_times_and_refuses_what_the_others_do_not_say(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    asked: dict[str, int] = {}

    def model(text: str) -> str:
        asked[text] = asked.get(text, 0) + 1
        return f"It is on shelf {asked[text] if 'refund' in text else 7} in the large store."

    api.reply = model
    result = generate(
        api, seeds, keep_new, tmp_path, methods={"answer": {"count": 8}}, verify={"agreement": {"k": 2}}, concurrency=1
    )
    assert set(asked.values()) == {3}
    assert result.refused == {"agreement": 1} and count(result, "agreement") == (8, 1)
    for record in result.data.records():
        assert record.meta["synth"]["facts"]["agreement"] == 1.0
        assert record.meta["synth"]["requests"] == 3
        assert record.meta["synth"]["checks"][-1] == "agreement"


@pytest.mark.parametrize("fault", ["truncated", "refusal"])
@pytest.mark.parametrize(("times", "agreement"), [(1, 0.667), (2, None)])
def test_an_independent_answer_that_is_cut_or_declined_disagrees(
    fault: str, times: int, agreement: float | None, api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    api.reply = lambda text: "It is on shelf 7 in the large store."
    api.faults = [None, *[fault] * times]
    one = Dataset.from_records(list(seeds.records())[:1])
    result = generate(
        api, one, keep_new, tmp_path, methods={"answer": {"count": 1}}, verify={"agreement": {"k": 3}}, concurrency=1
    )
    assert [record.meta["synth"]["facts"]["agreement"] for record in result.data.records()] == (
        [agreement] if agreement else []
    )
    assert result.refused == ({} if agreement else {"agreement": 1})


def test_an_answer_that_the_scorer_cannot_take_for_a_reference_is_refused_and_ends_no_run(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    """A reference that is no JSON stops an evaluation, where a person wrote it; here a model did."""
    reader = make_bench(SynthSettings(), None, [SUITE]).scorer
    result = generate(api, seeds, keep_new, tmp_path, scorer=reader, methods={"answer": {"count": 4}})
    assert set(result.refused) == {"scorer"} and not len(result.data)


def test_the_scorer_of_the_suite_decides_what_agrees_and_what_can_be_read(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    def scorer(output: str, reference: str) -> float:
        try:
            return float(json.loads(output)["intent"] == json.loads(reference)["intent"])
        except (ValueError, KeyError, TypeError):
            return 0.0

    number = iter(range(1000))
    api.reply = lambda text: (
        "no JSON" if "parcel" in text else json.dumps({"intent": "where", "why": f"reason {next(number)}"})
    )
    result = generate(
        api, seeds, keep_new, tmp_path, scorer=scorer, methods={"answer": {"count": 8}}, verify={"agreement": True}
    )
    assert result.refused == {"scorer": 1} and len(result.data) == 7


@pytest.mark.parametrize(
    ("verdict", "refused"),
    [
        ('{"reason": "right", "score": 5}', {}),
        ('{"reason": "weak", "score": 3}', {"judge": 4}),
        ('{"reason": "x", "score": "five"}', {"judge": 4}),
        ('{"reason": "x", "score": 50}', {"judge": 4}),
        ('{"no": "score"}', {"judge": 4}),
    ],
)
def test_a_judge_decides_by_its_score(
    verdict: str, refused: dict[str, int], api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    api.reply = lambda text: verdict if "You check training data" in text else f"In the store, I think: {text}"
    start = Dataset.from_records(list(seeds.records())[:4])
    result = generate(api, start, keep_new, tmp_path, verify={"judge": {"rubric": "5: by the house rules"}})
    assert result.refused == refused and count(result, "judge") == (4, len(refused) and 4)
    assert any("5: by the house rules" in text for text in api.answered)


def test_no_judgement_is_paid_for_what_is_refused_anyway(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    api.reply = lambda text: "I cannot help with that."
    generate(api, seeds, keep_new, tmp_path, verify={"judge": True, "agreement": True})
    assert len(api.answered) == 8


def test_judges_count_against_the_cap_and_what_was_not_judged_is_refused(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path
) -> None:
    api.reply = lambda text: '{"reason": "", "score": 5}' if "You check" in text else f"In the store: {text}"
    result = generate(
        api, seeds, keep_new, tmp_path, verify={"judge": True}, max_requests=6, concurrency=1, price=Price(1, 1)
    )
    assert len(api.seen) == 6 and len(result.data) == 2
    assert result.stopped is not None and result.refused == {"judge": 2}
    assert len(result.ledger) == 4


NO_USERS = "{% for m in messages %}{% if m.role == 'user' %}{{ raise_exception('no users') }}{% endif %}{% endfor %}"


def test_a_record_that_the_template_of_the_target_cannot_render_is_refused(
    api: Any, seeds: Dataset, keep_new: Any, tmp_path: Path, tiny_model: Path
) -> None:
    target = load_target(str(tiny_model))
    api.reply = lambda text: f"In the store: {text}"
    fine = generate(api, seeds, keep_new, tmp_path / "a", target=target)
    assert count(fine, "template") == (4, 0) and len(fine.data) == 4
    strict = dataclasses.replace(target, template=NO_USERS)
    broken = generate(api, seeds, keep_new, tmp_path / "b", target=strict)
    assert set(broken.refused) == {"template"} and len(broken.data) == 0
