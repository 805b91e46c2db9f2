"""The rooms of the house: what may import what, and where NumPy and CuPy may be named."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import minicnn

PACKAGE = Path(minicnn.__file__).parent

# Bottom up: a room imports, when it is loaded, only from those before it in this list.
ROOMS = [
    "errors", "absent", "deprecation", "dtypes", "shapes", "backend", "random", "methods", "tensor", "keywords",
    "arguments", "autograd", "printing", "ops", "nn", "optim", "amp", "cuda", "accelerator", "backends", "data",
    "distributed", "download", "pickles", "unpacking", "utils", "transforms", "datasets", "io", "models", "training",
    "hub", "onnx", "inspect", "testing", "exercises", "compat", "cli", "__main__", "command",
]  # fmt: skip

NUMPY_ROOMS = {"backend", "dtypes", "random", "data", "transforms", "datasets", "io", "testing", "exercises"}


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imports(path: Path, *, everywhere: bool = False) -> Iterator[str]:
    """Modules imported when ``path`` is loaded, not those for type checkers; with ``everywhere`` in functions, too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo.extend(node.orelse)
        elif everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_rooms_import_only_downwards(path: Path) -> None:
    if path.parent == PACKAGE and path.name == "__init__.py":
        return
    here = ROOMS.index(room(path))
    above = [m for m in imports(path) if m.startswith("minicnn.") and ROOMS.index(m.split(".")[1]) > here
             if m.split(".")[1] in ROOMS]  # fmt: skip
    assert above == []


def test_cupy_is_named_in_one_file() -> None:
    naming = [p for p in files() if any(m.split(".")[0] in ("cupy", "cupyx") for m in imports(p, everywhere=True))]
    assert naming == [PACKAGE / "backend" / "cupy.py"]


def test_numpy_stays_where_arrays_are_made() -> None:
    naming = {room(p) for p in files() if any(m.split(".")[0] == "numpy" for m in imports(p, everywhere=True))}
    assert naming <= NUMPY_ROOMS


def test_the_package_never_imports_torch() -> None:
    assert [p for p in files() if any(m.split(".")[0] == "torch" for m in imports(p, everywhere=True))] == []


def test_files_stay_small() -> None:
    lengths = {str(p.relative_to(PACKAGE)): len(p.read_text(encoding="utf-8").splitlines()) for p in files()}
    assert {name: n for name, n in lengths.items() if n > 400} == {}


def test_importing_loads_nothing_optional() -> None:
    optional = ["rich", "torch", "cupy", "PIL", "matplotlib", "hypothesis", "pytest", "safetensors", "scipy", "onnx",
                "tensorboardX"]  # fmt: skip
    code = f"import sys, minicnn; print([m for m in {optional} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]" and found.stderr == ""


def test_the_stub_of_tensors_methods_is_current() -> None:
    from minicnn.ops.stub import FILE, stub

    assert FILE.read_text(encoding="utf-8") == stub(), "run python -m minicnn.ops.stub"
