"""The site, built once for all tests of a process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_documents import DOCS, ROOT


def _made(folder: str, names: list[str]) -> set[str]:
    """What building the site leaves; docs/figures has those that were measured, and are kept."""
    return {"notebooks", "_build", *(() if Path(folder) == DOCS else ("figures",))} & set(names)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built from a copy of the pages; their figures, which test_documents.py has made, are blank."""
    pytest.importorskip("sphinx", reason='Sphinx is not installed: pip install ".[docs]"')
    root = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, root / "docs", ignore=_made)
    for part in ("minicnn", "benchmarks", "examples", "tests", "README.md"):
        (root / part).symlink_to(ROOT / part)
    command = ["-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-b", "html", "-D", "run_pages=0"]
    built = subprocess.run([sys.executable, *command, root / "docs", root / "out"], check=False, capture_output=True,
                           text=True)  # fmt: skip
    assert built.stderr.splitlines() == []
    assert built.returncode == 0
    return root / "out"
