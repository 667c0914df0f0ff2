"""Several adapters of one base as one, weighted: PEFT's `add_weighted_adapter`, with what it came to measured.

linear       averages the factors A and B, not their products: cheap, and rough where the adapters differ
             (PEFT's own documentation says so)
cat          stacks the factors: the exact weighted sum, of the sum of the ranks
svd          the best sum of one rank
ties         drops small entries, elects signs, adds what agrees (Yadav et al. 2023, TIES-Merging)
dare_linear, dare_ties
             drop entries at random and scale up the rest (Yu et al. 2024, Language Models are Super Mario)
"""

from __future__ import annotations

import math
import shutil
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from assay.errors import ModelError, SettingsError
from assay.records import Json
from assay.storage import sha256_file, write_json, write_text

from ..adapter import RECORDS
from ..parity.loading import lay_over, load_as_trained
from ..parity.provenance import CARD, TEMPLATE, Trained
from .folder import adapter_facts, check_target, unfinished

if TYPE_CHECKING:
    import torch

Method: TypeAlias = Literal[
    "cat", "linear", "svd", "ties", "ties_svd", "dare_linear", "dare_ties", "dare_linear_svd", "dare_ties_svd",
    "magnitude_prune", "magnitude_prune_svd",
]  # fmt: skip

PRUNING = ("ties", "dare", "magnitude")
NAME = "combined"
EXACT = 1e-4
"""Relative distance from the weighted sum beyond which `cat`, which is exact, went wrong."""

NOTHING = 1e-10
"""Of the parts' squares: what is left of updates that cancel is what float32 rounds."""


@dataclass(frozen=True)
class CombineSettings:
    """How to combine.

    weights   one an adapter; they need not add up to 1
    density   share of entries that stay, for the methods that drop some
    seed      of what dare drops

    Raises SettingsError.
    """

    weights: tuple[float, ...]
    method: Method = "cat"
    density: float | None = None
    majority_sign_method: Literal["total", "frequency"] = "total"
    svd_rank: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise SettingsError(f"no method '{self.method}'", fix=f"one of {', '.join(get_args(Method))}")
        prunes = self.method.startswith(PRUNING)
        if prunes and self.density is None:
            raise SettingsError(f"{self.method} drops entries, and nothing says how many", fix="give --density 0.5")
        if self.density is not None and not prunes:
            raise SettingsError(f"{self.method} drops no entries, so density means nothing", fix="leave it out")
        if self.density is not None and not 0 < self.density <= 1:
            raise SettingsError(f"density is {self.density}, but should be above 0 and at most 1")
        if self.method == "linear" and any(weight < 0 for weight in self.weights):
            raise SettingsError("linear takes the root of weights, so none can be negative", fix="--method cat")
        if not all(math.isfinite(weight) for weight in self.weights):
            raise SettingsError("a weight is no number that can be multiplied by", fix="--weights 0.7,0.3")
        if not any(self.weights):
            raise SettingsError("all weights are 0, so nothing would be left")


@dataclass(frozen=True)
class Combined:
    """distance: of the combined update from the weighted sum of the updates, relative to that sum, over all layers
    together; 0 is the sum itself."""

    folder: Path
    settings: CombineSettings
    rank: int
    modules: int
    distance: float

    def to_json(self) -> dict[str, Json]:
        return {
            "folder": str(self.folder),
            "method": self.settings.method,
            "weights": list(self.settings.weights),
            "density": self.settings.density,
            "seed": self.settings.seed,
            "rank": self.rank,
            "modules": self.modules,
            "distance_from_sum": round(self.distance, 6) if math.isfinite(self.distance) else None,
        }


