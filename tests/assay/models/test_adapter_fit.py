"""An adapter of another architecture is refused by its shapes, before a weight of the base is read."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from assay.errors import ModelError
from assay.models import ModelRef, resolve
from assay.models.adapter_fit import adapted_layers, check_fit, check_fit_here

SIZES = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64,
}  # fmt: skip


def config_of(kind: str, **more: Any) -> Any:
    from transformers import AutoConfig

    if kind == "gpt2":
        return AutoConfig.for_model("gpt2", vocab_size=64, n_embd=32, n_layer=2, n_head=4, n_positions=64)
    return AutoConfig.for_model(kind, **{**SIZES, **more})


def base(folder: Path, kind: str = "llama", *, without_weights: bool = False, **more: Any) -> ModelRef:
    """Random, in a folder; `without_weights` leaves it as a hub model is before it was fetched: its config alone."""
    from transformers import AutoModelForCausalLM

    config = config_of(kind, **more)
    if without_weights:
        config.save_pretrained(folder)
        return ModelRef(str(folder), folder, None, embedded=False)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return resolve(str(folder), offline=True)


def adapter(folder: Path, kind: str = "llama", targets: Any = "all-linear", **more: Any) -> Path:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(config_of(kind, **more))
    model.name_or_path = "the/base"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lora = LoraConfig(r=4, target_modules=targets, task_type="CAUSAL_LM")
        get_peft_model(model, lora).save_pretrained(str(folder), save_embedding_layers=False)
    return folder


MOE = {"num_local_experts": 2, "num_experts_per_tok": 1}
SAME: Mapping[str, tuple[str, Any]] = {
    "Llama": ("llama", {}), "GPT-2, which lies the other way round": ("gpt2", {}), "a mixture": ("mixtral", MOE),
    "Phi-3, fused": ("phi3", {"pad_token_id": 0}), "Mamba": ("mamba2", {"num_heads": 4, "head_dim": 16}),
}  # fmt: skip


@pytest.mark.parametrize("without_weights", [False, True])
@pytest.mark.parametrize("name", SAME)
def test_an_adapter_of_this_base_passes(name: str, without_weights: bool, tmp_path: Path) -> None:
    kind, more = SAME[name]
    targets = ["in_proj"] if kind == "mamba2" else ["q_proj", "o_proj"] if kind == "mixtral" else "all-linear"
    folder = adapter(tmp_path / "adapter", kind, targets, **more)
    assert adapted_layers(folder)
    check_fit(base(tmp_path / "base", kind, without_weights=without_weights, **more), folder)


OTHER: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "wider": ("llama", {"hidden_size": 64}, "is 64 x 128 there and 32 x 64 here"),
    "deeper": ("llama", {"num_hidden_layers": 3}, "model.layers.2.mlp.down_proj is not there: this model has 2 layers"),
    "GPT-2": ("gpt2", {}, "none of its 8 layers is there (transformer.h.0.attn.c_attn)"),
    "fused": ("phi3", {"pad_token_id": 0}, "none of its 8 layers is there"),
}


@pytest.mark.parametrize("without_weights", [False, True])
@pytest.mark.parametrize("name", OTHER)
def test_an_adapter_of_another_is_refused_in_one_line(name: str, without_weights: bool, tmp_path: Path) -> None:
    kind, more, said = OTHER[name]
    if name == "wider":
        more = {**more, "intermediate_size": 128}
    folder = adapter(tmp_path / "adapter", kind, **more)
    if name == "fused":  # down_proj and o_proj are Llama's too, and fit
        keep_only(folder, ("qkv_proj", "gate_up_proj"))
        said = "none of its 4 layers is there"
    with pytest.raises(ModelError) as caught:
        check_fit(base(tmp_path / "base", without_weights=without_weights), folder)
    assert said in str(caught.value) and "it was trained on the/base" in str(caught.value)
    assert "\n" not in str(caught.value) and caught.value.exit_code == 2


def keep_only(folder: Path, modules: tuple[str, ...]) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "adapter_model.safetensors"
    kept = {key: tensor for key, tensor in load_file(path).items() if any(f".{name}." in key for name in modules)}
    save_file(kept, path)


@pytest.mark.parametrize("dtype", ["int8", "float8_e4m3fn", "bfloat16", "float16"])
def test_an_adapter_of_packed_numbers_is_refused_and_one_in_16_bits_is_not(dtype: str, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    from assay.models import load_adapter, load_base

    ref, folder = base(tmp_path / "base"), adapter(tmp_path / "adapter")
    path = folder / "adapter_model.safetensors"
    save_file({key: (tensor + 0.01).to(getattr(torch, dtype)) for key, tensor in load_file(path).items()}, path)
    if "16" in dtype:
        check_fit(ref, folder)
        model = load_adapter(load_base(ref, dtype="float32", device="cpu"), folder, "candidate")
        assert {p.dtype for name, p in model.named_parameters() if "lora" in name} == {torch.float32}
        return
    for read in (
        lambda: check_fit(ref, folder), lambda: load_adapter(load_base(ref, device="cpu"), folder, "candidate"),
    ):  # fmt: skip
        with pytest.raises(ModelError, match="says nothing of the numbers that they stand for") as caught:
            read()
        assert "\n" not in str(caught.value)


def test_a_decoder_that_is_wrapped_has_the_layers_of_one_that_is_not(tmp_path: Path) -> None:
    """Some uploads name their tensors from within a model that sees, adapters theirs from within the decoder."""
    from safetensors.torch import load_file, save_file

    ref = base(tmp_path / "base")
    path = Path(str(ref.path)) / "model.safetensors"
    save_file({f"language_model.{key}": tensor for key, tensor in load_file(path).items()}, path)
    check_fit(ref, adapter(tmp_path / "adapter"))


def test_what_shapes_cannot_tell_is_left_to_loading(tmp_path: Path) -> None:
    ref = base(tmp_path / "base")
    for name, text in {"none": None, "torn": b"\x10\x00\x00", "no JSON": b"\x02\x00\x00\x00\x00\x00\x00\x00{["}.items():
        folder = tmp_path / name
        folder.mkdir()
        if text is not None:
            (folder / "adapter_model.safetensors").write_bytes(text)
        check_fit(ref, folder)


LIGHT = """
import sys
from pathlib import Path
from assay.models.adapter_fit import check_fit
from assay.errors import ModelError
from assay.models import resolve
try:
    check_fit(resolve(sys.argv[1], offline=True), Path(sys.argv[2]))
except ModelError as error:
    print(error)
print([name for name in ("torch", "transformers", "peft", "safetensors") if name in sys.modules])
"""


def test_a_base_is_asked_by_its_name_where_it_is_here(tmp_path: Path) -> None:
    ref, folder = base(tmp_path / "base"), adapter(tmp_path / "adapter", hidden_size=64)
    with pytest.raises(ModelError, match="does not fit this base model"):
        check_fit_here(str(ref.path), folder)
    check_fit_here(str(ref.path), None)
    check_fit_here("some/model-of-the-hub", folder)


def test_the_line_comes_without_torch_where_the_base_is_here(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "adapter", hidden_size=64)
    ref = base(tmp_path / "base")
    command = [sys.executable, "-c", LIGHT, str(ref.path), str(folder)]
    said, loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "does not fit this base model" in said
    assert json.loads(loaded.replace("'", '"')) == []
