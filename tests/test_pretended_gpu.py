"""What a GPU refuses is refused by the pretended one: else no test on it would show anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests.pretended_gpu import OnGpu, pretended

MIXED = {
    "operands on two devices": (RuntimeError, lambda: torch.ones(2, device="cuda:0") + torch.ones(2)),
    "two cards": (RuntimeError, lambda: torch.ones(2, device="cuda:0") + torch.ones(2, device="cuda:1")),
    "a mask of the processor": (
        RuntimeError, lambda: torch.ones(1, device="cuda:0").masked_fill(torch.tensor([True]), 0)
    ),
    "a model and its input": (RuntimeError, lambda: torch.nn.Linear(2, 2).to("cuda:0")(torch.ones(1, 2))),
    "numpy": (TypeError, lambda: torch.ones(2, device="cuda:0").numpy()),
    "a generator of the processor": (
        RuntimeError, lambda: torch.randn(2, device="cuda:0", generator=torch.Generator())
    ),
    "float64 on Apple's": (TypeError, lambda: torch.ones(2, device="mps:0").double()),
}  # fmt: skip


@pytest.mark.parametrize("what", MIXED)
def test_what_a_gpu_refuses_is_refused(what: str) -> None:
    error, attempt = MIXED[what]
    with pretended(cards=2), pytest.raises(error):
        attempt()


ALLOWED: dict[str, Callable[[], torch.Tensor]] = {
    "a number of the processor": lambda: torch.ones(2, device="cuda:0") + torch.tensor(1.0),
    "indices of the processor": lambda: torch.ones(2, device="cuda:0")[torch.tensor([0])],
    "a copy from the processor": lambda: torch.zeros(2, device="cuda:0").copy_(torch.ones(2)),
    "a tensor made from a list": lambda: torch.tensor([1.0], device="cuda:0") * 2,
}


@pytest.mark.parametrize("what", ALLOWED)
def test_what_a_gpu_allows_is_allowed(what: str) -> None:
    with pretended():
        found = ALLOWED[what]()
        assert isinstance(found, OnGpu) and str(found.device) == "cuda:0"


def test_numbers_and_gradients_are_those_of_the_processor() -> None:
    torch.manual_seed(0)
    layer, inputs = torch.nn.Linear(3, 4), torch.randn(5, 3)
    layer(inputs).square().sum().backward()
    assert layer.weight.grad is not None
    with pretended():
        placed = torch.nn.Linear(3, 4)
        placed.load_state_dict(layer.state_dict())
        placed = placed.to("cuda:0")
        loss = placed(inputs.to("cuda:0")).square().sum()
        loss.backward()
        assert isinstance(placed.weight, torch.nn.Parameter) and placed.weight.grad is not None
        assert placed.weight.grad.device.type == "cuda"
        assert torch.equal(placed.weight.grad.cpu(), layer.weight.grad)


def test_autocast_computes_in_half_precision() -> None:
    with pretended(), torch.autocast("cuda", dtype=torch.bfloat16):
        assert torch.nn.Linear(3, 4).to("cuda:0")(torch.ones(1, 3, device="cuda:0")).dtype == torch.bfloat16
