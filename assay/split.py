"""The validation split: whole families, the labels in proportion, the same for the same seed on any machine."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.records import Record
from assay.text import normalize

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TRAIN, VALIDATION = "train", "validation"

MAX_LABEL_CHARACTERS = 60
MAX_LABEL_SHARE = 0.2
LABEL_SAMPLE = 5_000


def split(dataset: Dataset, validation: float, seed: int) -> Dataset:
    """The same rows with `split` set to "train" or "validation"; no family is on both sides.

    validation is the share of records, 0 <= validation < 1; what is reached differs from it by at most half of
    the largest family, unless one side would then be empty. A record without a family is its own. Where answers
    are labels, each label gets its share as nearly as its families allow. Above 0, each side gets at least one
    family where there are two.

    Raises SettingsError when `validation` is not a share.
    """
    if not 0.0 <= validation < 1.0:
        raise SettingsError(f"split.validation is {validation}, but should be at least 0 and below 1", fix="try 0.1")
    import numpy as np
    import pyarrow as pa

    families = _Families.of(dataset, seed)
    chosen = _chosen(families, _family_labels(families, _row_labels(dataset)), validation)
    sides = pa.DictionaryArray.from_arrays(chosen[families.of_row].astype(np.int8), pa.array([TRAIN, VALIDATION]))
    place = dataset.table.schema.get_field_index("split")
    column = sides.cast(pa.string())
    return replace(dataset, table=dataset.table.set_column(place, dataset.table.schema.field(place), column))


def labels_of(records: Sequence[Record]) -> list[str] | None:
    """The label of each record's answer, or None when the answers are not labels.

    An answer is a label when it is short and few distinct ones occur; of JSON objects the first field of
    which that is true gives the label.
    """
    return _labels_of_answers([record.answer.strip() for record in records])


def _labels_of_answers(answers: Sequence[str]) -> list[str] | None:
    plain = [normalize(answer) if len(answer) <= MAX_LABEL_CHARACTERS else None for answer in answers]
    if _are_labels(plain):
        return [label or "" for label in plain]
    objects = [_json_object(answer) for answer in answers]
    fields = list(dict.fromkeys(key for item in objects[:1000] if item is not None for key in item))
    for name in fields:
        values = [_short_text(item.get(name)) if item is not None else None for item in objects]
        if _are_labels(values):
            return [value or "" for value in values]
    return None


class _Families(NamedTuple):
    """of_row: the family of each row, as a number; sizes: rows of each; keys: by which a seed shuffles them."""

    of_row: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, dataset: Dataset, seed: int) -> _Families:
        """A record without a family is its own."""
        import numpy as np
        import pyarrow.compute as pc

        own, row_ids = dataset.table.column("family"), dataset.table.column("row_id")
        encoded = pc.if_else(pc.equal(own, ""), row_ids, own).combine_chunks().dictionary_encode()
        of_row = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        names = encoded.dictionary.to_pylist()
        keys = np.fromiter((_shuffle_key(seed, name) for name in names), np.uint64, len(names))
        return cls(of_row, np.bincount(of_row, minlength=len(names)), keys)


def _shuffle_key(seed: int, family: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{family}".encode()).digest()[:8], "big")


def _row_labels(dataset: Dataset) -> list[str] | None:
    """An even sample says whether there are labels, so that the answers of a large set are not all held at once."""
    if labels_of(list(dataset.every(1 + len(dataset) // LABEL_SAMPLE))) is None:
        return None
    return _labels_of_answers([record.answer.strip() for record in dataset.records()])


def _family_labels(families: _Families, labels: Sequence[str] | None) -> list[str]:
    """The most frequent label of each family; "" where answers are no labels."""
    if labels is None:
        return [""] * len(families.sizes)
    found: list[Counter[str]] = [Counter() for _ in families.sizes]
    for family, label in zip(families.of_row.tolist(), labels, strict=True):
        found[family][label] += 1
    return [counts.most_common(1)[0][0] for counts in found]


def _chosen(families: _Families, labels: Sequence[str], validation: float) -> npt.NDArray[np.bool_]:
    """Which families are for validation, shape [families]."""
    import numpy as np

    count, sizes = len(families.sizes), families.sizes.tolist()
    by_label: dict[str, list[int]] = {}
    for family in np.argsort(families.keys, kind="stable").tolist():
        by_label.setdefault(labels[family], []).append(family)
    chosen = np.zeros(count, np.bool_)
    wanted = taken = 0.0
    # What one label could not give in whole families, the next one makes up for; so the sum stays in proportion.
    for label in sorted(by_label):
        wanted += validation * sum(sizes[family] for family in by_label[label])
        for family in by_label[label]:
            if taken + sizes[family] / 2 <= wanted:
                chosen[family] = True
                taken += sizes[family]
    if validation > 0 and not chosen.any() and count > 1:
        chosen[np.lexsort((families.keys, families.sizes))[0]] = True
    if count > 1 and chosen.all():  # a small family and a large one that is nearly all of the data
        chosen[np.lexsort((families.keys, np.abs(taken - families.sizes - wanted)))[0]] = False
    return chosen


def _are_labels(values: Sequence[str | None]) -> bool:
    present = [value for value in values if value]
    if len(present) < 0.8 * len(values) or len(present) < 10:
        return False
    distinct = len(set(present))
    return 2 <= distinct <= max(2, MAX_LABEL_SHARE * len(present))


def _short_text(value: object) -> str | None:
    if isinstance(value, bool | int):
        return str(value)
    return value if isinstance(value, str) and len(value) <= MAX_LABEL_CHARACTERS else None


def _json_object(text: str) -> dict[str, object] | None:
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
