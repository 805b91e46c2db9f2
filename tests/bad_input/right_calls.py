"""Right calls of the public operations, one family a list; ``test_bad_calls`` spoils them."""

from __future__ import annotations

from typing import Any

from tests.bad_input.strategies import Call, Named, T, call

F = "nn.functional."
IMAGE, FLAT, ROWS = T((2, 4, 6, 5)), T((2, 4, 7)), T((3, 4))


def get_item(library: Any, x: Any, *key: Any) -> Any:
    return x[key if len(key) > 1 else key[0]]


def set_item(library: Any, x: Any, value: Any, *key: Any) -> Any:
    x[key if len(key) > 1 else key[0]] = value
    return x


CONV: tuple[Call, ...] = (
    call(F + "conv2d", IMAGE, T((6, 4, 3, 2)), T((6,)), stride=1, padding=0, dilation=1, groups=1),
    call(F + "conv2d", IMAGE, T((4, 2, 3, 2)), None, stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
    call(F + "conv2d", IMAGE, T((4, 4, 3, 2)), None, padding="same"),
    call(F + "conv1d", FLAT, T((6, 4, 3)), T((6,)), stride=2, padding=1, dilation=1, groups=1),
)
CONV_TRANSPOSE = (
    call(F + "conv_transpose2d", IMAGE, T((4, 3, 3, 2)), T((3,)), stride=2, padding=1, output_padding=1, groups=1,
         dilation=1),
    call(F + "conv_transpose2d", IMAGE, T((4, 3, 3, 2)), None, stride=(2, 3), padding=(1, 0), output_padding=(1, 2),
         groups=2, dilation=(1, 2)),
    call(F + "conv_transpose1d", FLAT, T((4, 3, 3)), T((3,)), stride=2, padding=1, output_padding=0, groups=1),
)  # fmt: skip
POOL = (
    call(F + "max_pool2d", IMAGE, 2, stride=2, padding=1, dilation=1, ceil_mode=False, return_indices=False),
    call(F + "max_pool2d", IMAGE, (3, 2), stride=(2, 1), padding=(1, 1), dilation=(1, 2), ceil_mode=True),
    call(F + "max_pool1d", FLAT, 2, stride=2, padding=1, dilation=1, ceil_mode=False),
    call(F + "avg_pool2d", IMAGE, (3, 2), stride=2, padding=1, ceil_mode=False, count_include_pad=True,
         divisor_override=3),
    call(F + "avg_pool1d", FLAT, 2, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
    call(F + "lp_pool2d", IMAGE, 2.0, 2, stride=2, ceil_mode=False),
)  # fmt: skip
ADAPTIVE_AND_UNPOOL = (
    call(F + "adaptive_avg_pool2d", IMAGE, (3, 2)),
    call(F + "adaptive_avg_pool2d", IMAGE, 2),
    call(F + "adaptive_max_pool2d", IMAGE, (3, None)),
    call(F + "adaptive_max_pool1d", FLAT, 3, return_indices=True),
    call(F + "max_unpool2d", T((2, 4, 2, 2)), T((2, 4, 2, 2), "int64", top=16), 2, stride=2, padding=0,
         output_size=(4, 4)),
    call(F + "max_unpool1d", T((2, 4, 3)), T((2, 4, 3), "int64", top=6), 2, stride=2, padding=0),
)  # fmt: skip
PAD = (
    call(F + "pad", IMAGE, (1, 2, 1, 0), mode="constant", value=0.5),
    call(F + "pad", IMAGE, (1, 2, 1, 0), mode="reflect"),
    call(F + "pad", FLAT, (1, 2), mode="circular"),
    call(F + "pad", FLAT, (-1, 2), mode="replicate"),
)
INTERPOLATE = (
    call(F + "interpolate", IMAGE, size=(3, 4), mode="nearest"),
    call(F + "interpolate", IMAGE, scale_factor=2.0, mode="bilinear", align_corners=False, antialias=False),
    call(F + "interpolate", IMAGE, scale_factor=(0.5, 1.5), mode="bicubic", align_corners=True),
    call(F + "interpolate", FLAT, size=4, mode="linear", recompute_scale_factor=False),
    call(F + "interpolate", FLAT, size=4, mode="area"),
)
FOLDING = (
    call(F + "unfold", IMAGE, (3, 2), dilation=1, padding=1, stride=2),
    call(F + "fold", T((2, 12, 6)), (4, 3), (2, 2), dilation=1, padding=0, stride=1),
    call(F + "fold", T((2, 12, 6)), output_size=(4, 3), kernel_size=2),
    call(F + "pixel_shuffle", IMAGE, 2),
    call(F + "pixel_unshuffle", T((2, 4, 6, 4)), 2),
    call(F + "channel_shuffle", IMAGE, 2),
)
NORM = (
    call(F + "batch_norm", IMAGE, T((4,)), T((4,), "float32", layout="plain"), T((4,)), T((4,)), training=True,
         momentum=0.1, eps=1e-5),
    call(F + "layer_norm", IMAGE, (6, 5), T((6, 5)), T((6, 5)), 1e-5),
    call(F + "group_norm", IMAGE, 2, T((4,)), T((4,)), 1e-5),
    call(F + "instance_norm", IMAGE, None, None, T((4,)), T((4,)), True, 0.1, 1e-5),
    call(F + "rms_norm", IMAGE, (5,), T((5,)), 1e-5),
    call(F + "local_response_norm", IMAGE, 3, alpha=1e-4, beta=0.75, k=1.0),
)  # fmt: skip
DROPOUT = tuple(
    call(F + name, x, p=0.5, training=training, inplace=inplace)
    for name, x in (("dropout", ROWS), ("dropout2d", IMAGE), ("dropout1d", FLAT), ("alpha_dropout", ROWS))
    for training, inplace in ((True, False), (False, True))
)
ACTIVATION = (
    *(call(F + name, IMAGE) for name in ("relu", "relu6", "sigmoid", "tanh", "silu", "mish", "softsign", "hardswish",
                                         "logsigmoid", "selu", "tanhshrink", "hardsigmoid")),
    call(F + "leaky_relu", IMAGE, 0.1),
    call(F + "elu", IMAGE, 0.5),
    call(F + "celu", IMAGE, 0.5),
    call(F + "gelu", IMAGE, approximate="tanh"),
    call(F + "hardtanh", IMAGE, -1.5, 1.0),
    call(F + "threshold", IMAGE, 0.5, 2.0),
    call(F + "softplus", IMAGE, 2.0, 10.0),
    call(F + "softshrink", IMAGE, 0.5),
    call(F + "hardshrink", IMAGE, 0.5),
    call(F + "prelu", IMAGE, T((4,))),
    call(F + "glu", IMAGE, dim=1),
    call(F + "softmax", IMAGE, dim=1, dtype=Named("float64")),
    call(F + "log_softmax", IMAGE, 1),
    call(F + "softmin", IMAGE, 1),
)  # fmt: skip
CLASS_LOSS = (
    call(F + "cross_entropy", T((4, 3)), T((4,), "int64"), weight=T((3,)), ignore_index=1, reduction="mean",
         label_smoothing=0.1),
    call(F + "cross_entropy", T((2, 3, 4)), T((2, 4), "int64"), reduction="none"),
    call(F + "cross_entropy", T((4, 3)), T((4, 3)), reduction="sum"),
    call(F + "nll_loss", T((4, 3)), T((4,), "int64"), weight=T((3,)), ignore_index=-100, reduction="mean"),
    call(F + "binary_cross_entropy_with_logits", T((4, 3)), T((4, 3)), weight=T((3,)), pos_weight=T((3,)),
         reduction="mean"),
    call(F + "multi_margin_loss", T((4, 3)), T((4,), "int64"), p=1, margin=1.0, weight=T((3,)), reduction="mean"),
)  # fmt: skip
LOSS = (
    *(call(F + name, T((4, 3)), T((4, 3)), reduction="mean") for name in (
        "mse_loss", "l1_loss", "soft_margin_loss", "hinge_embedding_loss", "multilabel_soft_margin_loss")),
    call(F + "smooth_l1_loss", T((4, 3)), T((4, 3)), beta=1.0, reduction="sum"),
    call(F + "huber_loss", T((4, 3)), T((4, 3)), delta=1.0, reduction="none"),
    call(F + "kl_div", T((4, 3)), T((4, 3)), reduction="batchmean", log_target=True),
    call(F + "poisson_nll_loss", T((4, 3)), T((4, 3)), log_input=True, full=False, eps=1e-8, reduction="mean"),
    call(F + "margin_ranking_loss", T((4,)), T((4,)), T((4,)), margin=0.5, reduction="mean"),
    call(F + "triplet_margin_loss", T((4, 3)), T((4, 3), "float32", 4), T((4, 3)), margin=1.0, p=2.0),
    call(F + "cosine_embedding_loss", T((4, 3)), T((4, 3)), T((4,)), margin=0.1),
)  # fmt: skip
LINEAR = (
    call(F + "linear", T((2, 4)), T((3, 4)), T((3,))),
    call(F + "bilinear", T((2, 4)), T((2, 5)), T((3, 4, 5)), T((3,))),
    call(F + "embedding", T((2, 3), "int64"), T((5, 4)), padding_idx=1),
    call(F + "one_hot", T((2, 3), "int64"), 4),
    call(F + "normalize", ROWS, 2.0, 1, 1e-12),
    call(F + "cosine_similarity", ROWS, ROWS, 1, 1e-8),
    call(F + "pairwise_distance", ROWS, ROWS, 2.0, 1e-6, False),
)
PRODUCT = (
    call("matmul", T((2, 3, 4)), T((4, 5))),
    call("matmul", T((4,)), T((4,))),
    call("mm", ROWS, T((4, 2))),
    call("bmm", T((2, 3, 4)), T((2, 4, 5))),
    call("dot", T((4,)), T((4,))),
    call("outer", T((4,)), T((3,))),
    call("addmm", T((3, 2)), ROWS, T((4, 2)), beta=0.5, alpha=2.0),
    call("einsum", "ij,jk->ik", ROWS, T((4, 2))),
    call("einsum", "bii->bi", T((2, 3, 3))),
    call("tensordot", T((2, 3, 4)), T((4, 3, 5)), dims=([1, 2], [1, 0])),
)
ARITHMETIC = (
    *(call(name, ROWS, T((4,))) for name in ("add", "sub", "mul", "div", "pow", "maximum", "eq", "lt", "atan2")),
    call("add", ROWS, 2.0, alpha=0.5),
    call("div", ROWS, T((3, 1)), rounding_mode="floor"),
    call("clamp", ROWS, min=-0.5, max=0.5),
    call("where", T((3, 4), "bool"), ROWS, T((4,))),
    call("Tensor.masked_fill", ROWS, T((3, 4), "bool"), 0.5),
    call("Tensor.add_", ROWS, T((4,))),
    call("Tensor.mul_", ROWS, 2.0),
    call("Tensor.copy_", ROWS, T((4,))),
    call("Tensor.fill_", ROWS, 2.0),
)
REDUCTION = (
    *(call(name, IMAGE, dim=(1, 2), keepdim=False) for name in ("sum", "mean", "amax", "logsumexp")),
    *(call(name, IMAGE, dim=1, keepdim=True) for name in ("max", "argmax", "median", "prod", "all")),
    call("var", IMAGE, dim=(0, 2), correction=1, keepdim=False),
    call("std", IMAGE, 1, unbiased=True, keepdim=True),
    call("norm", IMAGE, p=2.0, dim=1, keepdim=False),
    call("cumsum", IMAGE, dim=1, dtype=Named("float64")),
    call("topk", IMAGE, 2, dim=1, largest=True, sorted=True),
    call("sort", IMAGE, dim=1, descending=True),
    call("kthvalue", IMAGE, 2, dim=1),
)  # fmt: skip
RESHAPING = (
    call("Tensor.reshape", IMAGE, 2, -1),
    call("Tensor.reshape", IMAGE, (8, 30)),
    call("Tensor.view", IMAGE, 2, 4, 30),
    call("Tensor.permute", IMAGE, 0, 2, 3, 1),
    call("Tensor.transpose", IMAGE, 1, 2),
    call("Tensor.expand", T((1, 4)), 3, 4),
    call("Tensor.expand", T((1, 4)), (2, 3, -1)),
    call("Tensor.repeat", ROWS, 2, 1),
    call("flatten", IMAGE, 1, -1),
    call("unflatten", IMAGE, 1, (2, 2)),
    call("squeeze", T((1, 3, 1)), 0),
    call("unsqueeze", ROWS, 1),
    call("movedim", IMAGE, 1, -1),
    call("flip", IMAGE, (1, 2)),
    call("roll", IMAGE, 1, 2),
    call("tril", ROWS, 1),
    call("diag", ROWS, 1),
)
JOINING = (
    call("cat", [ROWS, T((2, 4))], dim=0),
    call("stack", [ROWS, ROWS], dim=1),
    call("split", T((6, 4)), 2, dim=0),
    call("split", T((6, 4)), [1, 2, 3], dim=0),
    call("chunk", T((6, 4)), 4, dim=0),
    call("unbind", ROWS, 1),
    call("tensor_split", T((6, 4)), (1, 3), dim=0),
    call("meshgrid", T((2,)), T((3,)), indexing="ij"),
    call("hstack", [ROWS, ROWS]),
)
INDEXING = (
    call(get_item, IMAGE, 1),
    call(get_item, IMAGE, slice(0, 2), 1),
    call(get_item, IMAGE, T((3,), "int64", top=2), slice(None)),
    call(get_item, IMAGE, 0, [1, 2]),
    call(get_item, ROWS, T((3, 4), "bool")),
    call(get_item, IMAGE, ..., None, 1),
    call(set_item, IMAGE, 2.0, 1),
    call(set_item, ROWS, T((4,)), slice(0, 2)),
    call(set_item, ROWS, T((2, 4)), T((2,), "int64")),
    call(set_item, ROWS, 0.5, T((3, 4), "bool")),
)
GATHERING = (
    call("gather", ROWS, 1, T((3, 2), "int64")),
    call("scatter", ROWS, 1, T((3, 2), "int64"), T((3, 2))),
    call("scatter", ROWS, 0, T((2, 4), "int64"), 0.5),
    call("scatter_add", ROWS, 0, T((2, 4), "int64"), T((2, 4))),
    call("index_select", IMAGE, 1, T((2,), "int64")),
    call("index_add", ROWS, 0, T((2,), "int64", 2), T((2, 4)), alpha=2.0),
    call("index_copy", ROWS, 0, T((1,), "int64"), T((1, 4))),
    call("take", ROWS, T((2,), "int64")),
    call("masked_select", ROWS, T((3, 4), "bool")),
    call("narrow", IMAGE, 1, 1, 2),
    call("select", IMAGE, 1, 2),
    call("nonzero", T((3, 4), "int64")),
)
CREATION = (
    call("zeros", 2, 3),
    call("ones", (2, 3), dtype=Named("int64")),
    call("full", (2, 3), 1.5),
    call("full", (2,), 3, dtype=Named("uint8")),
    call("arange", 5),
    call("arange", 1.0, 4.0, 0.5),
    call("linspace", 0.0, 1.0, 5),
    call("eye", 3, 2),
    call("tensor", [[1.0, 2.0], [3.0, 4.0]], dtype=Named("float32")),
    call("tensor", [1, 2, 3], device="cpu", requires_grad=False),
    call("as_tensor", [1, 2], dtype=Named("float64")),
    call("full_like", ROWS, 2.0),
    call("zeros_like", ROWS, dtype=Named("int64")),
    call("Tensor.new_zeros", ROWS, (2, 2)),
    call("Tensor.to", ROWS, Named("float64")),
)
RANDOM = (
    call("rand", 2, 3, random=True),
    call("randn", (2, 3), random=True),
    call("randint", 0, 5, (2, 3), random=True),
    call("randint", 5, (2, 3), random=True),
    call("randperm", 5, random=True),
    call("bernoulli", T((3,), "float32", 1), random=True),
    call("multinomial", T((3,)), 2, replacement=True, random=True),
    call("normal", 0.0, 1.0, (2, 3), random=True),
    call("manual_seed", 3, random=True),
    call("Tensor.normal_", ROWS, 0.0, 1.0, random=True),
    call("Tensor.uniform_", ROWS, 0.0, 1.0, random=True),
    call("nn.init.xavier_uniform_", ROWS, 1.0, random=True),
    call("nn.init.kaiming_normal_", ROWS, a=0.0, mode="fan_in", nonlinearity="relu", random=True),
)
