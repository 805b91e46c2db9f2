"""The steps that random programs are made of: an operation, what it is drawn for, and what it does to memory.

A rule's ``run`` is called with the library (minicnn or torch), the tensors, and what ``draw`` drew; the same for both.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.long.programs import Pool

Drawn = tuple[tuple[int, ...], tuple[Any, ...]]
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Rule:
    """One kind of step.

    Attributes:
        run: the operation.
        draw: operands and options for a pool of tensors; None where nothing in it fits.
        saves: whether backward needs operands or result, so that an edit of them afterwards is an error.
        kind: "new" memory, a "view" of the first operand's, one of several "views", "overlapping" ones, or an "edit".
        kink: numbers that make the result's derivative jump where they are 0.
    """

    run: Callable[..., Any]
    draw: Callable[[random.Random, Pool], Drawn | None]
    saves: bool = False
    kind: str = "new"
    kink: Callable[..., Array] | None = None


def one(r: random.Random, pool: Pool) -> Drawn:
    return (pool.pick(r),), ()


def matched(r: random.Random, pool: Pool) -> Drawn | None:
    """Two tensors that broadcast to a small one."""
    first = pool.pick(r)
    fitting = [i for i in pool.recent() if fits(pool.shape(first), pool.shape(i))]
    if not fitting:
        return None
    second = r.choice(fitting)
    return ((first, second) if r.random() < 0.5 else (second, first)), ()


def fits(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        return int(np.prod(np.broadcast_shapes(a, b))) <= 200
    except ValueError:
        return False


def dimensional(least: int = 1, empty: bool = True) -> Callable[[random.Random, Pool], Drawn | None]:
    """A tensor of ``least`` dimensions or more, one of them, and a truth value."""

    def draw(r: random.Random, pool: Pool) -> Drawn | None:
        found = pool.pick(r, lambda s: len(s) >= least and (empty or 0 not in s))
        if found is None:
            return None
        dims = len(pool.shape(found))
        return (found,), (r.randrange(-dims, dims), r.random() < 0.5)

    return draw


def ordered(r: random.Random, pool: Pool) -> Drawn:
    found = pool.pick(r)
    dims = len(pool.shape(found))
    return (found,), (tuple(r.sample(range(dims), dims)),)


def two_dims(r: random.Random, pool: Pool) -> Drawn | None:
    found = pool.pick(r, lambda s: len(s) >= 2)
    return None if found is None else ((found,), tuple(r.sample(range(len(pool.shape(found))), 2)))


def ranged(r: random.Random, pool: Pool) -> Drawn | None:
    """A tensor, a dimension, where to begin in it, how many, and a step."""
    found = pool.pick(r, lambda s: len(s) >= 1 and 0 not in s)
    if found is None:
        return None
    dim = r.randrange(len(pool.shape(found)))
    size = pool.shape(found)[dim]
    start = r.randrange(size)
    return (found,), (dim, start, r.randint(1, size - start), r.randint(1, 2))


def indexed(r: random.Random, pool: Pool) -> Drawn | None:
    """A tensor, a dimension and numbers in it, with repetitions."""
    drawn = ranged(r, pool)
    if drawn is None:
        return None
    operands, (dim, *_) = drawn
    size = pool.shape(operands[0])[dim]
    return operands, (dim, [r.randrange(size) for _ in range(r.randint(1, 4))])


def reshaped(r: random.Random, pool: Pool) -> Drawn:
    found = pool.pick(r)
    shape = pool.shape(found)
    count = int(np.prod(shape))
    options = [(count,), (1, count), (count, 1)] + [(n, count // n) for n in (2, 3, 4) if count and count % n == 0]
    return (found,), (r.choice(options),)


def expanded(r: random.Random, pool: Pool) -> Drawn | None:
    found = pool.pick(r, lambda s: len(s) <= 3 and int(np.prod(s)) <= 30)
    if found is None:
        return None
    sizes = tuple(r.randint(2, 3) if n == 1 else n for n in pool.shape(found))
    return (found,), ((r.randint(1, 3), *sizes),)


def several(r: random.Random, pool: Pool) -> Drawn | None:
    """Up to four of one shape, and a dimension."""
    first = pool.pick(r, lambda s: len(s) >= 1)
    if first is None:
        return None
    alike = [i for i in pool.recent() if pool.shape(i) == pool.shape(first)]
    return tuple(r.choice(alike) for _ in range(r.randint(1, 4))), (r.randrange(len(pool.shape(first))),)


def product(r: random.Random, pool: Pool) -> Drawn | None:
    first = pool.pick(r, lambda s: len(s) >= 2)
    if first is None:
        return None
    fitting = [i for i in pool.recent() if len(pool.shape(i)) == 2 and pool.shape(i)[0] == pool.shape(first)[-1]]
    return ((first, r.choice(fitting)), ()) if fitting else None


def images(r: random.Random, pool: Pool) -> Drawn | None:
    """A tensor of which images (2, 2, 4, 5) are made, and one of which weights are; an option."""
    first, second = pool.pick(r, lambda s: 0 not in s), pool.pick(r, lambda s: 0 not in s)
    return None if first is None else ((first, second), (r.randint(1, 2), r.randint(0, 1)))


def edited(r: random.Random, pool: Pool) -> Drawn | None:
    """A tensor that may be edited, and one that broadcasts to it from other memory."""
    first = pool.pick_editable(r)
    if first is None:
        return None
    others = [i for i in pool.recent() if pool.base[i] != pool.base[first]]
    fitting = [i for i in others if widens(pool.shape(i), pool.shape(first))]
    return ((first, r.choice(fitting)), ()) if fitting else None


def widens(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    return fits(small, large) and np.broadcast_shapes(small, large) == large


def edited_alone(r: random.Random, pool: Pool) -> Drawn | None:
    first = pool.pick_editable(r)
    return None if first is None else ((first,), (round(r.uniform(-1, 1), 3),))


def edited_leaf(r: random.Random, pool: Pool) -> Drawn | None:
    """A leaf that requires a gradient, as an optimiser edits it."""
    free = [i for i in pool.leaves if pool.base[i] not in pool.saved | pool.shared]
    return ((r.choice(free),), (round(r.uniform(-1, 1), 3),)) if free else None


def turned(r: random.Random, pool: Pool) -> Drawn | None:
    """A tensor that may be edited, and two of its dimensions."""
    first = pool.pick_editable(r)
    dims = 0 if first is None else len(pool.shape(first))
    return ((first,), (r.randrange(-dims, dims), r.randrange(dims))) if first is not None and dims else None


def mask(lib: Any, x: Any) -> Any:
    """Every other element."""
    return lib.arange(x.numel()).reshape(x.shape) % 2 == 1


def sample(x: Any, *shape: int) -> Any:
    """A tensor of ``shape`` that repeats the elements of ``x``."""
    count = int(np.prod(shape))
    return x.reshape(-1).repeat(-(-count // max(x.numel(), 1)))[:count].reshape(shape)


def picture(x: Any) -> Any:
    return sample(x, 2, 2, 4, 5)


def gaps(x: Array, *_: Any) -> Array:
    """The distances of neighbours in the order of their sizes."""
    return np.diff(np.sort(x, axis=None))


def itself(x: Array, *_: Any) -> Array:
    return x


def never_zero(x: Array, *_: Any) -> Array:
    """Where PyTorch's second derivative at 0 is that of the other side than its first."""
    return np.where(x == 0, 1e-12, x)


