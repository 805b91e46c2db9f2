"""``cuda.matmul.allow_tf32``: products of float32 are computed in float32."""

from types import SimpleNamespace

matmul = SimpleNamespace(allow_tf32=False)


def is_built() -> bool:
    """Whether there is CUDA at all; ``mc.cuda.is_available()`` asks for a device."""
    from minicnn import cuda

    return cuda.is_available()
