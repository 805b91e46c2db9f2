"""The function under a gradient check, made repeatable: float64 copies, one random stream, the same buffers."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minicnn as mc
from minicnn import random
from minicnn.autograd.api import grad
from minicnn.backend import backend_of
from minicnn.dtypes import is_float
from minicnn.errors import DtypeError, GradientError
from minicnn.nn.module import Module
from minicnn.tensor import Tensor, wrap


class Variable:
    """A float64 leaf that is nudged; ``name`` is how reports call it."""

    def __init__(self, name: str, tensor: Tensor) -> None:
        self.name, self.tensor = name, tensor
        self.host = np.array(backend_of(tensor.array).to_numpy(tensor.array), dtype=np.float64)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(self.host.size)

    def set(self, values: np.ndarray[Any, Any]) -> None:
        """Put ``values`` into the tensor's memory."""
        array = self.tensor.array
        array[...] = backend_of(array).from_numpy(values)
        self.tensor._version[0] += 1

    def reset(self) -> None:
        """Put the original values back."""
        self.set(self.host)


class Problem:
    """``fn`` on float64 copies of ``inputs``, evaluated from the same random state and buffers each time.

    The variables are the floating point inputs that require a gradient (all of them where none says so) and, where
    ``fn`` is a Module, its parameters. The caller's tensors, module and random stream are left as they were.
    """

    def __init__(self, fn: Callable[..., Any], inputs: Sequence[Any]) -> None:
        self.module = copy.deepcopy(fn).double() if isinstance(fn, Module) else None
        self.fn: Callable[..., Any] = fn if self.module is None else self.module
        self.name = type(fn).__name__ if isinstance(fn, Module) else getattr(fn, "__name__", type(fn).__name__)
        floats = [x for x in inputs if isinstance(x, Tensor) and is_float(x.dtype)]
        marked = [x for x in floats if x.requires_grad] or floats
        self.inputs: list[Any] = []
        self.variables: list[Variable] = []
        for position, x in enumerate(inputs):
            self.inputs.append(_float64(x))
            if any(x is m for m in marked):
                self.inputs[-1].requires_grad = True
                self.variables.append(Variable(f"input {position}", self.inputs[-1]))
        if self.module is not None:
            self.variables += [Variable(n, p) for n, p in self.module.named_parameters() if p.requires_grad]
            self._buffers = [(b, b.detach().clone()) for b in self.module.buffers()]
        else:
            self._buffers = []
        if not self.variables:
            raise DtypeError(f"gradcheck: {self.name} has no input to differentiate", got=f"{len(inputs)} inputs",
                             rule="at least one floating point tensor", hint="mc.rand(…, dtype=mc.float64)")
        self._stream = random.get_rng_state()

    def run(self) -> Any:
        """One evaluation: whatever the function returns."""
        stream = random.get_rng_state()
        random.set_rng_state(self._stream)
        try:
            for buffer, value in self._buffers:
                with mc.no_grad():
                    buffer.copy_(value)
            return self.fn(*self.inputs)
        finally:
            random.set_rng_state(stream)

    def outputs(self) -> tuple[Tensor, ...]:
        """The floating point results of one evaluation."""
        found = self.run()
        results = tuple(t for t in _flat(found) if isinstance(t, Tensor) and is_float(t.dtype))
        if not results:
            raise GradientError(f"gradcheck: {self.name} returned no floating point tensor", got=repr(found)[:80],
                                rule="what is checked is the slope of results")
        return results

    def values(self) -> np.ndarray[Any, Any]:
        """All results of one evaluation as one flat float64 vector."""
        with mc.no_grad():
            found = self.outputs()
        return np.concatenate([_host(t).reshape(-1) for t in found])

    def raw_values(self) -> np.ndarray[Any, Any]:
        """``values`` where variables hold complex numbers: results that are none have lost them."""
        with mc.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns where it drops an imaginary part
            try:
                found = _flat(self.run())
            except Warning:
                raise DtypeError("an operation drops the imaginary part") from None
        hosts = [_host(t) for t in found if isinstance(t, Tensor)]
        if any(h.dtype.kind == "f" for h in hosts):
            raise DtypeError("an operation takes real numbers only")
        return np.concatenate([h.reshape(-1) for h in hosts if h.dtype.kind == "c"])

    def analytic(self, cotangents: list[np.ndarray[Any, Any]]) -> list[list[np.ndarray[Any, Any]]]:
        """For each cotangent (a flat vector over all results), the gradient of each variable."""
        with mc.enable_grad():
            outputs = self.outputs()
        tracked = [t for t in outputs if t.requires_grad]
        leaves = [v.tensor for v in self.variables]
        table = []
        for cotangent in cotangents:
            seeds, start = [], 0
            for t in outputs:
                piece = cotangent[start : start + t.array.size].reshape(t.shape)
                start += t.array.size
                if t.requires_grad:
                    seeds.append(wrap(backend_of(t.array).from_numpy(piece.astype(_host(t).dtype))))
            if not tracked:
                table.append([np.zeros(v.host.shape) for v in self.variables])
                continue
            found = grad(tracked, leaves, seeds, retain_graph=True, allow_unused=True)
            table.append([np.zeros(v.host.shape) if g is None else _checked(self.name, v, g)
                          for v, g in zip(self.variables, found, strict=True)])
        return table


def _checked(name: str, variable: Variable, g: Tensor) -> np.ndarray[Any, Any]:
    if g.array.shape != variable.host.shape:
        raise GradientError(f"gradcheck: {name} gave {variable.name} a gradient of another shape", got=tuple(g.shape),
                            rule=f"a gradient has the shape of its input, {variable.host.shape}")
    return np.asarray(_host(g), dtype=np.float64)


def _host(t: Tensor) -> np.ndarray[Any, Any]:
    return np.asarray(backend_of(t.array).to_numpy(t.array))


def _flat(found: Any) -> list[Any]:
    if isinstance(found, dict):
        found = list(found.values())
    return [t for item in found for t in _flat(item)] if isinstance(found, tuple | list) else [found]


def _float64(x: Any) -> Any:
    if not isinstance(x, Tensor):
        return x
    copied = x.detach().clone()
    return copied.double() if is_float(x.dtype) else copied
