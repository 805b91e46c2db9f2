"""PyTorch's way to write a Function: static ``forward(ctx, …)`` and ``backward(ctx, …)`` on Tensors.

The node itself is the ``ctx``. https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function
"""

from __future__ import annotations

from typing import Any

from minicnn.autograd.function import Function, _new
from minicnn.autograd.inplace import check_writable, edited
from minicnn.autograd.mode import mode, no_grad
from minicnn.autograd.plan import Plan
from minicnn.backend import backend_for
from minicnn.errors import GradientError
from minicnn.tensor import Tensor, alias, wrap


class Context(Function):
    """What ``ctx`` offers inside of a static ``forward`` and ``backward``."""

    materialize = True
    _user: type[Function]
    _to_save: tuple[Any, ...] = ()
    _dirty: tuple[Tensor, ...] = ()
    _constant: tuple[Tensor, ...] = ()
    _likes: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Save inputs or results for ``backward``; edits in place in between are found."""
        self._to_save = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs ``forward`` edited in place."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which results have no gradient."""
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether ``backward`` gets zeros (True) or None for results whose gradient never came."""
        self.materialize = value

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        """For each argument of ``forward``, whether it requires a gradient."""
        return self.needs

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What ``save_for_backward`` got, checked against edits in place."""
        if self.freed or self.saved is None:
            if not self._to_save or self.freed:
                raise GradientError(f"backward: the saved tensors of {self.name} are already freed",
                                    got="a second backward through this graph",
                                    hint="backward(retain_graph=True) the first time")
            return self._to_save
        return tuple(_unpack(self, value) for value in self.saved["tensors"])

    def forward(self, *inputs: Any) -> Any:
        """Unused: ``apply_context`` runs the user's static forward."""

    def backward(self, g: Any) -> Any:
        """Run the user's static backward on the gradients of the results."""
        grads = list(g) if isinstance(g, tuple) else [g]
        if self.materialize:
            grads = [_zeros(like) if t is None else t for t, like in zip(grads, self._likes, strict=True)]
        found = self._user.backward(self, *grads)  # type: ignore[attr-defined]  # the user's class has it
        found = found if isinstance(found, tuple) else (found,)
        extra = found[len(self.needs) :]
        if any(e is not None for e in extra) or len(found) < len(self.needs):
            raise GradientError(f"{self.name}: backward returned {len(found)} gradients", got=len(found),
                                rule=f"one for each of forward's {len(self.needs)} arguments, None for constants")
        return found[: len(self.needs)]


def apply_context(cls: type[Function], inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Apply a Function in PyTorch's form, recording it if any input needs a gradient."""
    ctx = _new(Context)
    ctx._user, ctx.name = cls, cls.name
    arrays, _, needed = ctx._open(inputs, mode.grad)
    with no_grad():
        out = cls.forward(ctx, *inputs, **options)  # type: ignore[attr-defined]  # the user's class has it
    single = not isinstance(out, tuple)
    results = [_result(ctx, t, inputs) for t in ((out,) if single else out)]
    for tensor in ctx._dirty:
        check_writable(ctx.name, tensor)
    if needed:
        _record(ctx, inputs, arrays, results)
    for tensor in ctx._dirty:
        edited(tensor, ctx.name)
    ctx._to_save = ()
    return results[0] if single else tuple(results)


def _result(ctx: Context, out: Any, inputs: tuple[Any, ...]) -> Tensor:
    if not isinstance(out, Tensor):
        raise GradientError(f"{ctx.name}: forward returned {type(out).__name__}, no tensor", got=repr(out)[:80],
                            rule="forward(ctx, …) gets and returns Tensors")
    returned_input = any(out is x for x in inputs) and not any(out is d for d in ctx._dirty)
    return alias(out) if returned_input else out


def _record(ctx: Context, inputs: tuple[Any, ...], arrays: list[Any], results: list[Tensor]) -> None:
    saved = []
    for t in ctx._to_save:
        slot = next((i for i, r in enumerate(results) if r is t), None)
        if t is None or slot is None:
            saved.append(None if t is None else (t, t._version, t._version[0], t._node))
        else:  # a result: kept without the tensor itself, which would be a cycle
            saved.append((t.array, t._version, t._version[0], slot))
    ctx._record(inputs, arrays, None)
    ctx.saved = {"tensors": saved} if saved else None
    ctx.outputs = len(results)
    ctx._likes = tuple((r.array.shape, r.array.dtype, r.device) for r in results)
    for slot, result in enumerate(results):
        if result.dtype.kind == "f" and not any(result is c for c in ctx._constant):
            result._node, result._slot, result.tracked = ctx, slot, True


def _zeros(like: tuple[Any, ...]) -> Tensor:
    shape, dtype, device = like
    return wrap(backend_for(device).xp.zeros(shape, dtype))


def _unpack(ctx: Context, value: Any) -> Tensor | None:
    if value is None:
        return None
    what, version, number, origin = value
    if version[0] != number:
        raise GradientError(f"backward: {ctx.name} saved a tensor which was since edited in place",
                            got=f"version {version[0]}, saved at version {number}",
                            rule="a tensor that a gradient needs stays as it was until backward",
                            hint="clone() before the edit")
    if isinstance(what, Tensor):
        return what
    out = wrap(what)
    out._node, out._slot, out.tracked, out._version = ctx, origin, True, version
    return out


Context.plan = Plan(Context)
