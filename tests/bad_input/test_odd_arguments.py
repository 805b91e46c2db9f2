"""Arguments that no generated call has, to what is no function of tensors: each is refused in minicnn's words."""

from __future__ import annotations

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.errors import MinicnnError

REFUSED = """
nn.ModuleList(3); nn.ModuleDict(3); nn.ParameterList(3); nn.ParameterDict(3); nn.Sequential([nn.ReLU()])
nn.Embedding.from_pretrained(3); nn.Upsample(scale_factor=(None, 2)); nn.Upsample(scale_factor="2"); nn.Dropout("a")
nn.ReflectionPad2d((1, 2, 3)); nn.Conv2d(3, 4, b"a"); nn.Conv2d(3, 4, (mc.tensor(True), 2)); nn.LazyLinear(2)(3)
nn.LazyBatchNorm2d()(mc.tensor(1.0)); nn.LazyConv2d(10**15, 3)(mc.ones(1, 1, 4, 4)); nn.Softshrink(float("nan"))(x)
nn.ConvTranspose2d(1, 1, 3)(mc.ones(1, 1, 4, 4), 7.5); nn.ConvTranspose2d(1, 1, 3)(3, (4, 4))
mc.eye(-1); mc.eye(2, 1.5)
nn.utils.clip_grad_norm_(model, 1.0); nn.utils.clip_grad_norm_([1], 1.0); nn.utils.clip_grad_value_(None, 1.0)
nn.utils.parameters_to_vector(model); nn.utils.vector_to_parameters(3, []); mc.optim.SGD([{"params": 3}])
mc.optim.SGD([("weight",)]); mc.optim.SGD([{"params": x, "lr": "a"}]); mc.optim.SGD([x], 10**400); optimizer.step(3)
mc.optim.SGD([x], 0.1, momentum=0.9, dampening="a"); mc.optim.Adam([x], betas=None)
mc.optim.Adam([x], betas=("a", 0.9))
optimizer.load_state_dict(3); optimizer.load_state_dict({}); schedules.StepLR(optimizer, 2).load_state_dict(3)
schedules.StepLR(optimizer, 2).step("a"); schedules.ReduceLROnPlateau(optimizer).step("a")
schedules.CosineAnnealingWarmRestarts(optimizer, 2).step("a"); schedules.CosineAnnealingLR(optimizer, 0)
schedules.SequentialLR(optimizer, 3, [3]); schedules.SequentialLR(optimizer, [schedules.StepLR(optimizer, 2)], 3)
schedules.ChainedScheduler(3); schedules.CyclicLR(optimizer, 0.1, 0.2, 0, cycle_momentum=False)
schedules.OneCycleLR(optimizer, 0.1, 10, div_factor=0); schedules.OneCycleLR(optimizer, 0.1, 10, pct_start=0.1)
"""
MISNAMED = {
    "Conv2d": {"strid": 2}, "ConvTranspose1d": {"strid": 2}, "LazyConv2d": {"strid": 2}, "Dropout2d": {"q": 0.5},
    "ReflectionPad2d": {"mode": "same"}, "BatchNorm2d": {"epsilon": 1e-5}, "Sigmoid": {"inplace": True},
    "Softmin": {"axis": 1},
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("expression", [e.strip() for e in REFUSED.replace("\n", ";").split(";") if e.strip()])
def test_is_refused_in_words(expression: str) -> None:
    model, x = nn.Linear(2, 2), mc.ones(2, 2)
    optimizer = mc.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    names = {"mc": mc, "nn": nn, "schedules": mc.optim.lr_scheduler, "model": model, "optimizer": optimizer, "x": x}
    with pytest.raises(MinicnnError) as caught:
        eval(expression, names)
    assert caught.value.rule or caught.value.hint


@pytest.mark.parametrize("name", MISNAMED)
def test_a_wrong_keyword_is_the_users_class(name: str) -> None:
    with pytest.raises(TypeError, match=rf"^{name}: unexpected keyword argument"):
        getattr(nn, name)(**MISNAMED[name])