def check_combinable(adapters: Sequence[Trained], settings: CombineSettings) -> None:
    """Raises SettingsError, ModelError: before a weight is read."""
    if len(settings.weights) != len(adapters):
        raise SettingsError(
            f"{len(settings.weights)} weights for {len(adapters)} adapters", fix="give one each: --weights 0.7,0.3"
        )
    first = adapters[0]
    for one in adapters:
        where = str(one.folder)
        if one.config.get("peft_type", "LORA") != "LORA":
            raise ModelError(f"is of the kind {one.config.get('peft_type')}; only LoRA can be combined", where=where)
        for key, what in (
            ("use_dora", "DoRA has magnitudes, which cannot be added"),
            ("modules_to_save", "it holds whole modules, which cannot be added"),
            ("trainable_token_indices", "it holds trained tokens, which cannot be added"),
            ("lora_bias", "it holds biases, which cannot be added"),
        ):
            if one.config.get(key):
                raise ModelError(f"cannot be combined: {what}", where=where, fix="merge it, or serve it beside others")
        if _base_of(one) != _base_of(first):
            raise ModelError(
                f"was trained on {one.target.name}, and {first.folder} on {first.target.name}",
                where=where,
                fix="combine adapters of one base",
            )
        if one.target.template_sha256 != first.target.template_sha256:
            raise ModelError(
                f"was trained with another chat template than {first.folder}",
                where=where,
                fix="combine adapters of one template: each answers in its own alone",
            )
    if settings.method in ("linear", "ties", "dare_linear", "dare_ties", "magnitude_prune"):
        ranks = {int(one.config.get("r", 0)) for one in adapters}
        if len(ranks) > 1:
            raise SettingsError(
                f"{settings.method} takes adapters of one rank, and these have {', '.join(map(str, sorted(ranks)))}",
                fix=f"--method cat, or --method {settings.method}_svd"
                if settings.method != "linear"
                else "--method cat",
            )


def said_of(adapters: Sequence[Trained]) -> list[str]:
    """What whoever combines them should know, and no reason to refuse."""
    notes = []
    held = sorted({one.precision.quantisation or one.precision.dtype for one in adapters})
    if len(held) > 1:
        notes.append(
            f"they were trained over the base in {' and '.join(held)}; the combination is held over it in "
            f"{adapters[0].precision.quantisation or adapters[0].precision.dtype}, as the first of them was"
        )
    digests = [sha256_file(one.folder / "adapter_model.safetensors") for one in adapters]
    if len(set(digests)) < len(digests):
        notes.append("one adapter is named twice")
    return notes


def _base_of(trained: Trained) -> tuple[str, str | None, str]:
    return str(trained.target.ref.path), trained.target.revision, trained.target.tokenizer_sha256


def combine(
    adapters: Sequence[Trained],
    settings: CombineSettings,
    out: Path,
    *,
    run: str | None = None,
    trust_remote_code: bool = False,
) -> Combined:
    """Writes the combined adapter into the folder `out`. It was gated by nobody: its own evaluation says what it is.

    Raises SettingsError, ModelError, StorageError.
    """
    import torch

    check_combinable(adapters, settings)
    check_target(out)
    names = [f"adapter_{number}" for number in range(len(adapters))]
    whole = adapters[0].precision
    base = load_as_trained(adapters[0].target.ref, whole, device="cpu", trust_remote_code=trust_remote_code)
    model = lay_over(base, [one.folder for one in adapters], names)
    torch.manual_seed(settings.seed)
    _add_weighted(model, names, settings, str(out))
    distance, modules = _distance(model, names, settings.weights, str(out))
    if settings.method == "cat" and not distance < EXACT:
        raise ModelError(
            f"the combination is {distance:.2g} away from the weighted sum, and cat is exact", where=str(out)
        )
    config = model.peft_config[NAME]
    with unfinished(out) as scratch:
        first = adapters[0]
        config.base_model_name_or_path = first.config.get("base_model_name_or_path", first.target.name)
        config.revision = first.config.get("revision")
        config.inference_mode = True
        model.save_pretrained(str(scratch), selected_adapters=[NAME], save_embedding_layers=False)
        for file in (scratch / NAME).iterdir():
            file.rename(scratch / file.name)
        (scratch / NAME).rmdir()
        (scratch / "README.md").unlink(missing_ok=True)
        write_text(scratch / TEMPLATE, first.target.template)
        found = Combined(out, settings, int(config.r), modules, distance)
        records = _write_records(adapters, scratch)
        write_json(scratch / CARD, _card(adapters, run, found, records))
    return found


