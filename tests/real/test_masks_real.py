"""The label masks that Axolotl and LLaMA-Factory make of an exported run, against assay's own for the same records.

Both are asked in a Python of their own (ASSAY_AXOLOTL_PYTHON, ASSAY_LLAMAFACTORY_PYTHON), by the code that their
trainers call. assay's ids and labels are those that `assay export trl` writes: the very ones it trains on.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from assay.models.embedded import DEFAULT_MODEL, EMBEDDED, is_installed
from assay.project import bundled

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed(EMBEDDED[DEFAULT_MODEL]), reason="`assay model install` fetches the model"),
]

DRIVERS = {
    "axolotl": """
import json, sys, yaml
from transformers import AutoTokenizer
from axolotl.prompt_strategies.chat_template import load
from axolotl.utils.dict import DictDefault

cfg = DictDefault(yaml.safe_load(open("run.yaml")))
tokenizer = AutoTokenizer.from_pretrained(cfg.base_model)
tokenizer.chat_template = cfg.chat_template_jinja
strategy = load(tokenizer, cfg, ds_cfg=dict(cfg.datasets[0]))
rows = [strategy.tokenize_prompt(json.loads(line)) for line in open(cfg.datasets[0].path)]
json.dump([{"input_ids": row["input_ids"], "labels": row["labels"]} for row in rows], open("masks.json", "w"))
""",
    "llamafactory": """
import importlib.machinery, importlib.util, json, os, sys, types, yaml
os.environ["DISABLE_VERSION_CHECK"] = "1"
if importlib.util.find_spec("torchaudio") is None:  # imported for audio models
    sys.modules["torchaudio"] = types.ModuleType("torchaudio")
    sys.modules["torchaudio"].__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
from transformers import AutoTokenizer
from llamafactory.data.loader import get_dataset
from llamafactory.data.template import get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args

model, data, training, finetuning, generating = get_train_args(yaml.safe_load(open("run.yaml")))
tokenizer = AutoTokenizer.from_pretrained(model.model_name_or_path)
template = get_template_and_fix_tokenizer(tokenizer, data)
found = get_dataset(template, model, data, training, stage="sft", tokenizer=tokenizer)["train_dataset"]
json.dump([{"input_ids": row["input_ids"], "labels": row["labels"]} for row in found], open("masks.json", "w"))
""",
}


class Masked(NamedTuple):
    """One record: token ids, and labels where the loss is computed, -100 elsewhere."""

    input_ids: list[int]
    labels: list[int]


def python_with(variable: str, module: str) -> str:
    chosen = os.environ.get(variable)
    if chosen is None and importlib.util.find_spec(module) is None:
        pytest.skip(f"needs {module} (set {variable} to a Python that has it)")
    return chosen or sys.executable


def records(kind: str, shared: Path) -> list[str]:
    """Real chat records: single turns with a system prompt, or conversations of several turns."""
    if kind == "tickets":
        return bundled("tickets.jsonl").read_text(encoding="utf-8").splitlines()[:120]
    rows = json.loads((shared / "data/instruction/fastchat/data/dummy_conversation.json").read_text(encoding="utf-8"))
    role = {"human": "user", "gpt": "assistant"}
    rows = list({json.dumps(row["conversations"]): row for row in rows}.values())
    talks = [[{"role": role[turn["from"]], "content": turn["value"]} for turn in row["conversations"]] for row in rows]
    usable = [talk for talk in talks if len(talk) > 1 and talk[0]["role"] == "user"]
    return [json.dumps({"messages": talk[: len(talk) - len(talk) % 2]}) for talk in usable[:120]]


def exported(tool: str, folder: Path, more: str = "") -> Path:
    """The folder with the file of a tool, for the records in `data.jsonl`."""
    (folder / "assay.yaml").write_text(
        f"version: 1\nmodel_name_or_path: {DEFAULT_MODEL}\ndata: [{{path: data.jsonl}}]\n"
        f"train: {{load_in_4bit: false, truncation: drop, max_length: 1024, validation: 0, {more}}}\n"
    )
    out = folder / tool / "run.yaml"
    command = [sys.executable, "-m", "assay", "export", tool, str(folder / "assay.yaml"), "-o", str(out), "--force"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out.parent


def asked(tool: str, folder: Path) -> list[Masked]:
    """What the tool itself makes of what was exported for it."""
    python = python_with(f"ASSAY_{tool.upper()}_PYTHON", tool)
    (folder / "driver.py").write_text(DRIVERS[tool])
    done = subprocess.run([python, "driver.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return [Masked(row["input_ids"], row["labels"]) for row in json.loads((folder / "masks.json").read_text())]


def ours(folder: Path) -> list[Masked]:
    lines = (folder / "run_data" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return [Masked(**json.loads(line)) for line in lines]


def kind_of(line: str) -> str:
    """What of a record a tool may take otherwise."""
    messages = json.loads(line)["messages"]
    if json.loads(line).get("tools") or any(message.get("tool_calls") for message in messages):
        return "tools"
    return "flags" if any(message.get("train") is False for message in messages) else "plain"


@pytest.fixture(scope="module")
def folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tickets, some with tool calls, and conversations of several turns, a third of them with an answer not trained."""
    talks = [json.loads(line) for line in records("talks", shared)][:40]
    for talk in talks[::3]:
        talk["messages"][1]["train"] = False
    made = tmp_path_factory.mktemp("masks")
    lines = [*records("tickets", shared)[:60], *map(json.dumps, talks)]
    (made / "data.jsonl").write_text("".join(f"{line.strip()}\n" for line in lines), encoding="utf-8")
    return made


