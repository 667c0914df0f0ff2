"""Is there anything to learn to say? An answer of no tokens but its end teaches the model to fall silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.chat import IGNORED
from assay.errors import TrainingError

if TYPE_CHECKING:
    from assay.chat import ChatTarget

    from ..rows import Rows


def check_answers(rows: Rows, target: ChatTarget) -> tuple[str, ...]:
    """A warning for records whose answers are empty. Raises TrainingError where all of them are."""
    silent = {IGNORED, *target.stop_token_ids}
    empty = sum(silent.issuperset(row.labels) for row in rows.training)
    if rows.training and empty == len(rows.training):
        raise TrainingError(
            f"none of the {empty:,} records has an answer: the model would learn to end its turn at once",
            where=target.name,
            fix="`assay audit` names empty answers; where they are tool calls, the chat template does not write them",
        )
    if empty:
        return (f"{empty:,} of {len(rows.training):,} training records have no answer but the token that ends it",)
    return ()
