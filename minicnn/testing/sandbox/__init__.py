"""Students' code in a process of its own, with limits to its time, memory and output."""

from minicnn.testing.sandbox.process import LimitError, StudentError
from minicnn.testing.sandbox.remote import ENGINES, Sandbox

__all__ = ["ENGINES", "LimitError", "Sandbox", "StudentError"]
