"""What the tests of ONNX share: an exported model run by onnxruntime, beside the network it came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minicnn as mc

onnxruntime = pytest.importorskip("onnxruntime", reason='pip install "minicnn[test]"')

Array = Any


def run(exported: Any, *inputs: Any) -> list[Array]:
    """The outputs of an exported model, by onnxruntime on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(exported.SerializeToString(), options, ["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    return session.run(None, {n: x.cpu().numpy() for n, x in zip(names, inputs, strict=True)})


def outputs(network: Any, *inputs: Any) -> list[Array]:
    """The outputs of the network itself in evaluation mode."""
    with mc.no_grad():
        made = network.eval()(*inputs)
    return [t.cpu().numpy() for t in (made if isinstance(made, tuple) else (made,))]


def assert_same(found: list[Array], expected: list[Array], tolerance: float = 1e-4) -> None:
    """Equal shapes and dtypes, and values that differ by at most ``tolerance`` of the greatest."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(float(np.abs(b).max(initial=0)), 1e-30))


def kinds(exported: Any) -> list[str]:
    """The operators of a model, in order."""
    return [node.op_type for node in exported.graph.node]
