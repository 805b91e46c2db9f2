"""Each form of a convolution on the same numbers: which is the fastest, and which the rule chooses."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import minicnn as mc
from benchmarks.case import Row, Settings
from benchmarks.gpu import card, comparison
from benchmarks.gpu.kernels import TIMES
from benchmarks.gpu.roofline import device_seconds
from benchmarks.gpu.sides import precision
from benchmarks.kernels import CONVOLUTIONS
from minicnn.backend import backend_for
from minicnn.backend.cuda.conv import FORMS, FORWARD, INPUT_GRAD, WEIGHT_GRAD
from minicnn.backend.cuda.layer import Layer
from minicnn.shapes.conv import conv_geometry


def forms(settings: Settings, wanted: Callable[[str, str], bool]) -> Iterator[Row]:  # noqa: ARG001  (of all suites)
    """A row for each form that can compute a convolution, in each direction, without and with TF32."""
    for name in CONVOLUTIONS:
        for direction in (FORWARD, INPUT_GRAD, WEIGHT_GRAD):
            for tf32 in (False, True) if wanted("forms", f"form {name} {direction}") else ():
                row: Row = {"case": f"form {name} {direction}", "tf32": tf32, "unit": "s"}
                with precision(tf32, tuned=False):
                    try:
                        yield from (row | found for found in timed(layer_of(name), direction))
                    except Exception as error:  # what the card has no memory for must not end the others
                        yield row | {"side": "all"} | comparison.failure(error)
    _numbers.cache_clear()


def layer_of(name: str) -> Layer:
    """One of the CPU's convolutions, with as many images as the other kernels get here."""
    batch, C, H, O, kernel, stride, padding, dilation, groups = CONVOLUTIONS[name]
    geometry = conv_geometry(stride=stride, padding=padding, dilation=dilation, groups=groups, kernel=(kernel, kernel))
    out = geometry.output_size((H, H), (kernel, kernel))
    return Layer(TIMES * batch, groups, C // groups, O // groups, (H, H), (kernel, kernel), out, geometry, "f")


def timed(layer: Layer, direction: str) -> Iterator[Row]:
    """The device's time of each form that fits, its ratio to the fastest one's, and whether the rule chooses it."""
    backend: Any = backend_for(card.OURS)
    arrays, chosen = arrays_of(layer, direction), backend.form_of(layer, direction)
    times = {form: device_seconds(functools.partial(getattr(form, direction), backend, *arrays, layer))
             for form in FORMS if form.fits(layer)}  # fmt: skip
    for form, seconds in times.items():
        name = form.__name__.rsplit(".", 1)[-1]
        yield {"side": name, "time": seconds, "ratio": seconds / min(times.values()), "chosen": form is chosen}


def arrays_of(layer: Layer, direction: str) -> list[Any]:
    """What a form is given in a direction: x, w, no bias, y; or g, w, dx; or x, g, dw."""
    x, w, y = (array.copy() for array in _numbers(layer))
    return {FORWARD: [x, w, None, y], INPUT_GRAD: [y, w, x], WEIGHT_GRAD: [x, y, w]}[direction]


@functools.lru_cache(maxsize=1)  # a host draws millions of numbers slowly, and six cases have the same
def _numbers(layer: Layer) -> list[Any]:
    mc.manual_seed(0)
    return [mc.randn(*shape).to(card.OURS).array for shape in (
        (layer.N, layer.G * layer.C, *layer.size), (layer.G * layer.O, layer.C, *layer.kernel),
        (layer.N, layer.G * layer.O, *layer.out))]  # fmt: skip
