"""For each family of models, assay's scores and answers are those of lm-eval's own `hf` backend.

Base and adapters are switched on and off in one process here, and loaded each by itself there.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from assay.chat import load_target
from assay.evaluate.models.causal_model import CausalModel
from assay.evaluate.models.lm_eval_model import AssayLM, Limits
from assay.evaluate.models.switched_model import Precision, SwitchedModel, load_switched
from assay.models import load_base
from tests.conftest import build_tiny_tokenizer
from tests.evaluate.conftest import build_adapter

MAX_LENGTH = 96
WINDOW = 16
SIZE = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": MAX_LENGTH,
    "bos_token_id": None,
    "eos_token_id": 2,
    "initializer_range": 0.2,  # far from uniform, so that a wrong mask is far from right
}


def configurations() -> Mapping[str, Callable[[], Any]]:
    from transformers import (
        Gemma2Config,
        Gemma3TextConfig,
        LlamaConfig,
        MistralConfig,
        Qwen2Config,
        Qwen3Config,
        SmolLM3Config,
    )

    slides = {"use_sliding_window": True, "sliding_window": WINDOW, "max_window_layers": 2}
    gemma = {"head_dim": 8, "sliding_window": WINDOW, "tie_word_embeddings": True}
    return {
        "llama": lambda: LlamaConfig(**SIZE, tie_word_embeddings=False),
        "smollm": lambda: LlamaConfig(**SIZE, tie_word_embeddings=True),
        "smollm3": lambda: SmolLM3Config(**SIZE, pad_token_id=3, no_rope_layer_interval=2),
        "mistral": lambda: MistralConfig(**SIZE, sliding_window=WINDOW),
        "qwen2": lambda: Qwen2Config(**SIZE, tie_word_embeddings=True),
        "qwen2 with windows": lambda: Qwen2Config(**SIZE, **slides),
        "qwen3": lambda: Qwen3Config(**SIZE, head_dim=16),
        "gemma2": lambda: Gemma2Config(
            **SIZE, **gemma, query_pre_attn_scalar=8, attn_logit_softcapping=5.0, final_logit_softcapping=8.0
        ),
        "gemma3": lambda: Gemma3TextConfig(
            **SIZE,
            **gemma,
            query_pre_attn_scalar=8,
            layer_types=["sliding_attention", "full_attention"] * 2,
        ),
    }


FAMILIES = ("llama", "smollm", "smollm3", "mistral", "qwen2", "qwen2 with windows", "qwen3", "gemma2", "gemma3")
WITH_BOS = ("llama", "mistral", "gemma2", "gemma3")
"""Families whose tokenizers put a token at the beginning of each text."""


def build(folder: Path, family: str) -> None:
    from transformers import AutoModelForCausalLM

    torch.manual_seed(3)
    AutoModelForCausalLM.from_config(configurations()[family]()).save_pretrained(folder)
    build_tiny_tokenizer(folder)
    if family in WITH_BOS:
        put_beginning(folder)


def put_beginning(folder: Path) -> None:
    from tokenizers.processors import TemplateProcessing
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.bos_token = "<|endoftext|>"
    pieces = TemplateProcessing(single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", tokenizer.bos_token_id)])
    tokenizer.backend_tokenizer.post_processor = pieces
    tokenizer.chat_template = "{{ bos_token }}" + str(tokenizer.chat_template)
    tokenizer.save_pretrained(folder)


class Pair(NamedTuple):
    """One family: the arms held in one process, and lm-eval's own class over each of them loaded alone."""

    switched: SwitchedModel
    ours: AssayLM
    theirs: Mapping[str, Any]

    def each(self) -> Iterator[tuple[str, Any]]:
        """Back and forth, so that an arm is met after each of the others."""
        for name in ("base", "candidate", "previous", "base", "previous", "candidate"):
            with self.switched.switched_to(name):  # type: ignore[arg-type]
                yield name, self.theirs[name]


