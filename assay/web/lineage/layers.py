"""Places for the boxes of a graph without cycles, in layers from left to right.

Layers by longest path, crossings reduced by barycentres in sweeps to and fro (Sugiyama, Tagawa & Toda 1981, IEEE
Trans. Syst. Man Cybern. 11, 109-125), heights by least squares within the order of a layer. An edge that spans
several layers is led through a place of its own in each, so that it passes between boxes.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

SWEEPS = 12
BOX, PASSAGE = 1.0, 0.35
"""Heights, in rows: of a box, and of an edge that passes by."""


@dataclass(frozen=True)
class Laid:
    """layer  of each box, from 0
    row    the middle of each box, in rows, from 0 on
    paths  by edge, the (layer, row) that it is led through, its ends included
    """

    layer: Mapping[str, int]
    row: Mapping[str, float]
    paths: Mapping[tuple[str, str], tuple[tuple[int, float], ...]]

    @property
    def layers(self) -> int:
        return max(self.layer.values(), default=-1) + 1

    @property
    def rows(self) -> float:
        return max(self.row.values(), default=-1.0) + 1.0


@dataclass
class _Chains:
    """The graph with a place for each layer that an edge passes. order: of each layer, from the top."""

    order: list[list[str]]
    before: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    after: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    through: dict[tuple[str, str], list[str]] = field(default_factory=dict)


def lay_out(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> Laid:
    """edges: (from, to), each between two of the nodes. One that would close a cycle is left out."""
    kept = _without_cycles(nodes, edges)
    layer = _layers(nodes, kept)
    chains = _chains(nodes, kept, layer)
    for sweep in range(SWEEPS):
        _sweep(chains, forward=sweep % 2 == 0)
    row = _rows(chains)
    lowest = min(row.values(), default=0.0)
    row = {name: at - lowest for name, at in row.items()}
    paths = {
        edge: tuple((layer[edge[0]] + place, row[name]) for place, name in enumerate(names))
        for edge, names in chains.through.items()
    }
    return Laid(layer, {name: row[name] for name in nodes}, paths)


def _without_cycles(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Run names are digests of what went in, so that no honest store has a cycle; a damaged one must not hang."""
    known = set(nodes)
    wanted: dict[str, list[str]] = defaultdict(list)
    for source, target in dict.fromkeys(edges):
        if source in known and target in known and source != target:
            wanted[source].append(target)
    kept: list[tuple[str, str]] = []
    state: dict[str, int] = {}
    for root in nodes:
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(wanted[root]))]
        while stack:
            name, targets = stack[-1]
            after = next(targets, None)
            if after is None:
                state[name] = 2
                stack.pop()
            elif state.get(after) != 1:
                kept.append((name, after))
                if after not in state:
                    state[after] = 1
                    stack.append((after, iter(wanted[after])))
    return kept


def _layers(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """By longest path; what nothing leads to stands right before the first thing it leads to."""
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        before[target].append(source)
        after[source].append(target)
    waiting = {name: len(before[name]) for name in nodes}
    ready = [name for name in nodes if not waiting[name]]
    layer = dict.fromkeys(nodes, 0)
    while ready:
        name = ready.pop()
        for target in after[name]:
            layer[target] = max(layer[target], layer[name] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for name in nodes:
        if not before[name] and after[name]:
            layer[name] = min(layer[target] for target in after[name]) - 1
    return layer


def _chains(nodes: Sequence[str], edges: Sequence[tuple[str, str]], layer: Mapping[str, int]) -> _Chains:
    chains = _Chains([[] for _ in range(max(layer.values(), default=-1) + 1)])
    for name in nodes:
        chains.order[layer[name]].append(name)
    for number, (source, target) in enumerate(edges):
        names = [source]
        for between in range(layer[source] + 1, layer[target]):
            passage = f"\0{number}.{between}"
            chains.order[between].append(passage)
            names.append(passage)
        names.append(target)
        chains.through[source, target] = names
        for one, other in itertools.pairwise(names):
            chains.after[one].append(other)
            chains.before[other].append(one)
    return chains


def _sweep(chains: _Chains, *, forward: bool) -> None:
    """Each layer in the order of the mean place of its neighbours on one side; who has none keeps its place."""
    layers = chains.order if forward else list(reversed(chains.order))
    neighbours = chains.before if forward else chains.after
    for previous, names in itertools.pairwise(layers):
        place = {name: number / max(1, len(previous) - 1) for number, name in enumerate(previous)}
        own = {name: number / max(1, len(names) - 1) for number, name in enumerate(names)}
        mean = {name: _mean([place[other] for other in neighbours[name]], own[name]) for name in names}
        names.sort(key=mean.__getitem__)


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _rows(chains: _Chains) -> dict[str, float]:
    """Heights: each near the mean of its neighbours', none nearer to another than both are high."""
    row: dict[str, float] = {}
    for names in chains.order:
        at = 0.0
        for name in names:
            row[name] = at
            at += _height(name)
    for sweep in range(SWEEPS):
        layers = chains.order if sweep % 2 == 0 else list(reversed(chains.order))
        for names in layers:
            wanted = [
                _mean([row[other] for other in (*chains.before[name], *chains.after[name])], row[name])
                for name in names
            ]
            row.update(zip(names, _apart(wanted, [_height(name) for name in names]), strict=True))
    return row


def _height(name: str) -> float:
    return PASSAGE if name.startswith("\0") else BOX


def _apart(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Nearest to `wanted` by least squares, in this order, without overlap: isotonic regression by pooling adjacent
    violators (Barlow et al. 1972), once the heights are taken off."""
    offsets = []
    at = 0.0
    for number, height in enumerate(heights):
        at += (heights[number - 1] + height) / 2 if number else 0.0
        offsets.append(at)
    pools: list[tuple[float, int]] = []
    for value, offset in zip(wanted, offsets, strict=True):
        mean, size = value - offset, 1
        while pools and pools[-1][0] > mean:
            other, count = pools.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        pools.append((mean, size))
    flat = [mean for mean, size in pools for _ in range(size)]
    return [value + offset for value, offset in zip(flat, offsets, strict=True)]
