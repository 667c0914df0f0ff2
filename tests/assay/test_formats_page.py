"""docs/formats.md is true: each of its examples is read as what it says it is."""

import re
from pathlib import Path

import pytest

from assay.formats import FORMATS, detect
from assay.formats.mapping import ALIASES
from assay.sources import ReadSettings, read

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```(jsonl|csv) (\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("container", "name", "text"), EXAMPLES, ids=[name for _, name, _ in EXAMPLES])
def test_an_example_is_read_as_the_format_above_it(tmp_path: Path, container: str, name: str, text: str) -> None:
    path = tmp_path / f"example.{container}"
    path.write_text(text, encoding="utf-8")
    data = read([str(path)], ReadSettings(preference=True))
    assert not data.faults
    assert len(data) > 0
    assert FORMATS[name].title in data.notes[0]
    assert all(record.answer or record.messages[-1].tool_calls for record in data.records())


def test_every_format_has_an_example() -> None:
    assert {name for _, name, _ in EXAMPLES} == set(FORMATS)


def test_the_formats_that_wait_for_a_request_are_the_ones_that_the_page_names() -> None:
    assert [name for name, form in FORMATS.items() if form.on_request] == ["preference", "kto"]


def test_every_column_that_can_be_named_is_on_the_page() -> None:
    assert [name for name in ALIASES if f"`{name}`" not in PAGE] == []


def test_detection_takes_no_row_of_unknown_columns_for_anything() -> None:
    assert detect({"text": "a", "category": "b"}) is None
