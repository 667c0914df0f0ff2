"""Records for the tests of curate."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.records import Message, Record, Source, record_id, row_id

Make = Callable[..., Record]


@pytest.fixture
def make() -> Make:
    """make(user, assistant, ...turns, system=..., tools=..., origin=...): each call is the next line of a.jsonl."""
    lines = 0

    def build(*turns: str | Message, system: str | None = None, tools: Iterable[Any] = (), **rest: Any) -> Record:
        nonlocal lines
        lines += 1
        messages = [Message("system", system)] if system is not None else []
        for position, turn in enumerate(turns):
            role = "user" if position % 2 == 0 else "assistant"
            messages.append(turn if isinstance(turn, Message) else Message(role, turn))
        declared = tuple(tools)
        return Record(
            record_id(messages, declared),
            row_id("test", lines),
            tuple(messages),
            Source("a.jsonl", lines, lines - 1),
            declared,
            **rest,
        )

    return build


@pytest.fixture(scope="session")
def classifier_folder(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A tiny Llama that classifies at random, with the tokenizer of the tiny model."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

    folder = tmp_path_factory.mktemp("toxic")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=400, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, pad_token_id=2, id2label={0: "non-toxic", 1: "toxic"},
        label2id={"non-toxic": 0, "toxic": 1},
    )  # fmt: skip
    LlamaForSequenceClassification(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(folder)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | None]:
    """The URL of a server of its own; None where Redis or its client is not installed."""
    if shutil.which("redis-server") is None or not all(map(importlib.util.find_spec, ("redis", "datasketch"))):
        yield None
        return
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(timeout=10)
