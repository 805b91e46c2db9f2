"""Mixed precision: within ``mc.amp.autocast`` a function's inputs are cast first, by the list that its name is on.

Products are fast and safe in float16, since they are summed in float32; exponentials, long sums and losses are not, and
get float32; functions of several tensors get the widest of their dtypes. All others take what comes. The lists are
those of PyTorch on CUDA devices: https://docs.pytorch.org/docs/stable/amp.html#cuda-op-specific-behavior

Casts are recorded like any operation, so gradients arrive in the dtype of what was cast.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, TypeVar

from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])

SHORT = frozenset(
    "addmm addmv baddbmm bmm conv1d conv2d conv_transpose1d conv_transpose2d einsum linear "
    "matmul mm mv prelu".split()
)
FLOAT32 = frozenset(
    "acos arccos asin arcsin binary_cross_entropy binary_cross_entropy_with_logits cosh cosine_embedding_loss "
    "cosine_similarity cross_entropy cumprod cumsum dist erfinv exp expm1 gaussian_nll_loss group_norm "
    "hinge_embedding_loss huber_loss kl_div l1_loss layer_norm log log10 log1p log2 log_softmax logsumexp "
    "margin_ranking_loss mse_loss multi_margin_loss multilabel_soft_margin_loss nll_loss norm "
    "normalize poisson_nll_loss pow prod reciprocal rsqrt sinh smooth_l1_loss soft_margin_loss softmax softmin "
    "softplus sum tan triplet_margin_loss".split()
)
WIDEST = frozenset(
    "addcdiv addcmul atan2 arctan2 bilinear cat concat concatenate dot scatter_add stack tensordot".split()
)
_OPERATORS = {"__matmul__": "matmul", "__pow__": "pow"}


class Precision:
    """What ``autocast`` asks for on one type of device; keeps casts of parameters, which a step uses many times."""

    def __init__(self, device_type: str, dtype: Any, keeps: bool) -> None:
        self.device_type, self.dtype, self.keeps = device_type, dtype, keeps
        self.casts: dict[int, tuple[Tensor, Tensor]] = {}

    def concerns(self, value: Any) -> bool:
        """Whether ``value`` is a tensor that autocast may touch: floating point, not float64, of this device type."""
        return (isinstance(value, Tensor) and value.array.dtype.char in "ef"
                and backend_of(value.array).device_type == self.device_type)  # fmt: skip

    def short(self, x: Tensor) -> Tensor:
        """``x`` in the short dtype."""
        if x.array.dtype == self.dtype:
            return x
        if not (self.keeps and x.requires_grad and x.is_leaf and mode.grad):
            return x.to(self.dtype)
        if id(x) not in self.casts:
            self.casts[id(x)] = x, x.to(self.dtype)
        return self.casts[id(x)][1]

    def cast(self, name: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Arguments of the function ``name`` as its list says; tensors in lists and tuples, too."""
        if name in SHORT:
            return tuple(_mapped(value, self.concerns, self.short) for value in values)
        if name in WIDEST and not any(x.array.dtype.char == "f" for x in _tensors(values) if self.concerns(x)):
            return values
        return tuple(_mapped(value, self.concerns, lambda x: x.float()) for value in values)


def autocast_aware(name: str, function: F) -> F:
    """``function``, which goes by the list that ``name`` is on; as it is where that is none."""
    name = _OPERATORS.get(name, name)
    if name not in SHORT | FLOAT32 | WIDEST:
        return function

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        precisions = mode.autocast
        if precisions is None:
            return function(*args, **options)
        mode.autocast = None  # what it is made of computes in the dtype that it is given
        try:
            for precision in precisions.values():
                args = precision.cast(name, args)
                options = dict(zip(options, precision.cast(name, (*options.values(),)), strict=True))
            return function(*args, **options)
        finally:
            mode.autocast = precisions

    return call  # type: ignore[return-value]  # of the same signature


def all_autocast_aware(namespace: dict[str, Any], names: Iterable[str]) -> None:
    """Make the functions ``names`` of ``namespace`` go by the lists; aliases stay one function."""
    made: dict[Any, Any] = {}
    for name in names:
        found = namespace[name]
        if isinstance(found, FunctionType):
            namespace[name] = made.setdefault(found, autocast_aware(name, found))


def _mapped(value: Any, concerns: Callable[[Any], bool], change: Callable[[Tensor], Tensor]) -> Any:
    if concerns(value):
        return change(value)
    if type(value) in (list, tuple):
        return type(value)(_mapped(v, concerns, change) for v in value)
    return value


def _tensors(values: Iterable[Any]) -> Iterable[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif type(value) in (list, tuple):
            yield from _tensors(value)
