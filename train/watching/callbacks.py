"""The trainer's events, handed to what watches a run beside its log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import TrainerCallback

    from ..progress import Watch


def watching(watch: Watch) -> TrainerCallback:
    """Beats at every step and batch, and takes samples after every evaluation."""
    from transformers import TrainerCallback

    class Watching(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            watch.beat()

        def on_prediction_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            watch.beat()

        def on_evaluate(self, args: Any, state: Any, control: Any, model: Any, **_: Any) -> None:
            if watch.samples is not None:
                watch.samples.take(state.global_step, model)
                watch.beat()

    return Watching()
