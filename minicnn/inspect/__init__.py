"""Looking into networks: what their layers cost, what makes an output, and what they look at.

    print(mc.inspect.summary(model, (1, 3, 32, 32)))
    print(mc.inspect.explain(model.conv1, images, 0, 0, 3, 4))
"""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.inspect.attribution import (
    activation_maximisation,
    grad_cam,
    integrated_gradients,
    occlusion,
    saliency,
)
from minicnn.inspect.explain import Explanation, Term, explain
from minicnn.inspect.fields import ReceptiveField
from minicnn.inspect.graph import BackwardStep, Graph, Node, graph
from minicnn.inspect.histograms import Histogram, Histograms
from minicnn.inspect.landscape import Landscape, loss_landscape
from minicnn.inspect.lint import Report, lint
from minicnn.inspect.maps import feature_maps, filters
from minicnn.inspect.misconceptions import Finding
from minicnn.inspect.mistakes import Mistake, worst_mistakes
from minicnn.inspect.plots import draw_confusion, draw_filters, draw_heat, draw_maps, draw_mistakes
from minicnn.inspect.rates import RateSearch, find_learning_rate
from minicnn.inspect.receptive import MeasuredField, measured_field, receptive_field
from minicnn.inspect.sliding import Animation, slide
from minicnn.inspect.summary import Row, Summary, summary

__all__ = [
    "Animation", "BackwardStep", "Explanation", "Finding", "Graph", "Histogram", "Histograms", "Landscape",
    "MeasuredField", "Mistake", "Node", "RateSearch", "ReceptiveField", "Report", "Row", "Summary", "Term",
    "activation_maximisation", "draw_confusion", "draw_filters", "draw_heat", "draw_maps", "draw_mistakes", "explain",
    "feature_maps", "filters", "find_learning_rate", "grad_cam", "graph", "integrated_gradients", "lint",
    "loss_landscape", "measured_field", "occlusion", "receptive_field", "saliency", "slide", "summary",
    "worst_mistakes",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
