"""``slide``: an animated SVG of a window on its way over an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minicnn.errors import OptionError
from minicnn.inspect.drawing import INK, PALE, RESULT, WINDOW, Canvas
from minicnn.inspect.windows import Windows, windows_of
from minicnn.nn.module import Module

MOST = 1024
"""Steps of the longest animation."""

SIDE = 24


@dataclass(frozen=True)
class Animation:
    """An animated SVG. A notebook shows it; ``save`` writes it for a page.

    Attributes:
        windows: the geometry.
        seconds: that each step is seen.
    """

    windows: Windows
    seconds: float

    @property
    def steps(self) -> list[tuple[list[tuple[int, int]], list[tuple[int, int]]]]:
        """For each step the input pixels that take part, padding too, and the outputs that are made or added to.

        A convolution or a pooling reads a window and makes an output; a transposed convolution reads a pixel and adds
        a window of it to the output, whose padding is cut off.
        """
        w = self.windows
        if not w.transposed:
            return [([(t.row, t.column) for t in w.taps(i, j)], [(i, j)]) for i, j in _cells(w.out_size)]
        (top, _), (left, _) = w.padding
        return [([(i, j)], [(i * w.stride[0] + u * w.dilation[0] - top, j * w.stride[1] + v * w.dilation[1] - left)
                            for u, v in _cells(w.kernel)]) for i, j in _cells(w.size)]  # fmt: skip

    def svg(self) -> str:
        """The animation: it plays by itself and needs no script."""
        w, canvas = self.windows, Canvas()
        read, made = (sorted({cell for step in self.steps for cell in step[side]}) for side in (0, 1))
        inputs, outputs = _Plane(w.size, read), _Plane(w.out_size, made)
        shift = (inputs.columns + 2) * SIDE
        for plane, x, name in ((inputs, 0, "input"), (outputs, shift, "output")):
            canvas.text(x, 6, f"{name} {plane.size[0]} × {plane.size[1]}", anchor="start")
            plane.draw(canvas, x)
        for number, (taken, given) in enumerate(self.steps):
            with canvas.frame(number, len(self.steps), self.seconds):
                inputs.mark(canvas, 0, taken, WINDOW)
                outputs.mark(canvas, shift, given, RESULT)
        return canvas.svg()

    _repr_svg_ = svg

    def save(self, path: str) -> None:
        """Write the SVG into a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.svg())


def slide(layer: Module, size: Sequence[int], seconds: float = 0.6) -> Animation:
    """The window of ``layer`` on its way over an image of ``size``, with padding, stride and dilation.

    Args:
        layer: a Conv2d, ConvTranspose2d, MaxPool2d or AvgPool2d.
        size: (H, W) of its input.
        seconds: that each step is seen.

    Errors: OptionError for other layers and for more than 1024 steps; ShapeError where no window fits.

    Example:
        >>> mc.inspect.slide(nn.Conv2d(1, 1, 3, stride=2, padding=1), (5, 5)).save("stride.svg")
    """
    if len(size) != 2 or min(size) < 1:
        raise OptionError("slide: this is no size of an image", got=size, rule="(H, W), positive", hint="(5, 5)")
    if not seconds > 0:
        raise OptionError("slide: a step takes time", got=seconds, rule="seconds > 0")
    found = windows_of("slide", layer, size)
    walked = found.size if found.transposed else found.out_size
    if walked[0] * walked[1] > MOST:
        raise OptionError("slide: that is a long way", got=f"{walked[0] * walked[1]} steps", rule=f"at most {MOST}",
                          hint="a smaller image")
    return Animation(found, seconds)


class _Plane:
    """A grid of an image and of the padding around it that is met."""

    def __init__(self, size: tuple[int, int], met: list[tuple[int, int]]) -> None:
        self.size = size
        self.top, self.left = (min(0, *(cell[axis] for cell in met)) for axis in (0, 1))
        self.bottom, self.right = (max(size[axis] - 1, *(cell[axis] for cell in met)) for axis in (0, 1))
        self.columns = self.right - self.left + 1

    def draw(self, canvas: Canvas, x: float) -> None:
        for r in range(self.top, self.bottom + 1):
            for c in range(self.left, self.right + 1):
                inside = 0 <= r < self.size[0] and 0 <= c < self.size[1]
                canvas.rect(*self._corner(x, r, c), SIDE, SIDE, fill="white" if inside else PALE,
                            stroke=INK if inside else "#bbbbbb", dashed=not inside)  # fmt: skip

    def mark(self, canvas: Canvas, x: float, cells: list[tuple[int, int]], fill: str) -> None:
        for r, c in cells:
            canvas.rect(*self._corner(x, r, c), SIDE, SIDE, fill=fill)

    def _corner(self, x: float, r: int, c: int) -> tuple[float, float]:
        return x + (c - self.left) * SIDE, 20 + (r - self.top) * SIDE


def _cells(size: tuple[int, int]) -> list[tuple[int, int]]:
    return [(i, j) for i in range(size[0]) for j in range(size[1])]
