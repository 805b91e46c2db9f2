"""Run a call in minicnn, and in PyTorch where it is installed, and judge the outcome."""

from __future__ import annotations

import re
import traceback
import warnings
from operator import attrgetter
from typing import Any

import numpy as np

import minicnn as mc
from minicnn.errors import MinicnnError
from tests.bad_input.strategies import Call, Named, T

try:
    import torch
except ImportError:
    torch = None

TOLERANCE = {"float16": (2e-3, 2e-3), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}

BINDING = re.compile(
    r"unexpected keyword|required positional|required keyword|positional arguments? but|multiple values"
)
"""Python's own words for arguments that a function does not have."""

ANY = r".*"

STRICTER = (
    (ANY, "is no bool", "a flag is True or False; PyTorch's functions in Python take any truth value"),
    (ANY, "is no integer|must be integers", "sizes are integers; some of PyTorch's take True for 1, and 1.5 for 1"),
    (ANY, "is no (number|string|tensor)", "None, text and numbers where PyTorch's Python happens not to look"),
    (ANY, "(is|are) not floating point", "averages, norms and statistics are of floats; PyTorch has some for integers"),
    (ANY, "the input is empty|no pixel to repeat", "channels and pixels are at least one; only the batch may be empty"),
    (ANY, "would be empty", "nor may a result be"),
    (ANY, "a number does not fit", "integers are not cut to the bits of the tensor that they meet"),
    (ANY, "would not fit into memory", "windows may be far apart, but the padding between them is made"),
    (ANY, "cannot be written", "read-only memory is not written to, and shared places not one by one"),
    (ANY, "'elementwise_mean'", "a name of 2018 for the mean"),
    (ANY, "no operand is a tensor", "two Python numbers are Python's to multiply"),
    (".*interpolate|layer.Upsampl.*", "the input has [35] dimensions", "volumes are not offered"),
    (".*interpolate|layer.Upsampl.*", "does not take (uint8|int64)", "bytes have no values between: .float() first"),
    (".*adaptive.*|schedule.OneCycleLR", "item: more", "a tensor of sizes is no size"),
    ("full.*|Tensor.(fill_|copy_|masked_fill)|scatter|where|set_item", "does not fit", "-1 is no byte"),
    (".*_norm|layer.*norm(.d)?", r"(weight|bias|running_\w+) is for|eps is negative", "also of empty input"),
    (".*norm.*|layer.*dropout.*", "has no channels", "also of empty input"),
    (".*cross_?entropy(loss)?", "no probability", "NaN is no probability"),
    (".*linear", "bias does not fit", "a bias is a vector"),
    ("einsum|b?mm|matmul", "the dtypes differ", "also where there is nothing to multiply"),
    ("gather|scatter.*", "index does not fit|smaller than the index", "also where there is nothing to gather"),
    ("(as_)?tensor|[gs]et_item", "uneven lengths", "an empty list beside a number, too"),
    ("Tensor.to", "is not a dtype|is no dtype", "a number is no tensor to be like"),
    ("get_item|set_item", "is out of range", "positions are checked also where there is nothing to take"),
    (".*(cross_entropy|nll_loss)", "there are no classes", "nor is there one to ignore"),
    ("arange", "finite numbers", "no number of steps is infinite"),
    ("index_add", "out of range", "positions are checked also where there is nothing to add"),
    ("step.*", "is negative", "NaN is no rate"),
    ("step.*", r"betas are not two numbers\n  got   tensor", "betas are a tuple"),
    ("schedule.*", "out of range|no fraction|is not a fraction", "NaN is no fraction"),
    ("schedule.*", "is not a number|several elements", "nor is what PyTorch happens not to compute with"),
    ("layer.*", "a tensor is given where the layer is made", "options are numbers; a tensor is an input too early"),
    (".*gaussian.*", "a variance is negative", "NaN is no variance"),
    ("schedule.CyclicLR", "the cycle has no length", "nor a negative or an infinite one"),
    (".*conv.*", "the dtypes differ", "also where there is nothing to convolve"),
    (".*conv_?transpose.d", "output_padding is out of range", "also of an empty batch"),
    (".*unpool.d", "must be positive|has [23] numbers|too large", "also of a stride that a given size does not need"),
    (".*unpool.d", "padding is out of range", "the padding is that of the pooling"),
    (".*_?loss", "bools have no difference", "in some losses PyTorch's kernels take True for 1"),
    ("get_item|set_item", "this is no index", "floats in a tuple do not pass for indices"),
    ("layer.Conv1d", "padding has 2 numbers", "two are before and after for F.pad only"),
    ("layer.AvgPool1d", "stride has 0 numbers", "no stride is None"),
    ("tensordot", "sizes of the pairs", "a size of 1 is summed over with a size of 1 only"),
)
"""(function, error, reason): minicnn refuses what PyTorch computes."""

