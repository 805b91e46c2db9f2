"""Where a graph's nodes go: in layers by their longest way from an input, ordered so that few edges cross."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

GAP = 24.0
"""Pixels between neighbours."""


@dataclass(eq=False)
class Place:
    """A node's place, or (of width 0) a bend of an edge that passes several layers.

    Attributes:
        width: of what is drawn.
        rank: its layer, from the top.
        x: its centre.
    """

    width: float
    rank: int
    x: float = 0.0
    above: list[Place] = field(default_factory=list)
    below: list[Place] = field(default_factory=list)


@dataclass(frozen=True)
class Layout:
    """Places of the nodes, by number, and for each edge the places that it passes, ends included."""

    nodes: list[Place]
    ways: list[list[Place]]
    ranks: list[list[Place]]


def layout(widths: Sequence[float], edges: Sequence[tuple[int, int]]) -> Layout:
    """Places for nodes of ``widths``, numbered so that every edge leads to a higher number."""
    nodes = [Place(width, 0) for width in widths]
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        nodes[b].rank = max(nodes[b].rank, nodes[a].rank + 1)
    ranks: list[list[Place]] = [[] for _ in range(max((node.rank for node in nodes), default=0) + 1)]
    for node in nodes:
        ranks[node.rank].append(node)
    ways = [_way(nodes[a], nodes[b], ranks) for a, b in edges]
    for _ in range(4):
        for rank in ranks[1:]:
            _settle(rank, upwards=True)
        for rank in reversed(ranks[:-1]):
            _settle(rank, upwards=False)
    leftmost = min((p.x - p.width / 2 for p in nodes), default=0.0)
    leftmost = min([leftmost, *(p.x for rank in ranks for p in rank)])
    for rank in ranks:
        for place in rank:
            place.x -= leftmost
    return Layout(nodes, ways, ranks)


def _way(start: Place, end: Place, ranks: list[list[Place]]) -> list[Place]:
    """An edge's places, with a bend in each layer that it passes."""
    way = [start, *(Place(0.0, rank) for rank in range(start.rank + 1, end.rank)), end]
    for place in way[1:-1]:
        ranks[place.rank].append(place)
    for upper, lower in itertools.pairwise(way):
        upper.below.append(lower)
        lower.above.append(upper)
    return way


def _settle(rank: list[Place], upwards: bool) -> None:
    """Order a layer by the means of its neighbours, and move each as near to that as the others leave room."""
    wished = {}
    for place in rank:
        near = place.above if upwards else place.below
        wished[place] = sum(other.x for other in near) / len(near) if near else place.x
    rank.sort(key=wished.__getitem__)
    edge = None
    for place in rank:
        least = wished[place] if edge is None else edge + GAP + place.width / 2
        place.x = max(wished[place], least)
        edge = place.x + place.width / 2
    drift = sum(place.x - wished[place] for place in rank) / len(rank)
    for place in rank:
        place.x -= drift
