"""The validation split: whole families, the labels in proportion, the same for the same seed on any machine."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from assay.dataset import Dataset
from assay.errors import SettingsError
from assay.records import Record
from assay.text import normalize

TRAIN, VALIDATION = "train", "validation"

MAX_LABEL_CHARACTERS = 60
MAX_LABEL_SHARE = 0.2


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
    records = list(dataset.records())
    chosen = _validation_families(records, validation, seed)
    return Dataset.from_records(
        (replace(record, split=VALIDATION if _family(record) in chosen else TRAIN) for record in records),
        dataset.faults,
        dataset.notes,
    )


def labels_of(records: Sequence[Record]) -> list[str] | None:
    """The label of each record's answer, or None when the answers are not labels.

    An answer is a label when it is short and few distinct ones occur; of JSON objects the first field of
    which that is true gives the label.
    """
    answers = [record.answer.strip() for record in records]
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


def _validation_families(records: Sequence[Record], validation: float, seed: int) -> set[str]:
    members: dict[str, list[int]] = defaultdict(list)
    for position, record in enumerate(records):
        members[_family(record)].append(position)
    labels = labels_of(records) or [""] * len(records)
    label_of = {family: Counter(labels[i] for i in rows).most_common(1)[0][0] for family, rows in members.items()}
    by_label: dict[str, list[str]] = defaultdict(list)
    for family in sorted(members, key=lambda name: _shuffle_key(seed, name)):
        by_label[label_of[family]].append(family)

    chosen: set[str] = set()
    wanted = taken = 0.0
    # What one label could not give in whole families, the next one makes up for; so the sum stays in proportion.
    for label in sorted(by_label):
        wanted += validation * sum(len(members[family]) for family in by_label[label])
        for family in by_label[label]:
            size = len(members[family])
            if taken + size / 2 <= wanted:
                chosen.add(family)
                taken += size
    if validation > 0 and not chosen and len(members) > 1:
        chosen.add(min(members, key=lambda name: (len(members[name]), _shuffle_key(seed, name))))
    if len(chosen) == len(members) > 1:  # a small family and a large one that is nearly all of the data
        chosen.remove(min(members, key=lambda name: (abs(taken - len(members[name]) - wanted), name)))
    return chosen


def _family(record: Record) -> str:
    return record.family or record.row_id


def _shuffle_key(seed: int, family: str) -> str:
    return hashlib.sha256(f"{seed}:{family}".encode()).hexdigest()


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
