"""``cudnn.benchmark``, ``cudnn.deterministic``: kernels are not tuned here, and every run gives the same bits."""

enabled = deterministic = True
benchmark = allow_tf32 = False


def is_available() -> bool:
    """False: minicnn does not compute with cuDNN."""
    return False


def version() -> None:
    """None, as PyTorch answers where cuDNN is not there."""
