"""How many bugs of the zoo a test suite catches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from minicnn.errors import OptionError
from minicnn.testing.zoo.bug import ZOO, Bug

Test = Callable[[], object]


@dataclass
class Score:
    """What ``score_suite`` found.

    Attributes:
        caught: for each bug that a test failed for, that test's name.
        missed: the bugs that all tests passed with.
    """

    caught: dict[str, str] = field(default_factory=dict)
    missed: list[Bug] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The share of bugs that was caught, from 0 to 1."""
        return len(self.caught) / max(len(self.caught) + len(self.missed), 1)

    def __str__(self) -> str:
        lines = [f"caught {len(self.caught)} of {len(self.caught) + len(self.missed)} bugs"]
        lines += [f"  caught  {name}, by {test}" for name, test in self.caught.items()]
        lines += [f"  missed  {bug.name}: {bug.story}" for bug in self.missed]
        return "\n".join(lines)


def score_suite(tests: Test | Iterable[Test], bugs: Iterable[Bug] | None = None) -> Score:
    """Run ``tests`` once for each bug of the zoo; a bug is caught if some test raises.

    Args:
        tests: functions without arguments that raise where something is wrong, as pytest's do. They have to reach what
            they test through ``mc.nn.functional`` (or layers), for that is where the bugs are put.
        bugs: the bugs; all of ``ZOO`` where None.

    Raises:
        OptionError: a test that fails without any bug.

    Example:
        >>> def test_relu():
        ...     assert F.relu(mc.tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]
        >>> mc.testing.score_suite(test_relu).share < 0.1
        True
    """
    suite = [tests] if callable(tests) else list(tests)
    failing = _first_failure(suite)
    if failing is not None:
        raise OptionError("score_suite: a test fails although nothing is wrong", got=failing,
                          rule="tests pass with the right code")
    score = Score()
    for bug in ZOO.values() if bugs is None else bugs:
        with bug.installed():
            by = _first_failure(suite)
        if by is None:
            score.missed.append(bug)
        else:
            score.caught[bug.name] = by
    return score


def _first_failure(suite: list[Test]) -> str | None:
    for test in suite:
        try:
            test()
        except Exception:  # whatever a test raises is its way to fail
            return str(getattr(test, "__name__", test))
    return None
