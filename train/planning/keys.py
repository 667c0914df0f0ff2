"""The keys of a config, typed, with a line that names what is missing or wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.errors import ModelError


@dataclass(frozen=True)
class Keys:
    """values: config.json after transformers' defaults; where: what an error names."""

    family: str
    values: Mapping[str, Any]
    where: str

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number of at least 0. Raises ModelError."""
        value = self.values.get(name)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            said = "has no" if value is None else f"has {value!r} for"
            raise ModelError(
                f"the config {said} '{name}', which {self.family} needs as a whole number",
                where=self.where,
                fix="copy config.json from the model's own repository again",
            )
        return value

    def optional(self, name: str) -> int | None:
        return None if self.values.get(name) is None else self.number(name)

    def flag(self, name: str) -> bool:
        return bool(self.values.get(name))

    def numbers(self, name: str) -> frozenset[int]:
        value = self.values.get(name) or ()
        return frozenset(int(item) for item in value)
