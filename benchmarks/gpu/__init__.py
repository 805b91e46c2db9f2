"""``python -m benchmarks --device cuda``: minicnn on a CUDA device, beside PyTorch on the same one."""
