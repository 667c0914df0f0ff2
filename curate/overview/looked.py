"""What each record that the overview looked at counts as, so that the records behind a number can be listed.

overview.parquet has a row a record: `row_id`; `label` or `topic`; `language`; and of those whose shape was measured
`prompt_tokens`, `answer_tokens` (or `_words`), `structure`, and a column `style_FEATURE` for each feature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assay.writing.style import FEATURES

from .composition import Kinds
from .shape import Measured

if TYPE_CHECKING:
    import pyarrow as pa

FILE = "overview.parquet"


@dataclass(frozen=True)
class Looked:
    """rows: row ids that `kinds` are of, shape [records]. What was measured is of all of them, or of some."""

    rows: tuple[str, ...]
    kinds: Kinds
    measured: Measured

    def named(self, names: Mapping[str, str]) -> Looked:
        """With other names for labels and topics."""
        return replace(self, kinds=replace(self.kinds, parts=tuple(names[name] for name in self.kinds.parts)))

    def to_arrow(self) -> pa.Table:
        """In the order of the data; null for what is not known of a record."""
        import pyarrow as pa

        at = {row: place for place, row in enumerate(self.measured.rows)}
        places = [at.get(row) for row in self.rows]
        kinds, measured = self.kinds, self.measured

        def own(values: tuple[int, ...] | tuple[str, ...]) -> list[int | str | None]:
            return [None if place is None else values[place] for place in places]

        columns = {"row_id": pa.array(self.rows, pa.string())}
        if kinds.parts:
            columns["label" if kinds.are_labels else "topic"] = pa.array(kinds.parts, pa.string())
        columns |= {
            "language": pa.array(kinds.languages, pa.string()),
            f"prompt_{measured.unit}": pa.array(own(measured.prompts), pa.int32()),
            f"answer_{measured.unit}": pa.array(own(measured.answers), pa.int32()),
            "structure": pa.array(own(measured.structures), pa.string()),
        }
        for feature in FEATURES:
            values = [None if place is None else measured.styles[place].get(feature) for place in places]
            columns[f"style_{feature}"] = pa.array(values, pa.string())
        return pa.table(columns)
