"""Functions of ``torch.cuda`` that change nothing here."""


def empty_cache() -> None:
    """Nothing: CuPy keeps freed memory for the arrays to come."""
