"""NEFTune: noise on the embeddings in training, of the length that the paper gives it, and none in evaluation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.train.settings import TrainSettings

ALPHA = 5.0


def test_noise_is_there_in_training_alone(
    make_trainer: Callable[..., Any], make_colours: Callable[..., Dataset], tmp_path: Path
) -> None:
    """Every pass of a run through the embedding, training and evaluation, against the embedding itself."""
    trainer = make_trainer(
        make_colours(16, 4), tmp_path, neftune_noise_alpha=ALPHA, effective_batch_size=8, eval_steps=1
    )
    embedding = trainer.model.get_base_model().get_input_embeddings()
    noise: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    bounds: dict[bool, list[float]] = {True: [], False: []}

    def watch(_: Any, inputs: tuple[torch.Tensor], keywords: dict[str, Any], output: torch.Tensor) -> None:
        training = trainer.model.training
        noise[training].append((output - torch.nn.functional.embedding(inputs[0], embedding.weight)).detach())
        bounds[training].append(ALPHA / (output.shape[1] * output.shape[2]) ** 0.5)

    original = trainer.training_step

    def step(*arguments: Any, **named: Any) -> Any:
        if not noise[True]:  # after the trainer's own hook, which it sets when training begins
            embedding.register_forward_hook(watch, with_kwargs=True)
        return original(*arguments, **named)

    trainer.training_step = step
    trainer.train()
    assert noise[True] and noise[False]
    for found, bound in zip(noise[True], bounds[True], strict=True):
        assert 0.9 * bound < float(found.abs().max()) <= bound
    assert all(float(found.abs().max()) == 0 for found in noise[False])


def test_noise_and_packing_are_refused_together() -> None:
    with pytest.raises(SettingsError, match="packed row holds many records"):
        TrainSettings(packing=True, neftune_noise_alpha=5)
