"""minicnn beside PyTorch: the same work on both, in one run, with the same threads.

    python -m benchmarks                        # everything
    python -m benchmarks --quick --threads 1    # a first look
    python -m benchmarks --only steps,kernels   # some suites, or the cases whose name has a word in it

Each case is checked first (both must compute the same numbers) and then timed A B A B. Tables go to
``runs/benchmarks.md`` and ``runs/benchmarks.json``.
"""
