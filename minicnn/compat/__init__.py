"""PyTorch scripts as they stand: ``import torch`` means minicnn while a script, or a ``with`` block, runs.

    minicnn run script.py --epochs 3        # on the command line

    with mc.compat.torch_names():           # in a test or a notebook
        import torch
        from torchvision import transforms

Importing minicnn changes nothing. What is shown as what is the table in ``names``; modules that are named nowhere
else hold what only scripts written for PyTorch ask for (``extras``, ``pretrained``, ``repositories``, ``parallel``, …).
"""

from minicnn.compat.script import format_error, read_script, run_script
from minicnn.compat.stand_in import StandIn, torch_names

__all__ = ["StandIn", "format_error", "read_script", "run_script", "torch_names"]
