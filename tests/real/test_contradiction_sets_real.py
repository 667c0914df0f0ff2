"""The parts that contradictions are tuned and measured on, built from the real data."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.contradiction_sets.halves import build
from benchmarks.contradiction_sets.hold_out import build_fresh, lines
from benchmarks.contradiction_sets.item import counts


def test_the_fresh_part_shares_no_line_with_the_halves_and_has_three_hundred_pairs_of_each_kind(shared: Path) -> None:
    fresh = build_fresh(shared / "data")
    assert lines(fresh).isdisjoint(lines(build(shared / "data")))
    assert {kind: count for kind, count in counts(fresh).items() if count < 300} == {}
    assert fresh == build_fresh(shared / "data")
