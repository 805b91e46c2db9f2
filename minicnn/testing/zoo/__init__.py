"""The zoo of bugs: classic wrong implementations, and how many of them a test suite catches.

    score = mc.testing.score_suite([test_conv, test_pooling])
    print(score)                      # which bugs were caught, by which test, and which were missed
"""

from minicnn.testing.zoo import losses, norms, windows
from minicnn.testing.zoo.bug import ZOO, Bug
from minicnn.testing.zoo.score import Score, score_suite

__all__ = ["ZOO", "Bug", "Score", "score_suite"]
