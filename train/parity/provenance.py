"""How an adapter was trained, read from its folder: which base, held in what, with which template and stop tokens."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import ModelError
from assay.models.adapter_fit import check_fit, check_fit_here
from assay.models.adapters import base_of, new_tokens_of
from assay.records import Json
from assay.storage import write_json

if TYPE_CHECKING:
    from assay.chat import ChatTarget

CARD = "assay.json"
RECIPE = "recipe.json"
TEMPLATE = "chat_template.jinja"
TOKENIZER = "tokenizer.json"
NOT_CHAT = (CARD, "adapter_config.json", "config.json", "generation_config.json")
"""JSON beside an adapter that says nothing of its tokenizer, or that is the base's to say."""

FULL = "full"
"""In `Held.base`: the base's weights were not quantised."""

DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Precision:
    """How the base was held in memory while the adapter trained.

    dtype  that its weights were loaded in, before they were quantised where they were
    """

    quantisation: str | None
    double_quantisation: bool
    dtype: str

    @property
    def base(self) -> str:
        return self.quantisation or FULL


@dataclass(frozen=True)
class Trained:
    """An adapter's folder as it was read. card is {} for an adapter that assay did not write."""

    folder: Path
    card: Mapping[str, Any]
    config: Mapping[str, Any]
    target: ChatTarget
    precision: Precision

    @property
    def max_length(self) -> int | None:
        """Tokens up to which records trained; None where neither the card nor the recipe beside the folder says it."""
        return trained_length(self.folder)

    @property
    def run(self) -> str | None:
        run = self.card.get("run")
        return str(run) if run else None

    def base_facts(self) -> dict[str, Json]:
        """The base as it was held, in the words of a certificate."""
        from assay.models import weights_sha256

        ref = self.target.ref
        return {
            "name": ref.name if ref.is_hub or ref.embedded else Path(ref.name).name,
            "revision": self.target.revision,
            "weights_sha256": weights_sha256(ref),
            "tokenizer_sha256": self.target.tokenizer_sha256,
            "template_sha256": self.target.template_sha256,
            "quantisation": self.precision.quantisation,
            "double_quantisation": self.precision.double_quantisation if self.precision.quantisation else None,
            "dtype": self.precision.dtype,
        }


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises ModelError."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError("is not JSON", where=str(path), fix="copy it again") from error
    if not isinstance(value, dict):
        raise ModelError("is not a JSON object", where=str(path), fix="copy it again")
    return value


def read_card(folder: Path) -> Mapping[str, Any]:
    """`assay.json`, or {} where there is none that can be read."""
    with contextlib.suppress(ModelError):
        return read_json(folder / CARD)
    return {}


def trained_length(folder: Path) -> int | None:
    """`max_length` of the run that an adapter's folder, or a merged model's, came from; None where nothing says it."""
    for file in (folder / CARD, folder.parent / RECIPE):
        with contextlib.suppress(ModelError):
            length = read_json(file).get("max_length")
            if isinstance(length, int):
                return length
    return None


