"""What a run refuses to start with: each before any weights are loaded, in one line."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from assay.chat import ChatTarget, load_target
from assay.dataset import Dataset
from assay.errors import TrainingError
from assay.records import Message
from assay.runs import Manifest
from assay.train.before.template import check_curated_for
from assay.train.prepared import Prepared, prepare
from assay.train.settings import TrainSettings

Make = Callable[..., Dataset]
NO_STOP = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    """The tiny model without its weights: whatever needs them fails."""
    copy = tmp_path / "model"
    shutil.copytree(model_folder, copy, ignore=shutil.ignore_patterns("*.safetensors"))
    return copy


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values) if path.is_file() else json.dumps(values))


def start(folder: Path, data: Dataset, **settings: object) -> Prepared:
    return prepare(data, TrainSettings(device="cpu", **settings), load_target(str(folder), offline=True))  # type: ignore[arg-type]


def one_line(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    return text


def test_answers_without_a_token_that_ends_turns(folder: Path, make_colours: Make) -> None:
    (folder / "chat_template.jinja").write_text(NO_STOP)
    with pytest.raises(TrainingError) as caught:
        start(folder, make_colours(8))
    said = one_line(caught.value)
    assert "no label is a token that ends a turn ('<|im_end|>'), so the model would never learn to stop" in said


def test_answers_that_end_in_another_token_than_generation(folder: Path, make_colours: Make) -> None:
    """The first Llama 3: turns end in one token, and every file names another."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"eos_token": "<|end_of_text|>"})
    tokenizer.save_pretrained(folder)
    other, number = tokenizer.convert_tokens_to_ids(["<|end_of_text|>", "<|im_end|>"])
    change(folder / "config.json", eos_token_id=other)
    change(folder / "generation_config.json", eos_token_id=other)
    with pytest.raises(TrainingError) as caught:
        start(folder, make_colours(8))
    said = one_line(caught.value)
    assert "the answers end in '<|im_end|>', and generation stops at '<|end_of_text|>' alone" in said
    assert f"add {number} to eos_token_id in the model's generation_config.json" in said

    change(folder / "generation_config.json", eos_token_id=[other, number])
    assert start(folder, make_colours(8)).rows.training


def test_some_records_without_a_stop_token_are_said(target: ChatTarget, make_colours: Make) -> None:
    limit = max(len(row.input_ids) for row in prepare(make_colours(8), TrainSettings(), target).rows.training) - 2
    settings = TrainSettings(max_length=limit, truncation="truncate", validation=0)
    prepared = prepare(make_colours(8), settings, target)
    assert any("have no stop token among their labels" in warning for warning in prepared.rows.warnings)


def test_every_label_masked(target: ChatTarget, make_colours: Make) -> None:
    masked = [
        dataclasses.replace(record.with_messages([record.messages[0], Message("assistant", "red", train=False)]))
        for record in make_colours(8).records()
    ]
    with pytest.raises(TrainingError, match="cannot be trained on") as caught:
        prepare(Dataset.from_records(masked), TrainSettings(), target)
    one_line(caught.value)


def test_another_template_than_the_bases_own(model_folder: Path, make_colours: Make) -> None:
    own = load_target(str(model_folder), offline=True).template
    target = load_target(str(model_folder), offline=True, chat_template=own.replace("<|im_start|>", "<|im_start|> "))
    with pytest.raises(TrainingError) as caught:
        prepare(make_colours(8), TrainSettings(), target)
    assert "is not the one that the base's tokenizer brings" in one_line(caught.value)
    same = load_target(str(model_folder), offline=True, chat_template=own)
    assert prepare(make_colours(8), TrainSettings(), same).rows.training


def test_a_folder_with_two_templates_that_differ(folder: Path, make_colours: Make) -> None:
    change(folder / "tokenizer_config.json", chat_template="{{ messages[0]['content'] }}")
    with pytest.raises(TrainingError) as caught:
        start(folder, make_colours(8))
    assert "chat_template.jinja and the chat_template in tokenizer_config.json differ" in one_line(caught.value)


def test_a_generation_prompt_that_the_training_text_does_not_begin_with(folder: Path, make_colours: Make) -> None:
    own = (folder / "chat_template.jinja").read_text()
    written = own.replace("'<|im_start|>assistant\n'", "'<|im_start|>assistant\n<think>\n'")
    assert written != own
    (folder / "chat_template.jinja").write_text(written)
    with pytest.raises(TrainingError) as caught:
        start(folder, make_colours(8))
    assert "the training text does not begin with the inference prompt" in one_line(caught.value)


def curated(**facts: object) -> Manifest:
    return Manifest(Path("runs/curate-1"), {"run": "curate-1", "facts": facts})


def test_data_that_was_curated_for_another_template(target: ChatTarget) -> None:
    other = curated(template_sha256="0" * 64, model="other@1")
    with pytest.raises(TrainingError) as caught:
        check_curated_for(target, [other])
    said = one_line(caught.value)
    assert "was curated for the chat template of other@1 (000000000000)" in said and "assay curate DATA --model" in said
    check_curated_for(target, [other, curated(template_sha256=target.template_sha256)])
    check_curated_for(target, [curated(counts={})])
    check_curated_for(target, [])
