"""Configs of known models by name, from a dated YAML that a user can extend."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.config import read_document
from assay.errors import ModelError, SettingsError, did_you_mean

SHIPPED = Path(__file__).with_name("shapes.yaml")
SIZE = re.compile(r"-(\d+(?:\.\d+)?(?:x\d+)?[bm])\b.*$")
SUFFIX = re.compile(r"-(instruct|chat|it|base|hf|\d{4})$")


@dataclass(frozen=True)
class Shapes:
    """models: config keys by name, model_type among them. as_of: the day they were copied."""

    models: Mapping[str, Mapping[str, Any]]
    as_of: str

    def config(self, name: str) -> Mapping[str, Any]:
        """Raises ModelError for an unknown name; for a known series in another size it says which sizes exist."""
        wanted = self.canonical(name)
        if wanted in self.models:
            return self.models[wanted]
        sizes = self.sizes_beside(wanted)
        if sizes:
            series = SIZE.sub("", wanted)
            names = [known for known in self.models if SIZE.sub("", known).startswith(series)]
            raise ModelError(
                f"there is no {name}: {series} comes in {', '.join(sizes)}", fix=f"name one of {', '.join(names)}"
            )
        raise ModelError(
            f"no shape '{name}' is known", fix=f"{did_you_mean(wanted, self.models)} Or give a config.json as --model"
        )

    def canonical(self, name: str) -> str:
        """As the list writes it: without the owner, in small letters, without -instruct and its like."""
        found = name.rpartition("/")[2].lower().removeprefix("meta-")
        while found not in self.models and SUFFIX.search(found):
            found = SUFFIX.sub("", found)
        return found

    def sizes_beside(self, name: str) -> list[str]:
        """Sizes of the series that the name is of, empty when no such series is known."""
        series = SIZE.sub("", name)
        if series == name:
            return []
        found = [SIZE.search(known) for known in self.models if SIZE.sub("", known) == series]
        return list(dict.fromkeys(match.group(1).upper() for match in found if match is not None))


def load_shapes(path: Path | None) -> Shapes:
    """The list that comes with assay, and the user's before it. Raises SettingsError."""
    shipped = _read(SHIPPED)
    if path is None:
        return shipped
    own = _read(path)
    return Shapes({**shipped.models, **own.models}, own.as_of)


def _read(path: Path) -> Shapes:
    document = read_document(path)
    models = document.data.get("models")
    if not isinstance(models, Mapping) or not all(isinstance(keys, Mapping) for keys in models.values()):
        raise SettingsError("should hold `models`, each a mapping of config keys", where=str(path))
    return Shapes({str(name).lower(): keys for name, keys in models.items()}, str(document.data.get("as_of", "")))