def read_trained(
    folder: Path,
    *,
    model: str | None = None,
    offline: bool = False,
    trust_remote_code: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Trained:
    """model: the base, where it is not where the adapter says. Loads no weights.

    Raises ModelError where the folder is no adapter, or the base is another than it was trained on, or another by the
    shapes of its layers.
    """
    from assay.chat import load_target
    from assay.chat.target import extended

    config = _adapter_config(folder)
    card = read_card(folder)
    name = model or card.get("base") or base_of(folder)
    if not name:
        raise ModelError("the adapter names no base model", where=str(folder), fix="name it with --model")
    revision = card.get("revision") if card.get("base") == name else config.get("revision")
    own = folder / TEMPLATE
    check_fit_here(str(name), folder, trust_remote_code=trust_remote_code)
    try:
        target = load_target(
            str(name),
            revision=_hub_revision(str(name), revision),
            offline=offline,
            chat_template=str(own) if own.is_file() else None,
            trust_remote_code=trust_remote_code,
            say=say,
        )
    except ModelError as error:
        where = error.where or str(name)
        raise ModelError(error.what, where=where, fix=f"{error.fix or 'check the base'} (--model)") from error
    target = extended(target, new_tokens_of(folder))
    if (folder / TOKENIZER).is_file() and card.get("tokenizer_sha256") != target.tokenizer_sha256:
        target = _with_own_tokenizer(folder, target)
    _check_base(card, folder, target, trust_remote_code=trust_remote_code)
    return Trained(folder, card, config, target, _precision(card, target))


def _with_own_tokenizer(folder: Path, base: ChatTarget) -> ChatTarget:
    """The base's chat side with the tokenizer beside the adapter, which may know tokens that were added in training.

    Raises ModelError where it numbers tokens otherwise than the base's.
    """
    from assay.chat import load_target
    from assay.models import load_config, load_generation_config

    with tempfile.TemporaryDirectory(prefix="assay-") as name:
        place = Path(name)
        load_config(base.ref).save_pretrained(place)
        settings = load_generation_config(base.ref)
        if settings is not None:
            write_json(place / "generation_config.json", settings.to_dict())
        for file in folder.iterdir():
            if file.is_file() and file.suffix in (".json", ".jinja", ".model", ".txt") and file.name not in NOT_CHAT:
                shutil.copyfile(file, place / file.name)
        own = folder / TEMPLATE
        found = load_target(str(place), offline=True, chat_template=str(own) if own.is_file() else base.template)
    ours, theirs = base.tokenizer.get_vocab(), found.tokenizer.get_vocab()
    moved = next((token for token, number in ours.items() if theirs.get(token, number) != number), None)
    if moved is not None:
        raise ModelError(
            f"was trained with another tokenizer than {base.name} has: {moved!r} is token {theirs[moved]} there and "
            f"{ours[moved]} here",
            where=str(folder),
            fix="give the base that it was trained on with --model",
        )
    return replace(found, ref=base.ref)


def _adapter_config(folder: Path) -> Mapping[str, Any]:
    path = folder / "adapter_config.json"
    if not folder.is_dir():
        raise ModelError("there is no such adapter folder", where=str(folder))
    if not path.is_file():
        what = "is a whole model, not an adapter" if (folder / "config.json").is_file() else "is not an adapter folder"
        raise ModelError(f"{what}: no adapter_config.json", where=str(folder), fix="name the folder of an adapter")
    return read_json(path)


def _hub_revision(name: str, revision: object) -> str | None:
    """An embedded model's revision is the hash of its file, and a folder has none."""
    from assay.models.embedded import EMBEDDED

    return str(revision) if revision and name not in EMBEDDED and not Path(name).exists() else None


def _check_base(card: Mapping[str, Any], folder: Path, target: ChatTarget, *, trust_remote_code: bool) -> None:
    """As `evaluate` does, before a weight is read. Raises ModelError."""
    from assay.models import weights_sha256

    base = card.get("base")
    fix = f"give --model {base}"
    recorded = card.get("revision")
    if recorded and target.revision and recorded != target.revision:
        raise ModelError(
            f"was trained on {base} at {str(recorded)[:12]}, and this is {target.name} at {target.revision[:12]}",
            where=str(folder),
            fix=fix,
        )
    if card.get("tokenizer_sha256") and card["tokenizer_sha256"] != target.tokenizer_sha256:
        raise ModelError(f"was trained with another tokenizer than that of {target.name}", where=str(folder), fix=fix)
    check_fit(target.ref, folder, trust_remote_code=trust_remote_code)  # shapes are read sooner than weights are hashed
    weights = card.get("weights_sha256")
    if weights and not target.ref.is_hub and weights != weights_sha256(target.ref):
        raise ModelError(f"was trained on other weights than those of {target.name}", where=str(folder), fix=fix)
    template = card.get("template_sha256")
    if template and template != target.template_sha256:
        raise ModelError(
            f"{TEMPLATE} is not the template that the adapter was trained with",
            where=str(folder),
            fix="copy the adapter again; a template that differs from training's ruins the answers",
        )


def _precision(card: Mapping[str, Any], target: ChatTarget) -> Precision:
    """Of an adapter that does not say it: the base unquantised, in its own dtype."""
    from assay.models import load_config

    dtype = str(card.get("dtype") or "")
    if dtype not in DTYPES:
        own = str(getattr(load_config(target.ref), "dtype", None) or "").removeprefix("torch.")
        dtype = own if own in DTYPES else "float32"
    quantisation = card.get("quantisation")
    double = card.get("bnb_4bit_use_double_quant")
    return Precision(str(quantisation) if quantisation else None, True if double is None else bool(double), dtype)
