"""Dive into Deep Learning's package, which many notes import and do not use: here it can be imported, and is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minicnn.errors import MissingAttributeError

if not TYPE_CHECKING:

    def __getattr__(name):
        raise MissingAttributeError(
            f"d2l.{name} is not here: of the book's package only the import is understood",
            hint="mc.training.fit trains, mc.datasets and mc.models have the data and the networks",
        )
