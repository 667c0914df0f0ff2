"""What is exported, read by the programs it is for: llama.cpp, Go's templates, the parsers of other trainers.

The converter has to be in assay's cache, or ASSAY_LLAMA_CPP names a checkout or the source package. llama-cpp-python,
Axolotl and LLaMA-Factory may each live in a Python of their own: ASSAY_LLAMA_PYTHON, ASSAY_AXOLOTL_PYTHON,
ASSAY_LLAMAFACTORY_PYTHON.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.chat import ChatTarget, inference_prompt, load_target
from assay.dataset import Dataset
from assay.errors import ModelError
from assay.models.embedded import DEFAULT_MODEL, EMBEDDED, folder_of, is_installed
from assay.project import bundled
from assay.records import Message
from assay.sources import read
from assay.train.exporting.artefacts import read_model
from assay.train.exporting.converter import Converter, find_converter
from assay.train.exporting.gguf_export import export_adapter, export_model
from assay.train.exporting.gguf_reading import read_gguf
from assay.train.exporting.quantising import Quantiser
from assay.train.parity.provenance import read_trained
from tests.train.exporting.ollama_reading import read_modelfile

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed(EMBEDDED[DEFAULT_MODEL]), reason="`assay model install` fetches the model"),
]
NEW_TOKENS = 16
SYSTEM = "You are the Bramblewick support desk. Answer with one JSON object."
TALKS = (
    (Message("system", SYSTEM), Message("user", "Where is my order BW-82559?")),
    (Message("system", SYSTEM), Message("user", "Please take BW-77209 back, it was a gift.")),
    (Message("user", "Which river flows through Lyon?"),),
    (Message("user", "Name a colour."), Message("assistant", "Red."), Message("user", "And 12 others,\n one a line:")),
    (Message("user", 'Say "grüße" in 你好 🙂 <|im_end|> {x}.'),),
)

ASK = """
import json, sys
from llama_cpp import Llama
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

asked = json.loads(open(sys.argv[1]).read())
given = {"lora_path": asked["lora"]} if asked["lora"] else {}
model = Llama(model_path=asked["model"], n_ctx=1024, type_k=0, type_v=0, n_threads=1, verbose=False, **given)
text = lambda token: model.detokenize([token], special=True).decode() if token >= 0 else ""
known = model.metadata
form = Jinja2ChatFormatter(known["tokenizer.chat_template"], text(model.token_eos()), text(model.token_bos()))
answers = []
for talk in asked["talks"]:
    made = form(messages=talk)
    ids = model.tokenize(made.prompt.encode(), add_bos=not made.added_special, special=True)
    new = []
    for token in model.generate(ids, temp=0.0, top_k=1, repeat_penalty=1.0):
        if token == model.token_eos() or len(new) == asked["new"]:
            break
        new.append(token)
    answers.append({"prompt": ids, "new": new})
print(json.dumps({"answers": answers, "metadata": known}))
"""


def python_with(variable: str, module: str) -> str:
    """A Python that has the module: the variable's, or this one; skips where there is none."""
    chosen = os.environ.get(variable)
    if chosen is None and importlib.util.find_spec(module) is None:
        pytest.skip(f"needs {module} (set {variable} to a Python that has it)")
    return chosen or sys.executable


@pytest.fixture(scope="module")
def converter() -> Converter:
    chosen = os.environ.get("ASSAY_LLAMA_CPP")
    try:
        return find_converter(Path(chosen) if chosen else None, offline=True, say=print)
    except ModelError as error:
        pytest.skip(str(error))


