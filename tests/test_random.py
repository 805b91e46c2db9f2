import copy
import pickle
import runpy
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import minicnn.random as random
from minicnn.errors import DtypeError, OptionError, ShapeError, StateError
from minicnn.random import Generator

MAKER = runpy.run_path(str(Path(__file__).parent / "reference" / "make_random.py"))
PLANS, probabilities = MAKER["PLANS"], MAKER["probabilities"]


@pytest.fixture(scope="module")
def stored():
    with np.load(MAKER["FILE"]) as file:
        return dict(file)


def draw(step, g):
    """One step of a plan (see reference/make_random.py) by a minicnn generator."""
    kind, *args = step
    draws = {
        "uniform": g.uniform,
        "normal": g.normal,
        "randint": g.randint,
        "int64": lambda: np.array(g.random_int64()),
        "randperm": g.randperm,
        "bernoulli": g.bernoulli,
        "bernoulli_of": lambda shape, dtype: g.bernoulli(probabilities(shape, dtype)),
        "dropout": lambda how, shape, p: dropout_mask(g, how, shape, p),
        "exponential": g.exponential,
        "trunc_normal": lambda s, d, mean, std, a, b: g.trunc_normal(s, d, mean=mean, std=std, a=a, b=b),
        "multinomial": lambda s, d, n, again: g.multinomial(probabilities(s, d), n, again),
    }
    return draws[kind](*args)


def dropout_mask(g, how, shape, p):
    by_channel = how.startswith("feature") or how[-1] == "d"
    drawn = (*shape[:2], *[1] * (len(shape) - 2)) if by_channel else shape
    return np.broadcast_to(g.dropout_mask(drawn, 1 - p, "float32"), shape)


def assert_same(got, want, step, *, like_reference=True):
    """Bit for bit, but for what goes through a C library's log, sin or cos: 4 units in the last place of 1."""
    assert got.dtype == want.dtype and got.shape == want.shape, step
    through_libm = step[0] == "exponential" or (step[0] in ("normal", "trunc_normal") and want.dtype == np.float64)
    if step[0] == "normal" and not like_reference:  # PyTorch has other float32 polynomials where there is no AVX2
        np.testing.assert_allclose(got, want, rtol=2e-6, atol=2e-6, err_msg=str(step))
    elif through_libm:
        eps = 4 * np.finfo(want.dtype).eps
        np.testing.assert_allclose(got, want, rtol=eps, atol=eps, err_msg=str(step))
    else:
        np.testing.assert_array_equal(got, want, err_msg=str(step))


# Against the stored draws of PyTorch


@pytest.mark.parametrize("name", PLANS)
def test_draws_are_those_pytorch_made(name, stored):
    seed, steps = PLANS[name]
    g = Generator().manual_seed(seed)
    for i, step in enumerate(steps):
        assert_same(draw(step, g), stored[f"{name}.{i}"], step)
    assert g.random_int64() == stored[f"{name}.after"], "the plan consumed another part of the stream"


def test_state_bytes_are_those_pytorch_made(stored):
    g = Generator().manual_seed(5)
    g.normal(3, "float32")
    np.testing.assert_array_equal(g.get_state(), stored["state"])


def test_an_unseeded_process_starts_where_pytorch_does(stored):
    code = "import minicnn.random as r; print(r.initial_seed(), r.default_generator.uniform(4, 'float32').tolist())"
    root = str(Path(random.__file__).parents[2])
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root).stdout
            for _ in range(2)}
    assert runs == {f"67280421310721 {stored['default_seed.0'].tolist()}\n"}


# Against PyTorch, where it is installed


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="compares with PyTorch live")


@pytest.fixture(scope="module")
def like_reference(torch):
    return torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")


class Pair:
    """A minicnn generator and PyTorch's, drawing the same steps."""

    def __init__(self, torch, seed, like_reference):
        self.ours, self.theirs = Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
        self.like_reference = like_reference

    def check(self, step):
        want = MAKER["draw_torch"](step, self.theirs)
        assert_same(draw(step, self.ours), want, step, like_reference=self.like_reference)

    def check_position(self):
        self.check(("int64",))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("kind", ["uniform", "normal", "bernoulli", "exponential"])
def test_every_size(kind, dtype, torch, like_reference):
    options = {"uniform": (-0.3, 0.45), "normal": (0.3, 0.7), "exponential": (1.7,)}
    pair = Pair(torch, 21, like_reference)
    for n in [*range(101), 1000, 100003]:
        pair.check((kind, 0.3, (n,), dtype) if kind == "bernoulli" else (kind, (n,), dtype, *options[kind]))
        pair.check_position()


