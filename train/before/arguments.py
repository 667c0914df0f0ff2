"""Would transformers take the optimiser, the schedule and the trackers? Asked of itself, before weights are loaded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from assay.errors import MissingExtraError, SettingsError, did_you_mean

from ..settings import TrainSettings
from ..watching.trackers import PACKAGES, trackers

ALL = "all"
"""What transformers takes for every tracker that is installed."""


def check_arguments(settings: TrainSettings) -> None:
    """Raises SettingsError for names that transformers does not know and for what it can only do with settings that
    are not offered; MissingExtraError for a tracker that is not installed."""
    if settings.optim is not None:
        _check_optimiser(settings.optim)
    if settings.lr_scheduler_type is not None:
        _check_schedule(settings.lr_scheduler_type)
    for name in trackers(settings.report_to):
        if name not in PACKAGES and name != ALL:
            _check_tracker(name)


def _check_optimiser(name: str) -> None:
    from transformers import Trainer
    from transformers.training_args import OptimizerNames

    known = [str(one.value) for one in OptimizerNames]
    if name not in known:
        raise SettingsError(f"optim: transformers has no optimiser '{name}'", fix=did_you_mean(name, known))
    asked: Any = SimpleNamespace(
        optim=OptimizerNames(name), learning_rate=1e-4, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8,
        optim_args=None, optim_target_modules=None,
    )  # fmt: skip
    try:
        Trainer.get_optimizer_cls_and_kwargs(asked, None)
    except (ImportError, ValueError, AttributeError, RuntimeError) as error:
        raise SettingsError(
            f"optim: {name} cannot be used: {_line(error)}", fix="leave optim out: adamw_torch is the default"
        ) from error


def _check_schedule(name: str) -> None:
    import torch
    from transformers import SchedulerType, get_scheduler

    known = [str(one.value) for one in SchedulerType]
    if name not in known:
        raise SettingsError(f"lr_scheduler_type: transformers has no '{name}'", fix=did_you_mean(name, known))
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    try:
        get_scheduler(name, optimiser, num_warmup_steps=1, num_training_steps=10)
    except (ValueError, TypeError) as error:
        raise SettingsError(
            f"lr_scheduler_type: {name} needs numbers of its own, which cannot be set here ({_line(error)})",
            fix="take cosine, linear, constant_with_warmup or another that needs none",
        ) from error


def _check_tracker(name: str) -> None:
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    if name not in INTEGRATION_TO_CALLBACK:
        raise SettingsError(
            f"report_to: transformers knows no tracker '{name}'", fix=did_you_mean(name, INTEGRATION_TO_CALLBACK)
        )
    try:
        INTEGRATION_TO_CALLBACK[name]()
    except (ImportError, RuntimeError) as error:
        raise MissingExtraError(f"report_to: {name} cannot be used: {_line(error)}", fix="leave it out") from error


def _line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
