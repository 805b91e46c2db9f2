"""``cudnn.benchmark``, ``cudnn.deterministic``: there is no cuDNN here, so these change nothing, and a script that sets
them keeps its bits. What they are for is in ``mc.backends.cuda``."""

enabled = deterministic = True
benchmark = allow_tf32 = False


def is_available() -> bool:
    """False: minicnn does not compute with cuDNN."""
    return False


def version() -> None:
    """None, as PyTorch answers where cuDNN is not there."""
