"""A decision that was written is read back as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.gate.gate import gate
from assay.evaluate.gate.policy import Policy, SlicePolicy, SuitePolicy
from assay.evaluate.web.stored_decision import decision_from_json


def test_every_number_and_reason_comes_back(synthetic: Callable[..., Evaluation], suite: Any) -> None:
    domain = suite("support", n=200, p_base=0.2, gain=0.3, discordance=0.4, kind="suite", slices=("a", "b"),
                   previous_gain=0.2, chance=None)  # fmt: skip
    policy = Policy(
        suites={
            "support": SuitePolicy("domain", slices={"a": SlicePolicy(0.1)}),
            "grammar": SuitePolicy("general"),
            "tiny": SuitePolicy("general", required=False),
        }
    )
    decided = gate(synthetic(suite("grammar", gain=-0.05), suite("tiny", n=3, fixed=True), domain), policy).to_json()
    written = json.loads(json.dumps(decided))
    assert decision_from_json(written).to_json() == written


@pytest.mark.parametrize("key", ["verdict", "reasons", "notes", "suites", "macro"])
def test_a_document_without_a_part_is_refused(synthetic: Callable[..., Evaluation], suite: Any, key: str) -> None:
    decided = gate(synthetic(suite("grammar"), suite("support", kind="suite")), Policy()).to_json()
    with pytest.raises((KeyError, TypeError, ValueError)):
        decision_from_json({name: value for name, value in decided.items() if name != key})
