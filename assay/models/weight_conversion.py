"""Why weights could not be quantised while a model was loaded: transformers logs the reason and raises another error.

`log_conversion_errors` (transformers 5.24, core_model_loading.py) catches whatever a quantiser raises for a tensor, a
GPU whose memory is full included, goes on with the next, and in the end raises a RuntimeError that points to a report
in the log, where the reason stands between colours.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from assay.errors import ModelError
from assay.models.devices import FULL

LOGGER = "transformers.modeling_utils"
RAISED = "during automatic conversion of the weights"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_REASON = re.compile(r"^(\w+(?:Error|Exception)\b.*)$", re.MULTILINE)
"""The last line of a traceback."""


@contextmanager
def conversion_errors(where: str) -> Iterator[None]:
    """Raises RuntimeError in the words of whoever found memory full, and ModelError for another reason.

    where  the model's name
    """
    heard: list[str] = []
    logger = logging.getLogger(LOGGER)
    level, propagates = logger.level, logger.propagate
    listener = _Listener(heard)
    logger.addHandler(listener)
    logger.propagate = propagates and logger.isEnabledFor(logging.WARNING)
    # At WARNING itself transformers also looks for layers that no tensor parallelism shares out, and lists them all.
    logger.setLevel(min(logger.getEffectiveLevel(), logging.WARNING - 1))
    try:
        yield
    except RuntimeError as error:
        if RAISED not in str(error):
            raise
        report = _COLOUR.sub("", "\n".join(heard))
        full = next((line for line in report.splitlines() if any(words in line.lower() for words in FULL)), None)
        if full is not None:
            raise RuntimeError(full) from error
        reasons = _REASON.findall(report)
        why = reasons[-1].strip() if reasons else str(error)
        raise ModelError(f"the weights cannot be quantised: {why:.300}", where=where) from error
    finally:
        logger.removeHandler(listener)
        logger.setLevel(level)
        logger.propagate = propagates


class _Listener(logging.Handler):
    """Of transformers alone: nothing of a user's records is logged there."""

    def __init__(self, heard: list[str]) -> None:
        super().__init__()
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(record.getMessage())
