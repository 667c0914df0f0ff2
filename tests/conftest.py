"""Shared by all tests: no network by accident, no deadline that a busy machine could miss."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent

# What is drawn is the same in every run of CI, which says whether a change is sound; elsewhere it is new each time.
hypothesis.settings.register_profile(
    "assay", deadline=None, database=None, max_examples=60, derandomize=bool(os.environ.get("CI"))
)
hypothesis.settings.load_profile("assay")

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models: threads that wait for each other take ten times as long
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data that no one here wrote; tests that need it are skipped where it is not."""
    for candidate in (os.environ.get("ASSAY_SHARED"), ROOT.parent / "shared"):
        if candidate and (Path(candidate) / "data").is_dir():
            return Path(candidate)
    pytest.skip("needs the shared data folder (set ASSAY_SHARED)")


CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build_tiny_tokenizer(folder: Path, chat_template: str | None = CHATML) -> None:
    """A byte-level BPE of a few hundred tokens, with ChatML's special tokens, saved like any tokenizer."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<unused0>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(["user assistant system\n", "the cat sat on the mat. yes no\n\n"] * 20, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<|im_end|>", pad_token="<|im_end|>", model_max_length=256
    )
    tokenizer.chat_template = chat_template
    tokenizer.save_pretrained(folder)


def build_tiny_model(folder: Path, seed: int = 0, hidden_size: int = 32) -> None:
    """A two-layer Llama of random weights with the tiny tokenizer: config, safetensors, tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    build_tiny_tokenizer(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=400,
        hidden_size=hidden_size,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=None,
        eos_token_id=2,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Llama; read it, do not change it."""
    folder = tmp_path_factory.mktemp("tiny-llama")
    build_tiny_model(folder)
    return folder


GUARD = """
import os
import socket
import sys
from importlib.machinery import PathFinder

ALLOWED = {"127.0.0.1", "::1", "localhost", None, ""}


def note(what, host):
    host = host.decode() if isinstance(host, bytes) else host
    if host not in ALLOWED:
        with open(os.environ["ASSAY_TEST_ATTEMPTS"], "a") as file:
            file.write(f"{what} {host}\\n")
        raise OSError(f"the test forbids {what} {host}")


def guarded(name):
    real = getattr(socket.socket, name)

    def method(self, *arguments):
        address = arguments[-1]
        if self.family in (socket.AF_INET, socket.AF_INET6):
            note(name, address[0])
        return real(self, *arguments)

    setattr(socket.socket, name, method)


for name in ("connect", "connect_ex", "sendto"):
    guarded(name)

resolve = socket.getaddrinfo


def getaddrinfo(host, *arguments, **named):
    note("getaddrinfo", host)
    return resolve(host, *arguments, **named)


socket.getaddrinfo = getaddrinfo

hidden = set(filter(None, os.environ.get("ASSAY_TEST_HIDDEN", "").split(",")))


class Finder:
    find_distributions = PathFinder.find_distributions
    invalidate_caches = PathFinder.invalidate_caches

    @staticmethod
    def find_spec(name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else PathFinder.find_spec(name, path, target)


sys.meta_path[:] = [Finder if finder is PathFinder else finder for finder in sys.meta_path]
"""


STRANGE = re.compile("^HF_|^TRANSFORMERS_|_proxy$", re.IGNORECASE)
"""Variables by which a library could be offline already, or talk through a host that is not noticed."""


class Guarded:
    """Runs the command in a process that notes, and refuses, every talk to a host that is not this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.attempts = folder / "attempts"
        (folder / "guard").mkdir()
        (folder / "guard" / "sitecustomize.py").write_text(GUARD, encoding="utf-8")

    def python(
        self, *arguments: str, hidden: Sequence[str] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """hidden: packages that are not found, as if they were not installed."""
        self.attempts.write_text("")
        work = self.folder / "work"
        work.mkdir(exist_ok=True)
        variables = {
            **{name: value for name, value in os.environ.items() if not STRANGE.search(name)},
            "PYTHONPATH": os.pathsep.join([str(self.folder / "guard"), str(ROOT)]),
            "ASSAY_TEST_ATTEMPTS": str(self.attempts),
            "ASSAY_TEST_HIDDEN": ",".join(hidden),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        }
        return subprocess.run(
            [sys.executable, *arguments], cwd=work, env=variables, capture_output=True, text=True, timeout=300
        )

    def assay(
        self, *arguments: str, hidden: Sequence[str] = ("torch",), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """torch is hidden because importing it takes seconds, and an audit does without."""
        return self.python("-m", "assay.cli", *arguments, hidden=hidden, **environment)

    @property
    def attempted(self) -> str:
        return self.attempts.read_text()


@pytest.fixture
def guarded(tmp_path: Path) -> Guarded:
    """`assay` in a process of its own, from which no socket leaves the machine."""
    return Guarded(tmp_path)
