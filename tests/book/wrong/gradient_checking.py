"""Typical wrong answers to the exercises of chapter 15."""

import numpy as np

import minicnn as mc
from minicnn.exercises import gradient_checking as right
from minicnn.nn import functional as F


def forward_difference(f, x, h):
    units = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + h * unit) - f(x)) / h for unit in units]).reshape(x.shape)


def all_at_once(f, x, h):
    return np.full(x.shape, (f(x + h) - f(x - h)) / (2 * h))


def nudged_and_left(f, x, h):
    x, gradient = x.astype(float), np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        x[index] += h
        above = f(x)
        x[index] -= 2 * h
        gradient[index] = (above - f(x)) / (2 * h)
    return gradient


def in_the_own_array(f, x, h):
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + h
        above = f(x)
        x[index] = kept - h
        gradient[index] = (above - f(x)) / (2 * h)
        x[index] = kept
    return gradient


def divided_by_h(f, x, h):
    return 2 * right.numeric_gradient(f, x, h)


def by_differences(f, x):
    return right.numeric_gradient(f, x, 1e-6)


def the_real_part(f, x):
    return np.array([f(x + 1e-100j).real] * x.size).reshape(x.shape)


def one_step_for_all(f, x):
    return np.full(x.shape, f(x + 1e-100j).imag / 1e-100)


def absolute_only(analytic, numeric, atol, rtol):
    return abs(analytic - numeric) <= atol


def relative_only(analytic, numeric, atol, rtol):
    return abs(analytic - numeric) <= rtol * np.maximum(abs(analytic), abs(numeric))


def blind_to_nan(analytic, numeric, atol, rtol):
    return ~(abs(analytic - numeric) > atol + rtol * np.maximum(abs(analytic), abs(numeric)))


def by_the_second_alone(analytic, numeric, atol, rtol):
    return np.isclose(analytic, numeric, rtol, atol, equal_nan=True)


def one_for_all(analytic, numeric, atol, rtol):
    return right.agreement(analytic, numeric, atol, rtol).all()


def direction_as_it_is(f, gradient, x, d, h):
    analytic, numeric = (gradient * d).sum(), (f(x + h * d) - f(x - h * d)) / (2 * h)
    return abs(analytic - numeric) / max(abs(analytic), abs(numeric))


def absolute_error(f, gradient, x, d, h):
    unit = d / np.linalg.norm(d)
    return abs((gradient * unit).sum() - (f(x + h * unit) - f(x - h * unit)) / (2 * h))


def relative_to_the_numeric(f, gradient, x, d, h):
    unit = d / np.linalg.norm(d)
    numeric = (f(x + h * unit) - f(x - h * unit)) / (2 * h)
    return abs((gradient * unit).sum() - numeric) / abs(numeric) if numeric else 0.0


def test_values_only():
    assert F.max_pool2d(mc.tensor([[[1.0, 2.0], [4.0, 3.0]]]), 2).item() == 4


def test_too_strict():
    assert F.max_pool2d(mc.ones(1, 2, 2), 2, padding=1).sum() == 1


def test_by_gradcheck():
    mc.manual_seed(0)
    assert mc.testing.gradcheck(lambda x: F.max_pool2d(x, 2), mc.randn(1, 2, 4, 4))


WRONG = {
    "15.1": [forward_difference, all_at_once, nudged_and_left, in_the_own_array, divided_by_h],
    "15.2": [by_differences, the_real_part, one_step_for_all],
    "15.3": [absolute_only, relative_only, blind_to_nan, by_the_second_alone, one_for_all],
    "15.4": [direction_as_it_is, absolute_error, relative_to_the_numeric],
    "15.5": [[], [3], [test_values_only], [test_too_strict], [test_by_gradcheck]],
}
