"""One loaded base with adapters on and off answers as separate loads would."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.errors import ModelError
from assay.evaluate.models.causal_model import CausalModel
from assay.evaluate.models.generation import Prompt, Stopping, generate
from assay.evaluate.models.likelihood import Request, likelihoods
from assay.evaluate.models.switched_model import Precision, SwitchedModel, load_switched
from assay.models import load_base

IDS = torch.tensor([[5, 90, 17, 301, 8, 44]])
FLOAT32 = Precision(False, "nf4", True, "float32")
MakeAdapter = Callable[..., Path]


def load(target: Any, damage_seed: int | None = 0, precision: Precision = FLOAT32, **adapters: Path) -> SwitchedModel:
    return load_switched(target.ref, target, adapters, precision, damage_seed=damage_seed)  # type: ignore[arg-type]


def logits(switched: SwitchedModel, name: Any) -> torch.Tensor:
    with torch.inference_mode(), switched.switched_to(name):
        found: torch.Tensor = switched.model(input_ids=IDS).logits
        return found


def separately(target: Any, adapter: Path | None) -> torch.Tensor:
    """The model as PEFT alone loads it."""
    from peft import PeftModel

    model: Any = load_base(target.ref, dtype="float32")
    if adapter is not None:
        model = PeftModel.from_pretrained(model, str(adapter)).eval()
    with torch.inference_mode():
        found: torch.Tensor = model(input_ids=IDS).logits
        return found


def test_every_arm_is_bit_for_bit_what_it_is_when_loaded_alone(
    target: Any, tiny_adapter: Path, make_adapter: MakeAdapter
) -> None:
    previous = make_adapter("previous", seed=7, scale=0.1)
    switched = load(target, candidate=tiny_adapter, previous=previous)
    assert switched.adapters == {"candidate", "previous", "damaged"}
    alone = {"base": separately(target, None)} | {
        name: separately(target, path) for name, path in (("candidate", tiny_adapter), ("previous", previous))
    }
    for name in ("base", "candidate", "damaged", "base", "previous", "candidate", "base"):
        if name in alone:
            assert torch.equal(logits(switched, name), alone[name]), name
    assert not torch.equal(alone["candidate"], alone["previous"])


@pytest.mark.parametrize("kind", [{"use_dora": True}, {"use_rslora": True}, {"modules_to_save": ["norm"]}])
def test_so_it_is_for_other_kinds_of_adapter(target: Any, make_adapter: MakeAdapter, kind: dict[str, Any]) -> None:
    adapter = make_adapter("other", **kind)
    switched = load(target, candidate=adapter)
    for name, path in (("base", None), ("candidate", adapter), ("base", None)):
        assert torch.equal(logits(switched, name), separately(target, path))
    assert not torch.equal(logits(switched, "candidate"), logits(switched, "base"))


@pytest.mark.parametrize("kind", [{}, {"use_dora": True}, {"use_rslora": True}, {"modules_to_save": ["norm"]}])
def test_an_adapter_that_adds_nothing_is_the_base_bit_for_bit(
    target: Any, make_adapter: MakeAdapter, kind: dict[str, Any]
) -> None:
    adapter = make_adapter("kind", **kind)
    switched = load_switched(target.ref, target, {"candidate": adapter}, FLOAT32, damage_seed=None, with_zero=True)
    assert switched.adapters == {"candidate", "zero"}
    assert torch.equal(logits(switched, "zero"), separately(target, None))
    assert torch.equal(logits(switched, "candidate"), separately(target, adapter))


def test_in_4_bits_the_base_with_its_adapter_off_is_the_base_alone(target: Any, tiny_adapter: Path) -> None:
    pytest.importorskip("bitsandbytes")
    precision = Precision(True, "nf4", True, "float32")
    switched = load(target, precision=precision, candidate=tiny_adapter)
    alone = load(target, precision=precision)
    assert precision.quantisation == "nf4" and FLOAT32.quantisation is None
    assert torch.equal(logits(switched, "base"), logits(alone, "base"))
    assert not torch.equal(logits(switched, "base"), separately(target, None))


def test_the_base_needs_no_adapter(target: Any) -> None:
    switched = load(target)
    assert switched.adapters == frozenset() and switched.evidence == {}
    assert torch.equal(logits(switched, "base"), separately(target, None))
    with pytest.raises(KeyError):
        logits(switched, "candidate")


def test_an_arm_that_fails_leaves_the_base_as_it_was(target: Any, tiny_adapter: Path) -> None:
    switched = load(target, candidate=tiny_adapter)
    with pytest.raises(ZeroDivisionError), switched.switched_to("base"):
        raise ZeroDivisionError
    assert torch.equal(logits(switched, "candidate"), separately(target, tiny_adapter))


def test_evidence_shows_that_an_adapter_is_really_there(target: Any, tiny_adapter: Path) -> None:
    evidence = load(target, None, candidate=tiny_adapter).evidence["candidate"]
    assert evidence.finite and evidence.nonzero and evidence.max_logit_difference > 0.01
    assert evidence.parameters > 1000


class TestBatches:
    """Every arm meets the very same batches, so that what a batch does to rounding it does to all of them."""

    @pytest.fixture
    def seen(
        self, target: Any, tiny_adapter: Path
    ) -> Iterator[Callable[[str, Callable[[CausalModel], Any]], list[Any]]]:
        switched = load(target, candidate=tiny_adapter)

        def run(name: str, work: Callable[[CausalModel], Any]) -> list[Any]:
            inputs: list[Any] = []
            inner = switched.model.get_base_model()
            with switched.switched_to(name):  # type: ignore[arg-type]
                hook = inner.register_forward_pre_hook(
                    lambda _, __, given: inputs.append(given["input_ids"].tolist()), with_kwargs=True
                )
                work(CausalModel(switched.model))
                hook.remove()
            return inputs

        yield run

    def test_of_likelihoods(self, seen: Any) -> None:
        requests = [Request((5 + i, 6 + i % 7, 9) * (1 + i % 3), (11 + i, 12)) for i in range(40)]
        batches = [
            seen(name, lambda model: likelihoods(model, requests, batch_tokens=60, max_length=64))
            for name in ("base", "candidate", "damaged")
        ]
        assert batches[0] == batches[1] == batches[2] and len(batches[0]) > 3

    def test_of_prompts(self, seen: Any) -> None:
        """After the first token of an answer the inputs are the answers, which are the arm's own."""
        prompts = [Prompt((5, 6 + i % 7, 9) * (1 + i % 3), 1) for i in range(40)]
        stopping = Stopping(frozenset(), 3, lambda ids: "")
        batches = [
            seen(name, lambda model: generate(model, prompts, stopping, batch_tokens=60))
            for name in ("base", "candidate", "damaged")
        ]
        assert batches[0] == batches[1] == batches[2] and len(batches[0]) > 3


