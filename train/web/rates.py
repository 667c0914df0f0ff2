"""The learning rate that a training gets where none is typed: what a plan advises for a model of that size."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from assay.suites.general import parameters_of

from ..planning.advice import RATE_OF_SMALL, SMALL
from ..recipe import LEARNING_RATE

UNITS = {"m": 1e6, "b": 1e9}
SIZE = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)([mb])(?![a-z0-9])", re.IGNORECASE)

BY_MODEL = f"{RATE_OF_SMALL:g} below {SMALL / 1e9:g} billion parameters, else {LEARNING_RATE:g}"


def rate_for(model: str) -> float | None:
    """None where the recipe's own default is right, or nothing tells the model's size.

    model  a folder, an embedded model or an id of the hub, which is not asked: their names hold the size
    """
    parameters = _parameters(model)
    return RATE_OF_SMALL if parameters is not None and 0 < parameters < SMALL else None


def _parameters(model: str) -> float | None:
    try:
        values = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
        return parameters_of(_as_object(values))
    except (OSError, ValueError, TypeError, AttributeError):
        sizes = SIZE.findall(model.rpartition("/")[2])
        return float(sizes[-1][0]) * UNITS[sizes[-1][1].lower()] if sizes else None


def _as_object(values: Mapping[str, Any]) -> SimpleNamespace:
    inner = values.get("text_config")
    named = {**values, "text_config": SimpleNamespace(**inner) if isinstance(inner, Mapping) else None}
    return SimpleNamespace(**named)
