"""Module: what is registered, listed, moved, hooked, saved and loaded."""

import copy
import warnings

import numpy as np
import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import DtypeError, MissingAttributeError, RegistrationError, StateError
from minicnn.nn import functional as F


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 3)
        self.scale = nn.Parameter(mc.ones(3))
        self.register_buffer("seen", mc.zeros(1))
        self.register_buffer("scratch", mc.zeros(2), persistent=False)

    def forward(self, x):
        return self.linear(x) * self.scale


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Block()
        self.again = self.first
        self.last = nn.Linear(3, 1)

    def forward(self, x):
        return self.last(self.again(self.first(x)[:, :2]))


def names(pairs):
    return [name for name, _ in pairs]


def test_listing_names_each_member_once_with_its_path():
    net = Net()
    assert names(net.named_parameters()) == ["first.scale", "first.linear.weight", "first.linear.bias",
                                             "last.weight", "last.bias"]
    assert names(net.named_modules()) == ["", "first", "first.linear", "last"]
    assert names(net.named_children()) == ["first", "last"]
    assert names(net.named_buffers()) == ["first.seen", "first.scratch"]
    assert names(net.named_parameters(recurse=False)) == []
    assert names(net.named_parameters(prefix="net"))[0] == "net.first.scale"
    assert "again.scale" in names(net.named_parameters(remove_duplicate=False))
    assert names(net.named_modules(remove_duplicate=False)) == [
        "", "first", "first.linear", "again", "again.linear", "last"]  # fmt: skip
    assert [type(m) for m in net.children()] == [Block, nn.Linear]
    assert sum(p.shape.numel() for p in net.parameters()) == 3 + 6 + 3 + 3 + 1


def test_a_shared_module_is_twice_in_the_state_and_once_in_the_parameters():  # SEMANTICS 43
    net = Net()
    assert list(net.state_dict()) == [
        "first.scale", "first.seen", "first.linear.weight", "first.linear.bias",
        "again.scale", "again.seen", "again.linear.weight", "again.linear.bias",
        "last.weight", "last.bias"]  # fmt: skip
    assert len(list(net.parameters())) == 5


def test_state_dict_values_alias_storage():  # SEMANTICS 42
    layer = nn.Linear(2, 2)
    state = layer.state_dict()
    state["bias"].fill_(7.0)
    assert layer.bias.tolist() == [7.0, 7.0]
    assert not state["bias"].requires_grad
    assert layer.state_dict(keep_vars=True)["bias"] is layer.bias
    assert list(layer.state_dict(prefix="net.")) == ["net.weight", "net.bias"]


def test_loading_keeps_dtype_and_parameters_and_copies():  # SEMANTICS 42
    source, target = nn.Linear(2, 3).double(), nn.Linear(2, 3)
    weight, array = target.weight, target.weight.array
    keys = target.load_state_dict(source.state_dict())
    assert str(keys) == "<All keys matched successfully>"
    assert target.weight is weight and weight.array is array and weight.dtype == mc.float32
    assert weight.tolist() == source.weight.float().tolist()
    source.weight.data.zero_()
    assert weight.tolist() != source.weight.tolist()


def test_one_error_lists_all_that_does_not_fit():  # SEMANTICS 42
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    state = net.state_dict()
    del state["0.weight"], state["2.bias"]
    state["1.weight"] = mc.zeros(4)
    state["0.bias"] = 3.0
    state["5.weight"] = mc.zeros(1)
    state["extra"] = mc.zeros(1)
    with pytest.raises(StateError) as error:
        net.load_state_dict(state)
    text = str(error.value)
    for part in ("2 missing", "0.weight", "2.bias", "2 unexpected", "5.weight", "extra", "2 misshapen",
                 "1.weight: the state has shape (4,), the module (3,)", "0.bias: the state has float"):
        assert part in text
    with pytest.raises(StateError, match="misshapen"):
        net.load_state_dict(state, strict=False)
    del state["1.weight"], state["0.bias"]
    keys = net.load_state_dict(state, strict=False)
    assert keys.missing_keys == ["0.weight", "0.bias", "1.weight", "2.bias"]
    assert keys.unexpected_keys == ["5.weight", "extra"]


