"""The ``minicnn`` command: installed beside the package as ``minicnn_command``, since loading that takes a while.

Ctrl-C in that while ends quietly, too. (What is in a package is only found after the package is loaded.)
"""

import sys


def main() -> int:
    """Load the package and run the command line; returns the exit status."""
    try:
        from minicnn.cli import main as run

        return run()
    except KeyboardInterrupt:
        print("\nminicnn: interrupted", file=sys.stderr)
        return 130
