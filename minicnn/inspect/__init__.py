"""Looking into networks: what their layers cost, what makes an output, and what they look at.

    print(mc.inspect.summary(model, (1, 3, 32, 32)))
    print(mc.inspect.explain(model.conv1, images, 0, 0, 3, 4))
"""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.inspect.explain import Explanation, Term, explain
from minicnn.inspect.fields import ReceptiveField
from minicnn.inspect.graph import BackwardStep, Graph, Node, graph
from minicnn.inspect.receptive import MeasuredField, measured_field, receptive_field
from minicnn.inspect.sliding import Animation, slide
from minicnn.inspect.summary import Row, Summary, summary

__all__ = [
    "Animation", "BackwardStep", "Explanation", "Graph", "MeasuredField", "Node", "ReceptiveField", "Row", "Summary",
    "Term", "explain", "graph", "measured_field", "receptive_field", "slide", "summary",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
