"""Settings of other trainers: each key is taken over or named, and what would train otherwise is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.cli import main
from assay.config import read_document
from assay.errors import SettingsError
from assay.foreign.settings import Foreign, read_foreign
from assay.project import load_project

AXOLOTL = """\
base_model: org/base
revision_of_model: abc
load_in_4bit: true
adapter: qlora
chat_template: chatml
datasets:
  - path: tickets.jsonl
    type: chat_template
val_set_size: 0.05
sequence_len: 2048
sample_packing: true
lora_r: 32
lora_alpha: 16
lora_target_linear: true
micro_batch_size: 2
gradient_accumulation_steps: 4
num_epochs: 4
optimizer: adamw_torch
lr_scheduler: cosine
learning_rate: 2e-4
train_on_inputs: true
bf16: auto
warmup_ratio: 0.1
output_dir: ./out
special_tokens: {pad_token: </s>}
deepspeed: zero2.json
"""
LLAMAFACTORY = """\
model_name_or_path: org/base
stage: sft
finetuning_type: lora
lora_rank: 8
lora_target: q_proj,v_proj
dataset: mine, theirs
dataset_dir: .
template: llama3
cutoff_len: 512
max_samples: 1000
quantization_bit: 8
bf16: true
num_train_epochs: 3.0
"""
TRL = """\
model_name_or_path: org/base
dataset_name: tickets.jsonl
use_peft: true
lora_r: 8
lora_target_modules: [all-linear]
max_length: 1024
assistant_only_loss: false
dtype: bfloat16
max_steps: 100
"""
ROW = {"messages": [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Yes."}]}


def read(folder: Path, text: str) -> Foreign:
    (folder / "tickets.jsonl").write_text(json.dumps(ROW) + "\n")
    (folder / "theirs.yml").write_text(text)
    return read_foreign(folder / "theirs.yml")


def test_axolotl_is_taken_over_under_the_names_of_today(tmp_path: Path) -> None:
    taken = read(tmp_path, AXOLOTL)
    assert (taken.tool, taken.model, taken.revision) == ("Axolotl", "org/base", "abc")
    assert taken.data == [str(tmp_path / "tickets.jsonl")]
    assert taken.train == {
        "load_in_4bit": True, "validation": 0.05, "max_length": 2048, "packing": True, "lora_r": 32, "lora_alpha": 16,
        "lora_target_modules": "all-linear", "per_device_train_batch_size": 2, "gradient_accumulation_steps": 4,
        "num_train_epochs": 4, "optim": "adamw_torch", "lr_scheduler_type": "cosine", "learning_rate": 2e-4,
        "assistant_only_loss": False, "warmup_steps": 0.1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (5, "chat template that the base brings"),
        (10, "longer than 2048 tokens were dropped in silence"),
        (11, "packed records may have read each other"),
        (21, "prompts were in the loss"),
        (25, "pad_token </s> may end turns"),
        (26, "'deepspeed' is nothing that assay has"),
    ],
)
def test_what_axolotl_does_otherwise_is_said_with_its_line(line: int, said: str, tmp_path: Path) -> None:
    notes = read(tmp_path, AXOLOTL).notes
    assert [note for note in notes if note.startswith(f"{tmp_path / 'theirs.yml'}:{line}: ") and said in note]


def test_llamafactory_names_its_data_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "dataset_info.json").write_text(json.dumps({"mine": {"file_name": "tickets.jsonl"}}))
    taken = read(tmp_path, LLAMAFACTORY)
    assert taken.tool == "LLaMA-Factory"
    assert taken.data == [f"{tmp_path / 'dataset_info.json'}:{name}" for name in ("mine", "theirs")]
    assert taken.train["lora_target_modules"] == ["q_proj", "v_proj"]
    assert (taken.train["load_in_4bit"], taken.train["dtype"], taken.train["max_length"]) == (False, "bfloat16", 512)
    for said in ("quantization_bit: 8", "max_samples", "template: llama3", "were cut in silence"):
        assert any(said in note for note in taken.notes), said


def test_trl_is_taken_over(tmp_path: Path) -> None:
    taken = read(tmp_path, TRL)
    assert taken.tool == "TRL"
    assert taken.train == {
        "lora_r": 8, "lora_target_modules": "all-linear", "max_length": 1024, "assistant_only_loss": False,
        "dtype": "bfloat16", "load_in_4bit": False,
    }  # fmt: skip
    assert any("max_steps: 100" in note for note in taken.notes)


def test_no_key_is_lost_in_silence(tmp_path: Path) -> None:
    """A key that nobody knows, and one with a value that cannot be meant, are each named with their line."""
    taken = read(tmp_path, "base_model: a/b\nno_such_key: 1\nlora_r: many\nlearning_rate: -1\nadapter: lora\n")
    assert [note.partition(": ")[0].rpartition(":")[2] for note in taken.notes] == ["2", "3", "4"]
    assert all("left out" in note for note in taken.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("base_model: a/b\nadapter: lora\nrl: dpo\n", r":3: 'rl: dpo' trains on something else than answers"),
        ("model_name_or_path: a/b\nstage: pt\nfinetuning_type: lora\n", r":2: 'stage: pt' trains on something else"),
    ],
)
def test_what_trains_on_no_answers_is_refused_and_not_made_to(text: str, said: str, tmp_path: Path) -> None:
    """A DPO run was taken over as SFT on the same file without a word."""
    with pytest.raises(SettingsError, match=said):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("base_model: a/b\nadapter:\n", "all weights were trained there"),
        ("model_name_or_path: a/b\ndataset_name: tickets.jsonl\n", "all weights were trained there"),
        ("model_name_or_path: a/b\nstage: sft\nfinetuning_type: full\n", ":3: all weights were trained there"),
        ("model_name_or_path: a/b\nstage: sft\nfinetuning_type: oft\n", "'finetuning_type: oft' is left out"),
    ],
)
def test_a_run_of_all_weights_is_said_to_become_lora(text: str, said: str, tmp_path: Path) -> None:
    assert [note for note in read(tmp_path, text).notes if said in note]


def test_what_only_a_base_in_16_bits_takes_is_taken_over_with_one(tmp_path: Path) -> None:
    """PiSSA was left out of every run, since each setting was tried with assay's own default of 4 bits."""
    for text, value in (
        ("model_name_or_path: a/b\nstage: sft\nfinetuning_type: lora\npissa_init: true\n", "pissa_niter_16"),
        ("base_model: a/b\npeft_init_lora_weights: pissa\nadapter: lora\n", "pissa"),
    ):
        taken = read(tmp_path, text)
        assert (taken.train["init_lora_weights"], taken.train["load_in_4bit"]) == (value, False)
    with pytest.raises(SettingsError, match="takes directions out of the base before it is quantised"):
        read(tmp_path, "base_model: a/b\npeft_init_lora_weights: pissa\nadapter: qlora\nload_in_4bit: true\n")


