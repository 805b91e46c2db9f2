"""The sampler, and what is said without a group."""

from __future__ import annotations

import subprocess
import sys
from unittest import mock

import pytest

import minicnn as mc
from minicnn.distributed import DistributedSampler
from minicnn.errors import OptionError, StateError


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize(("length", "ranks"), [(10, 1), (10, 2), (11, 3), (3, 3), (7, 4)])
def test_the_orders_are_pytorchs(length: int, ranks: int, shuffle: bool, drop_last: bool) -> None:
    pytest.importorskip("torch", reason="compares with PyTorch live; the order by hand below needs none")
    from torch.utils.data import DistributedSampler as Theirs

    for rank in range(ranks):
        options = {"num_replicas": ranks, "rank": rank, "shuffle": shuffle, "seed": 5, "drop_last": drop_last}
        mine, theirs = DistributedSampler(range(length), **options), Theirs(range(length), **options)
        for epoch in range(3):
            mine.set_epoch(epoch)
            theirs.set_epoch(epoch)
            assert list(mine) == list(theirs) and len(mine) == len(theirs)


def test_the_ranks_batches_together_are_the_batches_of_one() -> None:
    alone = list(DistributedSampler(range(32), 1, 0, seed=1))
    shares = [list(DistributedSampler(range(32), 4, rank, seed=1)) for rank in range(4)]
    for step in range(4):
        together = sorted(n for share in shares for n in share[2 * step : 2 * step + 2])
        assert together == sorted(alone[8 * step : 8 * step + 8])


def test_shares_by_hand() -> None:
    shares = [list(DistributedSampler(range(5), 2, rank, shuffle=False)) for rank in range(2)]
    assert shares == [[0, 2, 4], [1, 3, 0]]
    shares = [list(DistributedSampler(range(5), 2, rank, shuffle=False, drop_last=True)) for rank in range(2)]
    assert shares == [[0, 2], [1, 3]]


def test_ranks_that_are_not_there() -> None:
    with pytest.raises(OptionError, match="no such rank"):
        DistributedSampler(range(9), 2, 2)
    with pytest.raises(OptionError, match="fewer samples than ranks"):
        DistributedSampler(range(2), 3, 0)


def test_without_a_group() -> None:
    assert (mc.distributed.get_rank(), mc.distributed.get_world_size()) == (0, 1)
    assert not mc.distributed.is_initialized()
    with pytest.raises(StateError, match="in no group yet"):
        mc.distributed.DataParallel(mc.nn.Linear(1, 1))
    with pytest.raises(StateError, match="mpirun"):
        mc.distributed.all_reduce(mc.ones(1))
    with pytest.raises(OptionError, match="no such operation"):
        mc.distributed.all_reduce(mc.ones(1), "max")


def test_without_mpi4py() -> None:
    with mock.patch.dict(sys.modules, {"mpi4py": None}), pytest.raises(OptionError, match=r"minicnn\[mpi\]"):
        mc.distributed.init()
    assert not mc.distributed.is_initialized()


def test_synchronised_norms_are_norms_when_alone() -> None:
    model = mc.nn.Sequential(mc.nn.Conv2d(1, 2, 3), mc.nn.Sequential(mc.nn.BatchNorm2d(2)), mc.nn.BatchNorm1d(3))
    x = mc.randn(4, 1, 6, 6)
    expected, weight = model[:2](x), model[1][0].weight
    model[1][0].reset_running_stats()
    converted = mc.distributed.SyncBatchNorm.convert_sync_batchnorm(model)
    assert isinstance(converted[1][0], mc.distributed.SyncBatchNorm) and converted[1][0].weight is weight
    assert isinstance(converted[2], mc.distributed.SyncBatchNorm) and mc.equal(converted[:2](x), expected)
    assert list(converted.state_dict()) == list(model.state_dict())


def test_mpi_is_loaded_by_init_only() -> None:
    code = "import sys, minicnn as mc; mc.distributed.get_rank(); assert 'mpi4py' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_error_in_backward_leaves_nothing_behind_for_the_next() -> None:
    done: list[str] = []

    class Fails(mc.autograd.Function):
        def forward(self, x):  # type: ignore[no-untyped-def]  # as a user writes it
            return x

        def grad_x(self, g):  # type: ignore[no-untyped-def]  # as a user writes it
            raise ZeroDivisionError

    first, second = mc.ones(1, requires_grad=True), mc.ones(1, requires_grad=True)
    first.register_post_accumulate_grad_hook(
        lambda _: mc.autograd.mode.mode.after_backward.append(lambda: done.append("end")))  # fmt: skip
    with pytest.raises(ZeroDivisionError):
        (Fails.apply(second) + first).sum().backward()
    second.sum().backward()
    assert done == []
    first.sum().backward()
    assert done == ["end"]
