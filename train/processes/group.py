"""The processes that train one adapter together: who decides, and what all of them must do in the same way.

`accelerate launch` and `torchrun` start the same command several times, and tell each by environment variables which
one it is. The first opens the run, writes its files and speaks; the others compute, and write into a folder that is
thrown away.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from assay.errors import TrainingError

T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """rank: of this process, 0 for the first; size: how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def same(self, make: Callable[[], T]) -> T:
        """What the first process makes, in all of them. Raises TrainingError where the first one has ended."""
        if self.size == 1:
            return make()
        import torch.distributed as dist

        values = [make()] if self.is_first else [None]
        try:
            dist.broadcast_object_list(values, src=0)
        except RuntimeError as error:
            raise _alone(self) from error
        value: T = values[0]  # type: ignore[assignment]
        return value

    def wait(self) -> None:
        """Until all of them are here. Raises TrainingError where one has ended."""
        if self.size == 1:
            return
        import torch.distributed as dist

        try:
            dist.barrier()
        except RuntimeError as error:
            raise _alone(self) from error


ALONE = Group()


def from_environment() -> Group:
    """What this process was told, before any of them talks to another."""
    return Group(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


def join(device: str) -> Group:
    """The group that this process was started in; of one where it was started alone.

    device: auto | cpu | cuda ...; processes talk by gloo on a CPU and by NCCL on GPUs.
    """
    if from_environment().size == 1:
        return ALONE
    import torch
    import torch.distributed as dist

    on_gpu = torch.cuda.is_available() and device != "cpu"
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    if not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo")
    return Group(dist.get_rank(), dist.get_world_size())


def _alone(group: Group) -> TrainingError:
    return TrainingError(
        f"process {group.rank} of {group.size} lost the others", fix="the first error above says why one of them ended"
    )
