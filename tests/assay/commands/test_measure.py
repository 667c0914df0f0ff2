"""`assay synth --measure` as it is typed: a server writes the records, two adapters are trained, the gate says."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from tests.conftest import CHATML
from tests.synth.api_server import ApiServer, api_server

DESKS = {"invoice": "billing", "parcel": "shipping", "password": "account", "valve": "repair"}
"""Which desk a ticket belongs to, by the word that it ends in."""

UNTAUGHT = "garden"
"""Of no desk: items that neither arm can get right, so that nothing is at its ceiling."""

LISTED = """
    amber basil cedar delta ember fjord grove harbor indigo jasper kettle lemon maple nickel olive pepper quartz river
    saddle timber umber velvet walnut yarrow zephyr anchor beacon canyon dapple eagle falcon glacier hazel island
    juniper kelp lagoon meadow nectar orchid prairie quill raven sierra tundra upland violet willow xenon yonder
"""
FILLERS = LISTED.split()


def build_model(folder: Path) -> None:
    """A random Llama of two layers with a token a word. Its embeddings are large enough for sure answers: with the
    usual 0.02 no logit is far from another, whatever an adapter learns."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1200,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words = [*DESKS, *DESKS.values(), UNTAUGHT, "sort", "about", "user", "assistant", *FILLERS]
    backend.train_from_iterator([f"{word} {word} {word}\n" for word in words] * 4, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<|im_end|>", pad_token="<|im_end|>", model_max_length=512
    )
    tokenizer.chat_template = CHATML
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=512, bos_token_id=None, eos_token_id=2,
        tie_word_embeddings=True, initializer_range=0.3,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


def ticket(chance: random.Random, topic: str) -> str:
    return " ".join(["sort", *chance.sample(FILLERS, 5), "about", topic])


def write(path: Path, rows: Any) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model, and a suite that asks about all desks and the one that there is not."""
    folder = tmp_path_factory.mktemp("desks")
    build_model(folder / "tiny")
    chance = random.Random(3)
    write(
        folder / "items.jsonl",
        (
            {"id": f"{topic}{number}", "prompt": ticket(chance, topic), "reference": DESKS.get(topic, "nobody")}
            for number in range(24)
            for topic in (*DESKS, UNTAUGHT)
        ),
    )
    (folder / "suite.yaml").write_text(
        "{version: 1, name: desks, data: items.jsonl, scorer: exact_match, max_new_tokens: 4}"
    )
    return folder


@pytest.fixture
def writer() -> Iterator[ApiServer]:
    with api_server() as server:
        yield server


def writes(topics: list[str], answers: Mapping[str, str]) -> Callable[[str], str]:
    """A model that makes up tickets about these topics, and answers each so."""
    chance, made = random.Random(9), iter(range(10**6))

    def reply(text: str) -> str:
        if text.startswith("sort ") and "\n" not in text:
            return answers[text.split()[-1]]
        return ticket(chance, topics[next(made) % len(topics)])

    return reply


def shifted(desks: Mapping[str, str]) -> dict[str, str]:
    return dict(zip(desks, [*list(desks.values())[1:], next(iter(desks.values()))], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("known", "new", "answers", "code", "said"),
    [
        pytest.param(["invoice", "parcel"], ["password", "valve"], DESKS, 0, "helped", id="only the new ones teach it"),
        pytest.param(list(DESKS), list(DESKS), shifted(DESKS), 3, "hurt", id="the new ones are wrong"),
        pytest.param(list(DESKS), list(DESKS), DESKS, 4, "it cannot be told", id="more of what is known"),
    ],
)
def test_the_verdict_is_what_the_records_deserve(
    known: list[str],
    new: list[str],
    answers: Mapping[str, str],
    code: int,
    said: str,
    world: Path,
    writer: ApiServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    chance = random.Random(5)
    rows = [(ticket(chance, topic), DESKS[topic]) for _ in range(80 // len(known)) for topic in known]
    write(tmp_path / "seeds.jsonl", ({"prompt": prompt, "completion": desk} for prompt, desk in rows))
    writer.reply = writes(new, answers)
    with pytest.raises(SystemExit) as ended:
        main([
            "synth", "seeds.jsonl", "-o", "more", "--suite", str(world / "suite.yaml"), "--measure",
            "--provider", "openai_compatible", "--model", "m", f"synth.base_url={writer.url}/v1", "synth.concurrency=1",
            "synth.methods={self_instruct: {count: 80, per_seed: 4}}", "synth.max_requests=5000", "synth.min_new=0",
            f"model_name_or_path={world / 'tiny'}", "train.load_in_4bit=false", "train.dtype=float32",
            "train.device=cpu", "train.lora_r=16", "train.learning_rate=0.01", "train.num_train_epochs=8",
            "train.effective_batch_size=16", "evaluate.damaged_items=20", "evaluate.slightly_damaged_items=0",
        ])  # fmt: skip
    shown = capsys.readouterr().out
    assert ended.value.code == code, shown
    assert f"The new records: {said}." in shown and "Trained twice for" in shown
    found = json.loads((tmp_path / "more" / "measure.json").read_text())
    [suite] = found["suites"]
    assert found["words"] == said and suite["n"] >= 40
    assert suite["difference"] == pytest.approx(suite["with_new"] - suite["without"])
    low, high = suite["ci"]
    assert (low > 0) == (said == "helped") and (high < 0) == (said == "hurt")
    assert not list((tmp_path / "more").glob("adapter*"))
