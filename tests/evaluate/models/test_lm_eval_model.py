"""The interface that lm-eval's tasks are asked through."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from assay.errors import SuiteError
from assay.evaluate.models.causal_model import CausalModel
from assay.evaluate.models.lm_eval_model import AssayLM, Limits
from assay.models import load_base


@pytest.fixture(scope="module")
def lm(target: Any) -> AssayLM:
    return AssayLM(CausalModel(load_base(target.ref)), target, Limits(512, 64))


def request(*arguments: Any) -> Any:
    return SimpleNamespace(args=arguments, task_name="t")


def test_the_chat_template_is_the_targets_and_not_the_tokenizers(lm: AssayLM, target: Any) -> None:
    history = [{"role": "user", "content": "Hi"}]
    assert lm.apply_chat_template(history) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    other = dataclasses.replace(target, template="{% for m in messages %}[{{ m.content }}]{% endfor %}")
    assert AssayLM(lm.causal_model, other, lm.limits).apply_chat_template(history) == "[Hi]"


def test_an_answer_that_is_begun_is_gone_on_with(lm: AssayLM) -> None:
    history = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The answer is"}]
    assert lm.apply_chat_template(history, add_generation_prompt=False).endswith("The answer is")


def test_rolling_likelihood_sums_over_windows_of_the_whole_text(lm: AssayLM) -> None:
    text = "the cat sat on the mat. " * 24
    ids = [lm.prefix_token_id, *lm.tok_encode(text)]
    assert len(ids) > 2 * lm.max_length
    expected, start = 0.0, 1
    while start < len(ids):
        end = min(start + lm.max_length, len(ids))
        window = ids[max(0, end - lm.max_length - 1) : end]
        with torch.inference_mode():
            logprobs = lm.causal_model.model(input_ids=torch.tensor([window[:-1]])).logits[0].log_softmax(-1)
        expected += sum(float(logprobs[-(end - i), ids[i]]) for i in range(start, end))
        start = end
    assert lm.loglikelihood_rolling([request(text)]) == [pytest.approx(expected, abs=1e-3)]


def test_generation_takes_lengths_and_stop_texts_under_each_of_their_names(lm: AssayLM) -> None:
    for name in ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens"):
        (text,) = lm.generate_until([request("the cat", {"until": [], name: 4})])
        assert 0 < len(lm.tok_encode(text)) <= 8
    free = text
    (stopped,) = lm.generate_until([request("the cat", {"until": free[1], "max_gen_toks": 4})])
    assert stopped == free.partition(free[1])[0]
    same = {"do_sample": False, "temperature": 0.7, "top_p": 0.9, "max_gen_toks": 4, "until": ["\n\n"]}
    assert lm.generate_until([request("the cat", same)]) == [free.partition("\n\n")[0]]


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"do_sample": True}, "samples its answers"),
        ({"temperature": 0.7}, "samples its answers"),
        ({"num_beams": 4}, "'num_beams'.*greedy"),
        ({"repetition_penalty": 1.2}, "'repetition_penalty'.*greedy"),
        ({"max_gen_toks": 64}, "asks for 64 new tokens.*context is 64"),
    ],
)
def test_what_is_not_greedy_or_does_not_fit_is_refused(lm: AssayLM, settings: dict[str, Any], match: str) -> None:
    with pytest.raises(SuiteError, match=match) as raised:
        lm.generate_until([request("the cat", settings)])
    assert "task t" in str(raised.value) and "\n" not in str(raised.value)


def test_a_prompt_that_is_too_long_loses_its_beginning(lm: AssayLM) -> None:
    long, settings = "the cat sat on the mat. " * 30, {"max_gen_toks": 8, "until": []}
    short = lm.tokenizer.decode(lm.tok_encode(long)[-56:])
    assert len(lm.tok_encode(short)) == 56
    assert lm.generate_until([request(long, settings)]) == lm.generate_until([request(short, settings)])


def test_the_beginning_of_sequence_stands_there_once(lm: AssayLM, target: Any) -> None:
    """As with tokenizers of Llama or Gemma, which put it there themselves, and templates that write it too."""
    import copy

    from tokenizers.processors import TemplateProcessing

    tokenizer = copy.deepcopy(target.tokenizer)
    tokenizer.bos_token = "<|endoftext|>"
    pieces = TemplateProcessing(single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", tokenizer.bos_token_id)])
    tokenizer.backend_tokenizer.post_processor = pieces
    other = AssayLM(lm.causal_model, dataclasses.replace(target, tokenizer=tokenizer), lm.limits)
    plain = lm.tok_encode("the cat")
    assert other.prefix_token_id == tokenizer.bos_token_id != lm.prefix_token_id
    for text in ("the cat", "<|endoftext|>the cat"):
        assert other.tok_encode(text) == [tokenizer.bos_token_id, *plain]
    assert other._encode_pair("the cat", " sat")[0] == [tokenizer.bos_token_id, *plain]


SENTENCE = "the cat sat on the mat. "


@pytest.mark.parametrize(
    ("context", "continuation", "match"),
    [
        ("the cat", "", "adds no token"),
        ("", "", "asks nothing"),
        ("   ", "", "nothing but spaces"),
        ("the cat", SENTENCE * 20, "tokens, and the model's context is 64"),
    ],
)
def test_what_lm_eval_asserts_is_one_line(lm: AssayLM, context: str, continuation: str, match: str) -> None:
    with pytest.raises(SuiteError, match=match) as raised:
        lm.loglikelihood([request(context, continuation)], disable_tqdm=True)
    assert "\n" not in str(raised.value)


def test_texts_are_tokenised_once_for_all_models(lm: AssayLM, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [request(f"{SENTENCE}{n}", f" {word}") for n in range(3) for word in ("yes", "no")]
    first = lm.loglikelihood(asked, disable_tqdm=True)
    calls: list[str] = []
    encode = lm.tokenizer._encode_plus
    monkeypatch.setattr(
        type(lm.tokenizer), "_encode_plus", lambda self, text, *_, **given: calls.append(text) or encode(text, **given)
    )
    assert lm.loglikelihood(asked, disable_tqdm=True) == first
    assert not calls
    lm.loglikelihood([request("the mat", " yes")], disable_tqdm=True)
    assert calls