def test_what_a_file_leaves_to_its_tool_is_said(tmp_path: Path) -> None:
    (note,) = [one for one in read(tmp_path, LLAMAFACTORY).notes if "does not name" in one]
    assert "lora_alpha: twice the rank, lora_dropout: 0, learning_rate: 5e-05, which are LLaMA-Factory's own" in note
    (note,) = [one for one in read(tmp_path, TRL).notes if "does not name" in one]
    assert "lora_alpha: 32, lora_dropout: 0.05, learning_rate: 2e-05, num_train_epochs: 3, which are TRL's" in note
    assert not any("does not name" in one for one in read(tmp_path, AXOLOTL).notes)


def test_trls_mixture_names_data_and_one_tracker_may_stand_in_a_list(tmp_path: Path) -> None:
    mixture = "dataset_mixture: {datasets: [{path: tickets.jsonl}, {id: org/chat, split: train_sft}], seed: 0}\n"
    taken = read(tmp_path, f"model_name_or_path: a/b\nuse_peft: true\n{mixture}report_to: [tensorboard]\n")
    assert taken.data == [str(tmp_path / "tickets.jsonl"), "org/chat:train_sft"]
    assert taken.train["report_to"] == "tensorboard"
    assert any("'dataset_mixture.seed'" in note for note in taken.notes)
    taken = read(tmp_path, "model_name_or_path: a/b\nuse_peft: true\nreport_to: [wandb, mlflow]\n")
    assert "report_to" not in taken.train and any("one tracker" in note for note in taken.notes)
    assert not any("report_to" in note for note in read(tmp_path, "base_model: a\nreport_to: none\n").notes)


