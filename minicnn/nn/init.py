"""Initial values of parameters, in place and unrecorded; the same as PyTorch's for the same seed.

``fan_in`` and ``fan_out`` are the numbers of inputs that one output sees, and of outputs that one input reaches:
weight.shape[1] and weight.shape[0], each times the size of the kernel.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minicnn.absent import hints
from minicnn.arguments import check_all
from minicnn.autograd import no_grad
from minicnn.backend import backend_of
from minicnn.errors import OptionError, ShapeError
from minicnn.random import Generator, default_generator
from minicnn.tensor import Tensor, place, wrap

__all__ = [
    "calculate_gain", "constant", "constant_", "dirac", "dirac_", "eye", "eye_", "kaiming_normal", "kaiming_normal_",
    "kaiming_uniform", "kaiming_uniform_", "normal", "normal_", "ones_", "orthogonal", "orthogonal_", "sparse",
    "sparse_", "trunc_normal_", "uniform", "uniform_", "xavier_normal", "xavier_normal_", "xavier_uniform",
    "xavier_uniform_", "zeros_",
]  # fmt: skip

_GAINS: dict[str, float] = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d"), 1.0),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid"), 1.0),
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps a signal's size through a layer with this nonlinearity after it.

    Args:
        nonlinearity: ``"linear"``, ``"conv2d"`` (or another convolution), ``"sigmoid"``, ``"tanh"``, ``"relu"``,
            ``"leaky_relu"`` or ``"selu"``.
        param: leaky_relu's slope on the negative side, 0.01 where None.

    Example:
        >>> nn.init.calculate_gain("relu")
        1.4142135623730951
    """
    if nonlinearity == "leaky_relu":
        if param is not None and (isinstance(param, bool) or not isinstance(param, (int, float))):
            raise OptionError("calculate_gain: the negative slope is no number", got=repr(param), rule="a number")
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        raise OptionError(f"calculate_gain: the gain of {nonlinearity!r} is not known", got=repr(nonlinearity),
                          rule=f"one of {', '.join([*_GAINS, 'leaky_relu'])}")
    return _GAINS[nonlinearity]


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight of at least two dimensions."""
    if tensor.ndim < 2:
        raise ShapeError("init: fan in and fan out need a weight of at least two dimensions",
                         got=f"shape {tuple(tensor.shape)}", rule="(out, in, *kernel)",
                         hint="zeros_ or uniform_ for biases")
    out, into, *kernel = tensor.shape
    taps = math.prod(kernel)
    return into * taps, out * taps


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with U(a, b)."""
    with no_grad():
        tensor.uniform_(a, b, generator=generator)
    return tensor


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with N(mean, std²)."""
    with no_grad():
        tensor.normal_(mean, std, generator=generator)
    return tensor


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Fill with N(mean, std²) conditioned on [a, b]; the bounds are values, not multiples of std."""
    drawn = (generator or default_generator).trunc_normal(tensor.shape, tensor.dtype, mean=mean, std=std, a=a, b=b)
    return _write(tensor, place(drawn, tensor.device))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with ``val``."""
    with no_grad():
        tensor.fill_(val)
    return tensor


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity (ones on the diagonal)."""
    _check_ndim("eye_", tensor, (2,))
    xp = backend_of(tensor.array).xp
    return _write(tensor, wrap(xp.eye(*tensor.shape, dtype=tensor.dtype)))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution's weight so that it hands its first channels through unchanged: 1 at the kernel's centre.

    Args:
        tensor: (out, in / groups, *kernel), of 3 to 5 dimensions.
        groups: each group hands through its own channels.
    """
    _check_ndim("dirac_", tensor, (3, 4, 5))
    out, into, *kernel = tensor.shape
    if groups < 1 or out % groups:
        raise OptionError("dirac_: the output channels do not split into the groups", got=f"{out} and groups {groups}",
                          rule="weight.shape[0] % groups == 0")
    zeros_(tensor)
    centre = tuple(size // 2 for size in kernel)
    per_group = out // groups
    for group in range(groups):
        for channel in range(min(per_group, into)):
            tensor.array[(group * per_group + channel, channel, *centre)] = 1
    return tensor


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with U(-a, a), a = gain · √(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    a = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -a, a, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with N(0, std²), std = gain · √(2 / (fan_in + fan_out)); source as of ``xavier_uniform_``."""
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Fill with U(-bound, bound), bound = gain · √(3 / fan).

    Args:
        tensor: a weight of at least two dimensions.
        a: leaky_relu's slope on the negative side; 0 is relu.
        mode: ``"fan_in"`` keeps the size of the signal going forward, ``"fan_out"`` that of the gradient going back.
        nonlinearity: what follows the layer; see ``calculate_gain``.
        generator: where the numbers come from, the default generator where None.

    Source: He et al., "Delving deep into rectifiers", 2015.
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:  # fmt: skip
    """Fill with N(0, std²), std = gain / √fan; arguments and source as of ``kaiming_uniform_``."""
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with ``gain`` times an orthogonal matrix (its rows or columns, whichever are fewer), seen as (out, rest).

    Source: Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear networks", 2014.
    """
    if tensor.ndim < 2:
        raise ShapeError("orthogonal_: a tensor of at least two dimensions is needed",
                         got=f"shape {tuple(tensor.shape)}", rule="(rows, *columns)")
    if tensor.array.size == 0:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.array.size // rows
    xp = backend_of(tensor.array).xp
    drawn = normal_(wrap(xp.empty((rows, columns), tensor.dtype)), generator=generator).array
    q, r = xp.linalg.qr(drawn.T if rows < columns else drawn)
    # QR is unique only up to signs; a positive diagonal of r makes q uniformly distributed.
    q = q * xp.sign(xp.diagonal(r))
    q = q.T if rows < columns else q
    return _write(tensor, wrap(q.reshape(tensor.shape) * gain))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill a matrix with N(0, std²), then set the fraction ``sparsity`` of each column, at random, to 0.

    Source: Martens, "Deep learning via Hessian-free optimization", 2010.
    """
    _check_ndim("sparse_", tensor, (2,))
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    normal_(tensor, 0.0, std, generator)
    for column in range(columns):
        order = (generator or default_generator).randperm(rows)
        chosen = place(order[:zeros], tensor.device)
        tensor.array[chosen.array, column] = 0
    return tensor


