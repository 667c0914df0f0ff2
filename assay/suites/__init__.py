"""Suites: the items that an adapter is judged by, of the user's own and those that come with assay."""

from assay.suites.items import SuiteItem
from assay.suites.reading import (
    CONTEXT_KEYS,
    FILES_OF_A_SCORER,
    EvaluationText,
    PromptKeys,
    Suite,
    evaluation_texts,
    prompt_keys,
    prompt_text,
    read_suite,
    read_suites,
    suite_name,
)

__all__ = [
    "CONTEXT_KEYS",
    "FILES_OF_A_SCORER",
    "EvaluationText",
    "PromptKeys",
    "Suite",
    "SuiteItem",
    "evaluation_texts",
    "prompt_keys",
    "prompt_text",
    "read_suite",
    "read_suites",
    "suite_name",
]