@dataclass(frozen=True)
class Trained:
    """An adapter, the same merged into its base in float32, and the chat side of both."""

    adapter: Path
    merged: Path
    target: ChatTarget


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Six steps of LoRA on records of the sample data."""
    from peft import PeftModel

    from assay.models import load_base
    from assay.train.settings import TrainSettings
    from assay.train.stage import train

    folder = tmp_path_factory.mktemp("trained")
    target = load_target(DEFAULT_MODEL, offline=True)
    records = random.Random(0).sample(list(read([str(bundled("tickets.jsonl"))]).records()), 40)
    settings = TrainSettings(
        load_in_4bit=False, dtype="float32", device="cpu", lora_r=8, learning_rate=1e-3, num_train_epochs=1.0,
        effective_batch_size=4, truncation="drop", max_length=128, validation=0.0,
    )  # fmt: skip
    from assay.chat import TemplateProblem, encode_all

    encoded = zip(records, encode_all(records, target), strict=True)
    short = [r for r, one in encoded if not isinstance(one, TemplateProblem) and len(one.input_ids) <= 128][:24]
    result = train(Dataset.from_records(short), settings, folder / "run", target, target.ref)
    model = PeftModel.from_pretrained(load_base(target.ref, dtype="float32", device="cpu"), str(result.adapter))
    model.merge_and_unload().save_pretrained(folder / "merged")
    target.tokenizer.save_pretrained(folder / "merged")
    return Trained(result.adapter, folder / "merged", target)


def ask_llama_cpp(model: Path, lora: Path | None, folder: Path) -> dict[str, Any]:
    python = python_with("ASSAY_LLAMA_PYTHON", "llama_cpp")
    talks = [[{"role": message.role, "content": message.content} for message in talk] for talk in TALKS]
    asked = {"model": str(model), "lora": str(lora) if lora else None, "talks": talks, "new": NEW_TOKENS}
    (folder / "asked.json").write_text(json.dumps(asked))
    (folder / "ask.py").write_text(ASK)
    done = subprocess.run([python, str(folder / "ask.py"), str(folder / "asked.json")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def ask_transformers(trained: Trained) -> list[list[int]]:
    """Greedy answers of the merged model, without the token that ends them."""
    import torch

    from assay.models import load_base, resolve

    model = load_base(resolve(str(trained.merged), offline=True), dtype="float32", device="cpu")
    answers = []
    for talk in TALKS:
        ids = torch.tensor([inference_prompt(talk, trained.target)])
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW_TOKENS, do_sample=False,
                eos_token_id=list(trained.target.stop_token_ids), pad_token_id=trained.target.pad_token_id,
            )  # fmt: skip
        new = [int(token) for token in out[0, ids.shape[1] :]]
        answers.append([token for token in new if token not in trained.target.stop_token_ids])
    return answers


def check_prompts(found: dict[str, Any], target: ChatTarget) -> None:
    assert [answer["prompt"] for answer in found["answers"]] == [inference_prompt(talk, target) for talk in TALKS]


def same(found: dict[str, Any], answers: Sequence[list[int]]) -> int:
    return sum(one["new"] == other for one, other in zip(found["answers"], answers, strict=True))


def test_llama_cpp_answers_as_transformers_does(trained: Trained, converter: Converter, tmp_path: Path) -> None:
    """Prompt ids are equal in every form; greedy answers of a merged model in f32 and f16 are too, and those of the
    adapter's GGUF laid over the base's."""
    answers = ask_transformers(trained)
    target = read_model(trained.merged, offline=True, say=print)
    assert target.template == trained.target.template
    for outtype in ("f32", "f16", "q8_0"):
        out = tmp_path / f"{outtype}.gguf"
        made = export_model(trained.merged, target, out, outtype, converter, None, print)
        assert made.facts.stop_ids[0] == trained.target.stop_token_ids[0]
        found = ask_llama_cpp(out, None, tmp_path)
        check_prompts(found, trained.target)
        print(f"{outtype}: {out.stat().st_size / 1e6:.0f} MB, {same(found, answers)} of {len(TALKS)} answers are equal")
        if outtype != "q8_0":
            assert same(found, answers) == len(TALKS)
    source = read_trained(trained.adapter, offline=True)
    lora, base = tmp_path / "adapter.gguf", tmp_path / "base.gguf"
    export_adapter(source, lora, "f32", converter, print)
    export_model(folder_of(EMBEDDED[DEFAULT_MODEL]), source.target, base, "f32", converter, None, print)
    found = ask_llama_cpp(base, lora, tmp_path)
    check_prompts(found, trained.target)
    print(f"adapter over base: {same(found, answers)} of {len(TALKS)} answers are equal")
    assert same(found, answers) == len(TALKS)
    assert same(ask_llama_cpp(base, None, tmp_path), answers) < len(TALKS)  # the base by itself answers otherwise


def test_llama_cpps_quantiser_writes_what_llama_cpp_reads(
    trained: Trained, converter: Converter, tmp_path: Path
) -> None:
    python = python_with("ASSAY_LLAMA_PYTHON", "llama_cpp")
    target = read_model(trained.merged, offline=True, say=print)
    out = tmp_path / "q4.gguf"
    quantiser = Quantiser(python, True, "llama-cpp-python")
    made = export_model(trained.merged, target, out, "q4_k_m", converter, quantiser, print)
    print(made.facts.types, f"{made.facts.megabytes:.0f} MB")
    check_prompts(ask_llama_cpp(out, None, tmp_path), trained.target)
    assert out.stat().st_size < 0.5 * 2 * made.facts.parameters


@pytest.mark.parametrize("kind", ["rslora", "patterns"])
def test_scales_that_llama_cpp_does_not_know_reach_it_all_the_same(
    kind: str, trained: Trained, converter: Converter, tmp_path: Path
) -> None:
    """rsLoRA and patterns of ranks and alphas: the adapter over the base answers as PEFT's own merge does."""
    import torch
    from peft import LoraConfig, get_peft_model

    from assay.models import load_base

    given: dict[str, Any] = {
        "rslora": {"use_rslora": True},
        "patterns": {"rank_pattern": {"q_proj": 8}, "alpha_pattern": {"v_proj": 32, r"layers.3.mlp.up_proj": 4}},
    }[kind]
    torch.manual_seed(0)
    base = load_base(trained.target.ref, dtype="float32", device="cpu")
    config = LoraConfig(
        r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "up_proj"], task_type="CAUSAL_LM", **given
    )
    model = get_peft_model(base, config)
    for name, parameter in model.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter, std=0.03)
    model.peft_config["default"].base_model_name_or_path = DEFAULT_MODEL
    model.save_pretrained(str(tmp_path / "adapter"), save_embedding_layers=False)
    model.merge_and_unload().save_pretrained(tmp_path / "merged")
    trained.target.tokenizer.save_pretrained(tmp_path / "merged")
    answers = ask_transformers(Trained(tmp_path / "adapter", tmp_path / "merged", trained.target))
    source = read_trained(tmp_path / "adapter", offline=True)
    export_adapter(source, tmp_path / "adapter.gguf", "f32", converter, print)
    export_model(
        folder_of(EMBEDDED[DEFAULT_MODEL]), source.target, tmp_path / "base.gguf", "f32", converter, None, print
    )
    found = ask_llama_cpp(tmp_path / "base.gguf", tmp_path / "adapter.gguf", tmp_path)
    print(f"{kind}: {same(found, answers)} of {len(TALKS)} answers are equal")
    assert same(found, answers) == len(TALKS)


