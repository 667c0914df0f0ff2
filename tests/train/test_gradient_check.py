"""The check before the first step tells right gradients from wrong ones, in float32 and bfloat16, with room between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from assay.chat import ChatTarget
from assay.dataset import Dataset
from assay.errors import TrainingError
from assay.models import ModelRef, load_base
from assay.runs import Run
from assay.train.before.finite_difference import in_float32
from assay.train.checkpoints import Checkpoints
from assay.train.gradient_check import GradientEvidence, adjoint_ratio, check_gradient
from assay.train.head import answers_only_head
from assay.train.prepared import prepare
from assay.train.progress import Watch
from assay.train.settings import TrainSettings
from assay.train.trainer import build_trainer, check_first_gradient

DTYPES = [torch.float32, torch.bfloat16]
SEEDS = range(6)


class Scrambled(torch.autograd.Function):
    """Multiplies by W, and going back by W with its rows in another order, as a repacked layout is read."""

    @staticmethod
    def forward(ctx, inputs, weight):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(weight)
        return inputs @ weight.T

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        (weight,) = ctx.saved_tensors
        order = torch.randperm(len(weight), generator=torch.Generator().manual_seed(9))
        return gradient @ weight[order], None


class Layer(torch.nn.Linear):
    """`broken`: from the start; `breaks`: after the first forward pass without gradients."""

    def __init__(self, size: int, *, bias: bool = False, broken: bool = False, breaks: bool = False) -> None:
        super().__init__(size, size, bias=bias)
        self.requires_grad_(False)
        self.broken, self.breaks = broken, breaks

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.broken = self.broken or (self.breaks and not torch.is_grad_enabled())
        return Scrambled.apply(inputs, self.weight) if self.broken else super().forward(inputs)  # type: ignore[no-any-return]


def check(dtype: torch.dtype, seed: int, **kind: bool) -> GradientEvidence:
    """Two adapted layers above each other, with one matrix of each adapter at zero, on one random batch."""
    torch.manual_seed(seed)
    layers = {str(n): Layer(64, **kind).to(dtype) for n in range(3)}
    down = [torch.nn.Parameter(torch.randn(8, 64) / 8) for _ in layers]
    up = [torch.nn.Parameter(torch.zeros(64, 8)) for _ in layers]
    inputs, goal = torch.randn(16, 64, dtype=dtype), torch.randn(16, 64)

    def loss() -> torch.Tensor:
        hidden = inputs
        for layer, a, b in zip(layers.values(), down, up, strict=True):
            hidden = torch.tanh(layer(hidden) + (hidden.float() @ a.T @ b.T).to(dtype))
        return (hidden.float() - goal).square().mean()

    return check_gradient([*down, *up], loss, layers, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", SEEDS)
def test_right_gradients_pass_close_to_one(dtype: torch.dtype, seed: int) -> None:
    evidence = check(dtype, seed)
    assert evidence.agreement == pytest.approx(1, abs=1e-4)
    assert evidence.ratio == pytest.approx(1, abs=0.01)
    assert evidence.measured == pytest.approx(1, abs=0.02)
    assert evidence.slope > 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", SEEDS)
def test_weights_that_an_evaluation_scrambles_are_caught(dtype: torch.dtype, seed: int) -> None:
    with pytest.raises(TrainingError, match="after one evaluation the gradient is another"):
        check(dtype, seed, breaks=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", SEEDS)
def test_weights_that_were_scrambled_before_are_caught(dtype: torch.dtype, seed: int) -> None:
    with pytest.raises(TrainingError, match=r"the backward pass of \d does not belong to its weights"):
        check(dtype, seed, broken=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [False, True])
def test_there_is_clear_room_between_right_and_wrong(dtype: torch.dtype, bias: bool) -> None:
    torch.manual_seed(0)
    right = [adjoint_ratio(Layer(64, bias=bias).to(dtype), dtype) for _ in range(20)]
    wrong = [adjoint_ratio(Layer(64, broken=True).to(dtype), dtype) for _ in range(20)]
    assert all(abs(ratio - 1) < 0.01 for ratio in right)
    assert all(abs(ratio) < 0.5 for ratio in wrong)


@pytest.mark.parametrize("loss", [lambda: torch.tensor(1.0), lambda: torch.zeros(3, requires_grad=True).sum()])
def test_a_loss_that_no_parameter_moves_is_refused(loss: Callable[[], torch.Tensor]) -> None:
    with pytest.raises(TrainingError, match="nothing can be learned"):
        check_gradient([torch.nn.Parameter(torch.ones(3))], loss, {}, torch.float32)


def turned(factor: float) -> type[torch.autograd.Function]:
    """The identity, whose backward pass multiplies by `factor`: outside every layer, so that no layer betrays it."""

    class Turned(torch.autograd.Function):
        @staticmethod
        def forward(ctx, inputs):  # type: ignore[no-untyped-def]
            return inputs.clone()

        @staticmethod
        def backward(ctx, gradient):  # type: ignore[no-untyped-def]
            return factor * gradient

    return Turned


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factor", [-1.0, 0.5, 2.0])
def test_a_backward_pass_that_is_wrong_between_the_layers_is_caught_by_the_loss_itself(
    dtype: torch.dtype, factor: float
) -> None:
    """The gradient is the same before and after an evaluation, and each layer is right by itself."""
    torch.manual_seed(0)
    layers = {str(n): Layer(64).to(dtype) for n in range(3)}
    down = [torch.nn.Parameter(torch.randn(8, 64) / 8) for _ in layers]
    up = [torch.nn.Parameter(torch.zeros(64, 8)) for _ in layers]
    inputs, goal = torch.randn(16, 64, dtype=dtype), torch.randn(16, 64)

    def loss() -> torch.Tensor:
        hidden = inputs
        for layer, a, b in zip(layers.values(), down, up, strict=True):
            added = turned(factor).apply(hidden.float() @ a.T @ b.T)
            hidden = torch.tanh(layer(hidden) + added.to(dtype))
        return (hidden.float() - goal).square().mean()

    with pytest.raises(TrainingError, match=r"along it the loss changes by -?\d\.\d\d of what it says"):
        check_gradient([*down, *up], loss, layers, dtype)


def test_parameters_are_as_they_were_after_the_check() -> None:
    torch.manual_seed(0)
    parameter = torch.nn.Parameter(torch.randn(3))
    before = parameter.detach().clone()
    check_gradient([parameter], lambda: (parameter * 2).square().sum(), {}, torch.float32)
    assert torch.equal(parameter, before)


def test_a_kernel_that_takes_no_float32_leaves_the_loss_unmeasured() -> None:
    weight = torch.randn(8, 8, dtype=torch.bfloat16)
    parameter = torch.nn.Parameter(torch.randn(8, 8))

    def half_only(inputs: torch.Tensor) -> torch.Tensor:
        if inputs.dtype != torch.bfloat16:
            raise RuntimeError("FlashAttention only supports fp16 and bf16")
        return inputs

    def loss() -> torch.Tensor:
        return half_only((weight @ parameter.to(torch.bfloat16)).bfloat16()).float().square().mean()

    assert check_gradient([parameter], loss, {}, torch.bfloat16).measured is None


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_computed_in_float32_leaves_weights_and_results_outside_alone(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    layer, table = torch.nn.Linear(64, 64).to(dtype), torch.nn.Embedding(10, 64).to(dtype)
    ids = torch.tensor([1, 2, 3])
    with torch.no_grad(), in_float32():
        inside = layer(table(ids)).to(dtype)
    exact = table.weight.double()[ids] @ layer.weight.double().T + layer.bias.double()
    assert inside.dtype == torch.float32
    assert torch.allclose(inside.double(), exact, atol=1e-5)
    assert layer.weight.dtype == dtype and layer(table(ids)).dtype == dtype


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize(
    "settings", [{}, {"load_in_4bit": True}, {"use_dora": True, "load_in_4bit": True}, {"packing": True}], ids=str
)
def test_in_half_precision_the_loss_of_the_trainer_itself_is_measured(
    dtype: str,
    settings: dict[str, bool],
    make_colours: Callable[..., Dataset],
    model_ref: ModelRef,
    target: ChatTarget,
    tmp_path: Path,
) -> None:
    """Its head writes tiles of logits into a buffer, with weights in half precision beside what is in float32."""
    chosen = TrainSettings(**{"load_in_4bit": False, "dtype": dtype, "device": "cpu", **settings})  # type: ignore[arg-type]
    prepared = prepare(make_colours(12), chosen, target)
    model = load_base(model_ref, dtype=dtype, device="cpu", load_in_4bit=chosen.load_in_4bit)
    checkpoints = Checkpoints(Run("train", "digest", tmp_path, {}, {}, (), False))
    watch = Watch(tmp_path / "log.jsonl", 1, 1, 1, 1, print)
    trainer = build_trainer(model, prepared.recipe, prepared.rows, target, checkpoints, watch, resumes=False)
    with answers_only_head():
        evidence = check_first_gradient(trainer, prepared.rows, prepared.recipe)
    assert evidence.measured == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("buffer", [torch.float32, torch.bfloat16])
def test_what_is_written_to_keeps_its_precision(buffer: torch.dtype) -> None:
    left, right = torch.randn(4, 8, dtype=torch.bfloat16), torch.randn(8, 4, dtype=torch.bfloat16)
    out = torch.empty(4, 4, dtype=buffer)
    with torch.no_grad(), in_float32():
        torch.mm(left, right, out=out)
    assert out.dtype == buffer
    assert torch.equal(out, (left.float() @ right.float()).to(buffer))
