"""How this process shares a model with the others, as its environment says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from assay.errors import SettingsError

from . import sharding, zero
from .group import from_environment

if TYPE_CHECKING:
    import torch

    from ..settings import TrainSettings

FSDP_FILE = "pytorch_model_fsdp.bin"
"""What a checkpoint of FSDP holds, and no other does."""


@dataclass(frozen=True)
class Sharing:
    """by: empty where each process holds everything; stage: of DeepSpeed's ZeRO, 2 or 3; processes: of the group."""

    by: Literal["", "fsdp", "deepspeed"] = ""
    stage: int = 0
    processes: int = 1

    @property
    def shares_model(self) -> bool:
        return self.by == "fsdp" or self.stage == 3

    @property
    def shared(self) -> str:
        """What is shared out, in words; empty where nothing is."""
        if self.shares_model:
            return "a share of the model in each process"
        return "a share of gradients and optimiser in each process" if self.by else ""

    @property
    def saved(self) -> str:
        """How a checkpoint of it was saved. DeepSpeed's is in as many pieces as there were processes."""
        if self.by == "deepspeed":
            return f"by --strategy deepspeed --zero-stage {self.stage} with {self.processes} processes"
        return f"{'with' if self.by else 'without'} --strategy fsdp"

    def reads(self, checkpoint: Sharing) -> bool:
        same = (self.by, self.stage) == (checkpoint.by, checkpoint.stage)
        return same and (self.by != "deepspeed" or self.processes == checkpoint.processes)


def sharing() -> Sharing:
    """What this process was told."""
    processes = from_environment().size
    if zero.stage():
        return Sharing("deepspeed", zero.stage(), processes)
    return Sharing("fsdp", 0, processes) if sharding.is_fsdp() else Sharing("", 0, processes)


def of_checkpoint(files: Iterable[str]) -> Sharing:
    """What saved a checkpoint with these files."""
    names = [name.rpartition("/")[2] for name in files]
    if FSDP_FILE in names:
        return Sharing("fsdp")
    pieces = sum(name.endswith("_optim_states.pt") for name in names)
    if not pieces:
        return Sharing()
    return Sharing("deepspeed", 2 if "mp_rank_00_model_states.pt" in names else 3, pieces)


def check_strategy(settings: TrainSettings, chosen: Sharing) -> None:
    """Raises SettingsError for what the strategy cannot train, or would not save whole."""
    if not chosen.by:
        return
    if sharding.is_fsdp() and (zero.stage() or chosen.by == "deepspeed"):
        raise SettingsError(f"{sharding.ENABLED} and DeepSpeed are both asked for", fix="leave one of them out")
    option = f"--strategy {chosen.by}"
    if chosen.processes < 2:
        raise SettingsError(f"{option} shares a model out, and there is one process", fix="start 2 or more")
    if str(settings.init_lora_weights).startswith("pissa"):
        raise SettingsError(
            f"init_lora_weights: {settings.init_lora_weights} is saved as the difference to its start, which is not "
            f"offered with {option}",
            fix="--strategy ddp, or another start",
        )
    if settings.new_tokens:
        raise SettingsError(
            f"new_tokens trains single rows of an embedding, which is not offered with {option}",
            fix="--strategy ddp, or leave new_tokens out",
        )
    if settings.backend == "unsloth":
        raise SettingsError(
            f"backend: unsloth puts the model onto its device by itself, which is not offered with {option}",
            fix="--strategy ddp, or leave backend out",
        )
    if chosen.by == "deepspeed":
        zero.check_zero(settings, chosen.stage)
    else:
        sharding.check_accelerate()


def whole_tensors(model: torch.nn.Module) -> dict[str, torch.Tensor] | None:
    """What trains, put together from the shares of all processes; None where each process has all of it to itself.

    Every process has to call it. Raises TrainingError where a tensor cannot be put together.
    """
    chosen = sharing()
    if not chosen.by:
        return None
    parameters = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    if chosen.by == "fsdp":
        return sharding.whole_from_fsdp(parameters)
    return zero.whole(parameters)