GO = """
package main

import (
	"encoding/json"
	"os"
	"strings"
	"text/template"
)

type message struct {
	Role    string
	Content string
}

type filled struct {
	Template string
	System   string
	Messages []*message
}

func main() {
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var all []filled
	if err := json.Unmarshal(data, &all); err != nil {
		panic(err)
	}
	texts := []string{}
	for _, one := range all {
		parsed := template.Must(template.New("").Option("missingkey=zero").Parse(one.Template))
		var out strings.Builder
		values := map[string]any{"System": one.System, "Messages": one.Messages, "Response": ""}
		if err := parsed.Execute(&out, values); err != nil {
			panic(err)
		}
		texts = append(texts, out.String())
	}
	if err := json.NewEncoder(os.Stdout).Encode(texts); err != nil {
		panic(err)
	}
}
"""


def test_go_writes_what_assay_says_it_writes(shared: Path, tmp_path: Path) -> None:
    """The templates of real models that can be said in Ollama's language, executed by Go's own text/template.

    Go is given TEMPLATE as it is read back out of the Modelfile, and SYSTEM as Ollama puts it before a conversation.
    """
    from assay.chat_templates.templating import TemplateProblem
    from assay.curate.template.models import load_models, templates_in
    from assay.train.exporting.modelfile import Modelfile
    from assay.train.exporting.ollama_template import PLAIN, OllamaTemplate, collated, filled, ollama_template
    from assay.train.exporting.turns import NotExpressible, render

    go = shutil.which("go") or pytest.skip("needs Go")
    composed: list[tuple[OllamaTemplate, ChatTarget]] = []
    refused = 0
    models = load_models(templates_in([str(shared / "data" / "templates")]), offline=True, say=lambda _: None)
    for target in [model.target for model in models if model.target is not None]:
        try:
            composed.append((ollama_template(target, None), target))
        except (NotExpressible, TemplateProblem):
            refused += 1
    cases, expected = [], []
    for template, target in composed:
        text = Modelfile("m.gguf", None, template.text, template.system, ("</s>",), 4096, ()).text()
        read_back = dict(read_modelfile(text))
        assert read_back.get("system") == template.system
        for talk in PLAIN:
            turns = list(talk)
            if template.system:  # an empty one is none to Ollama
                turns.insert(0, Message("system", template.system))
            cases.append({"Template": read_back["template"], **collated(turns)})
            assert filled(template, talk) == render(talk, target)
            expected.append(render(talk, target))
    (tmp_path / "main.go").write_text(GO)
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    done = subprocess.run([go, "run", "main.go", "cases.json"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    print(f"{len(composed)} templates can be said, {refused} cannot; {len(cases)} conversations")
    assert json.loads(done.stdout) == expected
    assert len(composed) > refused


PARSERS = {
    "axolotl": (
        "ASSAY_AXOLOTL_PYTHON",
        """
import sys, yaml
from axolotl.utils.schemas.config import AxolotlInputConfig
given = yaml.safe_load(open(sys.argv[1]))
read = AxolotlInputConfig(**given)
assert not set(given) - set(AxolotlInputConfig.model_fields), set(given) - set(AxolotlInputConfig.model_fields)
print(read.lora_r, read.base_model)
""",
    ),
    "llamafactory": (
        "ASSAY_LLAMAFACTORY_PYTHON",
        """
import importlib.machinery, importlib.util, os, sys, types, yaml
os.environ["DISABLE_VERSION_CHECK"] = "1"
if importlib.util.find_spec("torchaudio") is None:  # imported for audio models
    sys.modules["torchaudio"] = types.ModuleType("torchaudio")
    sys.modules["torchaudio"].__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
from llamafactory.hparams import get_train_args
model, data, training, finetuning, generating = get_train_args(yaml.safe_load(open(sys.argv[1])))
print(finetuning.lora_rank, model.model_name_or_path)
""",
    ),
    "trl": (
        "ASSAY_TRL_PYTHON",
        """
import sys
from trl import ModelConfig, ScriptArguments, SFTConfig, TrlParser
from trl.scripts.utils import DatasetMixtureConfig
parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig, DatasetMixtureConfig))
script, training, model, mixture = parser.parse_args_and_config(["--config", sys.argv[1]])
print(model.lora_r, model.model_name_or_path)
""",
    ),
}


@pytest.mark.parametrize("tool", PARSERS)
def test_each_trainer_takes_the_settings_that_are_written_for_it(tool: str, tmp_path: Path) -> None:
    variable, code = PARSERS[tool]
    python = python_with(variable, tool)
    rows = bundled("tickets.jsonl").read_text(encoding="utf-8").splitlines()[:60]
    (tmp_path / "tickets.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "assay.yaml").write_text(
        f"version: 1\nmodel_name_or_path: {DEFAULT_MODEL}\ndata: [{{path: tickets.jsonl}}]\n"
        "train: {lora_r: 12, truncation: drop, max_length: 512, use_rslora: true, neftune_noise_alpha: 5}\n"
    )
    out = tmp_path / tool / "run.yaml"
    command = [sys.executable, "-m", "assay.cli", "export", tool, str(tmp_path / "assay.yaml"), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    parsed = subprocess.run([python, "-c", code, str(out)], cwd=out.parent, capture_output=True, text=True)
    assert parsed.returncode == 0, parsed.stderr[-3000:]
    assert parsed.stdout.split()[-2:] == ["12", str(folder_of(EMBEDDED[DEFAULT_MODEL]))]


def test_the_gguf_says_what_was_trained(converter: Converter, trained: Trained, tmp_path: Path) -> None:
    target = read_model(trained.merged, offline=True, say=print)
    facts = export_model(trained.merged, target, tmp_path / "m.gguf", "f16", converter, None, print).facts
    assert read_gguf(tmp_path / "m.gguf") == facts
    assert (facts.template, facts.adds_bos) == (trained.target.template, False)
    assert facts.stop_texts() == ("<|im_end|>",)
