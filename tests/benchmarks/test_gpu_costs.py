"""Bytes and operations of kernels, against numbers worked out by hand; and what tables make of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn.backend.cuda as cuda
from benchmarks.case import Row
from benchmarks.gpu import costs, goals, plots, tables
from benchmarks.gpu.costs import Cost
from benchmarks.gpu.roofline import WHOLE, Limits
from benchmarks.gpu.sides import MINICNN, MINICNN_GRAPH, TORCH
from minicnn.backend.cuda.formula import traced
from minicnn.backend.cuda.launch import source

FAMILIES = sorted(path.stem for path in (Path(cuda.__file__).parent / "kernels").glob("*.cu") if path.stem != "common")
KERNELS = {name: family for family in FAMILIES for name in re.findall(r"(\w+)\(Index count", source(family))}


def a(*shape: int, dtype: str = "float32") -> Any:
    return np.zeros(shape, dtype)


def test_every_kernel_has_a_cost() -> None:
    assert KERNELS.keys() <= costs.OPERATIONS.keys(), "say in costs.py what the new kernel does at the least"
    for name, family in KERNELS.items():
        names = costs.parameters(source(family), name)
        assert names[0] == "count" and len(set(names)) == len(names) > 2


def walk(stride: int = 1) -> tuple[int, ...]:
    return stride, stride, 0, 0, 1, 1


# The sizes of each are those that the launching modules pass; the numbers are counted in the comment above them.
KNOWN: dict[str, tuple[int, tuple[Any, ...], Cost]] = {
    # 2 images of 3×5×5 are 150 numbers, their columns 27·2·9 = 486
    "im2col": (54, (a(2, 3, 5, 5), a(1, 27, 18), 2, 3, 5, 5, 3, 3, 3, 3, *walk()), Cost(4 * (150 + 486))),
    # the same, each number of the columns added once
    "col2im": (150, (a(1, 27, 18), a(2, 3, 5, 5), 2, 3, 5, 5, 3, 3, 3, 3, *walk()), Cost(4 * 636, 486)),
    # 2·4·9 = 72 numbers in, as many out, and 4 of a bias that is added to each
    "rows_to_images": (72, (a(1, 4, 18), a(4), True, False, a(2, 4, 3, 3), 2, 4, 9), Cost(4 * (72 + 4 + 72), 72)),
    # 72 numbers, read and written, and 4 of a bias; each is a sum and a comparison
    "bias_relu": (72, (a(4), True, a(2, 4, 3, 3), 4, 9), Cost(4 * (72 + 4 + 72), 144)),
    # 2·6·3·3 = 108 results of 9 taps each, without a bias: its place holds the weights, which count once
    "depthwise": (108, (a(2, 3, 5, 5), a(6, 1, 3, 3), a(6, 1, 3, 3), False, False, a(2, 6, 3, 3), 3, 2, 5, 5, 3,
                        3, 3, 3, *walk()), Cost(4 * (150 + 54 + 108), 108 * 18)),
    # y is 2·4·3·3 = 72 results of 3·9 taps, with a bias and a ReLU
    "implicit_conv": (1, (a(2, 3, 5, 5), a(4, 3, 3, 3), a(4), True, True, a(2, 4, 3, 3), 2, 3, 5, 5, 4, 3, 3, 3, 3,
                          *walk(), 1), Cost(4 * (150 + 108 + 4 + 72), 72 * 54 + 72 + 72)),
    # 2 parts of 108 sums
    "sum_parts": (108, (a(2, 4, 3, 3, 3), a(4, 3, 3, 3), 2), Cost(4 * 324, 0, 216)),
    # 1 image of 2×4×4 makes 4 tiles of 2×2, of 16 numbers each: 4 columns and 4 rows of 4 sums and differences
    "winograd_inputs": (8, (a(1, 2, 4, 4), a(16, 2, 4), 1, 2, 4, 4, 2, 2, 1, 1), Cost(4 * (32 + 128), 8 * 8 * 4)),
    # 8 windows of 2×2, compared once; a winner takes 8 bytes
    "max_pool": (8, (a(1, 2, 4, 4), a(1, 2, 2, 2), a(1, 2, 2, 2, dtype="int64"), True, 4, 4, 2, 2, 2, 2, 2, 2, 0, 0,
                     1, 1), Cost(4 * (32 + 8) + 64, 32)),
    # 3 segments of 10 numbers: one of each is read, and 3·1·2 sums in float64
    "norm_statistics": (3, (a(2, 3, 5), a(3, 1, 2, dtype="float64"), a(3), a(3), 1, 5, 10), Cost(12 + 48 + 24, 0, 21)),
    # 30 numbers, normalised and scaled, not shifted: 3 operations and one; eps and the root in float64
    "norm_apply": (30, (a(2, 3, 5), a(3), a(3), 1e-5, a(3), True, a(2, 3, 5), False, a(2, 3, 5), 3, 5, 3, 5),
                   Cost(4 * (30 + 3 + 3 + 3 + 30), 120, 60)),
    # 4 rows of 10 scores, 7 operations each; labels take 8 bytes, and neither weights nor kept are there
    "softmax_nll": (4, (a(4, 10), a(4, dtype="int64"), a(4, dtype="int64"), False, a(4, dtype="int64"), False, a(4),
                        a(4, 10), 10, 1), Cost(4 * (40 + 4 + 40) + 32, 0, 280)),
    # 6 numbers of two words each: a fraction and a comparison in float64
    "random_noise": (6, (a(12, dtype="uint32"), 0.5, 0.0, 2.0, a(6)), Cost(4 * (12 + 6), 0, 12)),
    # 6 numbers compared with 0; of each a fraction, a product and a sum in float64; ranks take 8 bytes
    "random_slopes": (6, (a(12, dtype="uint32"), a(6), a(6, dtype="int64"), 0.1, 0.2, a(6)),
                      Cost(4 * (12 + 6 + 6) + 48, 6, 18)),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_costs(name: str) -> None:
    count, arguments, cost = KNOWN[name]
    assert costs.kernel(source(KERNELS[name]), name, count, arguments) == cost


def test_the_cost_of_a_formula() -> None:
    def momentum(x: Any, g: Any, b: Any) -> None:
        b *= 0.9
        b += g
        x -= 0.1 * b

    formula = traced(momentum, 3)
    assert formula is not None
    # Three arrays of 6 are read and two of them written; 2 products, a sum and a difference for each number.
    cost = costs.kernel(formula.source, "formula", 6, (a(6), a(6), a(6), *formula.numbers))
    assert cost == Cost(4 * 6 * 5, 6 * 4)


def test_the_cost_of_products() -> None:
    assert costs.product(a(5, 3, 4), a(4, 2)) == Cost(4 * (60 + 8 + 30), 2 * 5 * 3 * 4 * 2)
    assert costs.product(a(3, 4, dtype="float16"), a(7, 4, 2, dtype="float16"), a(7, 3, 2), add=True) == Cost(
        2 * (12 + 56) + 2 * 4 * 42, 2 * 7 * 3 * 4 * 2)  # fmt: skip


def test_a_kernel_without_a_cost_is_named() -> None:
    with pytest.raises(KeyError, match="nothing"):
        costs.kernel('extern "C" __global__ void nothing(Index count) {}', "nothing", 1, ())


def test_the_limit_is_what_takes_longer() -> None:
    limits = Limits(bytes=100.0, operations=1000.0, doubles=10.0, products=4000.0)
    assert limits.seconds(Cost(200, 1000), product=False) == (2.0, 1.0)
    assert limits.seconds(Cost(200, 1000), product=True) == (2.0, 0.25)
    assert limits.seconds(Cost(200, 1000, 50), product=False) == (2.0, 5.0)


def figure(suite: str, case: str, side: str, ratio: float, tf32: bool = False) -> Row:
    return {"suite": suite, "case": case, "side": side, "tf32": tf32, "unit": "s", "time": ratio, "ratio": ratio}


def test_goals_are_means_of_ratios_to_pytorch() -> None:
    rows = [figure("steps", "a", TORCH, 1.0), figure("steps", "a", MINICNN, 2.0), figure("steps", "b", TORCH, 1.0),
            figure("steps", "b", MINICNN, 0.5), figure("graphs", "a", MINICNN, 1.0),
            figure("graphs", "a", MINICNN_GRAPH, 0.1),  # to minicnn's own eager step, as PyTorch is not there
            figure("steps", "a", TORCH, 1.0, True), figure("steps", "a", MINICNN, 1.6, True)]  # fmt: skip
    assert [(f.goal.suite, f.tf32, f.mean, f.cases) for f in goals.found(rows)] == [
        ("steps", False, 1.0, 2), ("steps", True, 1.6, 1)
    ]  # fmt: skip
    assert tables.goals_table(rows)[2:] == ["| steps: minicnn | off | 2 | 1.5 | 1.00 | reached |",
                                            "| steps: minicnn | on | 1 | 1.5 | 1.60 | not reached |"]  # fmt: skip


def test_a_side_without_a_figure_says_why() -> None:
    rows = [figure("steps", "a", TORCH, 1.0), figure("steps", "a", MINICNN, 1.0)]
    rows[1]["note"] = "more memory than the card has"
    del rows[1]["time"], rows[1]["ratio"]
    assert tables.sides_table(rows)[-1] == "| a | off | 1.00 s | more memory than the card has |"
    assert list(plots.drawings(rows)) == []


def test_kernels_are_added_up_and_those_that_take_longest_come_first() -> None:
    def kernel(name: str, calls: int, bytes_: float, operations: float, time: float, least: float) -> Row:
        return {"suite": "roofline", "case": "step a", "side": MINICNN, "tf32": False, "kernel": name, "shapes": "",
                "calls": calls, "bytes": bytes_, "operations": operations, "doubles": 0, "time": time, "least": least,
                "fraction": least / time, "limit": "memory", "cached": name == "small"}  # fmt: skip

    whole = {"suite": "roofline", "case": "step a", "side": MINICNN, "tf32": False, "kernel": WHOLE, "shapes": "",
             "calls": 1, "time": 0.010,
             "limits": {"bytes": 4e12, "operations": 5e13, "doubles": 2.5e13, "products": 4e14}}  # fmt: skip
    rows = [kernel("small", 1, 1e3, 0, 0.001, 0.0001), kernel("large", 2, 1e9, 5e9, 0.003, 0.0015),
            kernel("large", 1, 2e9, 2e9, 0.001, 0.0005), whole]  # fmt: skip
    assert tables.roofline_table(rows) == [
        "**step a, TF32 off**", "",
        "| kernel | calls | bytes | operations | operations a byte | time | of the limit | limit |",
        "|---|---|---|---|---|---|---|---|",
        "| large | 3 | 4.00 GB | 12.0 G | 3.00 | 7.00 ms | 50% | memory |",
        "| small | 1 | 1.00 kB | 0 | 0.00 | 1.00 ms | 10% | memory, may be cached |",
        "| what CuPy's own kernels and the gaps take | | | | | 2.00 ms | | |",
        "| **the whole step**, as a CUDA graph | | | | | **10.0 ms** | | |", "",
        "The limits, measured beside: 4.00 TB/s, 50.0 TFLOP/s, 25.0 TFLOP/s in float64, 400 TFLOP/s of products.",
    ]  # fmt: skip


@pytest.mark.parametrize(("number", "text"), [(999.0, "999 "), (1.5e3, "1.50 k"), (123e6, "123 M"), (4.8e12, "4.80 T")])
def test_counts(number: float, text: str) -> None:
    assert tables.count(number) == text
