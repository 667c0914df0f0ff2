"""The same run in the words of Axolotl, LLaMA-Factory and TRL: what is in the file, and what is said not to be."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.chat import ChatTarget, encode, load_target
from assay.cli import main
from assay.console import Options
from assay.records import Message, ToolCall
from assay.sources import read
from assay.sources.llamafactory import entries
from assay.sources.row_reader import Layout
from assay.train.exporting.axolotl import axolotl_file
from assay.train.exporting.described_run import DescribedRun, read_run
from assay.train.exporting.llamafactory import llamafactory_file, template_name
from assay.train.exporting.trl import trl_file
from tests.train.conftest import make_model

SETTINGS = """\
version: 1
model_name_or_path: {model}
data: [{{path: data.jsonl}}]
train: {{lora_r: 12, load_in_4bit: false, device: cpu, validation: 0.2, {more}}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    make_model(folder / "model")
    rows = [
        [("system", f"Be {n}."), ("user", f"Thing {n}?"), ("assistant", f"First {n}"), ("user", "And?"),
         ("assistant", f"Last {n}")]
        for n in range(20)
    ]  # fmt: skip
    lines = [json.dumps({"messages": [{"role": role, "content": text} for role, text in row]}) for row in rows]
    (folder / "data.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def described(project: Path, more: str = "") -> DescribedRun:
    path = project / "assay.yaml"
    path.write_text(SETTINGS.format(model=project / "model", more=more))
    return read_run(path, (), Options(quiet=True))


def parsed(file: Any, run: DescribedRun) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.text(run))
    return found


def test_axolotl_gets_the_template_and_the_records_that_train(project: Path, tmp_path: Path) -> None:
    run = described(project, "learning_rate: 3.0e-4, use_dora: true")
    file = axolotl_file(run, tmp_path / "run.yaml")
    settings = parsed(file, run)
    assert settings["chat_template_jinja"] == run.target.template
    assert (settings["adapter"], settings["lora_r"], settings["peft_use_dora"]) == ("lora", 12, True)
    assert (settings["learning_rate"], settings["sequence_len"]) == (3e-4, run.recipe["max_length"])
    assert settings["special_tokens"]["pad_token"] != "<|im_end|>"
    training, validation = (
        [json.loads(line) for line in file.data[f"run.{split}.jsonl"].splitlines()] for split in ("train", "validation")
    )
    assert (len(training), len(validation)) == (len(run.records["train"]), len(run.records["validation"]))
    assert len(training) + len(validation) == 20
    assert validation
    assert [turn["role"] for turn in training[0]["messages"]] == ["system", "user", "assistant", "user", "assistant"]


def with_tool_calls(project: Path) -> DescribedRun:
    """A record whose first answer calls a tool and says nothing."""
    run = described(project)
    call = ToolCall("weather", {"city": "Lyon"}, "call_1")
    asked = (
        Message("user", "Rain?"),
        Message("assistant", None, tool_calls=(call,)),
        Message("tool", "no", tool_call_id="call_1"),
        Message("assistant", "No."),
    )
    tools = ({"type": "function", "function": {"name": "weather", "parameters": {}}},)
    one = dataclasses.replace(run.records["train"][0], messages=asked, tools=tools)
    return dataclasses.replace(run, records={"train": [one, run.records["train"][1]], "validation": []})


def test_an_answer_without_text_has_content_all_the_same(project: Path, tmp_path: Path) -> None:
    """Axolotl ended with an error without the key (0.19.0)."""
    run = with_tool_calls(project)
    file = axolotl_file(run, tmp_path / "run.yaml")
    answer = json.loads(file.data["run.train.jsonl"].splitlines()[0])["messages"][1]
    assert (answer["content"], answer["tool_calls"][0]["function"]["name"]) == ("", "weather")
    assert any(what.startswith("1 answers without text") for what in file.left_out)


def test_llamafactory_gets_tagged_turns_and_is_not_told_of_what_it_drops_in_silence(
    project: Path, tmp_path: Path
) -> None:
    """Its kind `openai` writes "detailed thinking off" into every system turn (0.9.5)."""
    run = with_tool_calls(project)
    doubled = dataclasses.replace(run.records["train"][1], messages=(Message("user", "a"), Message("user", "b")))
    run = dataclasses.replace(run, records={"train": [*run.records["train"], doubled], "validation": []})
    file = llamafactory_file(run, tmp_path / "run.yaml")
    info = json.loads(file.data["dataset_info.json"])["run_train"]
    assert (info["formatting"], info["tags"]["observation_tag"], info["columns"]["tools"]) == (
        "sharegpt", "tool", "tools",
    )  # fmt: skip
    first, second, _ = [json.loads(line) for line in file.data["run.train.jsonl"].splitlines()]
    assert [turn["role"] for turn in first["messages"]] == ["user", "function", "tool", "assistant"]
    assert json.loads(first["messages"][1]["content"]) == [{"name": "weather", "arguments": {"city": "Lyon"}}]
    assert (json.loads(first["tools"])[0]["function"]["name"], second["tools"]) == ("weather", "")
    assert any(what.startswith("1 records whose questions and answers do not alternate") for what in file.left_out)
    assert any("in its own words" in what for what in file.left_out)


def test_an_answer_that_is_out_of_the_loss_says_so_to_axolotl(project: Path, tmp_path: Path) -> None:
    run = described(project, "completion_only_loss: true")
    row = json.loads(axolotl_file(run, tmp_path / "run.yaml").data["run.train.jsonl"].splitlines()[0])
    assert [turn["train"] for turn in row["messages"]] == [False, False, False, False, True]


def test_trl_gets_the_ids_and_labels_that_assay_trains_on(project: Path, tmp_path: Path) -> None:
    run = described(project)
    file = trl_file(run, tmp_path / "run.yaml")
    rows = [json.loads(line) for line in file.data["run_data/train.jsonl"].splitlines()]
    expected = [encode(record, run.target) for record in run.records["train"]]
    assert rows == [{"input_ids": list(one.input_ids), "labels": list(one.labels)} for one in expected]
    assert parsed(file, run)["max_length"] is None


def test_trls_own_parser_takes_the_file(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trl import ModelConfig, ScriptArguments, SFTConfig, TrlParser

    run = described(project)
    trl_file(run, tmp_path / "run.yaml").write(tmp_path / "run.yaml", run)
    monkeypatch.chdir(tmp_path)
    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig))
    script, training, model = parser.parse_args_and_config(["--config", "run.yaml"])
    assert (model.lora_r, model.use_peft, model.lora_target_modules) == (12, True, "all-linear")
    assert (training.max_length, training.num_train_epochs) == (None, run.recipe["num_train_epochs"])
    assert (script.dataset_name, script.dataset_test_split) == ("run_data", "validation")


