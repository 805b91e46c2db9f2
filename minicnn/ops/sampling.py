"""New tensors of random numbers. The same seed gives PyTorch's, on any device: numbers are drawn on the host."""

from __future__ import annotations

from typing import Any

from minicnn import dtypes
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError
from minicnn.ops.arithmetic import add, mul
from minicnn.ops.creation import Place, checked_sizes, finish
from minicnn.ops.fill import number_as
from minicnn.random import Generator, default_generator
from minicnn.shapes.sizes import size_tuple
from minicnn.tensor import Tensor, place

__all__ = [
    "bernoulli", "multinomial", "normal", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like",
    "randperm",
]  # fmt: skip
METHODS = ("bernoulli", "multinomial")

Array = Any


def _host(x: Tensor) -> Array:
    return backend_of(x.array).to_numpy(x.array)


def rand(*size: Any, generator: Generator | None = None, dtype: Any = None, device: Place = None,
         requires_grad: bool = False) -> Tensor:
    """Numbers drawn uniformly from [0, 1). Sizes: ``rand(2, 3)`` or ``rand((2, 3))``."""
    values = (generator or default_generator).uniform(checked_sizes("rand", size), dtype)
    return finish(place(values, device), requires_grad)


def randn(*size: Any, generator: Generator | None = None, dtype: Any = None, device: Place = None,
          requires_grad: bool = False) -> Tensor:
    """Numbers drawn from the normal distribution of mean 0 and variance 1. Sizes as of ``rand``.

    Example:
        >>> generator = mc.Generator().manual_seed(0)
        >>> mc.randn(3, generator=generator)
        tensor([ 1.5410, -0.2934, -2.1788])
    """
    values = (generator or default_generator).normal(checked_sizes("randn", size), dtype)
    return finish(place(values, device), requires_grad)


def randint(*bounds: Any, size: Any = None, low: int = 0, high: int | None = None, generator: Generator | None = None,
            dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """``randint(high, size)`` or ``randint(low, high, size)``: integers drawn from [low, high), in int64."""
    given = list(bounds)
    if size is None and given:
        size = given.pop()
    if len(given) == 2:
        low, high = given
    elif given:
        low, high = (low, given[0]) if high is None else (given[0], high)
    if high is None or size is None:
        raise OptionError("randint: bounds and a size", got=f"{bounds}",
                          rule="randint(high, size) or randint(low, high, size)", hint="randint(10, (3,))")
    if isinstance(size, int):
        raise DtypeError("randint: the size is a number", got=size, rule="a tuple of sizes", hint=f"({size},)")
    low, high = size_tuple("randint", (low, high))
    dtype = dtypes.int64 if dtype is None else dtype
    values = (generator or default_generator).randint(low, high, checked_sizes("randint", (size,)), dtype)
    return finish(place(values, device), requires_grad)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: Place = None,
             requires_grad: bool = False) -> Tensor:
    """The integers 0 … n-1 in a random order."""
    values = (generator or default_generator).randperm(int(n), dtypes.int64 if dtype is None else dtype)
    return finish(place(values, device), requires_grad)


def rand_like(x: Tensor, *, generator: Generator | None = None, dtype: Any = None, device: Place = None,
              requires_grad: bool = False) -> Tensor:
    """``rand`` in the shape, dtype and on the device of ``x``, unless said otherwise."""
    return rand(x.shape, generator=generator, dtype=dtype or x.dtype, device=device or x.device,
                requires_grad=requires_grad)


def randn_like(x: Tensor, *, generator: Generator | None = None, dtype: Any = None, device: Place = None,
               requires_grad: bool = False) -> Tensor:
    """``randn`` in the shape, dtype and on the device of ``x``, unless said otherwise."""
    return randn(x.shape, generator=generator, dtype=dtype or x.dtype, device=device or x.device,
                 requires_grad=requires_grad)


def randint_like(x: Tensor, low: int, high: int | None = None, *, generator: Generator | None = None,
                 dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """``randint_like(x, high)`` or ``(x, low, high)``: ``randint`` in the shape, dtype and on the device of ``x``."""
    low, high = (0, low) if high is None else (low, high)
    return randint(low, high, x.shape, generator=generator, dtype=dtype or x.dtype, device=device or x.device,
                   requires_grad=requires_grad)


def normal(mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, dtype: Any = None,
           device: Place = None, requires_grad: bool = False) -> Tensor:
    """Numbers drawn from N(mean, std²): of ``size``, or of the common shape where mean or std is a tensor.

    With ``size`` they are on the CPU unless ``device`` says otherwise, as PyTorch's are: no default device moves them.
    """
    if size is not None:
        mean, std = (t.item() if isinstance(t, Tensor) else t for t in (mean, std))
    tensors = [t for t in (mean, std) if isinstance(t, Tensor)]
    if not tensors:
        shape = checked_sizes("normal", (() if size is None else size,))
        mean, std = (number_as("normal", n, dtypes.float64) for n in (mean, std))
        values = (generator or default_generator).normal(shape, dtype, mean, std)
        return finish(place(values, device or "cpu"), requires_grad)
    mean, std = (t.detach() if isinstance(t, Tensor) else t for t in (mean, std))
    like = add(mean, std) if len(tensors) == 2 else tensors[0]
    return add(mul(randn_like(like, generator=generator), std), mean)


def bernoulli(x: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that ``x`` says at each place (with ``p`` everywhere where given), else 0."""
    chances = _host(x) if p is None else p
    values = (generator or default_generator).bernoulli(chances, x.array.shape, x.dtype)
    return place(values, x.device)


def multinomial(x: Tensor, num_samples: int, replacement: bool = False, *,
                generator: Generator | None = None) -> Tensor:
    """int64 positions drawn in proportion to the weights ``x``: (K,) -> (num_samples,), (N, K) -> (N, num_samples)."""
    values = (generator or default_generator).multinomial(_host(x), num_samples, replacement)
    return place(values, x.device)
