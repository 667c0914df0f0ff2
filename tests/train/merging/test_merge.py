"""A merged model is what the adapter was over its base, and carries its template and stop tokens."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.errors import AssayError, ModelError, SettingsError, StorageError, TrainingError
from assay.train.merging import merge as merging
from assay.train.merging import room
from assay.train.merging.merge import NotTheSameError, merge
from assay.train.merging.settings import MergeSettings
from assay.train.parity.checks import LOGPROBS, PROMPTS, Outcome
from assay.train.parity.provenance import Trained, read_trained

Make = Callable[..., Path]
Read = Callable[[Path], Trained]
EXACT = MergeSettings(dtype="float32")


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.parent.iterdir() if folder.name in path.name]


@pytest.mark.parametrize("kind", ["llama", "qwen", "gemma"])
def test_a_float32_merge_is_base_and_adapter_to_a_thousandth_of_a_nat(
    kind: str, make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    adapter = make_adapter(tmp_path / "adapter", make_base(kind))
    found = merge(trained_of(adapter), EXACT, tmp_path / "merged")
    numbers = found.parity.check(LOGPROBS).numbers
    assert found.parity.outcome is Outcome.PASS
    assert numbers["most"] <= 1e-3 < found.effect.mean
    assert numbers["flips"] == 0
    assert found.parity.check(PROMPTS).numbers["conversations"] >= 10
    assert left_over(tmp_path / "merged") == ["merged"]


OF_LAYERS: tuple[dict[str, Any], ...] = (
    {"use_dora": True},
    {"use_rslora": True, "r": 8},
    {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"q_proj": 32}},
    {"lora_bias": True, "target_modules": ["q_proj", "k_proj", "v_proj"]},
)
OF_THE_VOCABULARY: tuple[dict[str, Any], ...] = (
    {"modules_to_save": ["lm_head"]},
    {"modules_to_save": ["embed_tokens"]},
    {"target_modules": ["q_proj", "embed_tokens"]},
    {"trainable_token_indices": [3, 7]},
)


@pytest.mark.parametrize(
    ("lora", "tied"),
    [*((lora, True) for lora in (*OF_LAYERS, *OF_THE_VOCABULARY)), *((lora, False) for lora in OF_THE_VOCABULARY)],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "tied" if value else "untied",
)
def test_every_kind_of_lora_merges_to_what_it_was(
    lora: dict[str, Any], tied: bool, make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    kind = "qwen" if "lora_bias" in lora else "llama"  # Qwen's attention has biases to merge into
    adapter = make_adapter(tmp_path / "adapter", make_base(kind, tied=tied), **lora)
    found = merge(trained_of(adapter), EXACT, tmp_path / "merged")
    assert found.parity.check(LOGPROBS).numbers["most"] <= 1e-3 < found.effect.mean


def test_a_vocabulary_that_grew_in_training_is_the_merged_models(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    adapter = make_adapter(tmp_path / "adapter", make_base(), tokens=331)
    found = merge(trained_of(adapter), EXACT, tmp_path / "merged")
    assert found.parity.outcome is Outcome.PASS
    assert json.loads((tmp_path / "merged" / "config.json").read_text())["vocab_size"] == 331


def test_tokens_that_were_added_in_training_are_the_merged_models(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    """As Axolotl and others leave an adapter: its tokenizer beside it, its embeddings in it."""
    from transformers import AutoTokenizer

    base = make_base()
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens(["<fact>"], special_tokens=True)
    adapter = make_adapter(tmp_path / "adapter", base, tokens=384, card=False)
    tokenizer.save_pretrained(adapter)
    found = merge(trained_of(adapter), EXACT, tmp_path / "merged")
    assert found.parity.outcome is Outcome.PASS
    kept = AutoTokenizer.from_pretrained(tmp_path / "merged")
    assert kept.convert_tokens_to_ids("<fact>") == len(tokenizer) - 1 < 384
    assert kept("<fact>")["input_ids"] == [len(tokenizer) - 1]


@pytest.mark.parametrize(
    "settings", [{"new_tokens": ("thing",)}, {"use_dora": True, "load_in_4bit": True}], ids=["new tokens", "QDoRA"]
)
def test_what_assay_train_wrote_merges(
    settings: dict[str, Any], train_tiny: Any, make_colours: Any, trained_of: Read, tmp_path: Path
) -> None:
    out = train_tiny(make_colours(40, 8), tmp_path / "out", num_train_epochs=1, **settings)
    base: Any = "dequantized" if settings.get("load_in_4bit") else "full"
    found = merge(trained_of(out.adapter), MergeSettings(base, "float32"), tmp_path / "merged")
    assert found.parity.outcome is Outcome.PASS and found.effect.mean > 1e-3
    assert (tmp_path / "merged" / "trained_records.parquet").is_file()


def test_16_bits_round_each_sum_once(make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    trained = trained_of(make_adapter(tmp_path / "adapter", make_base()))
    exact = merge(trained, EXACT, tmp_path / "exact")
    for dtype in ("bfloat16", "float16"):
        found = merge(trained, MergeSettings(dtype=dtype), tmp_path / dtype)  # type: ignore[arg-type]
        whole = load_file(tmp_path / "exact" / "model.safetensors")
        kept = load_file(tmp_path / dtype / "model.safetensors")
        assert kept.keys() == whole.keys()
        assert all(torch.equal(kept[name], whole[name].to(getattr(torch, dtype))) for name in kept)
        assert exact.parity.check(LOGPROBS).numbers["mean"] < found.parity.check(LOGPROBS).numbers["mean"]


def test_a_qlora_adapter_merges_into_what_it_was_trained_against(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    pytest.importorskip("bitsandbytes")
    trained = trained_of(make_adapter(tmp_path / "adapter", make_base(), quantisation="nf4"))
    into_nf4 = merge(trained, MergeSettings("dequantized", "float32"), tmp_path / "dequantized")
    into_full = merge(trained, EXACT, tmp_path / "full")
    assert into_nf4.parity.outcome is into_full.parity.outcome is Outcome.PASS
    assert into_nf4.bases is not None and into_nf4.bases.mean > 0.01
    assert into_full.bases is not None and into_full.bases.mean == pytest.approx(into_nf4.bases.mean, abs=1e-4)
    config = json.loads((tmp_path / "dequantized" / "config.json").read_text())
    assert "quantization_config" not in config and config["dtype"] == "float32"
    cards = [json.loads((tmp_path / name / "assay.json").read_text()) for name in ("dequantized", "full")]
    assert [card["merge"]["weights"] for card in cards] == ["nf4", "full"]


def test_the_folder_has_the_trained_template_and_every_stop_token(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    adapter = make_adapter(tmp_path / "adapter", make_base("gemma"))
    trained = trained_of(adapter)
    merge(trained, MergeSettings(), tmp_path / "merged")
    settings = json.loads((tmp_path / "merged" / "generation_config.json").read_text())
    assert settings["eos_token_id"] == list(trained.target.stop_token_ids)
    assert len(settings["eos_token_id"]) == 2 and settings["pad_token_id"] not in settings["eos_token_id"]
    assert (tmp_path / "merged" / "chat_template.jinja").read_text() == trained.target.template
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "merged").iterdir()}
    assert len(modes) == 1, "a server that runs as somebody else reads the weights too"
    card = json.loads((tmp_path / "merged" / "assay.json").read_text())
    assert card["merge"]["adapters"][0]["files"].keys() >= {"adapter_model.safetensors", "adapter_config.json"}
    assert card["merge"]["parity"]["outcome"] == "PASS"
    assert card["template_sha256"] == trained.target.template_sha256


def test_a_merge_of_another_scale_leaves_no_folder_and_says_so(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As merging with another lora_alpha does, which has been every popular tool's fault at some time."""
    trained = trained_of(make_adapter(tmp_path / "adapter", make_base()))
    real = merging.merged

    def with_twice_the_alpha(model: Any, where: str) -> Any:
        for module in model.modules():
            if isinstance(getattr(module, "scaling", None), dict):
                module.scaling = {name: 2 * value for name, value in module.scaling.items()}
        return real(model, where)

    monkeypatch.setattr(merging, "merged", with_twice_the_alpha)
    for dtype in ("float32", "bfloat16", "float16"):
        with pytest.raises(NotTheSameError, match="not what the adapter is over its base: log-probabilities") as caught:
            merge(trained, MergeSettings(dtype=dtype), tmp_path / "merged")  # type: ignore[arg-type]
        assert caught.value.exit_code == 3
        assert left_over(tmp_path / "merged") == []


