"""What every operation must do, over the whole table of cases."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import minicnn as mc
from minicnn.testing import gradcheck, gradgradcheck
from tests.cases import reference
from tests.cases.case import Case
from tests.cases.run import forward, run_minicnn, run_torch
from tests.cases.table import CASES

DIFFERENTIABLE = [c for c in CASES if c.grad and not c.kinks]


def ids(case: Case) -> str:
    return case.id


def compare(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray], rtol: float, atol: float) -> None:
    assert set(ours) == set(theirs)
    for name, expected in theirs.items():
        assert ours[name].shape == expected.shape, name
        assert ours[name].dtype == expected.dtype, name
        np.testing.assert_allclose(ours[name], expected, rtol=rtol, atol=atol, err_msg=name)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_values_and_gradients_equal_pytorchs_stored_ones(case: Case) -> None:
    compare(run_minicnn(case), reference.load(case), *case.tolerance)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_values_and_gradients_equal_pytorchs_live(case: Case) -> None:
    pytest.importorskip("torch", reason="the stored references cover this where PyTorch is not installed")
    compare(run_minicnn(case), run_torch(case), *case.tolerance)


def may_be_zero(case: Case) -> bool:
    """Whether PyTorch's own gradient of some input is zero all over, as that of ``floor`` is."""
    said = [name for name, value in reference.load(case).items() if name.startswith("grad") and value.any()]
    return len(said) < sum(a.dtype.kind == "f" for a in case.arrays())


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=ids)
def test_gradients_equal_differences(case: Case) -> None:
    inputs = [mc.as_tensor(a) for a in case.arrays()]
    assert gradcheck(lambda *x: case.call(mc, *x), inputs, allow_zero=may_be_zero(case))


@pytest.mark.parametrize("case", [c for c in DIFFERENTIABLE if c.second], ids=ids)
def test_second_gradients_equal_differences(case: Case) -> None:
    inputs = [mc.as_tensor(a) for a in case.arrays()]
    assert gradgradcheck(lambda *x: case.call(mc, *x), inputs, allow_zero=may_be_zero(case))


def fortran(a: np.ndarray) -> np.ndarray:
    return np.array(a, order="F")


def channels_last(a: np.ndarray) -> np.ndarray:
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) if a.ndim > 2 else fortran(a)


def reversed_memory(a: np.ndarray) -> np.ndarray:
    every = (slice(None, None, -1),) * a.ndim
    return np.array(a[every], order="C")[every] if a.ndim else a


def strided(a: np.ndarray) -> np.ndarray:
    wide = np.repeat(a, 2, axis=-1) if a.ndim else a
    return wide[..., ::2] if a.ndim else wide


@pytest.mark.parametrize("order", [fortran, channels_last, reversed_memory, strided], ids=lambda f: f.__name__)
@pytest.mark.parametrize("case", CASES, ids=ids)
def test_memory_order_does_not_matter(case: Case, order: object) -> None:
    plain = run_minicnn(case)
    other = run_minicnn(case, arrays=[order(a) for a in case.arrays()])  # type: ignore[operator]  # a function of arrays
    compare(other, plain, 1e-12, 1e-13)


@pytest.mark.parametrize("case", [c for c in CASES if all(a.size for a in c.arrays())], ids=ids)
def test_broadcast_memory_does_not_matter(case: Case) -> None:
    """Inputs with stride 0 along their first dimension equal copies of them."""
    spread = [np.broadcast_to(a[:1], a.shape) if a.ndim and a.dtype.kind == "f" else a for a in case.arrays()]
    compare(run_minicnn(case, arrays=spread), run_minicnn(case, arrays=[a.copy() for a in spread]), 1e-12, 1e-13)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_float32_stays_float32(case: Case) -> None:
    inputs, outs = forward(case, dtype=mc.float32)
    if not any(x.dtype == mc.float32 for x in inputs):
        return
    assert not [t.dtype for t in outs if t.dtype == mc.float64]
    for name, value in run_minicnn(case, dtype=mc.float32).items():
        assert value.dtype != np.float64, name


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_nothing_is_recorded_without_gradients(case: Case) -> None:
    with mc.no_grad():
        inputs, outs = forward(case)
    assert [t.grad_fn for t in outs] == [None] * len(outs)
    made = [t for t in outs if not any(t is x for x in inputs)]  # an operation may have nothing to do
    assert not any(t.requires_grad for t in made)


@pytest.mark.parametrize("case", [c for c in CASES if c.grad], ids=ids)
def test_the_graph_dies_with_its_result(case: Case) -> None:
    gc.disable()
    try:
        inputs, outs = forward(case)
        nodes = [weakref.ref(t.grad_fn) for t in outs if t.grad_fn is not None]
        del inputs, outs
        assert [ref() for ref in nodes] == [None] * len(nodes)
    finally:
        gc.enable()


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_the_device_computes_the_same(case: Case, device: str) -> None:
    compare(run_minicnn(case, device), run_minicnn(case), 1e-7, 1e-9)


def test_every_operation_has_a_case() -> None:
    """Every public function, method, in-place form and operator, and every Function class behind them."""
    from tests.cases.coverage import functions_without_a_case, names_without_a_case

    assert names_without_a_case(CASES) == []
    assert functions_without_a_case(CASES) == []
