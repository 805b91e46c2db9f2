"""What every layer gave, forward and backward, as named arrays: of a model of minicnn's, or of PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Recording = dict[str, np.ndarray[Any, Any]]


def record(model: Any, *inputs: Any, loss: Callable[[Any], Any] | None = None, path: str | Path | None = None
           ) -> Recording:  # fmt: skip
    """Run ``model`` forward and backward, and keep what each module gave.

    The keys are: ``input``, ``output``, ``loss``; a module's name for its result; a parameter's or buffer's for its
    value before; and each of them with ``.grad`` for its gradient, or ``.after`` for a buffer that was changed. The
    second call of a module that is used twice is ``name:2``; a second input ``input:2``. The model's
    gradients are left empty, its buffers as they were.

    Args:
        model: a Module, or one of PyTorch's: the two have the same hooks.
        inputs: its arguments, on its device.
        loss: of the output; its sum where None.
        path: an .npz file to write, too.

    Returns: the arrays, on the host.

    Example:
        >>> found = record(mc.nn.Sequential(mc.nn.Linear(2, 1)), mc.ones(1, 2))
        >>> sorted(found)[:6]
        ['0', '0.bias', '0.bias.grad', '0.grad', '0.weight', '0.weight.grad']
    """
    found: Recording = {}
    leaves = []
    for key, x in zip(numbered("input"), inputs, strict=False):
        leaves.append(x.detach().clone().requires_grad_() if "float" in str(x.dtype) else x)
        found[key] = host(x)
    found |= {name: host(t) for name, t in [*model.named_parameters(), *model.named_buffers()]}
    handles = [module.register_forward_hook(_keeper(found, name or "output"))
               for name, module in model.named_modules()]
    before = {name: b.detach().clone() for name, b in model.named_buffers()}
    try:
        model.zero_grad()
        output = model(*leaves)
        value = output.sum() if loss is None else loss(output)
        value.backward()
    finally:
        for handle in handles:
            handle.remove()
    found["loss"] = host(value)
    grads = [*zip(numbered("input"), leaves, strict=False), *model.named_parameters()]
    found |= {f"{name}.grad": host(t.grad) for name, t in grads if getattr(t, "grad", None) is not None}
    changed = {name: host(b) for name, b in model.named_buffers() if not np.array_equal(host(b), found[name])}
    found |= {f"{name}.after": value for name, value in changed.items()}
    restore(model, before)
    model.zero_grad()
    if path is not None:
        np.savez(path, **found)  # type: ignore[arg-type]  # for all that a stub knows one key may be an option's name
    return found


def restore(model: Any, buffers: dict[str, Any]) -> None:
    """Put a model's buffers back."""
    for name, buffer in model.named_buffers():
        buffer.copy_(buffers[name])


def numbered(name: str) -> Iterator[str]:
    """``name``, ``name:2``, ``name:3``, …"""
    yield name
    number = 1
    while True:
        number += 1
        yield f"{name}:{number}"


def free(found: Any, name: str) -> str:
    """The first of ``numbered(name)`` that is not in ``found``."""
    return next(key for key in numbered(name) if key not in found)


def host(t: Any) -> np.ndarray[Any, Any]:
    """A copy of a tensor on the host."""
    return np.array(t.detach().cpu().numpy())


def _keeper(found: Recording, name: str) -> Callable[..., None]:
    def keep(module: Any, args: Any, out: Any) -> None:  # noqa: ARG001 (a hook's form)
        if not hasattr(out, "register_hook"):
            return
        key = free(found, name)
        found[key] = host(out)  # a copy: an in-place layer may come next
        if out.requires_grad:
            out.register_hook(lambda g: found.__setitem__(f"{key}.grad", host(g)))

    return keep
