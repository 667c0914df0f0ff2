"""What the weights are in their file, and what becomes of them: a line where it differs, none where nothing is lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from assay.dataset import Dataset
from assay.errors import ModelError, SettingsError
from assay.models import ModelRef, resolve
from assay.train.before.precision import check_precision, file_dtype
from assay.train.trained import Trained

Change = Callable[[str, torch.Tensor], torch.Tensor]
MIXED = {"mlp.down_proj": torch.float32, "norm": torch.float32}


def changed(model: Path, folder: Path, change: Change, **config: Any) -> ModelRef:
    """The model with its tensors changed, and keys of its config."""
    shutil.copytree(model, folder)
    path = folder / "model.safetensors"
    save_file({name: change(name, tensor).contiguous() for name, tensor in load_file(path).items()}, path)
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, **config}))
    return resolve(str(folder), offline=True)


def cast(dtype: torch.dtype, others: Mapping[str, torch.dtype] | None = None) -> Change:
    def change(name: str, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(next((other for part, other in (others or {}).items() if part in name), dtype))

    return change


SAID: Mapping[str, tuple[Change, str, str, str | None]] = {
    "as it is": (cast(torch.bfloat16), "bfloat16", "bfloat16", None),
    "widened": (cast(torch.bfloat16), "bfloat16", "float32", None),
    "rounded": (cast(torch.float32), "float32", "bfloat16", "are float32 in the file and rounded to bfloat16"),
    "fewer digits": (cast(torch.float16), "float16", "bfloat16", "are float16 in the file and rounded to bfloat16"),
    "less range": (cast(torch.bfloat16), "bfloat16", "float16", "what is above 65,504 becomes infinite"),
    "contradicted": (cast(torch.bfloat16), "float16", "bfloat16", "config.json says float16 and the weights are bf"),
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_lost_is_one_line_and_what_is_not_is_none(name: str, model_folder: Path, tmp_path: Path) -> None:
    change, said_dtype, held, line = SAID[name]
    ref = changed(model_folder, tmp_path / "model", change, dtype=said_dtype)
    found = check_precision(ref, held, load_in_4bit=False)
    assert len(found) == (line is not None)
    if line is not None:
        assert line in found[0].replace("bfloat16:", "bf") and "\n" not in found[0]


def test_a_file_of_two_precisions_is_said_with_what_holds_the_other(model_folder: Path, tmp_path: Path) -> None:
    ref = changed(model_folder, tmp_path / "model", cast(torch.bfloat16, MIXED), dtype="bfloat16")
    (line,) = check_precision(ref, "bfloat16", load_in_4bit=True)
    assert line.startswith("the file mixes precisions, bfloat16 and 1")
    assert "float32 (down_proj, input_layernorm, post_attention_layernorm, ...)" in line
    assert "all are held in bfloat16, which rounds 1" in line
    assert check_precision(ref, "float32", load_in_4bit=False)[0].endswith("all are held in float32, unrounded")
    assert file_dtype(ref) == "bfloat16"


def test_what_an_architecture_keeps_in_float32_is_neither_rounded_nor_refused(tmp_path: Path) -> None:
    """DeepSeek's router has a bias that its authors keep in float32, and so does transformers."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(
        "deepseek_v3", vocab_size=64, hidden_size=64, intermediate_size=64, moe_intermediate_size=32, q_lora_rank=16,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4, n_routed_experts=4, num_experts_per_tok=2,
        n_group=1, topk_group=1, kv_lora_rank=16, qk_rope_head_dim=8, qk_nope_head_dim=8, v_head_dim=16,
        first_k_dense_replace=1,
    )  # fmt: skip
    made = AutoModelForCausalLM.from_config(config)
    made.save_pretrained(tmp_path / "made")
    bias = "mlp.gate.e_score_correction_bias"
    ref = changed(tmp_path / "made", tmp_path / "model", cast(torch.bfloat16, {bias: torch.float32}), dtype="bfloat16")
    (line,) = check_precision(ref, "bfloat16", load_in_4bit=True)
    assert "less than 0.1% float32 (gate): all are held in bfloat16, unrounded" in line
    assert "transformers keeps e_score_correction_bias, gate.weight in float32" in line


STORED: Mapping[str, tuple[dict[str, Any], bool, str]] = {
    "4 bits, as asked for": ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, True,
                             "quantised in the file already (nf4), and are taken as they are"),
    "4 bits, not asked for": ({"quant_method": "bitsandbytes", "load_in_4bit": True}, False,
                              "load_in_4bit: false, but the weights are quantised in the file already"),
    "another method": ({"quant_method": "gptq", "bits": 4}, True, "set load_in_4bit: false, or take the upload"),
    "another method, as it is": ({"quant_method": "gptq", "bits": 4}, False, "already (gptq), and are taken"),
}  # fmt: skip


@pytest.mark.parametrize("name", STORED)
def test_a_file_of_quantised_weights_is_taken_as_it_is_or_the_setting_is_refused(
    name: str, model_folder: Path, tmp_path: Path
) -> None:
    stored, load_in_4bit, line = STORED[name]
    ref = changed(model_folder, tmp_path / "model", cast(torch.bfloat16), quantization_config=stored)
    if line.startswith(("quantised", "already")):
        (said,) = check_precision(ref, "bfloat16", load_in_4bit=load_in_4bit)
    else:
        with pytest.raises(SettingsError) as caught:
            check_precision(ref, "bfloat16", load_in_4bit=load_in_4bit)
        said = str(caught.value)
    assert line in said and "\n" not in said


def test_a_table_of_integers_is_no_weight(model_folder: Path, tmp_path: Path) -> None:
    """DeepSeek V4 keeps which experts a token goes to, beside its weights."""
    ref = changed(model_folder, tmp_path / "model", cast(torch.bfloat16), dtype="bfloat16")
    path = tmp_path / "model" / "model.safetensors"
    save_file({**load_file(path), "model.layers.0.ffn.gate.tid2eid": torch.zeros(4, 4, dtype=torch.int64)}, path)
    assert check_precision(ref, "bfloat16", load_in_4bit=True) == ()


def test_weights_that_are_no_numbers_are_refused_unless_the_config_says_how(model_folder: Path, tmp_path: Path) -> None:
    def packed(name: str, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(torch.int8) if "down_proj" in name else tensor

    ref = changed(model_folder, tmp_path / "model", packed)
    with pytest.raises(ModelError, match=r"2 weights are I8 \(model\.layers\.0\.mlp\.down_proj\.weight\)") as caught:
        check_precision(ref, "bfloat16", load_in_4bit=True)
    assert "\n" not in str(caught.value) and caught.value.exit_code == 2


def test_a_run_says_it_before_its_first_step(
    model_folder: Path, tmp_path: Path, make_colours: Callable[..., Dataset]
) -> None:
    from assay.train.settings import TrainSettings
    from assay.train.stage import train

    changed(model_folder, tmp_path / "model", cast(torch.bfloat16, MIXED), dtype="bfloat16")
    settings = TrainSettings(load_in_4bit=False, dtype="float32", device="cpu", num_train_epochs=1, validation=0)
    said: list[str] = []
    run: Trained = train(make_colours(4), settings, tmp_path / "out", str(tmp_path / "model"), say=said.append)
    assert run.steps == 1
    mixed = [index for index, line in enumerate(said) if "mixes precisions" in line]
    assert len(mixed) == 1 and mixed[0] < next(index for index, line in enumerate(said) if line.startswith("train:"))
