"""What other stages lend to the steps: the suite's scorer where it can score a text by itself, and vectors."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from assay.records import Message
from assay.suites import Suite, SuiteItem
from assay.synth.generator import GENERATORS
from assay.synth.handed import make_bench, make_encode
from assay.synth.settings import SynthSettings

ITEM = SuiteItem("1", (Message("user", "Where?"),), '{"intent": "track"}')
SUITE = Suite("support", Path("support.yaml"), (ITEM,), "json_fields", {"fields": ["intent"]})


def test_the_domain_suite_s_scorer_reads_an_answer() -> None:
    bench = make_bench(SynthSettings(), None, [SUITE, dataclasses.replace(SUITE, name="g", role="general", scorer="x")])
    assert bench.scorer is not None
    answer = json.dumps({"intent": "refund", "note": "late"})
    assert bench.scorer(answer, answer) == 1.0 and bench.scorer("no JSON", answer) == 0.0


@pytest.mark.parametrize(
    "suites",
    [
        [],
        [dataclasses.replace(SUITE, role="general")],
        [SUITE, dataclasses.replace(SUITE, scorer="exact_match", scorer_settings={})],
        [dataclasses.replace(SUITE, scorer="multiple_choice", scorer_settings={})],
    ],
)
def test_there_is_none_where_suites_have_none_in_common_or_it_needs_more_than_a_text(suites: list[Suite]) -> None:
    assert make_bench(SynthSettings(), None, suites).scorer is None


def test_vectors_are_unit_length() -> None:
    pytest.importorskip("wordllama")
    encode = make_encode()
    assert encode is not None
    vectors = encode(["the red cat", "a blue dog"])
    assert vectors.shape[0] == 2 and abs(float((vectors[0] ** 2).sum()) - 1) < 1e-3


def test_methods_that_start_from_files_need_no_seeds() -> None:
    assert not GENERATORS.get("document_qa").needs_seeds({"documents": ["docs/"]})
    assert not GENERATORS.get("tool_calls").needs_seeds({"tools": "tools.json"})
    assert GENERATORS.get("tool_calls").needs_seeds({})
    assert GENERATORS.get("paraphrase").needs_seeds({"count": 3})
