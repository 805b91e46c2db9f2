"""Cases of ``minicnn.ops.pool``."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Maker, apart, given, normal, uniform


def _case(op: str, make: Maker, *args: Any, variant: str = "", kinks: bool = False, **options: Any) -> Case:
    def call(t: Any, x: Any) -> Any:
        return getattr(t.nn.functional, op)(x, *args, **options)

    return Case(f"nn.functional.{op}", call, (make,), variant, kinks=kinks)


def _unpool(
    op: str, pool: str, make: Maker, *args: Any, variant: str = "", shared: bool = False, **options: Any
) -> Case:
    """Pool, then put twice the maxima back; for a pixel with several PyTorch's gradient is not the derivative."""

    def call(t: Any, x: Any) -> Any:
        y, indices = getattr(t.nn.functional, pool)(x, *args, return_indices=True)
        return getattr(t.nn.functional, op)(2 * y, indices, *args, **options)

    return Case(f"nn.functional.{op}", call, (make,), variant, kinks=shared)


IMAGES, SEQUENCES, TIES = apart(2, 2, 5, 4), apart(2, 2, 7), given([[[1.0, 2.0, 2.0], [2.0, 2.0, 1.0]]])

CASES = [
    _case("max_pool1d", SEQUENCES, 2),
    _case("max_pool1d", SEQUENCES, 3, 2, 1, variant="options", ceil_mode=True, return_indices=True),
    _case("max_pool2d", IMAGES, 2),
    _case("max_pool2d", IMAGES, 3, stride=2, padding=1, variant="overlapping"),
    _case("max_pool2d", IMAGES, (2, 3), stride=(1, 2), padding=(1, 0), ceil_mode=True, variant="ceil"),
    _case("max_pool2d", IMAGES, 2, stride=1, dilation=(3, 2), variant="dilation"),
    _case("max_pool2d", IMAGES, 2, return_indices=True, variant="indices"),
    _case("max_pool2d", apart(2, 5, 4), 2, variant="unbatched"),
    _case("max_pool2d", apart(0, 2, 5, 4), 2, variant="empty batch"),
    _case("max_pool2d", TIES, 2, 1, variant="ties", kinks=True),
    _case("max_pool2d", given([[[1.0, float("nan")], [3.0, 2.0]]]), 2, variant="nan", kinks=True),
    _case("avg_pool1d", normal(2, 2, 7), 2),
    _case("avg_pool1d", normal(2, 7), 3, 2, 1, variant="options", ceil_mode=True, count_include_pad=False),
    _case("avg_pool2d", normal(2, 2, 5, 4), 2),
    _case("avg_pool2d", normal(2, 2, 5, 4), (3, 2), stride=(2, 1), padding=(1, 1), variant="padding"),
    _case("avg_pool2d", normal(2, 2, 5, 4), 3, 2, 1, ceil_mode=True, variant="ceil"),
    _case("avg_pool2d", normal(2, 2, 5, 4), 3, 2, 1, ceil_mode=True, count_include_pad=False, variant="pixels only"),
    _case("avg_pool2d", normal(2, 5, 4), 2, divisor_override=3, variant="divisor unbatched"),
    _case("lp_pool1d", uniform(0.1, 1, 2, 2, 6), 2, 3),
    _case("lp_pool2d", uniform(0.1, 1, 2, 2, 4, 4), 2, 2),
    _case("lp_pool2d", uniform(0.1, 1, 1, 2, 5, 4), 3, (3, 2), 2, ceil_mode=True, variant="options"),
    _case("lp_pool2d", given([[[0.0, 0.0, 1.0, 2.0], [0.0, 0.0, 3.0, 1.0]]]), 2, 2, variant="zero", kinks=True),
    _case("lp_pool2d", apart(1, 2, 4, 4, offset=2.0), float("inf"), 2, variant="maximum"),
    _case("adaptive_avg_pool1d", normal(2, 2, 7), 3),
    _case("adaptive_avg_pool2d", normal(2, 2, 5, 4), (3, 2)),
    _case("adaptive_avg_pool2d", normal(2, 2, 5, 4), 1, variant="global"),
    _case("adaptive_avg_pool2d", normal(2, 5, 4), (None, 7), variant="none enlarging unbatched"),
    _case("adaptive_max_pool1d", SEQUENCES, 3),
    _case("adaptive_max_pool2d", IMAGES, (3, 2)),
    _case("adaptive_max_pool2d", IMAGES, (None, 3), return_indices=True, variant="indices"),
    _case("adaptive_max_pool2d", TIES, 1, variant="ties", kinks=True),
    _unpool("max_unpool1d", "max_pool1d", SEQUENCES, 2),
    _unpool("max_unpool2d", "max_pool2d", IMAGES, 2, output_size=(5, 4)),
    _unpool("max_unpool2d", "max_pool2d", apart(2, 5, 3), 3, 2, 1, variant="overlapping unbatched", shared=True),
]
