"""Items that select and items that judge: told apart by what they ask, so that nothing moves between the two."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow.parquet as pq
import pytest

from assay.errors import SuiteError
from assay.evaluate.asking.examination import Item
from assay.evaluate.asking.item_split import numbers_in, overlap, part_of


def item(text: str, cluster: str | None = None, identity: str = "x") -> Item:
    return Item(identity, "", None, None, cluster, text, 1)


@dataclass
class Asked:
    """As much of an examination as is split."""

    items: list[Item]
    name: str = "support"


def test_every_item_is_in_one_part_and_about_half_in_each() -> None:
    asked: Any = Asked([item(f"question {n}", identity=str(n)) for n in range(1000)])
    parts = [numbers_in(asked, part, None) for part in ("selection", "gate")]
    assert sorted(parts[0] + parts[1]) == numbers_in(asked, "all", None) == list(range(1000))
    assert 440 < len(parts[0]) < 560


def test_an_item_stays_where_it_is_whatever_its_id_place_or_suite() -> None:
    texts = [f"question {n}" for n in range(50)]
    before = {text: part_of(item(text)) for text in texts}
    random.Random(1).shuffle(texts)
    assert {text: part_of(item(f"  {text.upper()}? ", identity="new")) for text in texts} == before


def test_items_of_one_cluster_stay_together() -> None:
    for n in range(20):
        assert len({part_of(item(f"about passage {n}: {k}", f"passage {n}")) for k in range(10)}) == 1


def test_a_part_without_items_is_refused_and_a_limit_counts_within_the_part() -> None:
    one: Any = Asked([item("question 1")])
    other = "gate" if part_of(one.items[0]) == "selection" else "selection"
    with pytest.raises(SuiteError, match=f"suite support: none of its 1 items falls into the {other} part"):
        numbers_in(one, other, None)
    many: Any = Asked([item(f"question {n}") for n in range(100)])
    assert numbers_in(many, "gate", 7) == numbers_in(many, "gate", None)[:7]


def test_what_overlaps() -> None:
    assert overlap("all", "gate") and overlap("selection", "all") and overlap("gate", "gate")
    assert not overlap("selection", "gate")


class TestEvaluated:
    ROWS: ClassVar = [
        {"id": f"i{n}", "prompt": f"cat {n}?", "reference": "yes", "choices": ["yes", "no"]} for n in range(40)
    ]

    def test_two_parts_share_no_item_and_the_evaluation_says_which(
        self, shell: Callable[..., tuple[int, str, str]], make_suite: Callable[..., Path], tiny_model: Path
    ) -> None:
        make_suite("support", self.ROWS, scorer="multiple_choice")
        asked = {}
        for part in ("selection", "gate", "all"):
            code, out, _ = shell(
                "evaluate", "--model", tiny_model, "--suite", "support.yaml", "--items", part, "--json"
            )  # fmt: skip
            document = json.loads(out)
            assert code == 0 and document["settings"]["items"] == part
            asked[part] = set(pq.read_table(document["items"])["item_id"].to_pylist())
        assert asked["selection"] and asked["gate"] and not asked["selection"] & asked["gate"]
        assert asked["selection"] | asked["gate"] == asked["all"]

    def test_a_gate_on_items_that_selected_is_told(
        self,
        shell: Callable[..., tuple[int, str, str]],
        make_suite: Callable[..., Path],
        make_adapter: Callable[..., Path],
        tiny_model: Path,
    ) -> None:
        make_suite("support", self.ROWS, scorer="multiple_choice")

        def notes(seed: int, part: str) -> list[str]:
            adapter = make_adapter(f"a{seed}", seed=seed)
            _, out, _ = shell(
                "evaluate", "--model", tiny_model, "--adapter", adapter, "--suite", "support.yaml", "--items", part,
                "evaluate.damaged_items=0", "evaluate.zero_items=0", "--json",
            )  # fmt: skip
            document = json.loads(out)
            return [*document["settings"]["notes"], str(document["settings"]["times_used"]["support"])]

        told, used = notes(1, "selection")
        assert "selected among candidates" in told and "--items gate" in told and used == "0"
        assert notes(2, "gate") == ["0"]
        told, used = notes(3, "all")
        assert "support (1)" in told and "--items gate" in told and used == "2"