def test_loading_names_a_common_prefix_and_refuses_what_is_no_mapping():
    layer = nn.Linear(1, 1)
    with pytest.raises(StateError, match="removeprefix"):
        layer.load_state_dict({f"module.{k}": v for k, v in layer.state_dict().items()})
    with pytest.raises(DtypeError, match="no state"):
        layer.load_state_dict([layer.weight])


def test_assign_takes_the_tensors_themselves():
    layer = nn.Linear(2, 1)
    given = {"weight": mc.zeros(1, 2, dtype=mc.float64), "bias": nn.Parameter(mc.ones(1))}
    layer.load_state_dict(given, assign=True)
    assert layer.weight.dtype == mc.float64 and layer.weight.array is given["weight"].array
    assert layer.bias is given["bias"]


def test_extra_state_is_saved_and_loaded():
    class Counter(nn.Module):
        count = 0

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    first, second = Counter(), Counter()
    first.count = 3
    assert first.state_dict() == {"_extra_state": {"count": 3}}
    second.load_state_dict(first.state_dict())
    assert second.count == 3
    with pytest.raises(StateError, match="_extra_state"):
        second.load_state_dict({})


def test_state_hooks_run():
    layer, calls = nn.Linear(1, 1), []
    layer.register_state_dict_pre_hook(lambda module, prefix, keep: calls.append("save_pre"))
    layer.register_state_dict_post_hook(lambda module, state, prefix, meta: calls.append(sorted(state)))
    layer.register_load_state_dict_pre_hook(lambda module, state, *rest: state.pop("old", None))
    layer.register_load_state_dict_post_hook(lambda module, keys: calls.append(keys.missing_keys))
    state = layer.state_dict()
    layer.load_state_dict({**state, "old": mc.zeros(1)})
    assert calls == ["save_pre", ["bias", "weight"], []]


def test_assigning_before_init_teaches():  # SEMANTICS 44
    class Forgetful(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"super\(\).__init__\(\)"):
        Forgetful()

    class ForgetfulParameter(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter(mc.zeros(1))

    with pytest.raises(AttributeError, match="a parameter is assigned before"):
        ForgetfulParameter()


def test_a_plain_list_of_layers_warns_once():  # SEMANTICS 44
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(1, 1), nn.Linear(1, 1)]

    with pytest.warns(UserWarning, match=r"Listed.layers is a plain list of 2 modules.*ModuleList") as caught:
        module = Listed()
    assert caught[0].filename == __file__
    assert list(module.parameters()) == []
    Listed()  # warnings are errors in this suite, so a second one would fail


