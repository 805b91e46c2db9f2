"""Small networks in the documents' idioms, for where the documents are not: they are PyTorch's, stored and live."""

from __future__ import annotations

from typing import Any

import pytest

import minicnn as mc
from minicnn.compat import run_script
from tests.textbook.measure import HAS_TORCH, compare, compare_summaries, measure, stored, summary, with_torch
from tests.textbook.table import SCRIPTS

pytestmark = pytest.mark.host("scripts for PyTorch mean the CPU where they name no device, and print none")
NETWORKS = run_script(SCRIPTS / "networks.py")["NETWORKS"]


@pytest.fixture(scope="module")
def of_pytorch() -> Any:
    if not HAS_TORCH:
        pytest.skip("PyTorch is not installed; its networks are stored")
    return with_torch((SCRIPTS / "networks.py").read_text(encoding="utf-8"))[0]["NETWORKS"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_the_one_that_is_stored(name: str) -> None:
    build, shape = NETWORKS[name]
    mc.manual_seed(7)
    compare_summaries(summary(measure(mc, build(), shape)), stored(f"network {name}"))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_pytorchs(name: str, of_pytorch: Any) -> None:
    import torch

    found = []
    for framework, (build, shape) in ((mc, NETWORKS[name]), (torch, of_pytorch[name])):
        framework.manual_seed(7)
        found.append(measure(framework, build(), shape))
    compare(*found)
