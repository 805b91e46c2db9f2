"""Every public function, method and layer that is given no tensor, or one of no shape for it, says so itself."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import pytest

import minicnn as mc
from minicnn.errors import MinicnnError
from tests.bad_input.judge import BINDING
from tests.nn.layer_table import LAYERS

GIVEN: dict[str, Any] = {
    "None": None, "an integer": 3, "a float": 2.5, "text": "x", "a list": [1.0, 2.0], "nothing": (), "a bool": True,
    "an object": object(), "a number": mc.ones(()), "no elements": mc.ones(0), "no rows": mc.ones(2, 0, 3),
    "bools": mc.ones(3).bool(), "six dimensions": mc.ones(2, 1, 2, 1, 2, 1),
}  # fmt: skip
FUNCTIONS = {f"F.{name}": getattr(mc.nn.functional, name) for name in mc.nn.functional.__all__}
FUNCTIONS |= {name: found for name, found in vars(mc).items() if inspect.isfunction(found) and name[0] != "_"}
for _name in ("register_backend", "set_default_dtype", "set_default_device"):
    FUNCTIONS.pop(_name, None)
METHODS = [name for name in dir(mc.Tensor) if name[0] != "_" and callable(getattr(mc.Tensor, name))]


def tried(function: Any, given: Any) -> None:
    """Call; whatever is raised is in minicnn's words, or in Python's where arguments are missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("ignore", UserWarning)
        try:
            function(given)
        except MinicnnError as error:
            assert error.rule or error.hint, error
        except TypeError as error:
            if not BINDING.search(str(error)):
                raise


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_functions(given: Any) -> None:
    for function in FUNCTIONS.values():
        needed = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty and p.kind < 2]
        rest = [mc.ones(2, 2) if "Tensor" in str(p.annotation) or p.annotation == "Operand" else 1 for p in needed[1:]]
        tried(lambda x, function=function, rest=rest: function(x, *rest), given)


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_methods(given: Any) -> None:
    for name in METHODS:
        tried(lambda x, name=name: getattr(mc.ones(2, 2), name)(x), given)


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_layers(given: Any) -> None:
    for expression, _ in LAYERS:
        tried(eval(f"nn.{expression}", {"nn": mc.nn}), given)
