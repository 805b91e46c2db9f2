"""Windows of images, a block at a time: where they lie, and views of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.lib.stride_tricks import as_strided

from minicnn.backend.cpu.scratch import scratch
from minicnn.shapes.conv import ConvGeometry, Pair

Array = Any
Sizes = tuple[int, ...]
Block = tuple[slice, slice]  # of images, of output rows

PIECE = 1 << 24  # multiplications that are worth a thread's waking up
DEPTHWISE = 1 << 20  # and where they are no matrix product; with two threads ``inference MobileNet v2 b8``: .87
PIECES = 4  # at least, where there is work enough
BLOCK_BYTES = 3 << 20  # of columns in a block; ``conv 3x3 16-16``: with two thirds or half of it 6 to 12 % longer


def pieces_of(products: int) -> int:
    """Into how many pieces so many multiplications should be cut at least."""
    return max(1, min(PIECES, products // PIECE))


class Walk(NamedTuple):
    """Where windows lie: tap (i, j) of output pixel (k, l) reads input origin + stride·(k, l) + dilation·(i, j)."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    origin: Pair
    size: Pair


class Layer(NamedTuple):
    """A convolution: its sizes, and where its windows lie. An input gradient is one of g, ``back``, with the weights'
    taps from last to first."""

    N: int
    G: int
    C_: int  # channels of a group
    O_: int  # channels of a group's result
    walk: Walk
    dtype: Any
    back: bool = False

    @property
    def pixels(self) -> int:
        """Of the result, in all images."""
        return self.N * self.walk.size[0] * self.walk.size[1]

    @property
    def products(self) -> int:
        """Multiplications, by the definition."""
        KH, KW = self.walk.kernel
        return self.pixels * KH * KW * self.C_ * self.O_ * self.G

    @property
    def pieces(self) -> int:
        """Into how many pieces the work should be cut at least."""
        return pieces_of(self.products)

    def each(self, pieces: int) -> int:
        """How many of so many pieces are worth a thread: two threads take as long as one over a layer of LeNet's."""
        worth = DEPTHWISE if self.C_ == self.O_ == 1 else PIECE
        return max(1, pieces // max(1, self.products // worth))


class Part(NamedTuple):
    """The sizes of a block: its images and output rows, and the input images of which it is a part."""

    images: int
    first: int
    last: int
    H: int
    W: int
    C: int
    dtype: Any

    @property
    def rows(self) -> int:
        """Of the result."""
        return self.last - self.first


def part_of(x: Array, walk: Walk, block: Block) -> Part:
    """x (N, H, W, C) → the sizes of its block."""
    N, H, W, C = x.shape
    (start, stop, _), (first, last, _) = block[0].indices(N), block[1].indices(walk.size[0])
    return Part(stop - start, first, last, H, W, C, x.dtype)


def forwards(geometry: ConvGeometry, kernel: Sizes, size: Sizes) -> Walk:
    """Where the windows of a convolution lie in x."""
    (top, _), (left, _) = geometry.padding
    return Walk((kernel[0], kernel[1]), geometry.stride, geometry.dilation, (-top, -left), (size[0], size[1]))


def backwards(geometry: ConvGeometry, kernel: Sizes, size: Sizes) -> Walk:
    """Where the input gradient's windows lie in g at stride 1: dx[p] = Σ g[p + before − tap·dilation] · w[tap]."""
    walk = forwards(geometry, kernel, size)
    row, column = (-o - d * (k - 1) for o, d, k in zip(walk.origin, walk.dilation, walk.kernel, strict=True))
    return walk._replace(origin=(row, column))


def turned(w: Array) -> Array:
    """w (G, O/G, C/G, KH, KW) → view (G, C/G, O/G, KH, KW) with its taps from last to first."""
    return w.swapaxes(1, 2)[..., ::-1, ::-1]


def views(x: Array, walk: Walk, block: Block, *, planar: bool = False) -> Array:
    """x (N, H, W, C) → view (n, rows, OW, KH, KW, C) of the block's windows; outside of the image they read zeros."""
    (KH, KW), (sh, sw), (dh, dw), (top, left), (OH, OW) = walk
    first, last, _ = block[1].indices(OH)
    r = last - first
    height, width = (r - 1) * sh + (KH - 1) * dh + 1, (OW - 1) * sw + (KW - 1) * dw + 1
    part = area(x[block[0]], top + first * sh, left, height, width, planar=planar)
    n, h, w, c = part.strides
    return as_strided(part, (part.shape[0], r, OW, KH, KW, part.shape[3]), (n, h * sh, w * sw, h * dh, w * dw, c))


def area(x: Array, top: int, left: int, height: int, width: int, *, planar: bool) -> Array:
    """x (n, H, W, C) → (n, height, width, C) from (top, left) on, zeros outside; a view where memory order allows,
    else in this thread's scratch memory."""
    n, H, W, C = x.shape
    top_in, left_in = max(top, 0), max(left, 0)
    bottom_in, right_in = max(min(top + height, H), top_in), max(min(left + width, W), left_in)
    inside = x[:, top_in:bottom_in, left_in:right_in]
    whole = inside.shape[1:3] == (height, width)
    if whole and x.strides[2 if planar else 3] == x.itemsize:
        return inside
    if planar:
        part = scratch("area", (n, C, height, width), x.dtype).transpose(0, 2, 3, 1)
    else:
        part = scratch("area", (n, height, width, C), x.dtype)
    part[...] = 0
    part[:, top_in - top : bottom_in - top, left_in - left : right_in - left] = inside
    return part


def blocks(layer: Layer, pixel_bytes: int, pieces: int, unit: int = 1) -> list[Block]:
    """Slices of images and output rows that need at most about BLOCK_BYTES of ``pixel_bytes`` each, ``pieces`` or more:
    some images, or some rows of one, a multiple of ``unit``. Beyond two a multiple of four, so that threads share."""
    N, (OH, OW) = layer.N, layer.walk.size
    image_bytes = max(1, OH * OW * pixel_bytes)
    count = max(pieces, -(-N * image_bytes // BLOCK_BYTES))
    count = -(-count // 4) * 4 if count > 2 else count
    if image_bytes <= BLOCK_BYTES and count <= N:
        images = min(-(-N // count), BLOCK_BYTES // image_bytes)
        return [(slice(n, min(n + images, N)), slice(0, OH)) for n in range(0, N, images)]
    each = max(-(-count // max(1, N)), -(-image_bytes // BLOCK_BYTES))
    rows = -(-OH // (each * unit)) * unit
    return [(slice(n, n + 1), slice(r, min(r + rows, OH))) for n in range(N) for r in range(0, OH, rows)]


def image_blocks(N: int, image_bytes: int, block_bytes: int = BLOCK_BYTES, pieces: int = 1) -> list[Block]:
    """Slices of as many images each, and of all their rows, that need at most about ``block_bytes``; about ``pieces``
    or more."""
    count = max(pieces, -(-N * image_bytes // block_bytes))
    images = max(1, -(-N // count))
    return [(slice(n, min(n + images, N)), slice(None)) for n in range(0, N, images)]
