"""Cases of ``minicnn.ops.resize`` and ``minicnn.ops.columns``, and of the shuffles."""

from __future__ import annotations

import warnings
from typing import Any

from tests.cases.case import Case, normal


def _case(op: str, shape: tuple[int, ...], *args: Any, variant: str = "", **options: Any) -> Case:
    def call(t: Any, x: Any) -> Any:
        return getattr(t.nn.functional, op)(x, *args, **options)

    return Case(f"nn.functional.{op}", call, (normal(*shape),), variant)


def _old_name(t: Any, x: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, of the old name
        return t.nn.functional.upsample(x, scale_factor=2, mode="bilinear", align_corners=True)


SIZES = {"size": (5, 3)}

CASES = [
    _case("interpolate", (2, 2, 4), scale_factor=1.7, variant="nearest 1d"),
    _case("interpolate", (2, 2, 4), size=7, mode="linear", variant="linear"),
    _case("interpolate", (2, 2, 5), size=3, mode="area", variant="area 1d"),
    _case("interpolate", (2, 2, 3, 4), **SIZES, variant="nearest"),
    _case("interpolate", (2, 2, 3, 4), **SIZES, mode="nearest-exact", variant="nearest-exact"),
    _case("interpolate", (2, 2, 3, 4), **SIZES, mode="bilinear", variant="bilinear"),
    _case("interpolate", (2, 2, 3, 4), **SIZES, mode="bilinear", align_corners=True, variant="bilinear corners"),
    _case("interpolate", (2, 2, 3, 4), scale_factor=(1.7, 0.6), mode="bilinear", variant="bilinear scale"),
    _case("interpolate", (2, 2, 3, 4), scale_factor=1.7, recompute_scale_factor=True, mode="bilinear", variant="again"),
    _case("interpolate", (2, 2, 3, 4), **SIZES, mode="bilinear", antialias=True, variant="bilinear antialias"),
    _case("interpolate", (2, 2, 3, 4), **SIZES, mode="bicubic", variant="bicubic"),
    _case("interpolate", (2, 2, 3, 4), **SIZES, mode="bicubic", align_corners=True, variant="bicubic corners"),
    _case("interpolate", (2, 2, 3, 4), size=2, mode="bicubic", antialias=True, variant="bicubic antialias"),
    _case("interpolate", (2, 2, 3, 4), **SIZES, mode="area", variant="area"),
    Case("nn.functional.upsample", _old_name, (normal(2, 2, 3, 2),)),
    _case("pixel_shuffle", (2, 4, 2, 2), 2),
    _case("pixel_shuffle", (4, 3, 2), 2, variant="unbatched"),
    _case("pixel_unshuffle", (2, 1, 4, 2), 2),
    _case("channel_shuffle", (2, 6, 2, 1), 3),
    Case("nn.functional.native_channel_shuffle", lambda t, x: t.nn.functional.native_channel_shuffle(x, 2),
         (normal(2, 6, 2, 1),), grad=False, why_not="PyTorch has no gradient of it"),
    _case("unfold", (2, 2, 4, 3), 2),
    _case("unfold", (2, 4, 3), (3, 2), dilation=(1, 2), padding=1, stride=(2, 1), variant="options unbatched"),
    _case("fold", (2, 4, 6), (4, 3), 2),
    _case("fold", (8, 2), (3, 2), 2, padding=(0, 1), stride=(1, 2), dilation=(1, 2), variant="options unbatched"),
]