def test_plain_containers_that_lose_nothing_do_not_warn():
    class Fine(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(1, 1)
            self.order = [self.layer]
            self.sizes = (1, 2)

    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.heads = {"a": nn.Linear(1, 1)}

    Fine()
    with pytest.warns(UserWarning, match="ModuleDict"):
        Named()


def test_names_that_cannot_be_registered():  # SEMANTICS 45
    module = nn.Module()
    for name in ("a.b", ""):
        with pytest.raises(KeyError):
            module.add_module(name, nn.ReLU())
        with pytest.raises(RegistrationError):
            module.register_buffer(name, None)
        with pytest.raises(RegistrationError):
            module.register_parameter(name, None)
    with pytest.raises(RegistrationError, match="already has an attribute 'training'"):
        module.register_parameter("training", None)
    with pytest.raises(TypeError, match="parentheses"):
        module.add_module("act", nn.ReLU)
    with pytest.raises(TypeError, match="int is no Module"):
        module.add_module("act", 3)
    with pytest.raises(TypeError):
        module.register_buffer("b", [1.0])


def test_reassigning_follows_the_tables():
    block = Block()
    with pytest.raises(TypeError, match="'scale' is a parameter"):
        block.scale = mc.ones(3)
    with pytest.raises(TypeError, match="'linear' is a module"):
        block.linear = lambda x: x
    block.seen = mc.ones(1)
    assert names(block.named_buffers()) == ["seen", "scratch"] and block.seen.tolist() == [1.0]
    block.scale = None
    assert block.scale is None and names(block.named_parameters()) == ["linear.weight", "linear.bias"]
    block.linear = nn.Identity()
    assert names(block.named_children()) == ["linear"]
    block.linear = nn.Parameter(mc.zeros(1))
    assert names(block.named_children()) == [] and "linear" in names(block.named_parameters())
    del block.seen
    with pytest.raises(AttributeError):
        _ = block.seen
    block.note = "plain"
    block.note = nn.Linear(1, 1)
    assert "note" in dict(block.named_children()) and "note" not in block.__dict__


def test_a_parameter_keeps_its_place_when_it_is_replaced():
    layer = nn.Linear(2, 1)
    layer.weight = nn.Parameter(mc.zeros(1, 2))
    assert names(layer.named_parameters()) == ["weight", "bias"]


def test_buffers_of_both_kinds():
    module = nn.Module()
    module.mean = nn.Buffer(mc.zeros(2))
    module.cache = nn.Buffer(mc.zeros(2), persistent=False)
    assert names(module.named_buffers()) == ["mean", "cache"]
    assert list(module.state_dict()) == ["mean"]


def test_a_missing_attribute_suggests_near_names():
    with pytest.raises(MissingAttributeError, match="'weight'"):
        _ = nn.Linear(1, 1).wieght
    with pytest.raises(AttributeError, match=r"super\(\).__init__"):
        _ = nn.Module.__new__(nn.Module).layer
    assert "weight" in dir(nn.Linear(1, 1)) and "0" not in dir(nn.Sequential(nn.ReLU()))


def test_getting_by_path():
    net = Net()
    assert net.get_submodule("first.linear") is net.first.linear
    assert net.get_submodule("") is net
    assert net.get_parameter("first.linear.bias") is net.first.linear.bias
    assert net.get_buffer("first.seen") is net.first.seen
    for get in (net.get_submodule, net.get_parameter, net.get_buffer):
        with pytest.raises(AttributeError):
            get("first.nothing")


def test_train_eval_apply_and_requires_grad():
    net = Net()
    assert net.eval() is net and not any(m.training for m in net.modules())
    net.train()
    assert all(m.training for m in net.modules())
    with pytest.raises(ValueError, match="no bool"):
        net.train("yes")
    order = []
    net.apply(lambda m: order.append(type(m).__name__))
    assert order == ["Linear", "Block", "Linear", "Net"]
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())


def test_zero_grad():
    layer = nn.Linear(2, 1)
    layer(mc.ones(1, 2)).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0, 1.0]]
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad.tolist() == [[0.0, 0.0]]
    layer.zero_grad()
    assert layer.weight.grad is None


def test_conversion_keeps_parameters_and_integers():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    before = list(net.parameters())
    net(mc.ones(2, 2)).sum().backward()
    assert net.double() is net
    assert all(a is b for a, b in zip(before, net.parameters(), strict=True))
    assert {p.dtype for p in net.parameters()} == {mc.float64} == {p.grad.dtype for p in net.parameters()}
    assert net[1].running_mean.dtype == mc.float64 and net[1].num_batches_tracked.dtype == mc.int64
    assert net.half()[0].weight.dtype == mc.float16 and net.float()[0].weight.dtype == mc.float32
    assert net.to("cpu", mc.float64)[0].weight.dtype == mc.float64
    assert net.to(mc.zeros(1))[0].weight.dtype == mc.float32
    with pytest.raises(TypeError, match="cannot be int64"):
        net.to(mc.int64)
    assert net.cpu().type(mc.float64)[1].num_batches_tracked.dtype == mc.float64


