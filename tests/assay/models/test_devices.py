"""What assay says of GPUs: the kinds, those that torch does not use, and memory that is full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from assay import doctor
from assay.cli import main
from assay.doctor import Result, Status
from assay.errors import ModelError, OutOfMemoryError
from assay.models import devices, load_base, resolve
from assay.models.devices import computes_bf16, in_double, is_out_of_memory, memory_failures, on_the_cpu, unused_gpu
from tests.pretended_gpu import pretended

CUDA_FULL = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has a total capacity of 23.64 GiB of which 1.12 GiB is free."
    " Process 4242 has 10.50 GiB memory in use. Including non-PyTorch memory, this process has 12.02 GiB memory in use."
    " Of the allocated memory 11.31 GiB is allocated by PyTorch, and 201.95 MiB is reserved by PyTorch but unallocated."
)
"""As c10/cuda/CUDACachingAllocator.cpp of torch 2.13 writes it."""


def full_of_the_machine() -> None:
    torch.empty(2**60, dtype=torch.uint8)


def test_memory_of_the_machine_that_is_full_is_one_line() -> None:
    """By torch's own allocator, which really fails."""
    with pytest.raises(OutOfMemoryError) as caught, memory_failures("at step 3", "take less"):
        full_of_the_machine()
    assert str(caught.value) == (
        "this machine's memory is full at step 3 (1152921504606846976 bytes more were asked for); take less"
    )


def test_a_card_that_is_full_names_what_was_asked_what_is_free_and_who_has_the_rest() -> None:
    with pytest.raises(OutOfMemoryError) as caught, memory_failures("at step 3", "take less"):
        raise torch.OutOfMemoryError(CUDA_FULL)
    assert str(caught.value) == (
        "the memory of cuda:1 is full at step 3 (2.00 GiB more were asked for, 1.12 GiB of 23.64 GiB are free, another "
        "program holds 10.50 GiB); take less"
    )


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", "the GPU's memory"),
        ("CUDA error: out of memory", "the GPU's memory"),
        ("MPS backend out of memory (MPS allocated: 17.9 GB, max allowed: 18.1 GB)", "the GPU's memory"),
    ],
)
def test_other_words_for_it(text: str, whose: str) -> None:
    with pytest.raises(OutOfMemoryError, match=f"{whose} is full"), memory_failures("", ""):
        raise RuntimeError(text)


def test_other_errors_pass() -> None:
    assert not is_out_of_memory(ValueError("out of memory")) and not is_out_of_memory(RuntimeError("size mismatch"))
    with pytest.raises(RuntimeError, match="size mismatch"), memory_failures("", ""):
        raise RuntimeError("size mismatch")


def test_no_command_ends_in_a_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("assay.commands.runs.runs.callback", lambda **_: full_of_the_machine())
    with pytest.raises(SystemExit) as ended:
        main(["runs"])
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("assay: this machine's memory is full (1152921504606846976 bytes more")


def quantiser_fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    bitsandbytes = pytest.importorskip("bitsandbytes")
    monkeypatch.setattr(bitsandbytes.functional, "quantize_4bit", fail)


def test_a_card_that_is_full_while_it_quantises_is_no_conversion_error(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """transformers catches what the quantiser raises, and raises that it raised something."""
    quantiser_fails(monkeypatch, torch.OutOfMemoryError(CUDA_FULL))
    full = pytest.raises(OutOfMemoryError, match="the memory of cuda:1 is full while loading")
    with full, memory_failures("while loading", ""):
        load_base(resolve(str(tiny_model), offline=True), load_in_4bit=True, device="cpu")


def test_weights_that_cannot_be_quantised_say_why(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quantiser_fails(monkeypatch, NotImplementedError("no kernel for this card"))
    with pytest.raises(ModelError, match=r"the weights cannot be quantised: .*no kernel for this card"):
        load_base(resolve(str(tiny_model), offline=True), load_in_4bit=True, device="cpu")


def test_only_cards_since_ampere_compute_bfloat16() -> None:
    """torch emulates it on the others, and calls it supported."""
    with pretended(capability=(7, 5)):
        assert torch.cuda.is_bf16_supported() and not computes_bf16("cuda:0")
    with pretended(capability=(8, 6)):
        assert computes_bf16("cuda:0") and computes_bf16("cuda")


def test_float64_is_made_where_there_is_one() -> None:
    with pretended():
        assert in_double(torch.ones(2, device="mps:0")).device.type == "cpu"
        assert in_double(torch.ones(2, device="cuda:0")).device.type == "cuda"


def test_a_model_is_loaded_onto_the_card_in_use(tiny_model: Path) -> None:
    with pretended(cards=2, capability=(7, 5)):
        torch.cuda.set_device(1)
        model = load_base(resolve(str(tiny_model), offline=True))
    assert str(model.device) == "cuda:1" and model.dtype == torch.float16


class TestDoctor:
    @pytest.fixture(autouse=True)
    def with_a_card(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A driver is installed; whether torch uses it is another question."""
        monkeypatch.setattr(devices.shutil, "which", lambda name: f"/usr/bin/{name}")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def only(self) -> Result:
        (result,) = doctor._torch()
        return result

    @pytest.fixture
    def for_cuda(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.version, "cuda", "13.0")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    def test_a_torch_for_the_processor_beside_a_card(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.version, "cuda", None)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        found = self.only()
        assert found.status is Status.PROBLEM and "was built for the CPU" in found.detail
        assert found.fix == f"pip install --force-reinstall torch=={torch.__version__.partition('+')[0]}"
        line = on_the_cpu()
        assert line is not None and "so the CPU computes; pip install" in line

    def test_a_driver_that_is_too_old(self, for_cuda: None) -> None:
        found = self.only()
        assert (
            found.status is Status.PROBLEM and "built for CUDA 13.0, which this GPU's driver does not" in found.detail
        )

    def test_a_card_that_somebody_has_hidden_is_no_fault_of_the_driver(
        self, for_cuda: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        assert (self.only().status, on_the_cpu()) == (Status.NOTE, None)
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
        assert self.only().status is Status.PROBLEM and "is '7', which names no GPU" in self.only().detail

    def test_no_card_is_no_problem(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(devices.shutil, "which", lambda name: None)
        assert unused_gpu() is None and self.only().status is Status.OK

    def test_every_card_is_named_and_asked_for_a_sum(self) -> None:
        with pretended(cards=2):
            found = list(doctor._torch())
        assert [result.status for result in found] == [Status.OK, Status.OK]
        assert "computes on pretended 1 (cuda:1), 84.8 of 85.9 GB free" in found[1].detail

    def test_a_card_that_torch_has_no_kernels_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pretended(capability=(6, 1)):
            monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_80"])
            monkeypatch.setattr(
                torch, "ones", lambda *_, **__: full("CUDA error: no kernel image is available for execution")
            )
            found = self.only()
        assert found.status is Status.PROBLEM
        assert "no kernel image is available" in found.detail
        assert "the card is sm_61, and torch was built for sm_75, sm_80" in found.detail


def full(text: str) -> None:
    raise RuntimeError(text)
