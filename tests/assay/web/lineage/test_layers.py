"""Boxes never lie on one another, every edge leads to the right, and the same graph is drawn the same way."""

from __future__ import annotations

import random
import time
from itertools import combinations

import pytest

from assay.web.lineage.layers import BOX, lay_out


def graph(seed: int, size: int) -> tuple[list[str], list[tuple[str, str]]]:
    """Without cycles: edges lead from smaller to larger numbers."""
    rng = random.Random(seed)
    names = [f"n{number}" for number in range(size)]
    pairs = [(names[rng.randrange(after)], names[after]) for after in range(1, size) for _ in range(rng.randrange(3))]
    return names, list(dict.fromkeys(pairs))


@pytest.mark.parametrize("seed", range(25))
def test_boxes_of_a_layer_stand_apart_and_edges_lead_to_the_right(seed: int) -> None:
    names, edges = graph(seed, 40)
    laid = lay_out(names, edges)
    assert set(laid.layer) == set(laid.row) == set(names)
    for one, other in combinations(names, 2):
        if laid.layer[one] == laid.layer[other]:
            assert abs(laid.row[one] - laid.row[other]) >= BOX - 1e-6
    for source, target in edges:
        assert laid.layer[source] < laid.layer[target]
        path = laid.paths[source, target]
        assert [layer for layer, _ in path] == list(range(laid.layer[source], laid.layer[target] + 1))
        assert path[0][1] == laid.row[source] and path[-1][1] == laid.row[target]
    assert min(laid.row.values()) >= -1e-9


def test_the_same_graph_is_laid_out_the_same_way() -> None:
    names, edges = graph(3, 60)
    assert lay_out(names, edges) == lay_out(names, edges)


def test_a_chain_is_a_straight_line() -> None:
    laid = lay_out(["a", "b", "c"], [("a", "b"), ("b", "c")])
    assert laid.layer == {"a": 0, "b": 1, "c": 2}
    assert set(laid.row.values()) == {0.0}


def test_crossings_that_can_be_avoided_are() -> None:
    laid = lay_out(["a", "b", "x", "y"], [("a", "y"), ("b", "x")])
    assert (laid.row["a"] < laid.row["b"]) == (laid.row["y"] < laid.row["x"])


def test_what_nothing_leads_to_stands_right_before_what_it_leads_to() -> None:
    laid = lay_out(["a", "b", "c", "late"], [("a", "b"), ("b", "c"), ("late", "c")])
    assert laid.layer["late"] == 1


def test_an_edge_over_several_layers_passes_between_the_boxes() -> None:
    names = ["a", "b", "c", "d"]
    laid = lay_out(names, [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")])
    for layer, row in laid.paths["a", "d"][1:-1]:
        here = [laid.row[name] for name in names if laid.layer[name] == layer]
        assert all(abs(row - other) >= 0.6 for other in here)


@pytest.mark.parametrize(
    "edges", [[("a", "a")], [("a", "b"), ("b", "a")], [("a", "b"), ("b", "c"), ("c", "a")], [("a", "gone")]]
)
def test_a_damaged_store_with_a_cycle_is_drawn_and_does_not_hang(edges: list[tuple[str, str]]) -> None:
    laid = lay_out(["a", "b", "c"], edges)
    assert set(laid.layer) == {"a", "b", "c"}


def test_nothing_is_drawn_of_nothing() -> None:
    laid = lay_out([], [])
    assert laid.layers == 0 and laid.rows == 0.0


def test_five_hundred_runs_are_laid_out_soon() -> None:
    names, edges = graph(1, 500)
    began = time.process_time()
    lay_out(names, edges)
    assert time.process_time() - began < 5