def adapter(folder: Path, **config: Any) -> Path:
    usual = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["v_proj", "q_proj"], "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps({**usual, **config}))
    return folder


def test_an_adapter_out_of_a_notebook_tells_rank_alpha_targets_and_base(tmp_path: Path) -> None:
    folder = adapter(
        tmp_path, base_model_name_or_path="org/base", use_rslora=True, rank_pattern={"q": 8}, task_type="CAUSAL_LM"
    )
    taken = read_foreign(folder)
    assert (taken.model, taken.train) == (
        "org/base",
        {"lora_alpha": 8, "lora_r": 4, "lora_target_modules": ["q_proj", "v_proj"], "use_rslora": True},
    )
    assert len(taken.notes) == 2
    assert "'rank_pattern: {'q': 8}' is left out" in taken.notes[0]
    assert "does not say whether the base was quantised" in taken.notes[1]


def test_an_adapter_of_assays_says_whether_its_base_was_quantised(tmp_path: Path) -> None:
    folder = adapter(tmp_path, base_model_name_or_path="org/base")
    for held, four in (("nf4", True), (None, False)):
        (folder / "assay.json").write_text(json.dumps({"version": 1, "quantisation": held}))
        taken = read_foreign(folder)
        assert taken.train["load_in_4bit"] is four
        assert not any("does not say whether the base was quantised" in note for note in taken.notes)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("ours.yaml", "version: 1\nmodel_name_or_path: a\ndata: []\n", "is not a settings file of Axolotl"),
        ("other.yaml", "a: 1\n", "is not a settings file of Axolotl"),
        ("adapter_config.json", "{", "cannot be read as JSON"),
        ("adapter_config.json", '{"peft_type": "IA3"}', "is not the config of a LoRA adapter"),
        ("nothing.yaml", None, "cannot read settings .*name a settings file of Axolotl"),
    ],
)
def test_what_is_none_of_theirs_is_one_line(name: str, text: str | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError, match=said):
        read_foreign(tmp_path / name)


def test_init_writes_a_project_that_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"messages": [{"role": "user", "content": f"Thing {n}?"}, {"role": "assistant", "content": f"Answer {n}"}]}
            for n in range(40)]  # fmt: skip
    read(tmp_path, AXOLOTL.replace("org/base", '"org/ba: se # {x}"'))
    (tmp_path / "tickets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(SystemExit) as ended:
        main(["init", "--from", str(tmp_path / "theirs.yml"), "-o", str(tmp_path / "project")])
    assert ended.value.code == 0
    document = read_document(tmp_path / "project" / "assay.yaml")
    project = load_project(document, tmp_path / "project")
    assert project.settings.model_name_or_path == "org/ba: se # {x}"
    assert project.settings.revision == "abc"
    assert (project.sections["train"].lora_r, project.sections["train"].assistant_only_loss) == (32, False)
    assert yaml.safe_load((tmp_path / "project" / "assay.yaml").read_text())["train"]["learning_rate"] == 2e-4
    assert "'deepspeed' is nothing that assay has" in capsys.readouterr().err


def test_init_without_data_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["init", "--from", str(adapter(tmp_path)), "-o", str(tmp_path / "project")])
    assert ended.value.code == 2
    assert "no data was named; write `assay init DATA`" in capsys.readouterr().err
