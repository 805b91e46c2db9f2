"""A real browser without a window, for the pages."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

needs_browser = pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")


def document(address: str, folder: Path, until: str = "") -> str:
    """The page at ``address`` when its scripts are done; ``folder`` is for the browser's files.

    A busy machine may be slower than the browser's patience: pages that do not show ``until`` are asked for again.
    """
    for _ in range(5):
        page = _dumped(address, folder)
        if until in page:
            break
    return page


def _dumped(address: str, folder: Path) -> str:
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
               f"--user-data-dir={folder}", "--virtual-time-budget=10000", "--dump-dom", address]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
