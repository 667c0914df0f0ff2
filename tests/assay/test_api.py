"""The library's surface: every name loads, is typed, and what the stages give back can be shown."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from assay import api, stages
from assay.api import audit, curate
from assay.curate.settings import CurateSettings

ROWS = [{"instruction": f"What is thing {n} called?", "output": f"The secret word is {n}."} for n in range(30)]
ROWS += [ROWS[3], {"instruction": "Where is it?", "output": ""}]


@pytest.mark.parametrize("name", api.__all__)
def test_every_name_that_is_listed_can_be_had(name: str) -> None:
    assert getattr(api, name) is not None


def test_every_name_that_is_listed_is_known_to_a_type_checker() -> None:
    tree = ast.parse(Path(api.__file__).read_text(encoding="utf-8"))
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        name.asname or name.name for node in checked.body if isinstance(node, ast.ImportFrom) for name in node.names
    }
    assert typed == set(api.__all__)


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"assay\.api.*no attribute 'tarin'"):
        api.tarin  # noqa: B018
    with pytest.raises(AttributeError, match=r"assay\.stages.*no attribute 'tarin'"):
        stages.tarin  # noqa: B018


@pytest.mark.parametrize("name", sorted(stages._HOMES))
def test_every_name_that_stages_lend_each_other_can_be_had(name: str) -> None:
    assert getattr(stages, name) is not None


def test_what_an_audit_shows_of_itself_is_short_and_without_text_of_records() -> None:
    settings = CurateSettings(min_records=1)
    audited, curated = audit(ROWS, settings), curate(ROWS, settings)
    assert repr(audited.data) == "Dataset(32 rows read, 32 records)"
    assert repr(curated.ledger) == "Ledger(32 read = 30 kept + 0 repaired + 2 dropped + 0 held)"
    assert "found: " in repr(audited) and "exact_duplicate 2" in repr(audited) and "empty_turn 1" in repr(audited)
    for shown in (audited, curated, curated.data, curated.ledger):
        assert len(repr(shown)) < 1000
        assert "secret" not in repr(shown)


def test_findings_are_a_data_frame_with_file_and_line() -> None:
    pytest.importorskip("pandas")
    frame = audit(ROWS, CurateSettings(min_records=1)).to_pandas()
    assert {"check", "severity", "source_file", "source_row", "message"} <= set(frame.columns)
    assert sorted(frame[frame.check == "exact_duplicate"].source_row) == [3, 30]
