"""One loaded base with its adapters switched on and off: what each arm of the comparison answers with.

An adapter switched off leaves the base bit for bit as if it had been loaded alone; tests hold that.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.models import ModelRef, load_base
from assay.models.adapters import load_adapter, make_room, prove_adapter, without_bitsandbytes

from ..evaluation import AdapterEvidence, ModelName
from ..sensitivity.damage import damage, damage_slightly

if TYPE_CHECKING:
    from assay.chat import ChatTarget

PROBE = (
    "The quick brown fox jumps over the lazy dog. Yesterday, 12 people in Paris asked: why does it rain? "
    "The committee's report, published in 2019, found that rainfall had fallen by 14 percent since the survey began. "
    "Paul: no, Anna has the keys. def area(r): return 3.14 * r ** 2"
)
"""Some 80 tokens of several kinds of text, over which an adapter is compared with its base."""


@dataclass(frozen=True)
class Precision:
    """How the base is held in memory: what ships is what should be scored."""

    load_in_4bit: bool
    bnb_4bit_quant_type: str
    bnb_4bit_use_double_quant: bool
    dtype: str

    @property
    def quantisation(self) -> str | None:
        return self.bnb_4bit_quant_type if self.load_in_4bit else None


@dataclass(frozen=True)
class SwitchedModel:
    """adapters are the names that can be switched on; evidence is what shows that each is really there.

    later  makes an adapter when it is first switched on: what is asked last must not hold up what is asked first
    """

    model: Any
    adapters: frozenset[str]
    evidence: Mapping[str, AdapterEvidence]
    later: dict[str, Callable[[], None]] = field(default_factory=dict)

    @contextlib.contextmanager
    def switched_to(self, name: ModelName) -> Iterator[None]:
        """Within the block the model answers as `name`."""
        if name == "base":
            off = self.model.disable_adapter() if self.adapters else contextlib.nullcontext()
            with off:
                yield
            return
        if name not in self.adapters:
            raise KeyError(name)
        self.later.get(name, _nothing)()
        self.later.pop(name, None)
        self.model.set_adapter(name)
        yield

    @property
    def dtype(self) -> str:
        return str(self.model.dtype).removeprefix("torch.")

    @property
    def device(self) -> str:
        return str(self.model.device)


def load_switched(
    ref: ModelRef,
    target: ChatTarget,
    adapters: Mapping[ModelName, Path],
    precision: Precision,
    *,
    damage_seed: int | None,
    with_slight_damage: bool = False,
    with_zero: bool = False,
    trust_remote_code: bool = False,
) -> SwitchedModel:
    """Loads the base once and lays the adapters over it, each proved to be there.

    damage_seed  of the noise on a copy of the candidate that is called "damaged"; None makes none
    with_slight_damage  lays another copy with a little of the same noise over it, called "slightly_damaged"
    with_zero    lays an adapter of the candidate's kind over the base that adds nothing, called "zero"

    These three are made when they are first switched to: half of the time to the first answer was theirs.

    Raises ModelError when an adapter does not fit, holds NaN, or changes no logit; `switched_to` raises it when no
    noise damages the candidate.
    """
    model: Any = load_base(
        ref,
        load_in_4bit=precision.load_in_4bit,
        bnb_4bit_quant_type=precision.bnb_4bit_quant_type,
        bnb_4bit_use_double_quant=precision.bnb_4bit_use_double_quant,
        dtype=precision.dtype,
        trust_remote_code=trust_remote_code,
        extra="evaluate",
    )
    make_room(model, list(adapters.values()))
    probe = [int(token) for token in target.tokenizer.encode(PROBE)]
    evidence: dict[str, AdapterEvidence] = {}
    for name, folder in adapters.items():
        model = load_adapter(model, folder, name)
        found = prove_adapter(model, name, probe)
        evidence[name] = AdapterEvidence(found.parameters, found.finite, found.nonzero > 0, found.max_logit_difference)
    later: dict[str, Callable[[], None]] = {}
    if "candidate" in adapters and damage_seed is not None:
        later["damaged"] = partial(_hurt, model, adapters["candidate"], probe, damage_seed)
        if with_slight_damage:
            later["slightly_damaged"] = partial(_hurt_slightly, model, adapters["candidate"], probe, damage_seed)
    if "candidate" in adapters and with_zero and _has_zero(model):
        later["zero"] = partial(_add_zero, model)
    return SwitchedModel(model, frozenset({*evidence, *later}), evidence, later)


def _nothing() -> None:
    """Of an adapter that is there already."""


def _hurt(model: Any, folder: Path, probe: Sequence[int], seed: int) -> None:
    load_adapter(model, folder, "damaged")
    damage(model, "damaged", probe, seed)


def _hurt_slightly(model: Any, folder: Path, probe: Sequence[int], seed: int) -> None:
    load_adapter(model, folder, "slightly_damaged")
    damage_slightly(model, "slightly_damaged", probe, seed)


def _has_zero(model: Any) -> bool:
    """Whether there is an adapter of the candidate's kind that adds nothing."""
    from peft import LoraConfig

    return isinstance(model.peft_config["candidate"], LoraConfig)


def _add_zero(model: Any) -> None:
    """LoRA starts with B at zero, DoRA with the magnitudes of the base, and whole modules with the base's weights."""
    config = copy.deepcopy(model.peft_config["candidate"])
    config.init_lora_weights = True
    config.inference_mode = True
    with without_bitsandbytes(model):
        model.add_adapter("zero", config)
    model.eval()
