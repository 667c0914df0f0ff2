"""A tiny random model with a byte tokenizer, and records for it: all of training runs in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.chat import ChatTarget, load_target
from assay.dataset import Dataset
from assay.models import ModelRef, resolve
from assay.records import Message, Record, Source, record_id, row_id
from assay.train.progress import Progress
from assay.train.settings import TrainSettings
from assay.train.stage import train
from assay.train.trained import Trained

TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
COLOURS = ("red", "green", "blue", "amber", "grey", "pink")


def make_model(folder: Path, hidden: int = 64, seed: int = 0) -> Path:
    """A random two-layer Llama; hidden is a multiple of 64, as NF4 blocks are."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|pad|>",
        additional_special_tokens=["<|im_start|>"],
        model_max_length=512,
    )
    fast.chat_template = TEMPLATE
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(fast) + (-len(fast)) % 64,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
        tie_word_embeddings=True,
        initializer_range=0.2,  # with the default 0.02 no adapter could make its logits tell anything apart
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("tiny") / "tiny-llama")


@pytest.fixture(scope="session")
def model_ref(model_folder: Path) -> ModelRef:
    return resolve(str(model_folder), offline=True)


@pytest.fixture(scope="session")
def target(model_folder: Path) -> ChatTarget:
    return load_target(str(model_folder), offline=True)


def record(number: int, prompt: str, answer: str, split: str = "train", family: str | None = None) -> Record:
    messages = (Message("user", prompt), Message("assistant", answer))
    return Record(
        record_id(messages),
        row_id("records.jsonl", number),
        messages,
        Source("records.jsonl", number + 1, number),
        family=f"f{number}" if family is None else family,
        split=split,
    )


def colours(training: int, validation: int = 0) -> Dataset:
    """Records whose answer follows from the prompt, with lengths that differ."""

    def one(number: int, split: str) -> Record:
        colour = COLOURS[number % len(COLOURS)]
        return record(number, f"{'very ' * (number % 4)}{colour} thing {number}?", colour, split)

    return Dataset.from_records(
        [one(n, "train") for n in range(training)] + [one(training + n, "validation") for n in range(validation)]
    )


@pytest.fixture(scope="session")
def make_colours() -> Callable[..., Dataset]:
    return colours


@pytest.fixture(scope="session")
def train_tiny(model_ref: ModelRef, target: ChatTarget) -> Callable[..., Trained]:
    """Trains the tiny model in full precision unless `settings` say otherwise."""

    def run(data: Dataset, out: Path, watch: Callable[[Progress], None] | None = None, **settings: Any) -> Trained:
        chosen: dict[str, Any] = {
            "load_in_4bit": False, "dtype": "float32", "device": "cpu", "learning_rate": 5e-3,
            "num_train_epochs": 3, "effective_batch_size": 8, **settings,
        }  # fmt: skip
        return train(data, TrainSettings(**chosen), out, target, model_ref, on_progress=watch)

    return run
