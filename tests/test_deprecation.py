"""A deprecated name works for two minor releases, warns with its successor, and is gone in time."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import minicnn as mc
from minicnn import deprecation
from minicnn.deprecation import deprecated, overdue, removal

CHANGES = Path(__file__).parent.parent / "docs" / "changelog.md"


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deprecation, "DEPRECATED", dict(deprecation.DEPRECATED))


def test_a_deprecated_function_works_and_names_its_successor() -> None:
    @deprecated("0.3.0", "mc.cat")
    def join(tensors: list[mc.Tensor], dim: int = 0) -> mc.Tensor:
        """Join."""
        return mc.cat(tensors, dim)

    words = r"join is deprecated since minicnn 0\.3\.0, and gone in 0\.5\.0: write mc\.cat"
    with pytest.warns(DeprecationWarning, match=words) as found:
        assert join([mc.ones(1), mc.zeros(1)], dim=0).tolist() == [1, 0]
    assert found[0].filename == __file__ and join.__doc__ == "Join."


def test_a_deprecated_class_warns_when_it_is_made() -> None:
    @deprecated("1.2.3", "nn.Linear")
    class Dense(mc.nn.Linear):
        pass

    with pytest.warns(DeprecationWarning, match=r"Dense is deprecated since minicnn 1\.2\.3, and gone in 1") as found:
        assert Dense(2, 3)(mc.ones(1, 2)).shape == (1, 3)
    assert found[0].filename == __file__
    assert isinstance(Dense, type) and overdue("1.3.9") == []
    assert [name.rpartition(".")[2] for name in overdue("1.4.0")] == ["Dense"]


def test_a_name_lives_for_two_minor_releases() -> None:
    assert [removal(since) for since in ("0.1.0", "0.9.4", "2.10.0")] == ["0.3.0", "0.11.0", "2.12.0"]


def test_no_name_outlives_its_time() -> None:
    for module in pkgutil.walk_packages(mc.__path__, "minicnn."):
        if not module.name.endswith(("__main__", ".cupy", ".command")):  # what runs, and what needs CuPy
            importlib.import_module(module.name)
    assert overdue(mc.__version__) == []


def test_the_version_is_semantic_and_the_changelog_knows_it() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", mc.__version__)
    versions = re.findall(r"^## (\S+)", CHANGES.read_text(encoding="utf-8"), re.MULTILINE)
    assert versions[0] == "Unreleased"
    released = [tuple(map(int, version.split("."))) for version in versions[1:]]
    assert released == sorted(released, reverse=True)
    assert not released or mc.__version__ == versions[1]