def test_copies():
    net = Net()
    net(mc.ones(2, 2)).sum().backward()
    twin = copy.deepcopy(net)
    assert twin.first is twin.again and twin.first is not net.first
    assert isinstance(twin.last.weight, nn.Parameter) and twin.last.weight.grad is None
    assert twin.last.weight.tolist() == net.last.weight.tolist()
    twin.last.weight.data.zero_()
    assert net.last.weight.tolist() != twin.last.weight.tolist()
    assert copy.copy(net).last.weight is net.last.weight
    tied = nn.ModuleList([nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)])
    tied[1].weight = tied[0].weight
    twin = copy.deepcopy(tied)
    assert twin[0].weight is twin[1].weight


def test_a_module_without_forward_says_so():
    class Mistyped(nn.Module):
        def foward(self, x):
            return x

    with pytest.raises(NotImplementedError, match="'foward'"):
        Mistyped()(1)
    with pytest.raises(NotImplementedError, match="no forward"):
        nn.Module()(1)


def test_parameter_shares_memory_and_checks():
    data = mc.tensor([1.0, 2.0], device="cpu")
    param = nn.Parameter(data)
    data.add_(1.0)
    assert param.tolist() == [2.0, 3.0] and param.requires_grad and param.is_leaf
    assert repr(param) == "Parameter containing:\ntensor([2., 3.], requires_grad=True)"
    assert type(param + 1) is mc.Tensor and type(param.data) is mc.Tensor
    assert not nn.Parameter(mc.tensor([1, 2]), requires_grad=False).requires_grad
    with pytest.raises(TypeError):
        nn.Parameter(mc.tensor([1, 2]))
    with pytest.raises(TypeError, match=r"mc\.tensor"):
        nn.Parameter([1.0])


def test_forward_hooks():
    layer, calls = nn.Linear(1, 1, bias=False), []
    layer.weight.data.fill_(3.0)
    pre = layer.register_forward_pre_hook(lambda module, args: args[0] * 2)
    post = layer.register_forward_hook(lambda module, args, output: calls.append((args[0].item(), output.item())))
    with layer.register_forward_hook(lambda module, args, output: output + 1):
        assert layer(mc.ones(1, 1)).item() == 7.0
    assert calls == [(2.0, 6.0)]
    pre.remove()
    post.remove()
    assert layer(mc.ones(1, 1)).item() == 3.0


def test_hook_order_and_options():
    layer, calls = nn.Identity(), []
    layer.register_forward_hook(lambda *_: calls.append("second"))
    layer.register_forward_hook(lambda *_: calls.append("first"), prepend=True)
    layer.register_forward_pre_hook(lambda module, args, kwargs: (args, {"x": 5}), with_kwargs=True)
    layer.register_forward_hook(lambda module, args, kwargs, output: calls.append(kwargs), with_kwargs=True)
    layer.forward = lambda x: x
    assert layer() == 5
    assert calls == ["first", "second", {"x": 5}]

    failing = nn.Module()
    failing.register_forward_hook(lambda module, args, output: calls.append(output), always_call=True)
    with pytest.raises(NotImplementedError):
        failing(1)
    assert calls[-1] is None


def test_full_backward_hooks_see_and_replace_gradients():
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.data.copy_(mc.tensor([[2.0, 3.0]]))
    seen = []

    def hook(module, grad_input, grad_output):
        seen.append((grad_input[0].tolist(), grad_output[0].tolist()))
        return (grad_input[0] * 10,)

    layer.register_full_backward_hook(hook)
    layer.register_full_backward_pre_hook(lambda module, grad_output: (grad_output[0] * 2,))
    x = mc.ones(1, 2, requires_grad=True)
    (layer(x) * 5).sum().backward()
    assert seen == [([[20.0, 30.0]], [[10.0]])]
    assert x.grad.tolist() == [[200.0, 300.0]] and layer.weight.grad.tolist() == [[10.0, 10.0]]