def lengths(x: Array, dim: int, _: bool) -> Array:
    """Where PyTorch's second derivative at 0 is no number."""
    return never_zero(np.linalg.norm(x, axis=dim))


def spread(x: Array, axis: Any) -> Array:
    """Normalising what is all alike would blow up its rounding errors."""
    return never_zero(np.ptp(x, axis=axis))


def difference(x: Array, y: Array, *_: Any) -> Array:
    return x - y


def around_bounds(x: Array, *_: Any) -> Array:
    return np.concatenate([x.reshape(-1) - 0.5, x.reshape(-1) + 0.5])


def part(x: Any, dim: int, start: int, length: int, step: int) -> Any:
    return x[(slice(None),) * dim + (slice(start, start + length, step),)]


UPDATE = "update_"
"""The edit that is never recorded."""

TURNS = ("transpose_", "unsqueeze_", "squeeze_")
"""Edits of the shape: unrecorded, PyTorch loses track of the gradient's shape."""

ELEMENTWISE: dict[str, Callable[[Any, Any], Any]] = {
    "tanh": lambda _, x: x.tanh(), "sigmoid": lambda _, x: x.sigmoid(), "sin": lambda _, x: x.sin(),
    "cos": lambda _, x: x.cos(), "exp": lambda _, x: (x * 0.2).exp(), "log": lambda _, x: (x * x + 0.5).log(),
    "sqrt": lambda _, x: (x * x + 0.5).sqrt(), "reciprocal": lambda _, x: (x * x + 1).reciprocal(),
    "square": lambda _, x: x.square() * 0.1, "pow": lambda _, x: x.pow(3) * 0.01, "erf": lambda _, x: x.erf(),
    "softplus": lambda lib, x: lib.nn.functional.softplus(x), "gelu": lambda lib, x: lib.nn.functional.gelu(x),
    "silu": lambda lib, x: lib.nn.functional.silu(x), "atan": lambda _, x: x.atan(), "square2": lambda _, x: x * x,
    "log1p": lambda _, x: (x * x).log1p(), "rsqrt": lambda _, x: (x * x + 1).rsqrt(),
    "logsigmoid": lambda lib, x: lib.nn.functional.logsigmoid(x), "mish": lambda lib, x: lib.nn.functional.mish(x),
}  # fmt: skip
KINKED: dict[str, Rule] = {
    "relu": Rule(lambda _, x: x.relu(), one, saves=True, kink=itself),
    "abs": Rule(lambda _, x: x.abs(), one, saves=True, kink=itself),
    "leaky_relu": Rule(lambda lib, x: lib.nn.functional.leaky_relu(x, 0.1), one, saves=True, kink=itself),
    "elu": Rule(lambda lib, x: lib.nn.functional.elu(x), one, saves=True, kink=never_zero),
    "clamp": Rule(lambda _, x: x.clamp(-0.5, 0.5), one, saves=True, kink=around_bounds),
    "hardtanh": Rule(lambda lib, x: lib.nn.functional.hardtanh(x, -0.5, 0.5), one, saves=True, kink=around_bounds),
    "maximum": Rule(lambda lib, x, y: lib.maximum(x, y), matched, saves=True, kink=difference),
    "minimum": Rule(lambda lib, x, y: lib.minimum(x, y), matched, saves=True, kink=difference),
    "amax": Rule(lambda _, x, d, k: x.amax(d, k), dimensional(empty=False), saves=True, kink=gaps),
    "max": Rule(lambda _, x, d, k: x.max(d, k)[0], dimensional(empty=False), saves=True, kink=gaps),
    "min": Rule(lambda _, x, d, k: x.min(d, k)[0], dimensional(empty=False), saves=True, kink=gaps),
    "sort": Rule(lambda _, x, d, k: x.sort(dim=d, descending=k, stable=True)[0], dimensional(), saves=True, kink=gaps),
    "max_pool": Rule(lambda lib, x, _, k, p: lib.nn.functional.max_pool2d(picture(x), k, padding=p * (k > 1)),
                     images, saves=True, kink=gaps),
    "norm": Rule(lambda _, x, d, k: x.norm(2, d, k), dimensional(), saves=True, kink=lengths),
}  # fmt: skip
COMBINED: dict[str, Rule] = {
    "add": Rule(lambda _, x, y: x + y, matched),
    "sub": Rule(lambda _, x, y: x - y, matched),
    "mul": Rule(lambda _, x, y: x * y, matched, saves=True),
    "div": Rule(lambda _, x, y: x / (y * y + 1), matched, saves=True),
    "atan2": Rule(lambda lib, x, y: lib.atan2(x, y * y + 0.5), matched, saves=True),
    "where": Rule(lambda lib, x, y: lib.where(mask(lib, x), x, y), matched),
    "lerp": Rule(lambda lib, x, y: lib.lerp(x, y, 0.3), matched),
    "matmul": Rule(lambda _, x, y: x @ y * 0.3, product, saves=True),
    "linear": Rule(lambda lib, x, y: lib.nn.functional.linear(x, y.transpose(0, 1)), product, saves=True),
    "scale": Rule(lambda _, x: x * 0.7 - 0.1, one),
    "neg": Rule(lambda _, x: -x, one),
    "clone": Rule(lambda _, x: x.clone(), one),
    "conv": Rule(lambda lib, x, w, s, p: lib.nn.functional.conv2d(picture(x), sample(w, 3, 2, 2, 3), None, s, p)
                 * 0.2, images, saves=True),
    "transposed": Rule(lambda lib, x, w, s, p: lib.nn.functional.conv_transpose2d(
        sample(x, 1, 2, 3, 2), sample(w, 2, 2, 2, 3), None, s, p) * 0.2, images, saves=True),
    "avg_pool": Rule(lambda lib, x, _, k, p: lib.nn.functional.avg_pool2d(picture(x), k, padding=p * (k > 1)),
                     images, saves=True),
    "layer_norm": Rule(lambda lib, x, *_: lib.nn.functional.layer_norm(sample(x, 2, 6), (6,)), images, saves=True,
                       kink=lambda x, *_: spread(np.resize(x, (2, 6)), 1)),
    "batch_norm": Rule(lambda lib, x, w, _, __: lib.nn.functional.batch_norm(
        sample(x, 3, 2, 2), None, None, sample(w, 2), training=True), images, saves=True,
                       kink=lambda x, *_: spread(np.resize(x, (3, 2, 2)), (0, 2))),
}  # fmt: skip
REDUCED: dict[str, Rule] = {
    "sum": Rule(lambda _, x, d, k: x.sum(d, k) * 0.5, dimensional()),
    "mean": Rule(lambda _, x, d, k: x.mean(d, k), dimensional(empty=False)),
    "total": Rule(lambda _, x: x.sum() * 0.1, one),
    "prod": Rule(lambda _, x, d, k: (x * 0.5).prod(d, k), dimensional(), saves=True),
    "logsumexp": Rule(lambda _, x, d, k: x.logsumexp(d, k), dimensional(empty=False), saves=True),
    "softmax": Rule(lambda _, x, d, __: x.softmax(d), dimensional(), saves=True),
    "log_softmax": Rule(lambda _, x, d, __: x.log_softmax(d) * 0.3, dimensional(), saves=True),
    "cumsum": Rule(lambda _, x, d, __: x.cumsum(d) * 0.5, dimensional()),
    "var": Rule(lambda lib, x, d, k: x.var(d, keepdim=k, correction=0), dimensional(empty=False), saves=True),
}  # fmt: skip
MOVED: dict[str, Rule] = {
    "cat": Rule(lambda lib, *a: lib.cat(a[:-1], a[-1]), several),
    "stack": Rule(lambda lib, *a: lib.stack(a[:-1], a[-1])[:2].clone(), several),
    "flip": Rule(lambda _, x, d, __: x.flip(d), dimensional()),
    "roll": Rule(lambda _, x, d, k: x.roll(1 + k, d), dimensional()),
    "repeat": Rule(lambda _, x: x[None].repeat(2, *[1] * x.dim())[..., :3].clone(), one),
    "index_select": Rule(lambda lib, x, d, i: x.index_select(d, lib.tensor(i)), indexed),
    "index": Rule(lambda lib, x, d, i: x[(slice(None),) * d + (lib.tensor(i),)], indexed),
    "mask": Rule(lambda lib, x: x[mask(lib, x)], one),
    "index_add": Rule(lambda lib, x, d, i: x.index_add(d, lib.tensor(i), x.index_select(d, lib.tensor(i))), indexed,
                      saves=True),
    "masked_fill": Rule(lambda lib, x: x.masked_fill(mask(lib, x), 0.4), one),
    "tril": Rule(lambda _, x, a, b: x.transpose(a, b).tril(), two_dims),
    "pad": Rule(lambda lib, x, _, k: lib.nn.functional.pad(x, (1, int(k)))[..., :4].clone(), dimensional()),
    "gather": Rule(lambda lib, x, d, k: x.gather(d, lib.argsort(lib.arange(x.numel()).reshape(x.shape) * 7 % 5, dim=d,
                                                                stable=True)), dimensional(empty=False), saves=True),
}  # fmt: skip
VIEWS: dict[str, Rule] = {
    "transpose": Rule(lambda _, x, a, b: x.transpose(a, b), two_dims, kind="view"),
    "permute": Rule(lambda _, x, order: x.permute(order), ordered, kind="view"),
    "slice": Rule(lambda _, x, *where: part(x, *where), ranged, kind="view"),
    "narrow": Rule(lambda _, x, d, start, length, __: x.narrow(d, start, length), ranged, kind="view"),
    "select": Rule(lambda _, x, d, start, *__: x.select(d, start), ranged, kind="view"),
    "unsqueeze": Rule(lambda _, x, d, __: x.unsqueeze(d), dimensional(), kind="view"),
    "squeeze": Rule(lambda _, x: x.squeeze(), one, kind="view"),
    "diagonal": Rule(lambda _, x, a, b: x.diagonal(0, a, b), two_dims, kind="view"),
    "detach": Rule(lambda _, x: x.detach(), one, kind="view"),
    "view_as": Rule(lambda _, x: x.view_as(x), one, kind="view"),
    "expand": Rule(lambda _, x, sizes: x.expand(sizes), expanded, kind="overlapping"),
    "windows": Rule(lambda _, x, d, __: x.unfold(d, min(2, x.size(d)), 1), dimensional(empty=False),
                    kind="overlapping"),
    "chunk": Rule(lambda _, x, d, k: x.chunk(2, d)[-1 if k else 0], dimensional(empty=False), kind="views"),
    "unbind": Rule(lambda _, x, d, k: x.unbind(d)[-1 if k else 0], dimensional(empty=False), kind="views"),
    "reshape": Rule(lambda _, x, shape: x.clone().contiguous().view(shape), reshaped),
}  # fmt: skip
EDITS: dict[str, Rule] = {
    "add_": Rule(lambda _, x, y: x.add_(y), edited, kind="edit"),
    "sub_": Rule(lambda _, x, y: x.sub_(y, alpha=0.5), edited, kind="edit"),
    "mul_": Rule(lambda _, x, y: x.mul_(y.detach().tanh()), edited, kind="edit"),
    "div_": Rule(lambda _, x, y: x.div_(y.detach().square() + 1), edited, kind="edit"),
    "copy_": Rule(lambda _, x, y: x.copy_(y), edited, kind="edit"),
    "set": Rule(lambda _, x, y: x.__setitem__(Ellipsis, y), edited, kind="edit"),
    "iadd": Rule(lambda _, x, y: x.__iadd__(y), edited, kind="edit"),
    "fill_": Rule(lambda _, x, v: x.fill_(v), edited_alone, kind="edit"),
    "zero_": Rule(lambda _, x, v: x.zero_(), edited_alone, kind="edit"),
    "neg_": Rule(lambda _, x, v: x.neg_(), edited_alone, kind="edit"),
    "shift_": Rule(lambda _, x, v: x.add_(v).mul_(0.9), edited_alone, kind="edit"),
    "masked_fill_": Rule(lambda lib, x, v: x.masked_fill_(mask(lib, x), v), edited_alone, kind="edit"),
    "transpose_": Rule(lambda _, x, a, b: x.transpose_(a, b), turned, kind="edit"),
    "unsqueeze_": Rule(lambda _, x, a, __: x.unsqueeze_(a) if x.dim() < 5 else x, turned, kind="edit"),
    "squeeze_": Rule(lambda _, x, a, __: x.squeeze_(a), turned, kind="edit"),
    UPDATE: Rule(lambda _, x, v: x.sub_(v).mul_(0.9), edited_leaf, kind="edit"),
    "tanh_": Rule(lambda _, x, v: x.tanh_(), edited_alone, kind="edit", saves=True),
    "sigmoid_": Rule(lambda _, x, v: x.sigmoid_(), edited_alone, kind="edit", saves=True),
    "relu_": Rule(lambda _, x, v: x.relu_(), edited_alone, kind="edit", saves=True, kink=itself),
}  # fmt: skip
RULES: dict[str, Rule] = {
    **{name: Rule(run, one, saves=True) for name, run in ELEMENTWISE.items()},
    **KINKED, **COMBINED, **REDUCED, **MOVED, **VIEWS, **EDITS,
}  # fmt: skip
"""By name."""