class TestRefusals:
    """An adapter that is not what it should be is one line, and never evaluated in silence."""

    @pytest.fixture
    def adapter(self, tiny_adapter: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(tiny_adapter, tmp_path / "adapter"))

    def refused(self, target: Any, adapter: Path, match: str) -> None:
        with pytest.raises(ModelError, match=match) as raised:
            load(target, candidate=adapter)
        assert "\n" not in str(raised.value)

    def change(self, adapter: Path, change: Callable[[str, torch.Tensor], torch.Tensor]) -> None:
        from safetensors.torch import load_file, save_file

        path = adapter / "adapter_model.safetensors"
        save_file({key: change(key, tensor).contiguous() for key, tensor in load_file(path).items()}, path)

    def test_an_adapter_that_was_never_trained(self, target: Any, adapter: Path) -> None:
        self.change(adapter, lambda key, tensor: torch.zeros_like(tensor) if "lora_B" in key else tensor)
        self.refused(target, adapter, "changes nothing")

    def test_an_adapter_of_zeros(self, target: Any, adapter: Path) -> None:
        self.change(adapter, lambda key, tensor: torch.zeros_like(tensor))
        self.refused(target, adapter, "changes nothing")

    def test_an_adapter_with_nan(self, target: Any, adapter: Path) -> None:
        self.change(adapter, lambda key, tensor: torch.full_like(tensor, torch.nan) if "layers.1" in key else tensor)
        self.refused(target, adapter, "NaN")

    def test_an_adapter_for_another_base(self, target: Any, adapter: Path) -> None:
        self.change(adapter, lambda key, tensor: torch.cat([tensor, tensor], -1))
        self.refused(target, adapter, "does not fit")

    def test_an_adapter_with_layers_that_the_base_lacks(self, target: Any, adapter: Path) -> None:
        from safetensors.torch import load_file, save_file

        path = adapter / "adapter_model.safetensors"
        saved = load_file(path)
        save_file(saved | {key.replace("layers.1", "layers.2"): tensor.clone() for key, tensor in saved.items()}, path)
        self.refused(target, adapter, "find no place")

    def test_a_pickle_which_is_not_opened(self, target: Any, adapter: Path) -> None:
        (adapter / "adapter_model.safetensors").unlink()
        (adapter / "adapter_model.bin").write_bytes(b"not opened")
        self.refused(target, adapter, "pickle")

    def test_half_a_file(self, target: Any, adapter: Path) -> None:
        path = adapter / "adapter_model.safetensors"
        path.write_bytes(path.read_bytes()[:-100])
        self.refused(target, adapter, "damaged")

    def test_a_previous_adapter_is_held_to_the_same(self, target: Any, adapter: Path, tiny_adapter: Path) -> None:
        self.change(adapter, lambda key, tensor: torch.zeros_like(tensor))
        with pytest.raises(ModelError, match="'previous' changes nothing"):
            load(target, candidate=tiny_adapter, previous=adapter)
