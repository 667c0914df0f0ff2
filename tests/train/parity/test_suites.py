"""What the suites say of a shipped model names the limit that its proof is made with."""

from __future__ import annotations

from assay.evaluate.gate.shipped import Shipped, ShippedSuite
from assay.findings import Verdict
from assay.train.parity.checks import Outcome
from assay.train.parity.suites import _not_worse


def judged(verdict: Verdict, at_worst: float, p_value: float) -> Shipped:
    suite = ShippedSuite("bank", 300, 0.573, 0.5729, -0.0001, (-0.03, 0.01), 3, 5, verdict, "")
    return Shipped((suite,), verdict, -0.0001, (-0.033, 0.009), at_worst, p_value, 1342)


def test_a_proof_and_its_limit_are_on_the_same_side_of_the_margin() -> None:
    held = _not_worse(judged(Verdict.PASS, -0.012, 0.01), 0.02)
    assert held.outcome is Outcome.PASS
    assert "0.0 points on average, at worst -1.2: a loss beyond 2 points is excluded (p = 0.01)" in held.sentence
    unknown = _not_worse(judged(Verdict.INCONCLUSIVE, -0.029, 0.16), 0.02)
    assert unknown.outcome is Outcome.UNPROVED and "about 1,342 more items" in unknown.sentence
    assert "at worst -2.9: a loss beyond 2 points is not excluded (p = 0.16)" in unknown.sentence
    for check in (held, unknown):
        assert "interval" not in check.sentence and "-0.0" not in check.sentence
        assert check.numbers is not None and check.numbers["at_worst"] in (-0.012, -0.029)
