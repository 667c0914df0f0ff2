"""The stage functions take and give back pandas DataFrames and datasets.Dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from assay.api import audit, curate
from assay.curate.settings import CurateSettings

SETTINGS = CurateSettings(min_records=1)


def rows() -> list[dict[str, Any]]:
    """Forty sound rows, a copy, an empty answer, a white space to repair, and two answers to one question."""
    sound = [
        {"instruction": f"What is thing {n} called?", "output": f"Thing {n}.", "topic": f"t{n % 3}"} for n in range(40)
    ]
    rest = [
        sound[3],
        ("Why?", ""),
        ("Where is it?", " There.\n"),
        ("When is it?", "On 3 May."),
        ("When is it?", "On 4 May."),
    ]
    return sound + [
        row if isinstance(row, dict) else {"instruction": row[0], "output": row[1], "topic": "t9"} for row in rest
    ]


def in_pandas() -> pd.DataFrame:
    return pd.DataFrame(rows())


def in_datasets() -> Any:
    datasets = pytest.importorskip("datasets")
    return datasets.Dataset.from_list(rows())


@pytest.mark.parametrize("given", [rows, in_pandas, in_datasets])
def test_they_are_audited_and_curated_as_a_file_is(given: Callable[[], Any]) -> None:
    assert set(audit(given(), SETTINGS).summary) == {
        "exact_duplicate", "empty_turn", "surrounding_white_space", "contradiction"
    }  # fmt: skip
    curated = curate(given(), SETTINGS)
    assert curated.ledger.counts() == {"read": 45, "kept": 40, "repaired": 1, "dropped": 2, "held": 2}
    repaired = next(row for row in curated.ledger.rows if row.fate == "repaired")
    assert repaired.new_record_id != repaired.record_id
    assert repaired.new_record_id in set(curated.data.table.column("record_id").to_pylist())


@pytest.mark.parametrize("given", [in_pandas, in_datasets])
def test_what_is_fit_goes_back_as_it_came(given: Callable[[], Any]) -> None:
    curated = curate(given(), SETTINGS)
    frame, table = curated.data.to_pandas(), curated.data.to_datasets()
    assert len(frame) == len(table) == 41
    assert {"messages", "family", "split", "row_id"} <= set(frame.columns) & set(table.column_names)
    assert frame["messages"].iloc[0] == [
        {"role": "user", "content": "What is thing 0 called?"},
        {"role": "assistant", "content": "Thing 0."},
    ]
    assert len(curated.held.to_pandas()) == 2
    again = curate(frame, SETTINGS)
    assert again.ledger.counts() == {"read": 41, "kept": 41, "repaired": 0, "dropped": 0, "held": 0}
    assert again.data.table.column("record_id").to_pylist() == curated.data.table.column("record_id").to_pylist()


def test_a_column_of_groups_is_kept_on_one_side_of_the_split() -> None:
    from assay.curate.settings import SplitSettings

    settings = CurateSettings(min_records=1, split=SplitSettings(validation=0.3, group_column="topic"))
    sides: dict[str, set[str]] = {}
    for record in curate(in_pandas(), settings).data.records():
        sides.setdefault(str(record.meta["topic"]), set()).add(record.split)
    assert all(len(side) == 1 for side in sides.values())
    assert set().union(*sides.values()) == {"train", "validation"}
