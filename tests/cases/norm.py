"""Cases of ``minicnn.ops.norm``, and of the norms that are made of other operations."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Maker, given, normal
from tests.cases.functional import INF, NAN, constant, functional

MEAN, VAR = [0.5, -0.25, 1.0], [2.0, 0.5, 1.5]
X, VECTOR, MATRIX = normal(2, 3, 3), normal(3), normal(2, 3)
BOTH = ("weight", "bias")
CONSTANT = given([[[1.0, 1.0], [2.0, 3.0], [0.0, 0.0]], [[1.0, 1.0], [4.0, 0.0], [1.0, 1.0]]])
LOST = given([[[1.0, NAN], [2.0, 3.0], [1.0, 2.0]], [[1.0, 1.0], [4.0, 1.0], [3.0, 0.0]]])
BROKEN = given([[[1.0, NAN], [2.0, 3.0], [1.0, 2.0]], [[1.0, 1.0], [4.0, INF], [3.0, 0.0]]])


def _batch(x: Maker = X, *others: Maker, variant: str, **options: Any) -> Case:
    """Batch norm in training, without running statistics."""
    return functional("batch_norm", x, *others, variant=variant, running_mean=None, running_var=None, training=True,
                      **options)


def _by_statistics(op: str, *inputs: Maker, variant: str, moved: bool = False, **options: Any) -> Case:
    """A norm with running statistics; where they are ``moved`` they are results too.

    These have no gradient, although differences see them change: hence ``kinks``.
    """

    def call(t: Any, x: Any, *affine: Any) -> Any:
        mean, var = constant(t, MEAN, x), constant(t, VAR, x)
        y = getattr(t.nn.functional, op)(x, mean, var, *affine, **options)
        return (y, mean, var) if moved else y

    return Case(f"nn.functional.{op}", call, inputs, variant, kinks=moved)


def _untracked(t: Any, x: Any) -> Any:
    return t.nn.BatchNorm1d(3, affine=False, track_running_stats=False).eval()(x)


def _cumulative(t: Any, x: Any) -> Any:
    layer = t.nn.BatchNorm1d(3, affine=False, momentum=None).to(x.dtype)
    first = layer(x)
    return first, layer(2 * x), layer.running_mean, layer.running_var, layer.num_batches_tracked


def _instance_layer(t: Any, x: Any) -> Any:
    layer = t.nn.InstanceNorm1d(3)
    assert not list(layer.parameters())
    assert not list(layer.buffers())
    return layer(x)


def _without_grad(t: Any, x: Any) -> Any:
    mean, var = constant(t, MEAN, x), constant(t, VAR, x)
    with t.no_grad():
        t.nn.functional.batch_norm(x, mean, var, training=True)
    return mean, var


CASES = [
    _batch(variant="plain"),
    _batch(X, VECTOR, VECTOR, variant="affine", names=BOTH),
    _batch(X, VECTOR, variant="weight only", names=BOTH[:1]),
    _batch(X, VECTOR, variant="bias only", names=BOTH[1:]),
    _batch(normal(4, 3), VECTOR, VECTOR, variant="features", names=BOTH, eps=0.1),
    _batch(normal(2, 2, 2, 3), normal(2), normal(2), variant="images", names=BOTH),
    _batch(normal(1, 3, 2, 1), variant="row 23 two values a channel"),
    _batch(CONSTANT, variant="constant channel"),
    _by_statistics("batch_norm", X, variant="evaluation"),
    _by_statistics("batch_norm", X, VECTOR, VECTOR, variant="row 25 evaluation with a gradient", eps=0.1),
    _by_statistics("batch_norm", normal(4, 3), VECTOR, variant="evaluation weight only"),
    _by_statistics("batch_norm", normal(1, 3), variant="evaluation of one"),
    _by_statistics("batch_norm", BROKEN, variant="evaluation special", moved=True),
    _by_statistics("batch_norm", X, VECTOR, VECTOR, variant="training", training=True),
    _by_statistics("batch_norm", X, VECTOR, VECTOR, variant="row 21 statistics", moved=True, training=True),
    _by_statistics("batch_norm", normal(4, 3), variant="row 22 momentum", moved=True, training=True, momentum=0.3),
    _by_statistics("batch_norm", LOST, variant="nan", moved=True, training=True),
    Case("nn.functional.batch_norm", _cumulative, (X,), "row 22 cumulative", kinks=True),
    Case("nn.functional.batch_norm", _without_grad, (X,), "row 24 under no_grad", grad=False),
    Case("nn.functional.batch_norm", _untracked, (X,), "row 25 untracked evaluation"),
    functional("layer_norm", normal(2, 3, 4), variant="row 26 biased", normalized_shape=(4,)),
    functional("layer_norm", normal(2, 2, 3), MATRIX, MATRIX, variant="affine", names=BOTH, normalized_shape=(2, 3)),
    functional("layer_norm", normal(4, 3), VECTOR, variant="weight only", names=BOTH[:1], normalized_shape=[3], eps=1),
    functional("layer_norm", normal(4, 3), VECTOR, variant="bias only", names=BOTH[1:], normalized_shape=(3,)),
    functional("layer_norm", VECTOR, variant="vector", normalized_shape=(3,)),
    functional("layer_norm", CONSTANT, variant="constant row", normalized_shape=(2,)),
    functional("layer_norm", BROKEN, variant="special", normalized_shape=(2,), kinks=True),
    functional("rms_norm", normal(2, 3, 4), variant="plain", normalized_shape=(4,)),
    functional("rms_norm", normal(2, 2, 3), MATRIX, variant="weight", names=BOTH[:1], normalized_shape=(2, 3)),
    functional("rms_norm", normal(4, 3), VECTOR, variant="eps", names=BOTH[:1], normalized_shape=(3,), eps=0.1),
    functional("rms_norm", LOST, variant="nan", normalized_shape=(2,), kinks=True),
    functional("group_norm", normal(2, 4, 3), variant="row 26 biased", num_groups=2),
    functional("group_norm", normal(2, 4, 3), normal(4), normal(4), variant="affine", names=BOTH, num_groups=2, eps=1),
    functional("group_norm", normal(2, 4, 2), normal(4), variant="weight only", names=BOTH[:1], num_groups=4),
    functional("group_norm", normal(1, 2, 2, 3), variant="one group", num_groups=1),
    functional("group_norm", normal(3, 4), variant="features", num_groups=2),
    functional("group_norm", BROKEN, variant="special", num_groups=3, kinks=True),
    functional("instance_norm", X),
    functional("instance_norm", X, VECTOR, VECTOR, variant="affine", names=BOTH, eps=0.1),
    functional("instance_norm", X, VECTOR, variant="weight only", names=BOTH[:1]),
    functional("instance_norm", normal(2, 2, 2, 3), variant="images"),
    functional("instance_norm", CONSTANT, variant="constant channel"),
    functional("instance_norm", BROKEN, variant="special", kinks=True),
    Case("nn.functional.instance_norm", _instance_layer, (X,), "row 26 no affine, no tracking"),
    _by_statistics("instance_norm", X, VECTOR, VECTOR, variant="by statistics", use_input_stats=False),
    _by_statistics("instance_norm", X, variant="statistics", moved=True, momentum=0.3),
    functional("local_response_norm", normal(2, 4, 2), size=2),
    functional("local_response_norm", normal(1, 4, 2, 2), variant="options", size=3, alpha=0.5, beta=0.6, k=2.0),
    functional("local_response_norm", normal(1, 3, 2), variant="wider than the channels", size=7, alpha=0.1),
]
