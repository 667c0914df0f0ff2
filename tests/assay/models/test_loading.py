"""What loads, what is refused in one line, and what proves that an adapter is there."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

from assay.errors import ModelError
from assay.models import (
    AdapterEvidence,
    load_adapter,
    load_base,
    load_config,
    load_generation_config,
    load_tokenizer,
    prove_adapter,
    resolve,
    weights_sha256,
)

PROBE = [5, 6, 7, 8]


def one_line(error: pytest.ExceptionInfo[ModelError], *words: str) -> None:
    text = str(error.value)
    assert "\n" not in text
    for word in words:
        assert word in text


def copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


@pytest.fixture
def base(tiny_model: Path) -> Any:
    return load_base(resolve(str(tiny_model)), device="cpu")


@pytest.fixture
def adapter(base: Any, tiny_model: Path, tmp_path: Path) -> Path:
    """An adapter that changes the tiny model's logits."""
    model = get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj", "v_proj"]))
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    model.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def fresh(folder: Path) -> Any:
    return load_base(resolve(str(folder)), device="cpu")


def test_a_folder_loads_in_evaluation_mode_and_float32_on_a_cpu(base: Any) -> None:
    assert not base.training
    assert base.dtype == torch.float32


def test_names_that_cannot_be_models_are_one_line(tmp_path: Path) -> None:
    for name in ("./nothing", "a b", "one/two/three", str(tmp_path / "absent")):
        with pytest.raises(ModelError) as error:
            resolve(name)
        one_line(error, "no such model folder")


def test_a_hub_id_that_is_not_cached_is_one_line_offline(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        resolve("nobody/no-such-model-3141", offline=True)
    one_line(error, "local cache")


def test_a_file_and_a_folder_that_is_no_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelError) as error:
        resolve(str(tmp_path / "m.gguf"))
    one_line(error, "a model is a folder")
    with pytest.raises(ModelError) as error:
        resolve(str(tmp_path))
    one_line(error, "config.json")


def test_an_adapter_in_the_place_of_a_model_names_its_base(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "some/base"}')
    with pytest.raises(ModelError) as error:
        resolve(str(tmp_path))
    one_line(error, "is an adapter", "some/base")


def test_pickled_weights_are_refused_and_not_opened(tiny_model: Path, tmp_path: Path) -> None:
    folder = copied(tiny_model, tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")
    with pytest.raises(ModelError) as error:
        fresh(folder)
    one_line(error, "pickle", "pytorch_model.bin")


@pytest.mark.parametrize("model_type", ["llama", "unheard_of"])
def test_a_folder_with_code_of_its_own_runs_none_of_it(tiny_model: Path, tmp_path: Path, model_type: str) -> None:
    folder = copied(tiny_model, tmp_path / "code")
    ran = tmp_path / "ran"
    code = f"open({str(ran)!r}, 'w').close()\nclass Evil: pass\n"
    (folder / "evil.py").write_text(code)
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate" / "generate.py").write_text(code + "def generate(*a, **k): pass\n")
    for name in ("config.json", "tokenizer_config.json"):
        values = json.loads((folder / name).read_text())
        values["auto_map"] = {
            "AutoConfig": "evil.Evil",
            "AutoModelForCausalLM": "evil.Evil",
            "AutoTokenizer": ["evil.Evil", "evil.Evil"],
        }
        values["model_type"] = model_type
        (folder / name).write_text(json.dumps(values))
    ref = resolve(str(folder))
    refused = 0
    for load in (load_config, load_generation_config, load_tokenizer, load_base):
        try:
            load(ref)
        except ModelError as error:
            assert "\n" not in str(error)
            refused += 1
    assert not ran.exists()
    assert refused >= (2 if model_type == "unheard_of" else 0)


def test_damaged_files_are_one_line(tiny_model: Path, tmp_path: Path) -> None:
    folder = copied(tiny_model, tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:200])
    with pytest.raises(ModelError) as error:
        fresh(folder)
    one_line(error, "damaged")
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError) as error:
        load_tokenizer(resolve(str(folder)))
    one_line(error, "tokenizer")


def test_the_hash_of_weights_is_what_sha256sum_prints_and_changes_with_them(tiny_model: Path, tmp_path: Path) -> None:
    import hashlib

    folder = copied(tiny_model, tmp_path / "model")
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    expected = hashlib.sha256(f"{digest}  model.safetensors\n".encode()).hexdigest()
    assert weights_sha256(resolve(str(folder))) == expected
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b"\0")
    assert weights_sha256(resolve(str(folder))) != expected


def test_a_real_adapter_proves_that_it_is_there(tiny_model: Path, adapter: Path) -> None:
    model = load_adapter(fresh(tiny_model), adapter, "candidate")
    evidence = prove_adapter(model, "candidate", PROBE)
    assert isinstance(evidence, AdapterEvidence)
    assert evidence.finite and evidence.max_logit_difference > 1e-4
    saved = load_file(adapter / "adapter_model.safetensors")
    assert evidence.parameters == sum(tensor.numel() for tensor in saved.values())


def test_with_the_adapter_off_the_model_is_the_base_bit_for_bit(tiny_model: Path, adapter: Path) -> None:
    base = fresh(tiny_model)
    probe = torch.tensor([PROBE])
    with torch.inference_mode():
        expected = base(input_ids=probe).logits.clone()
        model = load_adapter(base, adapter, "candidate")
        with model.disable_adapter():
            assert torch.equal(model(input_ids=probe).logits, expected)


