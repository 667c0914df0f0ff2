"""A graph as boxes and curves, in the units of its SVG. The template only writes them down."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .graph import Graph, Node
from .layers import lay_out

WIDE, HIGH = 126.0, 52.0
ACROSS, DOWN = 151.0, 66.0
"""From box to box."""
RIM = 4.0
NAME_LETTERS, LETTERS = 15, 19
"""That fit into a box: of its first line, and of its second."""


@dataclass(frozen=True)
class Box:
    """role: selected, related or pale"""

    node: Node
    x: float
    y: float
    role: str
    name: str
    about: str


@dataclass(frozen=True)
class Curve:
    path: str
    role: str


@dataclass(frozen=True)
class Drawing:
    width: float
    height: float
    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]


def draw(graph: Graph, selected: str, related: Collection[str]) -> Drawing:
    """related: what came before and after the selected box; all else is pale."""
    laid = lay_out(list(graph.nodes), graph.edges)
    strong = {selected, *related}

    def across(layer: int) -> float:
        return RIM + ACROSS * layer

    def down(row: float) -> float:
        return RIM + HIGH / 2 + DOWN * row

    boxes = tuple(
        Box(
            node,
            round(across(laid.layer[name]), 1),
            round(down(laid.row[name]) - HIGH / 2, 1),
            "selected" if name == selected else "related" if name in strong else "pale",
            _cut(node.name, NAME_LETTERS),
            _cut(node.about, LETTERS),
        )
        for name, node in graph.nodes.items()
    )
    curves = tuple(
        Curve(_curve([(across(layer), down(row)) for layer, row in points]), _role(edge, strong))
        for edge, points in laid.paths.items()
    )
    ordered = tuple(sorted(curves, key=lambda curve: curve.role == "related"))  # what matters is drawn last
    width = across(laid.layers - 1) + WIDE + RIM
    return Drawing(round(width, 1), round(down(laid.rows - 1) + HIGH / 2 + RIM, 1), boxes, ordered)


def _role(edge: tuple[str, str], strong: Collection[str]) -> str:
    return "related" if edge[0] in strong and edge[1] in strong else "pale"


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """From the right side of the first box, straight through the passages, to the left side of the last."""
    (x, y), *rest = points
    path = [f"M{x + WIDE:.1f},{y:.1f}"]
    x += WIDE
    for number, (to, height) in enumerate(rest):
        middle = (x + to) / 2
        path.append(f"C{middle:.1f},{y:.1f} {middle:.1f},{height:.1f} {to:.1f},{height:.1f}")
        x, y = to, height
        if number < len(rest) - 1:
            x += WIDE
            path.append(f"H{x:.1f}")
    return "".join(path)


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"
