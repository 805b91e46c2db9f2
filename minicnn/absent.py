"""Names that PyTorch code may ask for and minicnn does not have, and what to do without them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, NoReturn

from minicnn.errors import MissingAttributeError, UnknownNameError

_SEQUENCES = "minicnn is for convolutional networks; sequences need PyTorch itself"
_VOLUMES = "minicnn has 1-D and 2-D layers; volumes need PyTorch itself"
_MATRICES = "np.linalg on x.numpy(); minicnn has no decompositions, whose gradients are a subject of their own"
_COMPLEX = "np.fft and complex arrays on x.numpy(); minicnn has real tensors only"
_NOTHING = "leave it out: there is nothing to set, and results are the same bits each run"
_DEVICE = "the model itself, on one device; on several processes, mc.distributed.DataParallel(model)"
_COMPILED = "the model itself: nothing is compiled"
_HALF = "float16, which NumPy has: mc.amp.autocast, or model.half()"
_ORDER = "leave it out: the order in memory is minicnn's affair, and never changes a result"
_MEMORY = "mc.cuda.memory_reserved(), which falls only by empty_cache()"
_FUNCTION = "mc.nn.functional.{}, whose arguments are named and ordered a little differently"
_RESHAPE = "x = x.reshape(…), or F.pad(x, …) for more elements"
_NUMPY = "NumPy's function of x.numpy(), where no gradient is needed"
_INDICES = "mc.nn.functional.max_pool2d(…, return_indices=True), and its kin"
_CUDA_TYPE = "mc.{}(…).cuda(), or device=\"cuda\" where the tensor is made"
_NO_STATE = "leave it out: there is nothing to set up"


def _each(hint: str, *names: str) -> dict[str, str]:
    return {name: hint.format(name.rpartition(".")[2]) for group in names for name in group.split()}


INSTEAD: dict[str, str] = {
    **_each(_SEQUENCES, "GRU GRUCell LSTM LSTMCell MultiheadAttention RNN RNNBase RNNCell Transformer",
            "TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer CTCLoss ctc_loss",
            "EmbeddingBag embedding_bag scaled_dot_product_attention nn.utils.rnn"),
    **_each(_VOLUMES, "AdaptiveAvgPool3d AdaptiveMaxPool3d AvgPool3d BatchNorm3d CircularPad3d ConstantPad3d Conv3d",
            "ConvTranspose3d Dropout3d InstanceNorm3d LazyBatchNorm3d LazyConv3d LazyConvTranspose3d MaxPool3d",
            "LazyInstanceNorm3d LPPool3d MaxUnpool3d ReflectionPad3d ReplicationPad3d ZeroPad3d adaptive_avg_pool3d",
            "adaptive_max_pool3d avg_pool3d conv3d conv_transpose3d max_pool3d max_unpool3d"),
    **_each(_MATRICES, "cholesky cholesky_solve det eig inverse linalg lstsq logdet lu matrix_exp pinverse qr slogdet",
            "solve svd svd_lowrank pca_lowrank symeig"),
    **_each(_COMPLEX, "angle complex complex64 complex128 conj fft imag istft polar real stft view_as_complex",
            "view_as_real"),
    **_each(_DEVICE, "DataParallel DistributedDataParallel init_process_group multiprocessing nccl parallel"),
    **_each(_COMPILED, "compile jit export fx"),
    **_each(_HALF, "bfloat16"),
    **_each(_ORDER, "channels_last contiguous_format memory_format preserve_format layout strided"),
    **_each(_MEMORY, "max_memory_reserved"),
    **_each("mc.cuda.reset_peak_memory_stats()", "reset_max_memory_allocated"),
    **_each(_NOTHING, "mkl mkldnn openmp set_flush_denormal set_deterministic_debug_mode"),
    **_each("mc.set_num_threads and mc.get_num_threads", "set_num_interop_threads get_num_interop_threads"),
    **_each(_FUNCTION, *(f"minicnn.{name}" for name in (
        "batch_norm", "instance_norm", "embedding", "binary_cross_entropy_with_logits", "cosine_embedding_loss",
        "hinge_embedding_loss", "kl_div", "margin_ranking_loss", "poisson_nll_loss", "triplet_margin_loss"))),
    **_each(_RESHAPE, "Tensor.resize_ Tensor.resize Tensor.resize_as_ Tensor.set_"),
    **_each("mc.nn.functional.unfold(x, …), or x.unfold(dim, size, step), which are checked", "as_strided as_strided_"),
    **_each("x.numpy(), which shares its memory", "storage untyped_storage FloatStorage UntypedStorage"),
    **_each(_NUMPY, "quantile nanquantile Tensor.mode minicnn.mode unique_consecutive diff cross cov corrcoef",
            "matrix_power cummax cummin",
            "bucketize tril_indices triu_indices unravel_index combinations vander trapezoid trapz gradient lgamma",
            "digamma polygamma heaviside signbit copysign sinc gcd lcm histogram logcumsumexp renorm float_power",
            "block_diag hann_window hamming_window"),
    **_each(_INDICES, "max_pool1d_with_indices max_pool2d_with_indices adaptive_max_pool1d_with_indices",
            "adaptive_max_pool2d_with_indices minicnn.adaptive_max_pool1d"),
    **_each(_CUDA_TYPE, *(f"cuda.{kind}Tensor" for kind in (
        "Bool", "Byte", "Char", "Double", "Float", "Half", "Int", "Long", "Short"))),
    **_each(_NO_STATE, "cuda.init cuda.is_initialized cuda.ipc_collect cuda.set_sync_debug_mode"),
    **_each("mc.{} itself: one stream of random numbers is for all devices", "cuda.seed cuda.initial_seed",
            "cuda.get_rng_state cuda.set_rng_state"),
    **_each("mc.cuda.get_device_name(…), or cupy.cuda.runtime.getDeviceProperties",
            "cuda.get_device_properties cuda.get_device_capability"),
    **_each("assert mc.allclose(x, y), or np.testing.assert_allclose of x.numpy() and y.numpy()",
            "testing.assert_close testing.assert_allclose"),
    **_each("mc.nn.functional.interpolate(x, …), which resizes; minicnn warps images in mc.transforms only",
            "grid_sample affine_grid upsample_bilinear upsample_nearest"),
    **_each("operations on whole tensors, or mc.tensor([f(v) for v in x.tolist()])", "Tensor.apply_ Tensor.map_"),
    **_each("x.scatter_add(…), x.index_add(…)", "scatter_reduce scatter_reduce_ index_reduce index_reduce_"),
    **_each("leave it out: there is no bfloat16", "is_bf16_supported"),
    **_each("SGD or Adam", "ASGD Adafactor LBFGS Muon Rprop SparseAdam"),
    **_each("minicnn has neither sparse nor quantised tensors", "quantization quantized ao sparse sparse_coo_tensor",
            "quantize_per_tensor to_sparse to_dense qint8 quint8"),
    **_each("mc.rand, mc.randn, mc.randint, mc.bernoulli and mc.multinomial", "distributions poisson binomial"),
    **_each("a loop over the examples: minicnn has no transforms of functions", "func functorch vmap forward_ad"),
    **_each("a hook: module.register_forward_pre_hook(…) may change the weight before each call",
            "weight_norm spectral_norm remove_weight_norm remove_spectral_norm parametrizations parametrize prune"),
    **_each("time.perf_counter(); mc.cuda.synchronize() first on a GPU", "profiler bottleneck"),
    **_each("TensorBoard itself, or a list of the losses", "tensorboard SummaryWriter"),
    "cuda.device": 'with mc.device("cuda:1"): …',
    "cuda.set_device": 'mc.set_default_device("cuda:1")',
    "data.StackDataset": "mc.data.TensorDataset",
    "fill_diagonal_": "x.diagonal().fill_(value)",
    "multilabel_margin_loss": "mc.nn.functional.multilabel_soft_margin_loss",
    "MultiLabelMarginLoss": "nn.MultiLabelSoftMarginLoss",
    "pdist": "mc.cdist(x, x)",
    "TripletMarginWithDistanceLoss": "nn.TripletMarginLoss",
    "typename": "type(x).__name__, or x.type()",
    "version": "mc.__version__",
    "NLLLoss2d": "nn.NLLLoss, which takes images, too",
    "SyncBatchNorm": "nn.BatchNorm2d, or mc.distributed.SyncBatchNorm among several ranks",
    "CrossMapLRN2d": "nn.LocalResponseNorm",
    "Container": "nn.Module",
    "Module.bfloat16": _HALF,
    "Optimizer.lr": 'optimizer.param_groups[0]["lr"]; each group has its own',
    "Optimizer.parameters": 'optimizer.param_groups[0]["params"]',
    "Optimizer.set_lr": 'group["lr"] = … for each group of optimizer.param_groups, or a schedule',
    "Optimizer.register_state_dict_post_hook": "a function around optimizer.state_dict()",
    "Optimizer.register_load_state_dict_pre_hook": "a function around optimizer.load_state_dict(…)",
    "Module.compile": "leave it out: nothing is compiled",
    "Module.share_memory": "leave it out: the workers of a DataLoader get no model",
    "swa_utils": "copy.deepcopy(model), and param.lerp_(new, 0.1) under mc.no_grad() after each step",
    "Tensor.share_memory_": "leave it out: the workers of a DataLoader get no tensors of yours",
    "range": "mc.arange, which leaves the end out",
    "saved_variables": "ctx.saved_tensors",
    "stream": "leave it out: there is one stream",
    "Stream": "leave it out: there is one stream",
    "training.train": "mc.training.fit",
    "uint16": "mc.int32",
    "uint32": "mc.int64",
    "uint64": "mc.int64",
    "volatile": "with mc.no_grad(): …",
}
"""By name, or by owner and name where others have it: a module without ``minicnn.``, Tensor, Module or Optimizer."""

_PLACES = ("", "nn", "nn.functional", "nn.init", "nn.utils", "optim", "optim.lr_scheduler", "data", "datasets",
           "transforms", "transforms.functional", "models", "autograd", "cuda", "io", "random", "testing",
           "training")  # fmt: skip


def hints(namespace: dict[str, Any]) -> Callable[[str], NoReturn]:
    """The ``__getattr__`` of the module whose ``globals()`` is ``namespace``: raises, and says what to do instead."""

    def __getattr__(name: str) -> NoReturn:  # noqa: N807 (a module's hook)
        raise missing(namespace["__name__"], name, _offered(namespace))

    return __getattr__


def missing(
    owner: str, name: str, names: Iterable[str] | Callable[[], Iterable[str]], kind: str | None = None,
) -> MissingAttributeError:  # fmt: skip
    """The error for an attribute ``name`` that ``owner``, which has ``names``, does not have.

    Args:
        owner: a module by its full name, or a class.
        name: what was asked for.
        names: what there is, or what gives it; then it is called only when the message is read.
        kind: what the hints for a user's own class go by; nothing is looked for elsewhere then.
    """
    hint = INSTEAD.get(f"{kind or owner.removeprefix('minicnn.')}.{name}") or (None if kind else INSTEAD.get(name))
    if hint is not None:
        return MissingAttributeError(f"{owner} has no attribute '{name}'", hint=hint)
    if not callable(names):
        known = tuple(names)
        return UnknownNameError(owner, name, lambda: known, elsewhere)
    return UnknownNameError(owner, name, names, None if kind else elsewhere)


def elsewhere(name: str) -> list[str]:
    """Where else in minicnn something of that name is, as expressions."""
    found = []
    for place in _PLACES:
        module = importlib.import_module(f"minicnn.{place}".rstrip("."))
        if name in _offered(vars(module)):
            found.append(".".join(filter(None, ("mc", place, name))))
    from_tensor = vars(importlib.import_module("minicnn.methods").Methods)
    if not found and name in from_tensor:
        found.append(f"x.{name}(…)")
    return found[:2]


def _offered(namespace: dict[str, Any]) -> set[str]:
    """What the module of that namespace has for its users: ``__all__``, or else whatever is public."""
    if "__all__" in namespace:
        return set(namespace["__all__"])
    home = f"{namespace['__name__']}.".removeprefix("minicnn.")
    modules = {name for name, found in namespace.items() if isinstance(found, ModuleType)}
    hidden = {name for name in modules if f"{home}{name}" not in _PLACES} | {"TYPE_CHECKING", "annotations", "hints"}
    return {name for name in namespace if not name.startswith("_")} - hidden
