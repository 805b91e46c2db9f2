"""``mc.utils.data``, where PyTorch code looks for what is in ``mc.data``."""

from minicnn.utils import data as data
