"""Data sets of the Hugging Face Hub, through the `datasets` package, only when one is named."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from assay.containers.arrow_files import batch_rows
from assay.containers.raw import RawRow
from assay.errors import SourceError, missing_extra
from assay.sources.parts import Part
from assay.sources.row_reader import Layout

if TYPE_CHECKING:
    import datasets


def hub_part(given: str, layout: Layout, *, offline: bool) -> Part:
    """`owner/name`, `owner/name:split` or `owner/name:config:split`. Raises SourceError, MissingExtraError."""
    if offline:
        raise SourceError(
            "no such file or folder, and --offline forbids asking the Hugging Face Hub for it",
            where=given,
            fix="check the path, or download the data set first",
        )
    loaded = _load(given)
    return Part(
        name=f"hf://datasets/{given}",
        layout=layout,
        rows=lambda: dataset_rows(loaded),
        digest=lambda: f"hf://datasets/{given}@{loaded._fingerprint}",
    )


def dataset_rows(data: datasets.Dataset) -> Iterator[RawRow]:
    """The rows of a `datasets.Dataset`, class labels by name."""
    batches = (
        batch
        for table in data.with_format("arrow").iter(batch_size=1000)
        for batch in table.combine_chunks().to_batches()
    )
    return batch_rows(batches, data.features.arrow_schema)


def _load(given: str) -> datasets.Dataset:
    name, *rest = given.split(":")
    split = rest[-1] if rest else "train"
    config = rest[0] if len(rest) > 1 else None
    try:
        import datasets
    except ImportError as error:
        raise missing_extra("train", error) from error
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its five retries are no news to the user
    try:
        loaded: datasets.Dataset = datasets.load_dataset(name, config, split=split)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise SourceError(
            f"no such file or folder, and the Hugging Face Hub gives no data set of that name ({reason})",
            where=given,
            fix="check the path or the id; owner/name:split names another split than train",
        ) from error
    return loaded