LOOSER = (
    (ANY, "not (implemented|supported) for|does not support bool", "there is no kernel for the dtype on a CPU"),
    (ANY, "without overflow|Overflow when unpacking|int too big|negative int", "integers have no width"),
    (ANY, "tuple of ints, not Tensor|(padding|stride|dilation)=Tensor", "a tensor of integers is a sequence"),
    (ANY, "must be torch.dtype|dtype=str|dtype=int", "dtypes are NumPy's, and may be spelt in its ways"),
    (ANY, "'numpy.int64' has no len|must be tuple of ints, not numpy.int64", "NumPy's integers are integers"),
    (ANY, "0-d tensor", "a number in a tensor is a number"),
    (".*lp_?pool2d", "not enough values to unpack", "one number in a tuple is a number for both axes"),
    ("layer.LPPool1d", r"not (tuple|list)$", "one number in a tuple is a number"),
    ("layer.(Lazy)?Conv.*2d", "match the convolution dimensions", "one number in a tuple is one for both axes"),
    (".*fold", "equals to 2, but got size 1", "one number in a tuple is a number for both axes"),
    (".*unpool.d", "tuple index out of range", "no stride is the window's, as in pooling"),
    (".*unpool.d", "cond must be a bool|output_size should be a sequence", "any form of integers goes, as in pooling"),
    ("add|step.*", "Boolean alpha|with a bool tensor|on a bool tensor|numpy boolean", "True is 1, in every form"),
    ("step.Adam(W)?", "both floats or both Tensors", "betas=(0, 0.9) are numbers, whatever their types"),
    ("step.NAdam", "broadcast shape", "a number in a tensor is a number"),
    (".*adaptive.*", "'NoneType' has no len", "None keeps both sizes"),
    (".*cross_?entropy(loss)?", "int32/int64 for index|found Byte", "classes may be bytes whatever the other options"),
    ("schedule.*", "Expected float or int|with a bool tensor", "a number in a tensor is a number"),
    ("layer.HuberLoss", "delta must be a float or int", "a number in a tensor is a number"),
    (".*gaussian.*", r"any\(\) received|can't be cast to the desired", "a variance may be an integer"),
    ("layer.Upsampl.*", "not 'list'", "factors may be a list, as sizes may"),
    ("clip.*", "nested_tensorlist", "no gradients need no clipping"),
    (".*(instance|batch)_?norm.*", "index 0 out of range", "no batch, or no channels, may be empty here, too"),
    (ANY, "not NoneType|dim=NoneType", "dim=None is dim left out"),
    (ANY, "must be Number, not Tensor", "a number in a tensor is a number"),
    ("clamp", r"max=\w+, min=\w+", "one bound may be a number and the other a tensor"),
    ("flip", "not int", "one dimension needs no tuple"),
    ("index_copy|take", "Expected a long tensor", "positions may be of any integers"),
    ("set_item", "only supports boolean masks", "bytes are a mask here as they are where values are taken"),
    (".*bilinear", "size -1 can be any value", "a sum over no features is 0"),
    (".*normalize", "does not have an identity", "nothing to normalise needs no norm"),
    ("logsumexp", "output with shape", "no dimensions are all of them, as of other reductions"),
    ("Tensor.view", "not compatible with input", "of memory in another order, a copy that is not to be written"),
    ("(std|var)(_mean)?", r"Tensor, bool, |unbiased=NoneType", "flags that leave out what they may"),
    ("movedim|squeeze|unflatten|full|tile", "invalid combination|of ints, not int", "one number needs no tuple"),
    ("Tensor.to", "Invalid device string", "dtypes are NumPy's, and may be spelt in its ways"),
    ("eye", "NoneType", "m=None is m left out"),
    ("eq|lt", r"\((bool|float|int), Tensor\)", "a comparison may have the number on the left"),
    ("normal", r"got \(float, (float|bool|Tensor), \w+\)", "one size or none need not be in a tuple"),
    ("batches", "MemoryError", "a batch larger than the data needs no memory"),
)
"""(function, PyTorch's error, reason): minicnn computes what PyTorch refuses."""