def test_every_permutation_size(torch, like_reference):
    pair = Pair(torch, 22, like_reference)
    for n in [*range(101), 624, 625, 1000, 60000]:
        pair.check(("randperm", n, "int64"))
        pair.check_position()


def test_large_integers(torch, like_reference):
    pair = Pair(torch, 23, like_reference)
    for bits in range(1, 63):
        for low, high in ((0, 2**bits), (-(2**bits) + 1, 2**bits - 1)):
            if low < high:
                pair.check(("randint", low, high, (50,), "int64"))


@pytest.mark.parametrize("seed", [0, 1, -1, 2**31, 2**32 - 1, 2**32, 2**63, 2**64 - 1, -(2**63), *range(100, 110)])
def test_mixtures(seed, torch, like_reference):
    pair = Pair(torch, seed, like_reference)
    assert pair.ours.initial_seed() == pair.theirs.initial_seed()
    choice = np.random.default_rng(seed % 2**32)
    steps = [step for _, plan in PLANS.values() for step in plan]
    for i in choice.integers(len(steps), size=60):
        pair.check(steps[i])
        np.testing.assert_array_equal(pair.ours.get_state()[24:], pair.theirs.get_state().numpy()[24:])


def test_large_dropout_masks(torch, like_reference):
    pair = Pair(torch, 24, like_reference)
    for how, shape in (("dropout", (32, 3, 64, 64)), ("dropout2d", (64, 128, 7, 7)), ("dropout", (123457,))):
        pair.check(("dropout", how, shape, 0.1))


def test_large_weighted_samples(torch, like_reference):
    pair = Pair(torch, 25, like_reference)
    for again in (False, True):
        pair.check(("multinomial", (10007,), "float64", 5000, again))


def test_states_travel_between_the_two(torch):
    ours, theirs = Generator().manual_seed(3), torch.Generator().manual_seed(3)
    np.testing.assert_array_equal(ours.get_state(), theirs.get_state().numpy())
    for size in (3, 1, 620, 624, 1000):
        ours.normal(size, "float64")
        theirs.set_state(torch.from_numpy(ours.get_state()))
        want = torch.empty(5, dtype=torch.float64).normal_(generator=theirs)
        np.testing.assert_array_equal(ours.normal(5, "float64"), want.cpu().numpy())
        ours.set_state(theirs.get_state().numpy())
        assert ours.random_int64() == torch.empty((), dtype=torch.int64).random_(generator=theirs).item()
    assert ours.initial_seed() == 3


def test_a_shuffling_loader_draws_a_base_seed_then_a_sampler_seed(torch):
    from torch.utils.data import DataLoader

    ours = Generator().manual_seed(4)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        loader = DataLoader(range(100), batch_size=7, shuffle=True)
        for _ in range(3):
            order = torch.cat(list(loader)).tolist()
            ours.random_int64()
            assert order == Generator().manual_seed(ours.random_int64()).randperm(100).tolist()
        list(DataLoader(range(5)))
        ours.random_int64()
        assert ours.random_int64() == torch.empty((), dtype=torch.int64).random_().item()


def test_a_loader_with_a_generator_draws_from_it_alone(torch):
    from torch.utils.data import DataLoader

    ours, theirs = Generator().manual_seed(4), torch.Generator().manual_seed(4)
    before = torch.get_rng_state()
    loader = DataLoader(range(100), batch_size=7, shuffle=True, generator=theirs)
    for _ in range(2):
        order = torch.cat(list(loader)).tolist()
        ours.random_int64()
        assert order == ours.randperm(100).tolist()
        ours.randperm(100)
    assert torch.equal(before, torch.get_rng_state())
    assert ours.random_int64() == torch.empty((), dtype=torch.int64).random_(generator=theirs).item()


# By themselves


def test_state_round_trip_keeps_the_second_normal():
    g = Generator().manual_seed(1)
    g.normal(1)
    state = g.get_state()
    first = [g.normal(4), g.uniform(3)]
    g.set_state(state)
    again = [g.normal(4), g.uniform(3)]
    assert [a.tolist() for a in first] == [a.tolist() for a in again]


