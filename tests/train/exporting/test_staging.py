"""What the converter is given: no code, the trained template, and LoRA in a scale that llama.cpp knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.chat import load_target
from assay.errors import ModelError
from assay.train.exporting.artefacts import kind_of
from assay.train.exporting.splitting_names import LLAMA3, QWEN2, splitting_name
from assay.train.exporting.staging import corrections_of, scale_of, stage_adapter, stage_model, weights_metadata
from assay.train.parity.provenance import read_trained
from tests.train.conftest import make_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_model(tmp_path_factory.mktemp("staged") / "model")
    (folder / "modeling_evil.py").write_text("raise SystemExit('ran')")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "modeling_evil.Evil"}}))
    return folder


def save_adapter(folder: Path, model: Path, **given: Any) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(model, trust_remote_code=False)
    settings = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM", **given}
    adapted = get_peft_model(base, LoraConfig(**settings))
    for name, parameter in adapted.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(parameter)
    adapted.save_pretrained(str(folder), save_embedding_layers=False)
    return adapted


def test_no_code_goes_along_and_the_weights_are_links(model: Path, tmp_path: Path) -> None:
    target = load_target(str(model), offline=True)
    stage_model(model, target, tmp_path / "staged")
    assert not list((tmp_path / "staged").rglob("*.py"))
    assert "auto_map" not in (tmp_path / "staged" / "config.json").read_text()
    assert (tmp_path / "staged" / "model.safetensors").is_symlink()
    assert (tmp_path / "staged" / "chat_template.jinja").read_text() == target.template


def test_the_trained_stop_token_ends_texts_and_nothing_is_put_before_them(model: Path) -> None:
    target = load_target(str(model), offline=True)
    corrections = corrections_of(target)
    assert corrections.special_token_ids["eos"] == target.stop_token_ids[0]
    assert corrections.add_special_token == {"bos": False, "eos": False}
    assert corrections.splitting == "gpt-2"


def test_whose_numbers_the_weights_of_a_merge_are_goes_along(tmp_path: Path) -> None:
    assert weights_metadata(tmp_path) == {}
    (tmp_path / "assay.json").write_text('{"kind": "merged", "merge": {"weights": "nf4", "dtype": "bfloat16"}}')
    assert weights_metadata(tmp_path) == {"assay.weights": "nf4"}
    files = {"adapter_model.safetensors": "a" * 64, "adapter_config.json": "c" * 64, "assay.json": "x" * 64}
    merge = {"weights": "full", "adapters": [{"files": files}]}
    (tmp_path / "assay.json").write_text(json.dumps({"merge": merge}))
    assert weights_metadata(tmp_path) == {
        "assay.weights": "full", "assay.adapter": "a" * 64, "assay.adapter_config": "c" * 64,
    }  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"use_rslora": True},
        {"rank_pattern": {"q_proj": 8}, "alpha_pattern": {"layers.0.self_attn.v_proj": 3}},
        {"use_rslora": True, "rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 5}},
    ],
    ids=["plain", "rslora", "patterns", "both"],
)
def test_llama_cpps_scale_over_the_staged_tensors_is_pefts_own(
    given: dict[str, Any], model: Path, tmp_path: Path
) -> None:
    """llama.cpp computes (lora_alpha / rank) B A, with the rank of the tensor: that has to be what PEFT merges."""
    import torch
    from safetensors.torch import load_file

    adapted = save_adapter(tmp_path / "adapter", model, **given)
    stage_adapter(read_trained(tmp_path / "adapter", model=str(model), offline=True), tmp_path / "staged")
    tensors = load_file(tmp_path / "staged" / "adapter_model.safetensors")
    alpha = json.loads((tmp_path / "staged" / "adapter_config.json").read_text())["lora_alpha"]
    compared = 0
    for name, module in adapted.base_model.model.named_modules():
        if not hasattr(module, "get_delta_weight"):
            continue
        a, b = (tensors[f"base_model.model.{name}.lora_{part}.weight"] for part in "AB")
        torch.testing.assert_close(alpha / b.shape[1] * b @ a, module.get_delta_weight("default"))
        assert scale_of(adapted.peft_config["default"].to_dict(), name) == pytest.approx(module.scaling["default"])
        compared += 1
    assert compared == 4


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"use_dora": True}, "is DoRA"),
        ({"bias": "lora_only"}, "trains biases"),
        ({"modules_to_save": ["lm_head"]}, "trains whole modules"),
    ],
)
def test_what_a_gguf_adapter_has_no_place_for_is_refused(
    given: dict[str, Any], said: str, model: Path, tmp_path: Path
) -> None:
    save_adapter(tmp_path / "adapter", model, **given)
    source = read_trained(tmp_path / "adapter", model=str(model), offline=True)
    with pytest.raises(ModelError, match=rf"{said}.*; merge it"):
        stage_adapter(source, tmp_path / "staged")


def test_an_adapter_whose_base_is_not_named_or_not_there_is_one_line(model: Path, tmp_path: Path) -> None:
    save_adapter(tmp_path / "adapter", model)
    path = tmp_path / "adapter" / "adapter_config.json"
    config = json.loads(path.read_text())
    for name, said in (
        (None, "names no base model; name it with --model"),
        ("./gone", r"no such model folder; .*--model"),
    ):
        path.write_text(json.dumps({**config, "base_model_name_or_path": name}))
        with pytest.raises(ModelError, match=said):
            read_trained(tmp_path / "adapter", offline=True)


def test_what_is_neither_adapter_nor_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not there"):
        kind_of(tmp_path / "gone")
    with pytest.raises(ModelError, match="is neither an adapter, nor a model's folder, nor a GGUF file"):
        kind_of(tmp_path)


def described(steps: list[dict[str, Any]], **model: Any) -> str:
    splitting = steps[0] if len(steps) == 1 else {"type": "Sequence", "pretokenizers": steps}
    return json.dumps({"model": {"type": "BPE", **model}, "pre_tokenizer": splitting, "normalizer": None})


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
BARE = {**BYTES, "use_regex": False}


@pytest.mark.parametrize(
    ("description", "name"),
    [
        (described([BYTES]), "gpt-2"),
        (described([{"type": "Digits", "individual_digits": True}, BYTES]), "smollm"),
        (described([{"type": "Split", "behavior": "Isolated", "pattern": {"Regex": LLAMA3}}, BARE], ignore_merges=True),
         "llama-bpe"),
        (described([{"type": "Split", "behavior": "Isolated", "pattern": {"Regex": LLAMA3}}, BARE]), None),
        (described([{"type": "Split", "behavior": "Isolated", "pattern": {"Regex": QWEN2}}, BARE]), None),
        (described([BARE]), None),
        (described([{**BYTES, "add_prefix_space": True}]), None),
        (described([{"type": "Whitespace"}]), None),
        (json.dumps({"model": {"type": "Unigram"}}), None),
    ],
)  # fmt: skip
def test_a_way_of_splitting_is_named_only_where_it_is_to_the_letter_one_of_llama_cpps(
    description: str, name: str | None
) -> None:
    assert splitting_name(description) == name
