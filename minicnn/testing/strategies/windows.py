"""Geometries of convolutions and poolings: options first, then images that are large enough for them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as hs

from minicnn.testing.strategies.call import Call
from minicnn.testing.strategies.values import Strategy, tensors

Numbers = tuple[int, ...]


def numbers(dims: int, low: int, high: int) -> Strategy[Numbers]:
    """One integer for each dimension."""
    return hs.tuples(*(hs.integers(low, high) for _ in range(dims)))


def _reach(kernel: Numbers, dilation: Numbers) -> Numbers:
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))


@hs.composite
def _sizes(draw: Any, kernel: Numbers, padding: Numbers, dilation: Numbers) -> Numbers:
    """An image on which at least one window fits."""
    least = [max(r - 2 * p, 1) for r, p in zip(_reach(kernel, dilation), padding, strict=True)]
    return tuple(draw(hs.integers(n, n + 3)) for n in least)


@hs.composite
def convolution(draw: Any, dims: int) -> Call:
    """Batches and single images, strides, paddings (also "same" and "valid"), dilations, groups, bias or none."""
    kernel, dilation = draw(numbers(dims, 1, 3)), draw(numbers(dims, 1, 2))
    padding: Any = draw(numbers(dims, 0, 2))
    stride = draw(numbers(dims, 1, 3))
    size = draw(_sizes(kernel, padding, dilation))
    worded = draw(hs.sampled_from([None, None, "same", "valid"]))
    if worded is not None:
        padding = worded
        stride = (1,) * dims if worded == "same" else stride
        size = tuple(max(n, r) for n, r in zip(size, _reach(kernel, dilation), strict=True))
    groups = draw(hs.integers(1, 2))
    inputs, outputs = (groups * draw(hs.integers(1, 2)) for _ in range(2))
    batch = draw(hs.sampled_from([(), (1,), (2,)]))
    x = draw(tensors((*batch, inputs, *size)))
    w = draw(tensors((outputs, inputs // groups, *kernel)))
    b = draw(hs.none() | tensors((outputs,)))
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return Call(f"conv{dims}d", (x, w, b), options)


@hs.composite
def transposed_convolution(draw: Any, dims: int) -> Call:
    """As ``convolution``, with output paddings; the result has at least one pixel."""
    kernel, dilation, stride = (draw(numbers(dims, 1, 3)), draw(numbers(dims, 1, 2)), draw(numbers(dims, 1, 3)))
    size, extra = draw(numbers(dims, 1, 3)), []
    padding = []
    for n, s, r, d in zip(size, stride, _reach(kernel, dilation), dilation, strict=True):
        extra.append(draw(hs.integers(0, max(s, d) - 1)))
        padding.append(draw(hs.integers(0, min(2, ((n - 1) * s + r - 1) // 2))))
    groups = draw(hs.integers(1, 2))
    inputs, outputs = groups * draw(hs.integers(1, 2)), draw(hs.integers(1, 2))
    batch = draw(hs.sampled_from([(), (1,), (2,)]))
    x = draw(tensors((*batch, inputs, *size)))
    w = draw(tensors((inputs, outputs, *kernel)))
    b = draw(hs.none() | tensors((outputs * groups,)))
    options = {"stride": stride, "padding": tuple(padding), "output_padding": tuple(extra), "groups": groups,
               "dilation": dilation}
    return Call(f"conv_transpose{dims}d", (x, w, b), options)


@hs.composite
def pooling(draw: Any, kind: str, dims: int) -> Call:
    """Overlapping and gapped windows, padding up to half a kernel, ceil_mode, and what only ``kind`` has."""
    kernel = draw(numbers(dims, 1, 3))
    padding = tuple(draw(hs.integers(0, k // 2)) for k in kernel)
    dilation = draw(numbers(dims, 1, 2)) if kind == "max" else (1,) * dims
    options: dict[str, Any] = {"kernel_size": kernel, "stride": draw(hs.none() | numbers(dims, 1, 3)),
                               "ceil_mode": draw(hs.booleans())}
    if kind == "lp":
        padding = (0,) * dims
        options["norm_type"] = draw(hs.sampled_from([1.0, 2.0, 3.0]))
    else:
        options["padding"] = padding
    if kind == "max":
        options |= {"dilation": dilation, "return_indices": draw(hs.booleans())}
    if kind == "avg":
        options["count_include_pad"] = draw(hs.booleans())
    size = draw(_sizes(kernel, padding, dilation))
    batch = draw(hs.sampled_from([(), (1,), (2,)]))
    low = 0.0 if kind == "lp" else -3.0  # a root of a negative sum, which an odd power can leave, is NaN
    x = draw(tensors((*batch, draw(hs.integers(1, 2)), *size), low=low, distinct=kind == "max"))
    return Call(f"{kind}_pool{dims}d", (x,), options)


@hs.composite
def adaptive_pooling(draw: Any, kind: str, dims: int) -> Call:
    """Outputs smaller and larger than the input."""
    size, target = draw(numbers(dims, 1, 5)), draw(numbers(dims, 1, 5))
    x = draw(tensors((draw(hs.integers(1, 2)), draw(hs.integers(1, 2)), *size), distinct=kind == "max"))
    return Call(f"adaptive_{kind}_pool{dims}d", (x,), {"output_size": target})


@hs.composite
def unpooling(draw: Any, dims: int) -> Call:
    """What max pooling gave, with its indices, back on an image of its size."""
    import minicnn as mc

    kernel = draw(numbers(dims, 1, 3))
    size = tuple(k * draw(hs.integers(1, 3)) for k in kernel)
    x = draw(tensors((1, draw(hs.integers(1, 2)), *size), distinct=True))
    pooled, indices = getattr(mc.nn.functional, f"max_pool{dims}d")(x, kernel, return_indices=True)
    return Call(f"max_unpool{dims}d", (pooled, indices), {"kernel_size": kernel})


@hs.composite
def columns(draw: Any, name: str) -> Call:
    """``unfold`` and ``fold``: windows as columns, and back."""
    kernel, dilation = draw(numbers(2, 1, 3)), draw(numbers(2, 1, 2))
    padding, stride = draw(numbers(2, 0, 1)), draw(numbers(2, 1, 2))
    size = draw(_sizes(kernel, padding, dilation))
    options: dict[str, Any] = {"kernel_size": kernel, "dilation": dilation, "padding": padding, "stride": stride}
    batch, channels = draw(hs.integers(1, 2)), draw(hs.integers(1, 2))
    if name == "unfold":
        return Call(name, (draw(tensors((batch, channels, *size))),), options)
    reach = _reach(kernel, dilation)
    windows = [(n + 2 * p - r) // s + 1 for n, p, r, s in zip(size, padding, reach, stride, strict=True)]
    x = draw(tensors((batch, channels * kernel[0] * kernel[1], windows[0] * windows[1])))
    return Call(name, (x,), {"output_size": size, **options})
