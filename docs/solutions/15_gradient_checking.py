"""Solutions of chapter 15, gradient checking."""

import numpy as np

import minicnn as mc
from minicnn.nn import functional as F


def numeric_gradient(f, x, h):
    x = x.astype(float)  # a copy, and room for fractions
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + h
        above = f(x)
        x[index] = kept - h
        below = f(x)
        x[index] = kept
        gradient[index] = (above - below) / (2 * h)
    return gradient


def complex_gradient(f, x):
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[index] += 1e-100j
        gradient[index] = f(moved).imag / 1e-100
    return gradient


def agreement(analytic, numeric, atol, rtol):
    found = np.zeros(analytic.shape, dtype=bool)
    for index in np.ndindex(analytic.shape):
        a, n = analytic[index], numeric[index]
        found[index] = abs(a - n) <= atol + rtol * max(abs(a), abs(n)) or (np.isnan(a) and np.isnan(n))
    return found


def directional_error(f, gradient, x, d, h):
    d = d / np.linalg.norm(d)
    analytic = (d * gradient).sum()
    numeric = (f(x + h * d) - f(x - h * d)) / (2 * h)
    largest = max(abs(analytic), abs(numeric))
    return abs(analytic - numeric) / largest if largest > 0 else 0.0


def test_windows_step_by_their_size():
    assert F.max_pool2d(mc.arange(16.0).reshape(1, 1, 4, 4), 2).tolist() == [[[[5, 7], [13, 15]]]]


def test_padding_never_wins():
    assert F.max_pool2d(-mc.ones(1, 1, 2, 2), 2, padding=1).tolist() == [[[[-1, -1], [-1, -1]]]]


def test_the_last_window_where_it_is_asked_for():
    assert F.max_pool2d(mc.ones(1, 1, 3, 3), 2, ceil_mode=True).shape == (1, 1, 2, 2)


def test_the_first_of_equals_gets_the_gradient():
    x = mc.ones(1, 1, 2, 2, requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[1, 0], [0, 0]]]]


pooling_tests = [test_windows_step_by_their_size, test_padding_never_wins, test_the_last_window_where_it_is_asked_for,
                 test_the_first_of_equals_gets_the_gradient]  # fmt: skip
