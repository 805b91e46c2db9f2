"""Write ``minicnn/methods.pyi``, the types of Tensor's methods, from the table: ``python -m minicnn.ops.stub``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import minicnn
from minicnn.ops import table

FILE = Path(minicnn.__file__).with_name("methods.pyi")
HEADER = '''"""Tensor's methods and operators. Written by ``python -m minicnn.ops.stub``; do not edit."""

'''
_WORD = re.compile(r"[A-Za-z_][A-Za-z_.]*")
_BUILTINS = {"None", "True", "False", "bool", "int", "float", "str", "tuple", "list", "dict", "object", "type", "slice",
             "complex", "bytes"}  # fmt: skip


def stub() -> str:
    """The text of the stub."""
    imports: dict[str, set[str]] = {"typing": {"Any"}, "minicnn.tensor": {"Tensor"}}
    lines = [_signature(name, function, imports) for name, function in sorted(dict(table.methods()).items())]
    heads = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(imports.items())]
    return HEADER + "import builtins\n" + "\n".join(heads) + "\n\nclass Methods:\n" + "\n".join(lines) + "\n"


def _signature(name: str, function: Callable[..., Any], imports: dict[str, set[str]]) -> str:
    if isinstance(function, property):
        getter: Callable[..., Any] = function.fget
        returns = _annotation(inspect.signature(getter).return_annotation, getter, imports)
        return f"    @property\n    def {name}(self) -> {returns}: ..."
    plain = inspect.unwrap(function)
    signature = inspect.signature(plain)
    parameters = ["self"]
    keyword_only = False
    for p in list(signature.parameters.values())[1:]:
        if name.startswith("__") and p.kind is p.KEYWORD_ONLY:
            continue  # an operator passes no options
        if p.kind is p.KEYWORD_ONLY and not keyword_only and not any(s.startswith("*") for s in parameters):
            parameters.append("*")
        keyword_only = keyword_only or p.kind is p.KEYWORD_ONLY
        stars = "*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else ""
        default = "" if p.default is p.empty else " = ..."
        parameters.append(f"{stars}{p.name}: {_annotation(p.annotation, plain, imports)}{default}")
    returns = _annotation(signature.return_annotation, plain, imports)
    return f"    def {name}({', '.join(parameters)}) -> {returns}: ..."


def _annotation(annotation: Any, function: Callable[..., Any], imports: dict[str, set[str]]) -> str:
    """The annotation's text, with what it names added to ``imports``."""
    if annotation is inspect.Parameter.empty:
        return "Any"
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    text = text.replace("dtypes.Dtype", "Dtype")
    text = re.sub(r"\b(bool|int|float)\b", r"builtins.\1", text)  # Tensor has methods of these names
    for word in set(_WORD.findall(re.sub(r'"[^"]*"|builtins\.\w+', "", text))) - _BUILTINS:
        imports.setdefault(_home(word, function), set()).add(word)
    return text


def _home(word: str, function: Callable[..., Any]) -> str:
    """The module to import ``word`` from: where it is defined, or where the function itself sees it."""
    known = {"Any": "typing", "Literal": "typing", "Dtype": "minicnn.dtypes", "Tensor": "minicnn.tensor"}
    if word in known:
        return known[word]
    found = getattr(inspect.getmodule(function), word, None)
    home = getattr(found, "__module__", "")
    named = isinstance(found, type) or callable(found)
    return home if named and home.startswith(("minicnn", "collections")) else str(function.__module__)


if __name__ == "__main__":
    FILE.write_text(stub(), encoding="utf-8")
