"""Transforms made of transforms, and of functions."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from minicnn.errors import DtypeError
from minicnn.transforms.base import Transform
from minicnn.transforms.draws import below

Image = Any


def _checked(transforms: Sequence[Callable[[Any], Any]], name: str) -> Sequence[Callable[[Any], Any]]:
    """``transforms``, if they are a list, and made. Errors: DtypeError."""
    if not isinstance(transforms, Sequence) and not hasattr(transforms, "__iter__"):
        raise DtypeError(f"{name}: this is no list of transforms", got=type(transforms).__name__,
                         hint=f"{name}([transform])")
    for transform in transforms if isinstance(transforms, Sequence) else ():
        if isinstance(transform, type) and issubclass(transform, Transform):
            raise DtypeError(f"{name}: a transform is a class, and not made of it", got=transform.__name__,
                             hint=f"{transform.__name__}() with parentheses")
    return transforms


class Compose:
    """One transform after the other.

    Example:
        >>> transform = mc.transforms.Compose([mc.transforms.ToTensor(), mc.transforms.Normalize([0.5], [0.5])])
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = _checked(transforms, "Compose")

    def __call__(self, img: Image) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return _listed(self, self.transforms)


class Lambda:
    """A function as a transform."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise DtypeError("Lambda: this is no function", got=type(lambd).__name__, hint="Lambda(lambda x: x / 2)")
        self.lambd = lambd

    def __call__(self, img: Image) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return "Lambda()"


class _Several:
    """Base of those that choose among transforms."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = _checked(transforms, type(self).__name__)

    def __repr__(self) -> str:
        return _listed(self, self.transforms)


class RandomApply(_Several):
    """All of ``transforms``, with probability ``p``; otherwise none."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5) -> None:
        super().__init__(transforms)
        self.p = p

    def __call__(self, img: Image) -> Any:
        if not below(self.p):
            return img
        return Compose(self.transforms)(img)

    def __repr__(self) -> str:
        return _listed(self, [f"p={self.p}", *self.transforms])


class RandomChoice(_Several):
    """One of ``transforms``, of ``random.choices`` with weights ``p``, as torchvision's: seed with ``random.seed``."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise DtypeError("RandomChoice: p is no sequence", got=repr(p), rule="one weight for each transform")
        self.p = p

    def __call__(self, img: Image) -> Any:
        return random.choices(self.transforms, weights=self.p)[0](img)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"


class RandomOrder(_Several):
    """All of ``transforms``, in an order of ``random.shuffle``, as torchvision's: seed with ``random.seed``."""

    def __call__(self, img: Image) -> Any:
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        return Compose([self.transforms[i] for i in order])(img)


def _listed(owner: object, lines: Sequence[object]) -> str:
    return "\n".join([f"{type(owner).__name__}(", *(f"    {line}" for line in lines), ")"])