UNLIKE = (
    (".*soft_margin_loss", r"1e\+30|4611686018427387904", "log(1 + exp(z)) overflows there, and is z here"),
    ("add|sub", r"1e\+300", "∞ · 0, where the number is first cut to the dtype"),
    (".*interpolate", "special=-?inf.*(linear|cubic)", "0 · ∞, of a neighbour without weight"),
    (".*local_response_norm", "k=-inf", "a root of -∞, which as a power is 0"),
    (".*triplet_margin_loss", r"special=1e\+30", "of the difference of such distances only the rounding is left"),
    (".*conv.*", "special=(nan|inf|-inf)", "whether a NaN in the weight meets the padding depends on the kernel"),
    (".*_norm", "special=(nan|inf|-inf)", "w · x − w · mean has a NaN where w · (x − mean) has infinity"),
    (".*addmm", "inf|nan", "likewise: 0.5 · x + ∞ · y is one fused product there"),
    (".*multi_?margin_?loss", r"T\(\(0,", "the mean of no losses is NaN, and there what memory held"),
    (".*multi_?margin_?loss", "special=(nan|-?inf)", "∞ · 0, of a class that is not within the margin"),
    (".*leaky_?relu", "inf", "0 · ∞, of a branch that is not taken"),
    (".*pixel_?unshuffle", r"\b0\b", "PyTorch leaves an image without pixels as it is"),
    (".*lp_?pool.d", r"1e\+300|, T\(\(\)", "a root that no number has"),
    (".*dropout", "layout=", "masks are drawn in the order of the elements, whatever that of the memory"),
    ("std.*", r"1e\+30", "squares overflow, which there are doubles"),
    (".*normalize", r"\), T\(\(\)", "(x**p) ** (1 / p) rounds, with a p near 0 in a tensor"),
    ("(std|var).*", "correction=nan", "NaN is no number to subtract"),
    ("cumsum", "uint8", "a negative number as a byte is whatever the processor makes of it"),
    ("linspace", "inf|nan", "between infinities there are no even steps"),
    ("step.*", r"special=1e\+30", "squares overflow, or not, with the rounding of the fused product"),
    ("step.RMSprop", r"alpha=T\(\(1?,?\), uint8", "1 - 2 of bytes is 255 there"),
    ("step.RMSprop", r"alpha=(0|0\.0|False|T\(\(\), float32\)),", "a variance of exactly 0, or of less by a rounding"),
    ("layer.LazyLinear", r"\(0,\)|, 0\)", "of no features PyTorch leaves the bias as the memory was"),
    ("schedule.*", r"T\(\(1?,?\)", "a rate is a Python number, also where the factor is a tensor"),
)
"""(function, call, reason): both give a result, and they differ."""

TIES = (("kthvalue|topk|median", r"u?int\d+|bool|broadcast", "which of equal elements is found is nobody's promise"),)
"""(function, call, reason): only the values are compared, not where they were found."""

COARSE = (
    (".*(batch|layer|group|instance)_norm", r"special=1e\+30", "w · x − w · mean cancels there, w · (x − mean) here"),
)
"""(function, call, reason): rounding is of the size of the largest element, and so is the absolute tolerance."""

ENDLESS = ((".*max_?pool1d", r"10{15}.*stride=(\(\)|\[\]|\(?10{15})", "even where nothing fits it walks the window"),)
"""(function, call, reason): PyTorch would not come back; only minicnn is judged."""

MANY = 10**6
"""Elements beyond which results are not compared: expanded tensors may have any number."""


def judge(call: Call) -> None:
    """Raise AssertionError unless the outcome is an error that teaches, or PyTorch's result."""
    ours = outcome(mc, call)
    if isinstance(ours, Exception):
        assert teaches(ours), "".join(traceback.format_exception(ours))
    moved = call.name.startswith("layer.")  # a layer's own tensors go where its input is
    devices = {t.device for t in tensors_in(call.args[2:] if moved else (call.args, call.options))}
    if len(devices) > 1:
        assert isinstance(ours, Exception) or mixing_is_fine(call), f"devices were mixed, and gave {ours!r}"
        return
    if not isinstance(ours, Exception):
        sane(ours)
    if torch is None or excused(ENDLESS, call, repr(call)):
        return
    theirs = outcome(torch, call)
    if isinstance(theirs, Exception):
        allowed = isinstance(ours, Exception) or excused(LOOSER, call, f"{type(theirs).__name__}: {theirs}")
        assert allowed, f"PyTorch refuses: {type(theirs).__name__}: {theirs}\nours gives {ours!r}"
    elif isinstance(ours, Exception):
        assert excused(STRICTER, call, str(ours)), f"PyTorch gives {theirs!r}\nours refuses: {ours}"
    elif not excused(UNLIKE, call, repr(call)):
        if excused(TIES, call, repr(call)):
            ours, theirs = ours[0], theirs[0]
        floats = {t.dtype for t in tensors_in((call.args, call.options)) if t.dtype in TOLERANCE}
        least = max((TOLERANCE[dtype] for dtype in floats), default=(0, 0))
        same(ours, theirs, not call.random, least, excused(COARSE, call, repr(call)))


