"""Containers: members are registered, in order, and shown as PyTorch shows them."""

from collections import OrderedDict

import pytest

import minicnn as mc
from minicnn import nn


def kinds(container):
    return [type(m).__name__ for m in container]


def chain():
    return nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())


def test_sequential_runs_in_order():
    double, add = nn.Linear(1, 1), nn.Linear(1, 1)
    for layer, weight, bias in ((double, 2.0, 0.0), (add, 1.0, 3.0)):
        layer.weight.data.fill_(weight)
        layer.bias.data.fill_(bias)
    assert nn.Sequential(double, add)(mc.ones(1, 1)).item() == 5.0
    assert nn.Sequential(add, double)(mc.ones(1, 1)).item() == 8.0
    assert nn.Sequential()(7) == 7


def test_sequential_is_a_list():  # SEMANTICS 45
    net = chain()
    assert len(net) == 3 and kinds(net) == ["ReLU", "Tanh", "Sigmoid"]
    assert type(net[1]) is nn.Tanh and type(net[-1]) is nn.Sigmoid
    part = net[1:]
    assert type(part) is nn.Sequential and kinds(part) == ["Tanh", "Sigmoid"] and part[0] is net[1]
    net[0] = nn.ELU()
    net.append(nn.GELU()).insert(1, nn.SiLU()).extend([nn.Mish()])
    assert kinds(net) == ["ELU", "SiLU", "Tanh", "Sigmoid", "GELU", "Mish"]
    assert list(dict(net.named_children())) == ["0", "1", "2", "3", "4", "5"]
    del net[0]
    assert type(net.pop(-1)) is nn.Mish
    del net[1:]
    assert kinds(net) == ["SiLU"] and list(net._modules) == ["0"]
    assert kinds(chain() + nn.Sequential(nn.ELU())) == ["ReLU", "Tanh", "Sigmoid", "ELU"]
    assert kinds(nn.Sequential(nn.ReLU()) * 2) == ["ReLU", "ReLU"]
    net += [nn.Tanh()]
    assert kinds(net) == ["SiLU", "Tanh"]


def test_sequential_names():
    net = nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 2, 3), act=nn.ReLU()))
    assert list(net.state_dict()) == ["conv.weight", "conv.bias"]
    assert net.conv is net[0] and list(net[:1].state_dict()) == ["conv.weight", "conv.bias"]


def test_sequential_mistakes():
    with pytest.raises(IndexError, match="no member 3"):
        chain()[3]
    with pytest.raises(IndexError):
        del chain()[5]
    with pytest.raises(IndexError, match="no place"):
        chain().insert(9, nn.ReLU())
    with pytest.raises(TypeError, match=r"nn.Sequential\(\*modules\)"):
        nn.Sequential([nn.ReLU()])
    with pytest.raises(TypeError, match="is no Module"):
        nn.Sequential(nn.ReLU(), 3)
    with pytest.raises(TypeError, match="is no Module"):
        chain().insert(0, "relu")


def test_module_list():
    layers = nn.ModuleList(nn.Linear(1, 1) for _ in range(3))
    assert len(list(layers.parameters())) == 6 and len(layers[:2]) == 2 and type(layers[:2]) is nn.ModuleList
    layers.insert(0, nn.ReLU())
    layers[1] = nn.Tanh()
    assert kinds(layers) == ["ReLU", "Tanh", "Linear", "Linear"]
    assert kinds(layers + nn.ModuleList([nn.ELU()]))[-1] == "ELU"
    with pytest.raises(NotImplementedError):
        layers(1)


def test_module_dict():
    acts = nn.ModuleDict({"relu": nn.ReLU()})
    acts["tanh"] = nn.Tanh()
    acts.update([("elu", nn.ELU())])
    assert list(acts) == ["relu", "tanh", "elu"] == list(acts.keys())
    assert "tanh" in acts and len(acts) == 3 and type(acts["relu"]) is nn.ReLU
    assert [type(m).__name__ for m in acts.values()] == ["ReLU", "Tanh", "ELU"]
    assert type(acts.pop("tanh")) is nn.Tanh and [k for k, _ in acts.items()] == ["relu", "elu"]
    with pytest.raises(KeyError, match="no 'tanh'"):
        acts["tanh"]
    del acts["elu"]
    acts.clear()
    assert len(acts) == 0


def test_parameter_list():
    params = nn.ParameterList([mc.ones(2), nn.Parameter(mc.zeros(1))])
    params.append(mc.zeros(3))
    params += [mc.zeros(4)]
    params[0] = mc.zeros(5)
    assert [tuple(p.shape) for p in params] == [(5,), (1,), (3,), (4,)]
    assert all(isinstance(p, nn.Parameter) for p in params.parameters())
    assert list(params.state_dict()) == ["0", "1", "2", "3"]
    assert len(params[1:3]) == 2 and params[-1].shape == (4,)
    with pytest.raises(IndexError):
        params[4]


def test_parameter_dict():
    params = nn.ParameterDict({"a": mc.ones(2)})
    params["b"] = nn.Parameter(mc.zeros(1))
    assert isinstance(params["a"], nn.Parameter) and list(params.state_dict()) == ["a", "b"]
    assert params.get("c") is None and "a" in params
    with pytest.raises(KeyError, match="no 'c'"):
        params["c"]
    assert params.pop("a").shape == (2,) and len(params) == 1


def test_reprs_equal_pytorchs():
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")

    def build(nn, zeros):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.ReLU(), nn.Flatten()))
                self.blocks = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1), nn.Sequential(nn.Tanh()), nn.ReLU()])
                self.acts = nn.ModuleDict({"relu": nn.ReLU()})
                self.params = nn.ParameterList([zeros(2, 3), zeros(1)])
                self.one = nn.ParameterList([zeros(2)])
                self.named = nn.ParameterDict({"w": zeros(2, 3), "b": zeros(())})
                self.nothing = nn.ModuleList()
                self.register_module("later", None)

            def extra_repr(self):
                return "a=1\nb=2"

        return repr(Net())

    assert build(nn, mc.zeros) == build(torch.nn, torch.zeros).replace("torch.", "")
