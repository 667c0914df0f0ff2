"""Answers to unseen prompts: the same ones at every evaluation, greedy, and without a trace in the training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.chat import ChatTarget, inference_prompt
from assay.dataset import Dataset
from assay.models import ModelRef, load_base
from assay.train.prepared import prepare
from assay.train.settings import TrainSettings
from assay.train.trained import Trained
from assay.train.watching.generating import Asked, generate
from assay.train.watching.samples import Sample, Samples, before_and_after, questions, read_samples

Make = Callable[..., Dataset]
Train = Callable[..., Trained]


def answer_nothing(model: Any, prompts: Any) -> list[str]:
    return ["" for _ in prompts]


def test_the_questions_are_the_inference_prompts_of_validation_records(make_colours: Make, target: ChatTarget) -> None:
    data = make_colours(8, 6)
    prepared = prepare(data, TrainSettings(device="cpu"), target)
    assert len(prepared.unseen) == 3
    known = {record.id: record for record in data.records() if record.split == "validation"}
    for question in prepared.unseen:
        record = known[question.record_id]
        assert list(question.asked.ids) == inference_prompt(record.messages[:1], target)
        assert question.reference == record.messages[1].content
        assert record.messages[0].content in question.prompt
    assert questions(prepared.rows.validation, 0, target) == ()
    assert len(questions(prepared.rows.validation, 20, target)) == 6
    assert prepare(data, TrainSettings(device="cpu", samples=0), target).unseen == ()


def test_answers_are_the_likeliest_tokens_whatever_the_base_would_sample(
    model_ref: ModelRef, target: ChatTarget
) -> None:
    """Against a loop without cache and padding; the base asks for sampling and a penalty."""
    model = load_base(model_ref, dtype="float32", device="cpu")
    model.generation_config.update(do_sample=True, temperature=2.0, repetition_penalty=3.0)
    own = model.generation_config
    texts = ("a", "a red thing?", "b" * 40)
    prompts = [Asked(tuple(target.tokenizer(text)["input_ids"]), 6) for text in texts]
    expected = []
    for prompt in prompts:
        ids = list(prompt.ids)
        with torch.no_grad():
            for _ in range(prompt.max_new_tokens):
                ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
                if ids[-1] in target.stop_token_ids:
                    ids.pop()
                    break
        expected.append(target.tokenizer.decode(ids[len(prompt.ids) :], skip_special_tokens=True))
    assert generate(model, prompts, target, None) == expected
    assert model.generation_config is own


def test_modes_and_random_numbers_are_as_they_were(model_ref: ModelRef, target: ChatTarget) -> None:
    model = load_base(model_ref, dtype="float32", device="cpu").train()
    frozen = model.model.layers[0]
    frozen.eval()
    model.config.use_cache = False
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    generate(model, [Asked((1, 2, 3), 4)], target, None)
    assert torch.equal(torch.rand(4), expected)
    assert model.training and model.model.layers[1].training and not frozen.training
    assert model.config.use_cache is False


@pytest.mark.parametrize("four_bit", [False, True], ids=["float32", "nf4"])
def test_a_run_with_samples_has_the_losses_of_one_without(
    four_bit: bool, train_tiny: Train, make_colours: Make, tmp_path: Path
) -> None:
    """Dropout included, in every step and every evaluation."""
    settings = {
        "load_in_4bit": four_bit, "dtype": "bfloat16" if four_bit else "float32", "eval_steps": 2,
        "early_stopping_patience": 0, "num_train_epochs": 2,
    }  # fmt: skip
    runs = [train_tiny(make_colours(32, 8), tmp_path / str(n), samples=n, **settings) for n in (0, 4)]
    losses = [[(entry.step, entry.loss, entry.validation_loss) for entry in run.log] for run in runs]
    assert len(losses[0]) == 8 + 5
    assert losses[0] == losses[1]
    assert not (tmp_path / "0" / "samples.jsonl").exists()
    lines = [json.loads(line) for line in (tmp_path / "4" / "samples.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [step for step in (0, 2, 4, 6, 8) for _ in range(4)]
    assert set(lines[0]) == {"step", "record_id", "prompt", "reference", "answer"}


def test_answers_come_nearer_to_their_references(train_tiny: Train, make_colours: Make, tmp_path: Path) -> None:
    run = train_tiny(make_colours(96, 12), tmp_path, num_train_epochs=12, samples=6, learning_rate=1e-2)
    taken = read_samples(tmp_path / "samples.jsonl")
    right = {step: sum(s.answer == s.reference for s in taken if s.step == step) for step in (0, run.best_step)}
    assert right[0] == 0 and right[run.best_step] >= 3


def test_a_resumed_run_keeps_the_samples_up_to_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    rows = [Sample(step, "a", "p", "r", str(step)) for step in (0, 5, 10)]
    path.write_text("".join(json.dumps(row.to_json()) + "\n" for row in rows) + '{"step": 15, "rec')
    samples = Samples(path, (), answer_nothing)
    samples.begin(5)
    assert [sample.step for sample in samples.taken] == [0, 5]


def test_before_and_after_stand_side_by_side_on_single_lines() -> None:
    taken = [
        Sample(0, "a", "one\ntwo", "red", "re\nre"),
        Sample(4, "a", "one\ntwo", "red", "red"),
        Sample(0, "b", "", "", ""),
    ]
    assert before_and_after(taken, 0, 4) == [
        "  prompt     one two", "  reference  red", "  before     re re", "  after      red", "",
    ]  # fmt: skip