def test_an_adapter_that_changes_nothing_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    model = get_peft_model(fresh(tiny_model), LoraConfig(r=2, target_modules=["q_proj"]))
    model.save_pretrained(tmp_path / "untrained")
    loaded = load_adapter(fresh(tiny_model), tmp_path / "untrained", "candidate")
    with pytest.raises(ModelError) as error:
        prove_adapter(loaded, "candidate", PROBE)
    one_line(error, "changes nothing")


def change_weights(folder: Path, change: Any) -> None:
    tensors = load_file(folder / "adapter_model.safetensors")
    save_file(change(tensors), folder / "adapter_model.safetensors", metadata={"format": "pt"})


def test_an_adapter_with_nan_is_refused(tiny_model: Path, adapter: Path) -> None:
    change_weights(adapter, lambda tensors: {**tensors, **{k: v * float("nan") for k, v in list(tensors.items())[:1]}})
    with pytest.raises(ModelError) as error:
        load_adapter(fresh(tiny_model), adapter, "candidate")
    one_line(error, "NaN")


def test_an_adapter_for_another_shape_is_refused(adapter: Path, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("tiny", Path(__file__).resolve().parents[2] / "conftest.py")
    assert spec and spec.loader
    tiny = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tiny)
    tiny.build_tiny_model(tmp_path / "wider", hidden_size=64)
    with pytest.raises(ModelError) as error:
        load_adapter(fresh(tmp_path / "wider"), adapter, "candidate")
    one_line(error, "does not fit")


def test_an_adapter_whose_tensors_find_no_place_is_refused(tiny_model: Path, adapter: Path) -> None:
    """PEFT itself only warns, and goes on with an adapter that is not there."""
    change_weights(adapter, lambda tensors: {k.replace("layers.0", "layers.7"): v for k, v in tensors.items()})
    with pytest.raises(ModelError) as error:
        load_adapter(fresh(tiny_model), adapter, "candidate")
    one_line(error, "find no place")


def test_an_adapter_for_modules_that_the_base_does_not_have_is_refused(tiny_model: Path, adapter: Path) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps({**config, "target_modules": ["query_key_value"]}))
    with pytest.raises(ModelError) as error:
        load_adapter(fresh(tiny_model), adapter, "candidate")
    one_line(error, "does not fit")


def test_a_pickled_adapter_is_refused(tiny_model: Path, adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(ModelError) as error:
        load_adapter(fresh(tiny_model), adapter, "candidate")
    one_line(error, "pickle")


def test_a_second_adapter_that_does_not_fit_leaves_the_first_in_place(
    tiny_model: Path, adapter: Path, tmp_path: Path
) -> None:
    model = load_adapter(fresh(tiny_model), adapter, "previous")
    bad = copied(adapter, tmp_path / "bad")
    change_weights(bad, lambda tensors: {k.replace("layers.0", "layers.7"): v for k, v in tensors.items()})
    with pytest.raises(ModelError):
        load_adapter(model, bad, "candidate")
    assert isinstance(model, PeftModel)
    assert list(model.peft_config) == ["previous"]
    assert prove_adapter(model, "previous", PROBE).max_logit_difference > 1e-4


def test_weights_that_the_files_lack_are_not_made_up(tiny_model: Path, tmp_path: Path) -> None:
    folder = copied(tiny_model, tmp_path / "gap")
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError) as caught:
        load_base(resolve(str(folder)), device="cpu")
    one_line(caught, "lack 1 tensors of the model", "model.layers.1.mlp.up_proj.weight")


def test_weights_of_another_config_are_one_line(tiny_model: Path, tmp_path: Path) -> None:
    folder = copied(tiny_model, tmp_path / "other")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 96}))
    with pytest.raises(ModelError) as caught:
        load_base(resolve(str(folder)), device="cpu")
    one_line(caught, "the weights have other shapes than config.json says")


needs_bitsandbytes = pytest.mark.skipif(
    importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed"
)


@needs_bitsandbytes
def test_a_4bit_model_keeps_its_weights_as_they_are_when_it_is_evaluated(tiny_model: Path) -> None:
    """bitsandbytes 0.50 repacks them on some processors, and training goes wrong from then on."""
    import bitsandbytes

    model: Any = load_base(resolve(str(tiny_model)), load_in_4bit=True, device="cpu")
    layers = [module for module in model.modules() if isinstance(module, bitsandbytes.nn.Linear4bit)]
    assert layers
    before = [layer.weight.data.clone() for layer in layers]
    with torch.inference_mode():
        model(input_ids=torch.tensor([PROBE]))
    for layer, weight in zip(layers, before, strict=True):
        assert torch.equal(layer.weight.data, weight)
        assert not getattr(layer.weight.quant_state, "packing_format_for_cpu", False)


@needs_bitsandbytes
def test_gradients_are_the_same_after_an_evaluation(tiny_model: Path) -> None:
    def gradient(evaluate_first: bool) -> torch.Tensor:
        model: Any = load_base(resolve(str(tiny_model)), load_in_4bit=True, device="cpu")
        probe = torch.tensor([PROBE])
        if evaluate_first:
            with torch.inference_mode():
                model(input_ids=probe)
        model.train()
        inputs = model.get_input_embeddings()(probe).detach().requires_grad_(True)
        model(inputs_embeds=inputs, labels=probe).loss.backward()
        assert inputs.grad is not None
        return inputs.grad

    assert torch.equal(gradient(evaluate_first=False), gradient(evaluate_first=True))


@needs_bitsandbytes
def test_importing_bitsandbytes_leaves_the_kernels_package_as_it_was() -> None:
    from assay.models import import_bitsandbytes

    import_bitsandbytes()
    assert "kernels" not in sys.modules or sys.modules["kernels"] is not None