@pytest.mark.parametrize("twin", [lambda g: g.clone_state(), copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_copies_continue_alike(twin):
    g = Generator().manual_seed(1)
    g.normal(1)
    other = twin(g)
    assert g.normal(5).tolist() == other.normal(5).tolist()
    assert other.initial_seed() == 1


def test_threads_share_one_stream_without_losing_or_repeating_any():
    g, drawn = Generator().manual_seed(2), []

    def work():
        for _ in range(5):
            drawn.append(g.uniform(40000, "float64").tolist())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    serial = Generator().manual_seed(2).uniform((20, 40000), "float64").tolist()
    assert sorted(drawn) == sorted(serial)


def test_global_generator():
    before = random.get_rng_state()
    with random.fork_rng():
        assert random.manual_seed(3) is random.default_generator
        assert random.initial_seed() == 3
        inside = random.default_generator.uniform(4)
        with pytest.raises(ZeroDivisionError), random.fork_rng():
            random.default_generator.uniform(4)
            raise ZeroDivisionError
        np.testing.assert_array_equal(random.default_generator.uniform(4), Generator().manual_seed(3).uniform(8)[4:])
        random.manual_seed(3.7)
        np.testing.assert_array_equal(random.default_generator.uniform(4), inside)
        assert random.seed() == random.initial_seed() != random.seed()
    np.testing.assert_array_equal(random.get_rng_state(), before)
    with random.fork_rng(enabled=False):
        random.set_rng_state(Generator().manual_seed(9).get_state())
    assert random.initial_seed() == 9
    random.set_rng_state(before)


def test_empty_draws_consume_nothing():
    g = Generator().manual_seed(6)
    empty = [g.uniform(0), g.normal((0, 3)), g.randperm(0), g.randperm(1), g.bernoulli(0.5, (2, 0)), g.exponential(0)]
    assert [a.size for a in empty] == [0, 0, 0, 1, 0, 0]
    assert g.random_int64() == Generator().manual_seed(6).random_int64()


def test_ranges_near_the_largest_float():
    drawn = Generator().manual_seed(0).uniform(3, "float64", 0.0, 1.5e308)
    np.testing.assert_array_equal(drawn, Generator().manual_seed(0).uniform(3, "float64") * 1.5e308)


def test_shapes_and_default_dtypes():
    g = Generator("cuda:1")
    assert g.device == "cuda:1"
    assert g.uniform(()).shape == () and g.uniform((2, 3)).dtype == np.float32
    assert g.randint(0, 3, 4).dtype == g.randperm(3).dtype == np.int64
    assert g.bernoulli(np.array([[0.5], [0.5]]), (2, 3), "uint8").shape == (2, 3)


@pytest.mark.parametrize(("call", "error"), [
    (lambda g: g.manual_seed(2**64), OptionError),
    (lambda g: g.manual_seed(-(2**63) - 1), OptionError),
    (lambda g: g.manual_seed(1.5), DtypeError),
    (lambda g: g.manual_seed(True), DtypeError),
    (lambda g: g.set_state(np.zeros(3, np.uint8)), StateError),
    (lambda g: g.set_state(np.zeros(5056, np.uint8)), StateError),
    (lambda g: g.uniform(3, low=2, high=1), OptionError),
    (lambda g: g.uniform(3, "int64"), DtypeError),
    (lambda g: g.uniform(-1), ShapeError),
    (lambda g: g.normal(3, std=-1), OptionError),
    (lambda g: g.randint(3, 3, 2), OptionError),
    (lambda g: g.randint(0, 257, 2, "uint8"), OptionError),
    (lambda g: g.randperm(-1), OptionError),
    (lambda g: g.randperm(257, "uint8"), OptionError),
    (lambda g: g.randperm(2050, "float16"), OptionError),
    (lambda g: g.bernoulli(1.2, 3), OptionError),
    (lambda g: g.bernoulli(np.array([0.5, np.nan])), OptionError),
    (lambda g: g.bernoulli(np.array([1])), DtypeError),
    (lambda g: g.dropout_mask(3, -0.1), OptionError),
    (lambda g: g.exponential(3, rate=0), OptionError),
    (lambda g: g.trunc_normal(3, a=2, b=1), OptionError),
    (lambda g: g.multinomial(np.array([1.0, -1.0]), 1), OptionError),
    (lambda g: g.multinomial(np.array([0.0, 0.0]), 1), OptionError),
    (lambda g: g.multinomial(np.array([1.0, 1.0]), 3), OptionError),
    (lambda g: g.multinomial(np.array([1, 1]), 1), DtypeError),
    (lambda g: g.multinomial(np.ones((2, 2, 2)), 1), ShapeError),
])
def test_errors(call, error):
    g = Generator().manual_seed(0)
    with pytest.raises(error) as caught:
        call(g)
    assert "\n  got " in str(caught.value)
    assert g.random_int64() == Generator().manual_seed(0).random_int64()
