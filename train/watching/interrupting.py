"""Ctrl-C while it trains: the step is finished and kept as a checkpoint, so that nothing is trained twice."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import TrainerCallback


@dataclass
class Interruption:
    """Whether someone has asked for an end. A second time ends at once, as everywhere."""

    say: Callable[[str], None]
    asked: bool = False

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """SIGINT is taken here within the block; in another thread than the main one it stays with that."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._ask)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def callback(self) -> TrainerCallback:
        """Ends the training after the step in which it was asked for, with a checkpoint of it."""
        from transformers import TrainerCallback

        interruption = self

        class Interrupting(TrainerCallback):  # type: ignore[misc]
            def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                if interruption.asked:
                    control.should_save = True
                    control.should_training_stop = True

        return Interrupting()

    def _ask(self, number: int, frame: Any) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        self.say("train: stopping after this step, which is kept as a checkpoint; once more stops at once")