def test_llamafactorys_data_reads_back_as_the_records_that_train(project: Path, tmp_path: Path) -> None:
    run = described(project)
    file = llamafactory_file(run, tmp_path / "run.yaml")
    settings = parsed(file, run)
    assert (settings["template"], settings["lora_rank"], settings["lora_target"]) == ("chatml", 12, "all")
    assert any("line break after an answer" in what for what in file.left_out)
    file.write(tmp_path / "run.yaml", run)
    found, _ = entries(tmp_path / "dataset_info.json", settings["dataset"], Layout())
    assert [entry.path for entry in found] == [tmp_path / "run.train.jsonl"]
    again = [record.messages for record in read([f"{tmp_path / 'dataset_info.json'}:{settings['dataset']}"]).records()]
    assert again == [record.messages for record in run.records["train"]]


def target_with(project: Path, template: str, **special: str) -> ChatTarget:
    target = load_target(str(project / "model"), offline=True)
    return dataclasses.replace(target, template=template, special_tokens={**target.special_tokens, **special})


IM = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
ASK = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
SMOLLM2 = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by "
    "Hugging Face.<|im_end|>\n{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}"
    "<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


@pytest.mark.parametrize(
    ("template", "name"),
    [
        (IM + ASK, "chatml"),
        (SMOLLM2 + IM + ASK, "smollm2"),
        (SMOLLM2.replace("Face.", "Face") + IM + ASK, None),  # as in the GGUF of SmolLM2: without the full stop
        (LLAMA3, "llama3"),
        (LLAMA3.replace("\n\n{{ m.content", "\n{{ m.content"), None),
    ],
)
def test_a_named_template_is_given_only_where_it_writes_what_was_trained(
    template: str, name: str | None, project: Path
) -> None:
    assert template_name(target_with(project, template, bos_token="<s>")) == name


def test_what_a_tool_cannot_be_told_is_a_comment_and_a_line(project: Path, tmp_path: Path) -> None:
    run = dataclasses.replace(described(project), notes=("of a\nlora_r: 1",))
    run = dataclasses.replace(run, recipe={**run.recipe, "a_setting_of_tomorrow": 3})
    for make in (axolotl_file, llamafactory_file, trl_file):
        file = make(run, tmp_path / "run.yaml")
        assert "a_setting_of_tomorrow: 3 has no place in this file" in file.left_out
        assert "# not the same: a_setting_of_tomorrow: 3" in file.text(run)
        assert parsed(file, run).get("lora_r", 12) == 12


def test_a_flag_that_llamafactory_cannot_be_told_is_said(project: Path, tmp_path: Path) -> None:
    run = described(project)
    first = run.records["train"][0]
    flagged = dataclasses.replace(first, messages=(*first.messages[:-1], Message("assistant", "x", train=False)))
    run = dataclasses.replace(run, records={**run.records, "train": [flagged]})
    assert any("`train: false`" in what for what in llamafactory_file(run, tmp_path / "run.yaml").left_out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("gone.yaml", "-o", "x.yaml"),
            "gone.yaml: is not there; name assay.yaml, or the folder that assay train left",
        ),
        (("empty", "-o", "x.yaml"), "holds no recipe.json, so it is not known how it was trained"),
        (("empty",), "says not where to; give -o FILE.yaml"),
        (("empty", "-o", "there.yaml"), "there.yaml: is there already; --force overwrites it"),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "empty").mkdir()
    (tmp_path / "there.yaml").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["export", "trl", *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