@pytest.fixture(scope="module", params=FAMILIES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    from lm_eval.models.huggingface import HFLM
    from peft import PeftModel

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    root = tmp_path_factory.mktemp("family")
    build(root / "base", request.param)
    adapters = {name: build_adapter(root / "base", root / name, seed) for seed, name in enumerate(ARMS[1:], 1)}
    target = load_target(str(root / "base"))
    switched = load_switched(target.ref, target, adapters, FLOAT32, damage_seed=0)  # type: ignore[arg-type]

    def alone(name: str) -> Any:
        model: Any = load_base(target.ref, dtype="float32")
        return model if name == "base" else PeftModel.from_pretrained(model, str(adapters[name])).eval()

    theirs = {
        name: HFLM(pretrained=alone(name), tokenizer=target.tokenizer, batch_size=4, max_length=MAX_LENGTH)
        for name in ARMS
    }
    return Pair(switched, AssayLM(CausalModel(switched.model), target, Limits(256, MAX_LENGTH)), theirs)


ARMS = ("base", "candidate", "previous")
FLOAT32 = Precision(False, "nf4", True, "float32")
SENTENCE = "the cat sat on the mat. "
PREAMBLE = "user: yes\nassistant: no\n\nuser: the cat\nassistant: the mat\n\n"
EXAMPLES = PREAMBLE * 2
"""More than a window, less than the context: what fixed examples look like."""

OPTIONS = (" the", " the cat", " the cat sat on the mat and sat and sat. yes", "no", " ", "\n\n")
CONTEXTS = {
    "plain": "user: the cat",
    "longer than a window": SENTENCE * 2 + "user",
    "a space at its end": "the cat sat on ",
    "spaces and a line's end": "the cat sat \n ",
    "nothing": "",
    "one letter": "t",
    "longer than the context": SENTENCE * 20,
    "half a word": "the cat sat on the m",
    "begun by the template": "<|im_start|>user\nthe cat<|im_end|>\n<|im_start|>assistant\n",
    "begun with the first token": "<|endoftext|>the cat",
    "not ASCII": "élan naïve ☃ 猫",
}


def instances(kind: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    from lm_eval.api.instance import Instance

    return [
        Instance(request_type=kind, doc={}, arguments=given, idx=0, metadata=("t", number, 1))
        for number, given in enumerate(arguments)
    ]


def multiple_choice() -> list[tuple[str, str]]:
    """Every context with every option, and items that share examples: first those that pack, then those that share."""
    pairs = [(context, option) for context in CONTEXTS.values() for option in OPTIONS]
    shared = [(f"{EXAMPLES}user: {word} {n}\nassistant:", o) for n, word in enumerate("abcdef") for o in OPTIONS[:4]]
    return pairs + shared


def assert_same(found: Sequence[tuple[float, bool]], expected: Sequence[tuple[float, bool]]) -> None:
    assert [greedy for _, greedy in found] == [greedy for _, greedy in expected]
    assert max(abs(a[0] - b[0]) for a, b in zip(found, expected, strict=True)) < 1e-4


def test_choices_are_as_likely_whatever_the_batches(pair: Pair) -> None:
    everything = instances("loglikelihood", multiple_choice())
    shared = instances("loglikelihood", multiple_choice()[-24:])
    assert len({context for context, _ in multiple_choice()[-24:]}) == 6
    for _, backend in pair.each():
        for asked in (everything, shared):
            assert_same(
                pair.ours.loglikelihood(asked, disable_tqdm=True), backend.loglikelihood(asked, disable_tqdm=True)
            )


def test_arms_differ_or_nothing_is_shown(pair: Pair) -> None:
    asked = instances("loglikelihood", multiple_choice()[:12])
    found = {}
    for name, _ in pair.each():
        scores = [logprob for logprob, _ in pair.ours.loglikelihood(asked, disable_tqdm=True)]
        assert found.setdefault(name, scores) == scores, "an arm that was switched off and on again is the same"
    assert len({tuple(scores) for scores in found.values()}) == len(ARMS)
    assert min(abs(a - b) for a, b in zip(found["base"], found["candidate"], strict=True)) > 1e-3


def test_whole_texts_are_as_likely(pair: Pair) -> None:
    """Windows of the context's length, and of one token; at 400 words single-precision sums do not matter yet."""
    texts = [(SENTENCE * 30,), ("the",), (SENTENCE * 3,), ("",), ("élan ☃ 猫 " * 20,)]
    for _, backend in pair.each():
        asked = instances("loglikelihood_rolling", texts)
        found = pair.ours.loglikelihood_rolling(asked, disable_tqdm=True)
        assert found == pytest.approx(backend.loglikelihood_rolling(asked, disable_tqdm=True), rel=1e-6)


@pytest.mark.parametrize("until", [[], ["at", "o", "<unused0>"]])
def test_answers_are_the_same_text(pair: Pair, until: list[str]) -> None:
    """lm-eval finds "o" in the text of a special token that it then leaves out."""
    settings = {"until": until, "max_gen_toks": 10, "do_sample": False}
    shared = [EXAMPLES + f"user: {word}\nassistant:" for word in "abcd"]
    others = [CONTEXTS[name] for name in ("longer than the context", "one letter", "begun with the first token")]
    for name in ("base", "candidate"):
        with pair.switched.switched_to(name):  # type: ignore[arg-type]
            for prompts in (shared, others):
                asked = instances("generate_until", [(prompt, settings) for prompt in prompts])
                found = pair.ours.generate_until(asked, disable_tqdm=True)
                assert found == [one_by_one(pair.theirs[name], prompt, settings) for prompt in prompts]


def one_by_one(backend: Any, prompt: str, settings: Mapping[str, Any]) -> str:
    """In a batch of lm-eval's a row goes on after a stop text until the last row has met one."""
    (text,) = backend.generate_until(instances("generate_until", [(prompt, dict(settings))]), disable_tqdm=True)
    return str(text)


def test_examples_as_turns_of_a_conversation(pair: Pair, make_task: Callable[..., Path]) -> None:
    """`--apply_chat_template --fewshot_as_multiturn` of lm-eval: prompts and likelihoods are the same."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    from assay.evaluate.asking.task_loading import load_tasks
    from assay.evaluate.asking.task_suite import prepare_task

    rows = [
        {"id": f"i{n}", "question": f"the {word}?", "choices": ["cat", "the mat"], "answer": n % 2}
        for n, word in enumerate("abcdef")
    ]
    folder = make_task(
        "turns", rows, fewshot_split="test", fewshot_config={"sampler": "first_n", "samples": rows[:2]}, num_fewshot=2
    )
    ((task, file),) = load_tasks(("turns",), [folder], None)
    prepared = prepare_task(task, file, pair.ours, apply_chat_template=True)
    asked = [request for requests in prepared.requests for request in requests]
    with pair.switched.switched_to("candidate"), contextlib.chdir(folder):
        found = pair.ours.loglikelihood(asked, disable_tqdm=True)
        logged = lm_eval.simple_evaluate(
            pair.theirs["candidate"],
            tasks=["turns"],
            task_manager=TaskManager(include_path=str(folder), include_defaults=False),
            apply_chat_template=True,
            fewshot_as_multiturn=True,
            bootstrap_iters=0,
        )["samples"]["turns"]
    samples = sorted(logged, key=lambda sample: int(sample["doc_id"]))
    assert "<|im_end|>" in asked[0].args[0]
    assert [request.args for request in asked] == [
        tuple(argument.values()) if isinstance(argument, dict) else tuple(argument)
        for sample in samples
        for argument in (sample["arguments"].values() if isinstance(sample["arguments"], dict) else sample["arguments"])
    ]
    assert_same(found, [tuple(response[0]) for sample in samples for response in sample["resps"]])
