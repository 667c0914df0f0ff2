"""What rounding to 16 bits does to one merge: the measure of a shipped model that differs by more than is usual."""

from __future__ import annotations

from collections.abc import Sequence

from .artefact import Passage, TokenScores
from .difference import difference
from .held import InMemory
from .loading import compute_in_float32
from .provenance import FULL, Trained


def rounded_scores(
    trained: Trained, base: str, dtype: str, passages: Sequence[Passage], exact: Sequence[TokenScores], within: float
) -> list[TokenScores] | None:
    """Of the adapter merged into its base in float32, and rounded once, in memory.

    base    in the words of `Held`: "full", or what the base was quantised to
    exact   what the adapter gave beside that base
    within  nats of one token by which the float32 merge may differ from `exact`

    None where the merge itself is another model than that, or there is no memory for one more. Raises ModelError.
    """
    from ..merging.room import available_memory, need_of
    from ..merging.weights import laid_over, merged, rounded

    available = available_memory()
    if available is not None and available < need_of(trained.target.ref, dtype).memory:
        return None
    where = str(trained.folder)
    plain = merged(laid_over(trained, "full" if base == FULL else "dequantized"), where)
    if difference(exact, InMemory(plain).token_scores(passages)).most > within:
        return None
    return InMemory(compute_in_float32(rounded(plain, dtype, where))).token_scores(passages)