def test_full_backward_hook_without_input_gradient_and_with_several():
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda module, grad_input, grad_output: seen.append(grad_input))
    layer(mc.ones(1, 2)).sum().backward()
    assert seen == [(None,)]

    bilinear, seen2 = nn.Bilinear(1, 1, 1, bias=False), []
    bilinear.weight.data.fill_(2.0)
    bilinear.register_full_backward_hook(lambda module, grad_input, grad_output: seen2.append(grad_input))
    a, b = mc.tensor([[3.0]], requires_grad=True), mc.tensor([[5.0]])
    bilinear(a, b).sum().backward()
    assert seen2[0][0].tolist() == [[10.0]] and seen2[0][1].tolist() == [[0.0]]


def test_backward_hooks_leave_second_derivatives_alone():
    class Cube(nn.Module):
        def forward(self, x):
            return x * x * x

    cube, x = Cube(), mc.tensor([2.0], requires_grad=True)
    cube.register_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * 10,))
    (first,) = mc.grad(cube(x), x, create_graph=True)
    (second,) = mc.grad(first, x)
    assert first.item() == 120.0 and second.item() == 120.0


def test_backward_hooks_stand_in_place_layers():
    x = mc.tensor([-1.0, 2.0], requires_grad=True)
    relu, seen = nn.ReLU(inplace=True), []
    relu.register_full_backward_hook(lambda module, gi, go: seen.append((gi[0].tolist(), go[0].tolist())))
    (relu(x * 3) * 2).sum().backward()
    assert seen == [([0.0, 2.0], [2.0, 2.0])] and x.grad.tolist() == [0.0, 6.0]


def test_the_old_backward_hook_is_the_full_one():
    x = mc.tensor([[1.0, -2.0]], requires_grad=True)
    layer, seen = nn.Linear(2, 1, bias=False), []
    with mc.no_grad():
        layer.weight.copy_(mc.tensor([[3.0, 4.0]]))
    handle = layer.register_backward_hook(lambda module, gi, go: seen.append((module, gi[0].tolist(), go[0].tolist())))
    (layer(x) * 5).sum().backward()
    assert seen == [(layer, [[15.0, 20.0]], [[5.0]])]
    handle.remove()
    layer(x).sum().backward()
    assert len(seen) == 1 and x.grad.tolist() == [[18.0, 24.0]]


def test_anomalies_name_the_layer():
    class Log(nn.Module):
        def forward(self, x):
            return x.log()

    net = nn.Sequential(nn.Identity(), nn.Sequential(Log()))
    with mc.autograd.detect_anomaly(), pytest.raises(mc.autograd.AnomalyError, match=r"1\.0 \(Log\)"):
        net(mc.tensor([1.0, -1.0]))


def test_layers_follow_a_replaced_function(monkeypatch):
    monkeypatch.setattr(F, "relu", lambda x, inplace=False: x + 100)
    assert nn.ReLU()(mc.zeros(1)).tolist() == [100.0]


def test_vector_of_parameters_and_clipping():
    net = nn.Linear(2, 1)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.tolist() == [*net.weight.tolist()[0], net.bias.item()]
    nn.utils.vector_to_parameters(mc.tensor([1.0, 2.0, 3.0]), net.parameters())
    assert net.weight.tolist() == [[1.0, 2.0]] and net.bias.tolist() == [3.0]
    with pytest.raises(ValueError, match=r"\(3,\)"):
        nn.utils.vector_to_parameters(mc.zeros(4), net.parameters())
    net(mc.tensor([[3.0, 0.0]])).sum().backward()
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    assert norm.item() == pytest.approx(np.sqrt(10.0))


def test_lean_call_has_no_hooks():
    layer = nn.Identity()
    assert "_hooks" not in layer.__dict__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert layer("anything") == "anything"
