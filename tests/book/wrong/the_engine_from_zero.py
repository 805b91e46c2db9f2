"""Typical wrong answers to the exercises of chapter 4."""

import numpy as np

import minicnn as mc
from minicnn.autograd import Function


def b_heard_once(a, b, c):
    return (a * b + c) * b, b * b, a * b + c, b


def without_the_value(a, b, c):
    return b * b, 2 * a * b + c, b


def sum_of_rules(a, b, c):
    return (a * b + c) * b, b + b, 2 * a * b + c, b


def each_path(inputs, result):
    order = [result]
    for name in order:
        order += [source for source in inputs[name] if source not in order]
    return order


def all_names_backwards(inputs, result):
    return list(inputs)[::-1]


def inputs_first(inputs, result):
    found, todo = [result], [result]
    while todo:
        for source in inputs[todo.pop()]:
            if source not in found:
                found.append(source)
                todo.append(source)
    return found[::-1]


def by_recursion(inputs, result):
    order = []

    def visit(name):
        for source in inputs[name]:
            if source not in order:
                visit(source)
        order.append(name)

    visit(result)
    return order[::-1]


def overflowing(g, x):
    with np.errstate(all="ignore"):
        return g[:, None] * np.exp(x) / np.exp(x).sum(1, keepdims=True)


def over_all(g, x):
    powers = np.exp(x - x.max())
    return g[:, None] * powers / powers.sum()


def one_over_the_sum(g, x):
    return g[:, None] / np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True) * np.ones_like(x)


def last_one_wins(g, index, size):
    result = np.zeros(size)
    result[index] = g
    return result


def adds_once(g, index, size):
    result = np.zeros(size)
    result[index] += g
    return result


def bincount(g, index, size):
    return np.bincount(index, g, size)


class Values(Function):
    def forward(self, x):
        return x / (1 + np.exp(np.minimum(-x, 700)))


class ForgottenProduct(Values):
    def grad_x(self, g, x):
        s = mc.sigmoid(x)
        return g * s * (1 - s)


class FromTheResult(Values):
    def grad_x(self, g, x, out):
        return g * (out + x * out * (1 - out))


class Constant(Values):
    """Right, and a dead end: it leaves no record of what it computes."""

    def grad_x(self, g, x):
        s = mc.sigmoid(x.detach())
        return g * (s + x.detach() * s * (1 - s))


WRONG = {
    "4.1": [b_heard_once, without_the_value, sum_of_rules],
    "4.2": [each_path, all_names_backwards, inputs_first, by_recursion],
    "4.3": [overflowing, over_all, one_over_the_sum],
    "4.4": [last_one_wins, adds_once, bincount],
    "4.5": [Values, ForgottenProduct, FromTheResult, Constant, np.tanh],
}