def outcome(library: Any, call: Call) -> Any:
    """The call's result, or its exception. Warnings are the library's own affair, unless they are NumPy's."""
    theirs = library is not mc
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if theirs else "error")
            warnings.simplefilter("ignore", UserWarning)
            function = attrgetter(call.function)(library) if isinstance(call.function, str) else call.function
            args, options = made((call.args, call.options), library)
            library.manual_seed(0)
            return function(*args, **options) if isinstance(call.function, str) else function(library, *args, **options)
    except Exception as error:
        return error


def made(value: Any, library: Any) -> Any:
    """``value`` with what stands for tensors and dtypes replaced by them."""
    if isinstance(value, T):
        return tensor(value, library)
    if isinstance(value, Named):
        return getattr(library, value.name)
    if isinstance(value, tuple | list):
        return type(value)(made(item, library) for item in value)
    if isinstance(value, dict):
        return {key: made(item, library) for key, item in value.items()}
    return value


def tensor(asked: T, library: Any) -> Any:
    """The tensor: on NumPy's memory where PyTorch can have strides like it."""
    array = asked.array()
    if library is not mc and any(s < 0 for s in array.strides):
        array = array.copy()
    found = library.from_numpy(array)
    return found.to("standin") if library is mc and asked.device != "cpu" else found


def tensors_in(value: Any) -> list[T]:
    if isinstance(value, T):
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    return [t for item in value for t in tensors_in(item)] if isinstance(value, tuple | list) else []


def mixing_is_fine(call: Call) -> bool:
    """PyTorch, too, takes a number in a tensor of another device, indices and what is copied from the CPU.

    An integer tensor among the options is sizes, wherever it is.
    """
    if len({t.device for t in tensors_in((call.args, call.options)) if t not in sizes_in(call.options)}) == 1:
        return True
    copies = call.name in ("get_item", "set_item", "Tensor.copy_")
    return copies or any(len(t.shape) == 0 for t in tensors_in((call.args, call.options)))


def sizes_in(options: dict[str, Any]) -> list[T]:
    return [t for t in tensors_in(options) if t.dtype == "int64"]


def teaches(error: Exception) -> bool:
    """An error of minicnn that has a rule or a hint; or Python's own for arguments that do not exist."""
    if isinstance(error, MinicnnError):
        return bool(error.what) and (error.rule is not None or error.hint is not None)
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    return isinstance(error, TypeError) and bool(BINDING.search(str(error))) and not any("numpy" in f for f in files)


def sane(value: Any) -> None:
    """Tensors are of dtypes that there are."""
    if isinstance(value, mc.Tensor):
        assert value.dtype in mc.dtypes.SUPPORTED
    elif isinstance(value, tuple | list):
        for item in value:
            sane(item)


def same(ours: Any, theirs: Any, values: bool, least: tuple[float, float], coarse: bool) -> None:
    """Structure, shapes, dtypes and values are PyTorch's; ``least`` is the tolerance of the coarsest input."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, mc.Tensor), f"{ours!r} is no tensor, PyTorch gives {theirs!r}"
        dtype = str(theirs.dtype).removeprefix("torch.")
        assert (tuple(ours.shape), str(ours.dtype)) == (tuple(theirs.shape), dtype), (ours, theirs)
        if values and theirs.numel() <= MANY:
            rtol, atol = max(TOLERANCE.get(dtype, (0, 0)), least)
            atol = rtol * float(theirs.abs().max()) if coarse and theirs.numel() else atol
            np.testing.assert_allclose(ours.detach().cpu().numpy(), theirs.detach().numpy(), rtol=rtol, atol=atol)
    elif isinstance(theirs, tuple | list):
        assert isinstance(ours, tuple | list) and len(ours) == len(theirs), (ours, theirs)
        for a, b in zip(ours, theirs, strict=True):
            same(a, b, values, least, coarse)
    elif isinstance(theirs, bool | int | float | str | type(None)):
        assert ours == theirs or (ours != ours and theirs != theirs), (ours, theirs)


def excused(table: tuple[tuple[str, str, str], ...], call: Call, message: str) -> bool:
    return any(
        re.fullmatch(function, call.name, re.IGNORECASE) and re.search(error, message) for function, error, _ in table
    )
