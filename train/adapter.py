"""The adapter's folder: what PEFT needs to load it, and what assay needs to know where it comes from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.chat import ChatTarget
from assay.models import ModelRef, weights_sha256
from assay.storage import write_json, write_table, write_text

from .processes.strategy import whole_tensors
from .recipe import Recipe
from .rows import Rows

if TYPE_CHECKING:
    from peft import PeftModel

RECORDS = "trained_records.parquet"


def save_adapter(
    model: PeftModel,
    folder: Path,
    ref: ModelRef,
    target: ChatTarget,
    rows: Rows,
    card: Any,
    initial: Path | None = None,
) -> None:
    """Writes the folder whole or not at all: safetensors, adapter_config.json, the template, the records, the card.

    The base is named as the user named it, never by a path of this machine's cache. Of the embeddings only the rows
    of new tokens are saved, with the tokenizer; for whole ones PEFT would ask the hub whether tokens were added.

    Every process of a group has to call it, since a sharded adapter is put together from their shares.

    initial  the adapter that training started from, where its part of the weights was taken out of the base: the
             difference to it is saved, as an adapter of twice the rank over the base as it was
    """
    whole = whole_tensors(model)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        config = model.peft_config["default"]
        config.base_model_name_or_path = ref.name
        config.revision = ref.revision if ref.is_hub else None
        config.inference_mode = True
        model.save_pretrained(
            str(scratch),
            state_dict=whole,
            save_embedding_layers=False,
            path_initial_model_for_weight_conversion=str(initial) if initial is not None else None,
        )
        (scratch / "README.md").unlink(missing_ok=True)
        write_text(scratch / "chat_template.jinja", target.template)
        if config.trainable_token_indices:
            target.tokenizer.save_pretrained(str(scratch))
            write_text(scratch / "chat_template.jinja", target.template)
        write_table(rows.trained_records(), scratch / RECORDS)
        write_json(scratch / "assay.json", card)
        scratch.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def adapter_card(
    run: str | None, ref: ModelRef, target: ChatTarget, recipe: Recipe, digests: Sequence[str], parents: tuple[str, ...]
) -> dict[str, Any]:
    """`assay.json`. training_records is relative to the adapter's folder, so that it can be moved.

    digests are those of the data and of each general file; parents are the runs that wrote the data.
    A base in a folder has no revision that tells it from another of the same shape, so its weights are hashed.
    """
    return {
        "version": 1,
        "run": run,
        "base": ref.name,
        "revision": ref.revision,
        "weights_sha256": weights_sha256(ref) if ref.revision is None else None,
        "template_sha256": target.template_sha256,
        "tokenizer_sha256": target.tokenizer_sha256,
        "data_digests": [
            {"run": parents[0] if parents and not number else None, "digest": digest}
            for number, digest in enumerate(digests)
        ],
        "training_records": RECORDS,
        "quantisation": recipe.bnb_4bit_quant_type if recipe.load_in_4bit else None,
        "bnb_4bit_use_double_quant": recipe.bnb_4bit_use_double_quant if recipe.load_in_4bit else None,
        "dtype": recipe.dtype,
        "max_length": recipe.max_length,
        "new_tokens": list(recipe.new_tokens),
    }
