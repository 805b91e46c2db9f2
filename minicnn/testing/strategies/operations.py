"""Valid calls of every operation of ``mc.nn.functional``, by name."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as hs

import minicnn as mc
from minicnn.errors import UnknownNameError
from minicnn.testing.strategies import windows
from minicnn.testing.strategies.call import Call
from minicnn.testing.strategies.values import Strategy, labels, probabilities, shapes, tensors

_ELEMENTWISE: dict[str, dict[str, Strategy[Any]]] = {
    "relu": {}, "relu6": {}, "selu": {}, "hardsigmoid": {}, "hardswish": {}, "sigmoid": {}, "tanh": {},
    "logsigmoid": {}, "silu": {}, "mish": {}, "softsign": {}, "tanhshrink": {}, "rrelu": {},
    "hardtanh": {"min_val": hs.sampled_from([-1.0, -2.0]), "max_val": hs.sampled_from([1.0, 0.5])},
    "leaky_relu": {"negative_slope": hs.sampled_from([0.01, 0.25])},
    "threshold": {"threshold": hs.sampled_from([0.1, -0.6]), "value": hs.sampled_from([0.0, 20.0])},
    "hardshrink": {"lambd": hs.sampled_from([0.4, 0.6])},
    "softshrink": {"lambd": hs.sampled_from([0.4, 0.6])},
    "elu": {"alpha": hs.sampled_from([1.0, 0.5])},
    "celu": {"alpha": hs.sampled_from([1.0, 0.5])},
    "gelu": {"approximate": hs.sampled_from(["none", "tanh"])},
    "softplus": {"beta": hs.sampled_from([1.0, 2.0]), "threshold": hs.sampled_from([20.0, 1.1])},
    "dropout": {"p": hs.sampled_from([0.0, 0.5, 1.0]), "training": hs.booleans()},
    "alpha_dropout": {"p": hs.sampled_from([0.0, 0.5]), "training": hs.booleans()},
}  # fmt: skip

_REGRESSION: dict[str, dict[str, Strategy[Any]]] = {
    "mse_loss": {}, "l1_loss": {}, "soft_margin_loss": {},
    "smooth_l1_loss": {"beta": hs.sampled_from([1.0, 0.3])},
    "huber_loss": {"delta": hs.sampled_from([1.0, 0.3])},
    "poisson_nll_loss": {"log_input": hs.booleans(), "full": hs.booleans()},
    "hinge_embedding_loss": {"margin": hs.sampled_from([1.0, 0.3])},
    "kl_div": {"log_target": hs.booleans()},
    "binary_cross_entropy": {}, "binary_cross_entropy_with_logits": {}, "multilabel_soft_margin_loss": {},
    "gaussian_nll_loss": {"full": hs.booleans()},
}  # fmt: skip
_SIGNS = {"soft_margin_loss", "hinge_embedding_loss"}
_PROBABILITIES = {"binary_cross_entropy", "binary_cross_entropy_with_logits", "multilabel_soft_margin_loss"}

_REDUCTIONS = hs.sampled_from(["mean", "sum", "none"])


@hs.composite
def _elementwise(draw: Any, name: str) -> Call:
    x = draw(tensors(shapes(), distinct=name not in ("dropout", "alpha_dropout")))
    return Call(name, (x,), {k: draw(v) for k, v in _ELEMENTWISE[name].items()})


@hs.composite
def _regression(draw: Any, name: str) -> Call:
    shape = draw(shapes(2, 3))
    x, target = draw(tensors(shape)), draw(tensors(shape))
    options = {k: draw(v) for k, v in _REGRESSION[name].items()} | {"reduction": draw(_REDUCTIONS)}
    if name in _SIGNS:
        target = draw(tensors(shape, low=0, high=1)).round() * 2 - 1
    if name in _PROBABILITIES:
        target = draw(tensors(shape, low=0.0, high=1.0))
    if name == "binary_cross_entropy":
        x = draw(tensors(shape, low=0.25, high=0.75))
    if name == "kl_div":
        x = mc.log(draw(probabilities(shape)))
        target = mc.log(draw(probabilities(shape))) if options["log_target"] else draw(probabilities(shape))
    if name == "poisson_nll_loss":
        target = draw(tensors(shape, low=0.0, high=3.0))
        x = x if options["log_input"] else draw(tensors(shape, low=0.5, high=3.0))
    if name == "gaussian_nll_loss":
        return Call(name, (x, target, draw(tensors(shape, low=0.25, high=2.0))), options)
    return Call(name, (x, target), options)


@hs.composite
def _of_classes(draw: Any, name: str) -> Call:
    """Scores (N, C), (C,) or (N, C, H), labels with some ignored, weights or none."""
    classes = draw(hs.integers(2, 4))
    rest: tuple[int, ...] = draw(hs.sampled_from([(), (2,)])) if name != "multi_margin_loss" else ()
    batch = draw(hs.integers(1, 3))
    x = draw(tensors((batch, classes, *rest)))
    target = draw(labels((batch, *rest), classes))
    options = {"reduction": draw(_REDUCTIONS), "weight": draw(hs.none() | tensors((classes,), low=0.5, high=2.0))}
    if name == "multi_margin_loss":
        return Call(name, (x, target), options | {"p": draw(hs.sampled_from([1, 2]))})
    options["ignore_index"] = draw(hs.sampled_from([-100, classes]))
    if name == "cross_entropy":
        options["label_smoothing"] = draw(hs.sampled_from([0.0, 0.1]))
    return Call(name, (x if name == "cross_entropy" else mc.log_softmax(x, 1), target), options)


@hs.composite
def _normalising(draw: Any, name: str) -> Call:
    """(N, C, …) with more than one value for each statistic, weights and biases or none."""
    groups = draw(hs.integers(1, 2))
    channels = groups * draw(hs.integers(1, 2))
    shape = (draw(hs.integers(2, 3)), channels, *draw(shapes(1, 2, 2, 3)))
    x = draw(tensors(shape, distinct=True))
    if name in ("layer_norm", "rms_norm"):
        last = shape[draw(hs.integers(1, len(shape) - 1)) :]
        given = [draw(hs.none() | tensors(last)) for _ in range(2 if name == "layer_norm" else 1)]
        return Call(name, (x,), {"normalized_shape": last, **dict(zip(("weight", "bias"), given, strict=False))})
    if name == "local_response_norm":
        return Call(name, (x,), {"size": draw(hs.integers(1, 3)), "alpha": draw(hs.sampled_from([1e-4, 0.5]))})
    affine = {side: draw(hs.none() | tensors((channels,))) for side in ("weight", "bias")}
    if name == "group_norm":
        return Call(name, (x,), {"num_groups": groups, **affine})
    if name == "instance_norm":
        return Call(name, (x,), affine)
    mean, var = draw(tensors((channels,))), draw(tensors((channels,), low=0.5, high=2.0))
    training = draw(hs.booleans())
    return Call(name, (x, mean, var), {"training": training, "momentum": draw(hs.sampled_from([0.1, 0.5])), **affine})


@hs.composite
def _two_vectors(draw: Any, name: str) -> Call:
    shape = (draw(hs.integers(1, 3)), draw(hs.integers(2, 4)))
    x, y = draw(tensors(shape, distinct=True)), draw(tensors(shape, distinct=True))
    if name == "normalize":
        return Call(name, (x,), {"p": draw(hs.sampled_from([1.0, 2.0])), "dim": draw(hs.integers(-2, 1))})
    if name == "cosine_similarity":
        return Call(name, (x, y), {"dim": draw(hs.integers(-2, 1))})
    if name == "pairwise_distance":
        return Call(name, (x, y), {"p": draw(hs.sampled_from([1.0, 2.0])), "keepdim": draw(hs.booleans())})
    options = {"reduction": draw(_REDUCTIONS), "margin": draw(hs.sampled_from([0.25, 0.5]))}
    if name == "triplet_margin_loss":
        return Call(name, (x, y, draw(tensors(shape, distinct=True))), options)
    sign = draw(tensors(shape[:1], low=0, high=1)).round() * 2 - 1
    if name == "margin_ranking_loss":
        return Call(name, (x[:, 0], y[:, 0], sign), options)
    return Call(name, (x, y, sign), options)


@hs.composite
def _matrices(draw: Any, name: str) -> Call:
    batch = draw(hs.sampled_from([(), (2,), (1, 3)]))
    inputs, outputs = draw(hs.integers(1, 4)), draw(hs.integers(1, 3))
    bias = draw(hs.none() | tensors((outputs,)))
    if name == "linear":
        return Call(name, (draw(tensors((*batch, inputs))), draw(tensors((outputs, inputs))), bias))
    if name == "bilinear":
        other = draw(hs.integers(1, 3))
        weight = draw(tensors((outputs, inputs, other)))
        return Call(name, (draw(tensors((2, inputs))), draw(tensors((2, other))), weight, bias))
    indices = draw(labels((*batch, 2), inputs))
    if name == "one_hot":
        return Call(name, (indices,), {"num_classes": inputs})
    return Call(name, (indices, draw(tensors((inputs, outputs)))), {"padding_idx": draw(hs.sampled_from([None, 0]))})


@hs.composite
def _along(draw: Any, name: str) -> Call:
    """Softmax and its kin along any dimension; ``glu`` along an even one."""
    shape = draw(shapes(1, 3))
    dim = draw(hs.integers(-len(shape), len(shape) - 1))
    if name == "glu":
        shape = tuple(2 * n for n in shape)
    options = {"dim": dim}
    if name == "gumbel_softmax":
        options["hard"] = draw(hs.booleans())
    return Call(name, (draw(tensors(shape)),), options)


@hs.composite
def _of_channels(draw: Any, name: str) -> Call:
    """Whole channels dropped or moved, and pixels that become channels."""
    factor = draw(hs.integers(1, 2))
    depth = {"dropout1d": 1, "dropout3d": 3}.get(name, 2)
    size = tuple(factor * draw(hs.integers(1, 2)) for _ in range(depth))
    channels = draw(hs.integers(1, 2)) * (factor**2 if name in ("pixel_shuffle", "channel_shuffle") else 1)
    x = draw(tensors((draw(hs.integers(1, 2)), channels, *size)))
    if name == "prelu":
        return Call(name, (x, draw(tensors((draw(hs.sampled_from([1, channels])),)))))
    option: dict[str, Any] = {
        "pixel_shuffle": {"upscale_factor": factor}, "pixel_unshuffle": {"downscale_factor": factor},
        "channel_shuffle": {"groups": factor}, "native_channel_shuffle": {"groups": channels},
    }.get(name) or {"p": draw(hs.sampled_from([0.0, 0.5])), "training": draw(hs.booleans())}  # fmt: skip
    return Call(name, (x,), option)


@hs.composite
def _pad(draw: Any) -> Call:
    mode = draw(hs.sampled_from(["constant", "reflect", "replicate", "circular"]))
    size = draw(shapes(2, 2, 3, 4))
    low = -1 if mode == "constant" else 0
    pads = tuple(draw(hs.integers(low, 2)) for _ in range(4))
    value = {"value": draw(hs.sampled_from([0.0, 1.5]))} if mode == "constant" else {}
    return Call("pad", (draw(tensors((1, draw(hs.integers(1, 2)), *size))),), {"pad": pads, "mode": mode, **value})


@hs.composite
def _resize(draw: Any, name: str) -> Call:
    x = draw(tensors((1, draw(hs.integers(1, 2)), *draw(shapes(2, 2, 1, 4)))))
    options: dict[str, Any] = {"size": draw(shapes(2, 2, 1, 6)),
                               "mode": draw(hs.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic"]))}
    if options["mode"].startswith("bi"):
        options["align_corners"] = draw(hs.booleans())
    return Call(name, (x,), options)


OPERATIONS: dict[str, Strategy[Call]] = {
    **{name: _elementwise(name) for name in _ELEMENTWISE},
    **{name: _regression(name) for name in _REGRESSION},
    **{name: _of_classes(name) for name in ("cross_entropy", "nll_loss", "multi_margin_loss")},
    **{name: _normalising(name) for name in ("batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm",
                                             "local_response_norm")},
    **{name: _two_vectors(name) for name in ("normalize", "cosine_similarity", "pairwise_distance",
                                             "triplet_margin_loss", "margin_ranking_loss", "cosine_embedding_loss")},
    **{name: _matrices(name) for name in ("linear", "bilinear", "embedding", "one_hot")},
    **{name: _along(name) for name in ("softmax", "log_softmax", "softmin", "gumbel_softmax", "glu")},
    **{name: _of_channels(name) for name in ("pixel_shuffle", "pixel_unshuffle", "channel_shuffle",
                                             "native_channel_shuffle", "prelu", "dropout1d", "dropout2d", "dropout3d",
                                             "feature_alpha_dropout")},
    **{f"conv{d}d": windows.convolution(d) for d in (1, 2)},
    **{f"conv_transpose{d}d": windows.transposed_convolution(d) for d in (1, 2)},
    **{f"{kind}_pool{d}d": windows.pooling(kind, d) for kind in ("max", "avg", "lp") for d in (1, 2)},
    **{f"adaptive_{kind}_pool{d}d": windows.adaptive_pooling(kind, d) for kind in ("max", "avg") for d in (1, 2)},
    **{f"max_unpool{d}d": windows.unpooling(d) for d in (1, 2)},
    **{name: windows.columns(name) for name in ("unfold", "fold")},
    "pad": _pad(), "interpolate": _resize("interpolate"), "upsample": _resize("upsample"),
}  # fmt: skip
"""For each operation of ``mc.nn.functional`` (in-place forms apart) a strategy of valid calls."""


def calls(operation: str) -> Strategy[Call]:
    """Valid calls of ``operation``, a name in ``mc.nn.functional``.

    Errors: UnknownNameError, with the nearest names, where there is no such operation.

    Example:
        >>> calls("max_pool2d").example().operation  # for a look; tests use @given
        'max_pool2d'
    """
    if operation not in OPERATIONS:
        raise UnknownNameError("testing.strategies.OPERATIONS", operation, lambda: OPERATIONS)
    return OPERATIONS[operation]