def _xavier_std(tensor: Tensor, gain: float) -> float:
    fans = _calculate_fan_in_and_fan_out(tensor)
    if not sum(fans):
        raise ShapeError("xavier: the weight connects nothing", got=f"shape {tuple(tensor.shape)}",
                         rule="fan_in + fan_out > 0", hint="an init that has no fans, such as zeros_")
    return gain * math.sqrt(2.0 / float(sum(fans)))


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    modes = ("fan_in", "fan_out")
    if mode not in modes:
        raise OptionError(f"kaiming: mode {mode!r} is not known", got=repr(mode), rule=f"one of {', '.join(modes)}")
    fan = _calculate_fan_in_and_fan_out(tensor)[modes.index(mode)]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _is_empty(tensor: Tensor) -> bool:
    if 0 not in tensor.shape:
        return False
    warnings.warn("init: a tensor without elements has nothing to initialise", stacklevel=4)
    return True


def _check_ndim(name: str, tensor: Tensor, allowed: tuple[int, ...]) -> None:
    if tensor.ndim not in allowed:
        raise ShapeError(f"{name}: a tensor of {tensor.ndim} dimensions", got=f"shape {tuple(tensor.shape)}",
                         rule=f"{' or '.join(map(str, allowed))} dimensions")


def _write(tensor: Tensor, values: Tensor) -> Tensor:
    with no_grad():
        tensor.copy_(values)
    return tensor


def _without_underscore(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The old name of an initialiser, which warns."""
    old = function.__name__.removesuffix("_")

    @functools.wraps(function)
    def deprecated(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(f"nn.init.{old} is now nn.init.{function.__name__}", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    deprecated.__name__ = deprecated.__qualname__ = old
    return deprecated


check_all(globals(), [name for name in globals() if name[0] != "_" and name[-1] == "_"])
uniform = _without_underscore(uniform_)
normal = _without_underscore(normal_)
constant = _without_underscore(constant_)
eye = _without_underscore(eye_)
dirac = _without_underscore(dirac_)
orthogonal = _without_underscore(orthogonal_)
sparse = _without_underscore(sparse_)
xavier_uniform = _without_underscore(xavier_uniform_)
xavier_normal = _without_underscore(xavier_normal_)
kaiming_uniform = _without_underscore(kaiming_uniform_)
kaiming_normal = _without_underscore(kaiming_normal_)

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