def _add_weighted(model: Any, names: Sequence[str], settings: CombineSettings, where: str) -> None:
    """PEFT copies the config of the first adapter. With rsLoRA in it, the sum would be scaled by the root of its rank
    once more; with PiSSA or the like, the base would be changed a second time. Raises ModelError."""
    config = model.peft_config[names[0]]
    kept = {key: getattr(config, key) for key in ("use_rslora", "init_lora_weights", "lora_dropout")}
    config.use_rslora, config.init_lora_weights, config.lora_dropout = False, True, 0.0
    arguments: dict[str, Any] = {"combination_type": settings.method}
    if settings.density is not None:
        arguments |= {"density": settings.density, "majority_sign_method": settings.majority_sign_method}
    if settings.method.endswith("svd"):
        arguments |= {"svd_rank": settings.svd_rank, "svd_full_matrices": False}  # what is cut off is not computed
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.add_weighted_adapter(list(names), list(settings.weights), NAME, **arguments)
    except (ValueError, RuntimeError, KeyError, TypeError, NotImplementedError) as error:
        what = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelError(f"the adapters cannot be combined: {what}", where=where) from error
    finally:
        for key, value in kept.items():
            setattr(config, key, value)


def _distance(model: Any, names: Sequence[str], weights: Sequence[float], where: str) -> tuple[float, int]:
    """(relative Frobenius distance of the combined update from the weighted sum, number of layers). Raises ModelError
    for NaN, and where nothing is left."""
    import torch

    apart = whole = left = parts = 0.0
    layers = 0
    for layer, here in _layers(model):
        update = _update(layer, NAME)
        if not bool(torch.isfinite(update).all()):
            raise ModelError("the combined adapter holds NaN or infinity", fix="choose another method or weights")
        wanted = torch.zeros_like(update)
        for name, weight in zip(names, weights, strict=True):
            if name in here:
                part = weight * _update(layer, name)
                parts += float(part.double().square().sum())
                wanted += part
        apart += float((update - wanted).double().square().sum())
        whole += float(wanted.double().square().sum())
        left += float(update.double().square().sum())
        layers += 1
    if left <= NOTHING * parts:
        raise ModelError("the weights cancel one another: the combined adapter would change nothing", where=where)
    return (apart / whole) ** 0.5 if whole else math.inf, layers


def _layers(model: Any) -> Iterator[tuple[Any, set[str]]]:
    from peft.tuners.lora import LoraLayer

    for module in model.modules():
        if isinstance(module, LoraLayer):
            here = {*module.lora_A.keys(), *module.lora_embedding_A.keys()}
            if NAME in here:
                yield module, here


def _update(layer: Any, name: str) -> torch.Tensor:
    """What the adapter adds to the layer's weight, [out, in] (an embedding's transposed), in float32."""
    if name in layer.lora_A:
        product = layer.lora_B[name].weight.data.float() @ layer.lora_A[name].weight.data.float()
    else:
        product = layer.lora_embedding_B[name].data.float() @ layer.lora_embedding_A[name].data.float()
    return product * float(layer.scaling[name])  # type: ignore[no-any-return]


def _write_records(adapters: Sequence[Trained], folder: Path) -> bool:
    """The records of all of them, where every one says what it was trained on: else nobody could tell a leak."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = [one.folder / RECORDS for one in adapters]
    if not all(file.is_file() for file in files):
        return False
    if len(files) == 1:
        shutil.copyfile(files[0], folder / RECORDS)
    else:
        from assay.storage import write_table

        write_table(pa.concat_tables([pq.read_table(file) for file in files]), folder / RECORDS)
    return True


def _card(adapters: Sequence[Trained], run: str | None, found: Combined, records: bool) -> dict[str, Json]:
    """As the first adapter's, with the data of all: what gates it needs both."""
    first = adapters[0]
    digests = [digest for one in adapters for digest in one.card.get("data_digests") or ()]
    return {
        **first.card,
        "version": 1,
        "kind": "combined",
        "run": run or first.run,
        "base": first.card.get("base", first.target.name),
        "template_sha256": first.target.template_sha256,
        "tokenizer_sha256": first.target.tokenizer_sha256,
        "data_digests": digests,
        "training_records": RECORDS if records else None,
        "max_length": max((one.max_length for one in adapters if one.max_length is not None), default=None),
        "combined": {
            "adapters": [adapter_facts(one) for one in adapters],
            **{key: value for key, value in found.to_json().items() if key != "folder"},
        },
    }