def test_axolotl_masks_as_assay_does_but_for_answers_without_text(folder: Path) -> None:
    theirs, mine = asked("axolotl", exported("axolotl", folder)), ours(exported("trl", folder))
    lines = (folder / "axolotl" / "run.train.jsonl").read_text(encoding="utf-8").splitlines()
    kinds = [kind_of(line) for line in lines]
    assert [one.input_ids for one in theirs] == [one.input_ids for one in mine]
    assert {"plain", "tools"} <= set(kinds)
    for kind, one, other in zip(kinds, theirs, mine, strict=True):
        differ = [place for place, label in enumerate(one.labels) if label != other.labels[place]]
        assert all(one.labels[place] == -100 for place in differ), "what Axolotl trains, assay does"
        assert not differ or kind == "tools"
    print(f"{len(theirs)} records, {sum(one == other for one, other in zip(theirs, mine, strict=True))} the same")


def test_llamafactory_trains_on_the_line_break_after_an_answer_too(folder: Path) -> None:
    from transformers import AutoTokenizer

    from assay.models.embedded import folder_of

    tokenizer: Any = AutoTokenizer.from_pretrained(folder_of(EMBEDDED[DEFAULT_MODEL]))
    mine = ours(exported("trl", folder))
    lines = (exported("axolotl", folder) / "run.train.jsonl").read_text(encoding="utf-8").splitlines()
    theirs = asked("llamafactory", exported("llamafactory", folder))
    kept = [(kind_of(line), one) for line, one in zip(lines, mine, strict=True) if alternates(line)]
    assert len(kept) == len(theirs), "what assay says LLaMA-Factory drops, it drops"
    for (kind, one), other in zip(kept, theirs, strict=True):
        if kind != "plain":
            continue
        assert one.input_ids == other.input_ids
        differ = [place for place, label in enumerate(one.labels) if label != other.labels[place]]
        assert {tokenizer.decode([one.input_ids[place]]) for place in differ} <= {"\n"}
        assert all(one.labels[place] == -100 for place in differ)


def alternates(line: str) -> bool:
    roles = [message["role"] for message in json.loads(line)["messages"] if message["role"] != "system"]
    return len(roles) % 2 == 0 and all(role == "assistant" for role in roles[1::2])
