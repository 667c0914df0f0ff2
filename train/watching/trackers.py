"""The trackers that `report_to` names: whether they are installed, where they write, and what they are not to send.

They are transformers' own callbacks: losses, rates, the settings of the trainer and the config of the base go to them;
no text of a record does, nor an answer. Without `report_to` none is imported.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from assay.errors import MissingExtraError, TrainingError

PROJECT = "assay"
PACKAGES = {"wandb": "wandb", "mlflow": "mlflow", "trackio": "trackio", "tensorboard": "tensorboard"}
"""Of the usual ones; what else transformers knows is left to it."""

NOT_SENT = {
    "WANDB_ERROR_REPORTING": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GRADIO_ANALYTICS_ENABLED": "False",
}
"""How each is told to report nothing about itself to its makers, unless the environment already says otherwise."""


def trackers(report_to: str) -> list[str]:
    """The names in a comma-separated list; empty for none."""
    names = [name.strip() for name in report_to.split(",")]
    return [name for name in names if name and name != "none"]


def check_trackers(report_to: str) -> None:
    """Raises MissingExtraError for one that is not installed."""
    for name in trackers(report_to):
        package = PACKAGES.get(name)
        if package is not None and importlib.util.find_spec(package) is None:
            raise MissingExtraError(
                f"report_to: {name} needs the package {package}, which is not installed", fix=f"pip install {package}"
            )


def place_trackers(report_to: str, folder: Path) -> None:
    """Where the environment does not say it: one project, and what is written to disk beside the run.

    folder  of the run
    """
    if not trackers(report_to):
        return
    places = {
        "TENSORBOARD_LOGGING_DIR": str(folder / "tensorboard"),
        "WANDB_PROJECT": PROJECT,
        "WANDB_DIR": str(folder),
        "MLFLOW_EXPERIMENT_NAME": PROJECT,
    }
    for name, value in (places | NOT_SENT).items():
        os.environ.setdefault(name, value)


@contextlib.contextmanager
def tracker_failures(report_to: str) -> Iterator[None]:
    """Raises TrainingError for what a tracker raises: it has no account, or its server cannot be reached."""
    names = set(trackers(report_to))
    try:
        yield
    except Exception as error:
        name = type(error).__module__.partition(".")[0]
        if name not in names:
            raise
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise TrainingError(
            f"{name} failed: {first}",
            fix="mend it, or set report_to: none; the same command goes on from the last checkpoint",
        ) from error
