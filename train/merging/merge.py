"""An adapter merged into its base, proved to be the same model, and written."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError, Exit
from assay.records import Json
from assay.storage import sha256_folder, write_json

from ..parity.artefact import Held
from ..parity.checks import Outcome
from ..parity.difference import Difference, difference
from ..parity.held import AdapterOverBase, InMemory, ModelFolder
from ..parity.material import Material, of_own_answers, of_records
from ..parity.parity import Parity, prove
from ..parity.provenance import CARD, FULL, Trained
from ..parity.recorded import Recorded
from .folder import check_target, merged_card, unfinished, write_model
from .room import Need, check_room, need_of
from .settings import Base, MergeSettings
from .weights import check_base, laid_over, merged, rounded

if TYPE_CHECKING:
    from assay.dataset import Dataset

    from ..parity.artefact import TokenScores

Say = Callable[[str], None]


class NotTheSameError(AssayError):
    """The merged model is not base and adapter. parity: what was found."""

    exit_code = Exit.NEGATIVE

    def __init__(self, parity: Parity, where: str) -> None:
        failed = next(check for check in parity.checks if check.outcome is not Outcome.PASS and check.required)
        super().__init__(
            f"the merged model is not what the adapter is over its base: {failed.name}: {failed.sentence}",
            where=where,
            fix="nothing was kept",
        )
        self.parity = parity


@dataclass(frozen=True)
class Merged:
    """What came of a merge.

    parity   the folder, read back, against base and adapter
    effect   what the adapter does: base with it against base without
    bases    of a QLoRA adapter: over the 4-bit base that it was trained against, and over the base's own weights
    """

    folder: Path
    settings: MergeSettings
    need: Need
    parity: Parity
    effect: Difference
    bases: Difference | None

    def to_json(self) -> dict[str, Json]:
        return {
            "folder": str(self.folder),
            "base": self.settings.base,
            "dtype": self.settings.dtype,
            "parameters": self.need.parameters,
            "memory_bytes": self.need.memory,
            "disk_bytes": self.need.disk,
            "parity": self.parity.to_json(),
            "effect": self.effect.to_json(),
            "between_bases": self.bases.to_json() if self.bases is not None else None,
        }

    def lines(self) -> list[str]:
        """For a terminal."""
        lines = [
            f"{self.folder}  {self.need.parameters / 1e6:,.0f}M parameters in {self.settings.dtype}",
            *self.parity.lines(),
            f"  what the adapter does to its base: {self.effect.sentence}",
        ]
        if self.bases is not None:
            lines.append(f"  between the 4-bit base and the base's own weights: {self.bases.sentence}")
        return lines


@dataclass(frozen=True)
class _Asked:
    """Figures of the unmerged models. over: base and adapter as they will be merged; bases as in `Merged`."""

    material: Material
    over: list[TokenScores]
    effect: Difference
    bases: Difference | None


def merge(
    trained: Trained,
    settings: MergeSettings,
    out: Path,
    *,
    data: Dataset | None = None,
    run: str | None = None,
    trust_remote_code: bool = False,
    say: Say = lambda _: None,
) -> Merged:
    """Merges into the folder `out`, which must not hold anything.

    data  records whose answers are weighed; without them, those that the gated model gives to a few prompts
    run   of the store, for `assay.json`

    Raises SettingsError, ModelError, StorageError, TrainingError before anything is computed where it can be known
    then; NotTheSameError where the merged model is another, after which no folder is left.
    """
    need = check_before(trained, settings, out)
    say(f"merge: {need.sentence}")
    model, asked = _ask(trained, settings, data, trust_remote_code, say)
    with unfinished(out) as scratch:
        say(f"merge: adding in float32, writing {settings.dtype}")
        plain = rounded(merged(model, str(trained.folder)), settings.dtype, str(trained.folder))
        write_model(plain, scratch, trained)
        held = Held(_weights(trained, settings.base), settings.dtype)
        write_json(scratch / CARD, merged_card(trained, run, {"weights": held.base, "dtype": held.dtype}))
        del model, plain
        gc.collect()
        say("merge: reading it back")
        parity = _prove(trained, settings, asked, scratch, out, trust_remote_code)
        if parity.outcome is not Outcome.PASS:
            raise NotTheSameError(parity, str(trained.folder))
        parity.write(scratch)
        found = Merged(out, settings, need, parity, asked.effect, asked.bases)
        write_json(scratch / CARD, merged_card(trained, run, _facts(found, held, scratch)))
    return found


def check_before(trained: Trained, settings: MergeSettings, out: Path) -> Need:
    """What can be refused before a weight is read. Raises SettingsError, StorageError, TrainingError."""
    check_base(trained, settings.base)
    check_target(out)
    need = need_of(trained.target.ref, settings.dtype)
    check_room(need, out)
    return need


def _weights(trained: Trained, base: Base) -> str:
    return trained.precision.base if base == "dequantized" else FULL


def _ask(
    trained: Trained, settings: MergeSettings, data: Dataset | None, trust_remote_code: bool, say: Say
) -> tuple[Any, _Asked]:
    """The model that will be merged, and the figures of base and adapter: one model in memory at a time."""
    material = of_records(data, trained.target, settings.records) if data is not None else None
    other = None
    if trained.precision.quantisation is not None:
        if material is None and settings.base == "dequantized":
            say("merge: asking the gated model for answers to weigh")
            over = _over(trained, "dequantized", trust_remote_code)
            material = of_own_answers(over, trained.target)
            del over
            gc.collect()
        second: Base = "full" if settings.base == "dequantized" else "dequantized"
        say(f"merge: asking the adapter over the {second} base, to tell how far the two are apart")
        over = _over(trained, second, trust_remote_code)
        material = material or of_own_answers(over, trained.target)
        other = over.token_scores(material.passages)
        del over
        gc.collect()
    say("merge: asking base and adapter")
    over = _over(trained, settings.base, trust_remote_code)
    material = material or of_own_answers(over, trained.target)
    scores = over.token_scores(material.passages)
    with over.switched_off() as base:
        effect = difference(scores, base.token_scores(material.passages))
    bases = None
    if other is not None:
        bases = difference(other, scores) if settings.base == "full" else difference(scores, other)
    return over.memory.model, _Asked(material, scores, effect, bases)


def _over(trained: Trained, base: Base, trust_remote_code: bool) -> AdapterOverBase:
    """The dequantised base gives what the 4-bit one does, without dequantising it for every answer."""
    model = laid_over(trained, base, trust_remote_code=trust_remote_code)
    return AdapterOverBase(trained, InMemory(model), Held(_weights(trained, base), "float32"))


def _prove(
    trained: Trained, settings: MergeSettings, asked: _Asked, scratch: Path, out: Path, trust_remote_code: bool
) -> Parity:
    material = asked.material
    over = Recorded(
        trained,
        Held(_weights(trained, settings.base), "float32"),
        material.passages,
        tuple(asked.over),
    )
    folder = ModelFolder.load(scratch, trust_remote_code=trust_remote_code, device="cpu")
    found = prove(over, folder, material)
    return replace(found, shipped=out.name, about=replace(found.about, places={**found.about.places, "shipped": out}))


def _facts(found: Merged, held: Held, folder: Path) -> Mapping[str, Json]:
    """For `assay.json`: what was merged how, what was proved, and which weights those figures are of."""
    facts = {key: value for key, value in found.to_json().items() if key != "folder"}
    files = {name: digest for name, digest in sha256_folder(folder).items() if name.endswith(".safetensors")}
    return {**facts, "weights": held.base, "files": files}
