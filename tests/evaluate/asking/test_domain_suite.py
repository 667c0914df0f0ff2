"""A domain suite is put to the model as the chat template has it, and scored as its YAML says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.chat import inference_prompt
from assay.errors import SuiteError, UnknownNameError
from assay.evaluate.asking.domain_suite import DomainSuite, prepare
from assay.evaluate.models.causal_model import CausalModel
from assay.evaluate.models.lm_eval_model import AssayLM, Limits
from assay.models import load_base
from assay.records import Message
from assay.suites import read_suite

MakeSuite = Callable[..., Path]
ROWS = [
    {"id": "a", "prompt": "the cat sat", "reference": "yes", "choices": ["yes", "no", "the mat"], "cluster": "k"},
    {"id": "b", "prompt": "on the mat", "reference": 1, "choices": ["yes", "no"], "slice": "s"},
]


@pytest.fixture(scope="module")
def lm(target: Any) -> AssayLM:
    return AssayLM(CausalModel(load_base(target.ref)), target, Limits(4096, 256))


@pytest.fixture
def made(make_suite: MakeSuite, target: Any) -> Callable[..., DomainSuite]:
    def make(rows: list[dict[str, Any]], **header: Any) -> DomainSuite:
        return prepare(read_suite(make_suite("s", rows, **header)), target)

    return make


def test_prompts_are_the_inference_prompts_of_the_template(made: Callable[..., DomainSuite], target: Any) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "the cat?"}]
    suite = made([{"id": "a", "messages": messages, "reference": "yes"}])
    assert suite.prompts[0] == tuple(
        inference_prompt([Message("system", "Be brief."), Message("user", "the cat?")], target)
    )
    assert target.tokenizer.decode(suite.prompts[0]).endswith("<|im_start|>assistant\n")
    assert suite.items[0].text == "the cat?"


def test_without_a_template_the_prompt_stands_as_it_is(made: Callable[..., DomainSuite], target: Any) -> None:
    suite = made(ROWS, scorer="multiple_choice", apply_chat_template=False)
    assert target.tokenizer.decode(suite.prompts[0]) == "the cat sat"
    assert target.tokenizer.decode(suite.options[0][2]) == " the mat"


@pytest.mark.parametrize("normalised", [False, True])
def test_the_option_that_is_chosen_is_the_likeliest(
    made: Callable[..., DomainSuite], lm: AssayLM, normalised: bool
) -> None:
    suite = made(ROWS, scorer={"name": "multiple_choice", "length_normalised": normalised})
    told: list[int] = []
    answers = suite.answer(lm, [0, 1], told.append)
    for number, answer in enumerate(answers):
        choices = suite.suite.items[number].choices
        sums = []
        for option in suite.options[number]:
            ids = torch.tensor([suite.prompts[number] + option])
            with torch.inference_mode():
                logprobs = lm.causal_model.model(input_ids=ids).logits[0].log_softmax(-1)
            start = len(suite.prompts[number]) - 1
            sums.append(sum(float(logprobs[start + i, token]) for i, token in enumerate(option)))
        weighed = [s / len(c) for s, c in zip(sums, choices, strict=True)] if normalised else sums
        best = max(range(len(choices)), key=weighed.__getitem__)
        assert answer.output == choices[best] and answer.logprob == pytest.approx(sums[best], abs=1e-4)
        assert answer.option_logprobs == pytest.approx(sums, abs=1e-4)
        assert answer.score == float(choices[best] == suite.items[number].reference)
    assert sum(told) == 2
    assert suite.chance == pytest.approx((1 / 3 + 1 / 2) / 2)


def test_generated_answers_are_scored(made: Callable[..., DomainSuite], lm: AssayLM) -> None:
    free = made([{"id": "a", "prompt": "the cat", "reference": "x"}], max_new_tokens=5)
    (answer,) = free.answer(lm, [0], lambda _: None)
    assert answer.score == 0.0 and answer.logprob is None and answer.output and free.chance is None
    right = made([{"id": "a", "prompt": "the cat", "reference": answer.output.strip()}], max_new_tokens=5)
    assert right.answer(lm, [0], lambda _: None) == [answer._replace(score=1.0)]


def test_only_the_chosen_items_are_answered_in_their_order(made: Callable[..., DomainSuite], lm: AssayLM) -> None:
    suite = made(ROWS, scorer="multiple_choice")
    both = suite.answer(lm, [0, 1], lambda _: None)
    (second,) = suite.answer(lm, [1], lambda _: None)
    assert second.output == both[1].output and suite.answer(lm, [], lambda _: None) == []


def test_the_content_changes_with_all_that_decides_an_answer(made: Callable[..., DomainSuite]) -> None:
    def digest(rows: list[dict[str, Any]] = ROWS, **header: Any) -> str:
        return made(rows, **({"scorer": "multiple_choice"} | header)).content

    first, *rest = ROWS
    changed = [
        digest([first | {"reference": "no"}, *rest]),
        digest([first | {"prompt": "another"}, *rest]),
        digest([first | {"choices": ["yes", "no", "a mat"]}, *rest]),
        digest(scorer={"name": "multiple_choice", "length_normalised": True}),
        digest(apply_chat_template=False),
        digest(max_new_tokens=7),
    ]
    assert len({digest(), *changed}) == 7
    assert digest([first | {"slice": "other", "cluster": "other"}, *rest]) == digest()


@pytest.mark.parametrize(
    ("rows", "header", "match"),
    [
        ([{"id": "a", "prompt": "x", "reference": "y"}], {"scorer": "multiple_choice"}, "1 item without 'choices'"),
        (ROWS, {"scorer": {"name": "multiple_choice", "length_normalized": True}}, "length_normalised"),
        ([{"id": "a", "prompt": "x " * 300, "reference": "y"}], {}, r"item 'a' takes \d+ tokens.*context.*256"),
        ([{"id": "a", "prompt": "x\ud800", "reference": "y"}], {}, "item 'a' holds half a surrogate pair"),
        (
            [{"id": "a", "messages": [{"role": "system", "content": "s" * 9}] * 2, "reference": "y"}],
            {},
            "last message is of role",
        ),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    made: Callable[..., DomainSuite], rows: list[dict[str, Any]], header: dict[str, Any], match: str
) -> None:
    with pytest.raises(SuiteError, match=match) as raised:
        made(rows, **header)
    assert "\n" not in str(raised.value)


def test_an_unknown_scorer_is_named_with_the_nearest(made: Callable[..., DomainSuite]) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'exact_match'"):
        made(ROWS, scorer="exact_mach")