def test_what_can_be_refused_is_refused_before_a_weight_is_read(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = trained_of(make_adapter(tmp_path / "adapter", make_base()))
    monkeypatch.setattr(merging, "laid_over", lambda *_, **__: pytest.fail("weights were read"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(SettingsError, match="not empty"):
        merge(trained, EXACT, tmp_path / "full")
    with pytest.raises(SettingsError, match="nothing to dequantise"):
        merge(trained, MergeSettings("dequantized"), tmp_path / "merged")
    monkeypatch.setattr(room, "available_memory", lambda: 10**6)
    with pytest.raises(TrainingError, match=r"takes 0\.5 GB of memory, and 0\.0 GB are available"):
        merge(trained, EXACT, tmp_path / "merged")
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(StorageError, match=r"GB are free"):
        merge(trained, EXACT, tmp_path / "merged")


def test_a_disk_that_fills_up_leaves_no_folder(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = trained_of(make_adapter(tmp_path / "adapter", make_base()))

    def full(model: Any, folder: Path, trained: Trained) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(merging, "write_model", full)
    with pytest.raises(StorageError, match=r"disk is full|No space"):
        merge(trained, EXACT, tmp_path / "merged")
    assert left_over(tmp_path / "merged") == []


def test_an_adapter_that_holds_nan_is_refused(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    adapter = make_adapter(tmp_path / "adapter", make_base())
    file = adapter / "adapter_model.safetensors"
    tensors = load_file(file)
    next(iter(tensors.values()))[0, 0] = float("nan")
    save_file(tensors, file)
    with pytest.raises(ModelError, match="NaN"):
        merge(trained_of(adapter), EXACT, tmp_path / "merged")
    assert left_over(tmp_path / "merged") == []


def test_weights_beyond_float16_are_refused(
    make_base: Make, make_adapter: Make, trained_of: Read, tmp_path: Path
) -> None:
    trained = trained_of(make_adapter(tmp_path / "adapter", make_base(), scale=300.0))
    with pytest.raises(AssayError, match="bfloat16 has the range"):
        merge(trained, MergeSettings(dtype="float16"), tmp_path / "merged")


def test_an_adapter_of_another_base_is_refused(make_base: Make, make_adapter: Make, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter", make_base("llama"))
    with pytest.raises(ModelError, match=r"other weights|another tokenizer"):
        read_trained(adapter, model=str(make_base("llama", tied=False)), offline=True)
    with pytest.raises(ModelError, match=r"another tokenizer|does not fit this base"):
        read_trained(adapter, model=str(make_base("gemma")), offline=True)
    foreign = make_adapter(tmp_path / "foreign", make_base("llama"), card=False)
    with pytest.raises(ModelError, match="does not fit this base"):
        read_trained(foreign, model=str(make_base("wide")), offline=True)
