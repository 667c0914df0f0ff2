"""References that a suite's scorer cannot take: met before a model is loaded, since every item needs one."""

from __future__ import annotations

from assay.errors import SuiteError
from assay.suites import Suite, SuiteItem

from ..scorer import ReadyScorer


def wrong_kind(suite: Suite, scoring: ReadyScorer) -> list[SuiteItem]:
    """Items whose reference is a list or an object, where the scorer compares with text."""
    return [item for item in suite.items if item.structured] if scoring.scorer.text_reference else []


def takes_several(name: str) -> str:
    """What to do about them."""
    return (
        f"give {name} one text or number an item; json_fields takes an object, required_phrase a list of phrases, "
        "all_of a list of demands"
    )


def check_references(suite: Suite, scoring: ReadyScorer) -> None:
    """Each is scored as if it were the answer. A judge is not asked, and no code is run.

    Raises SuiteError for the first of another kind, and for the first that the scorer fails on.
    """
    if wrong := wrong_kind(suite, scoring):
        raise SuiteError(
            f"the reference of item '{wrong[0].id}' is a list or an object ({wrong[0].reference:.40}), and "
            f"{suite.scorer} compares with text",
            where=str(suite.path),
            fix=takes_several(suite.scorer),
        )
    if scoring.scorer.judged or scoring.scorer.runs_code:
        return
    for item in suite.items:
        try:
            where = f"item '{item.id}' of suite '{suite.name}'"
            scoring(item.reference, item.reference, where, scoring.context_of(item))
        except SuiteError as error:
            fix = "mend it or the scorer's settings; `assay suite check` names all such items"
            raise SuiteError(f"a reference cannot be scored: {error.what}", where=str(suite.path), fix=fix) from error
