"""What takes too long for the suite, kept as scripts: ``python -m tests.long.fuzz``, ``.programs`` and ``.soak``.

Each one's rules are in the suite too, with few rounds.
"""
