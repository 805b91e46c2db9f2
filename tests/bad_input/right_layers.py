"""Right calls of every layer: made with all its options, and called; ``test_bad_calls`` spoils them."""

from __future__ import annotations

from typing import Any

from tests.bad_input.strategies import Call, T, call

IMAGE, FLAT, ROWS = T((2, 4, 6, 5)), T((2, 4, 7)), T((3, 4))
CLASSES, LABELS, HALVES = T((4, 3)), T((4,), "int64"), T((4, 1), layout="broadcast", special=0.5)
CONVOLUTION: dict[str, Any] = {"stride": 1, "padding": 1, "dilation": 1, "groups": 2, "bias": True}
TRANSPOSED: dict[str, Any] = {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2, "bias": True, "dilation": 1}
STATISTICS: dict[str, Any] = {"eps": 1e-5, "momentum": 0.1, "affine": True, "track_running_stats": True}


def layer(library: Any, name: str, sizes: Any, inputs: Any, **options: Any) -> Any:
    """``library.nn.name(*sizes, **options)`` of one input, or of a tuple of inputs."""
    made = getattr(library.nn, name)(*(sizes if isinstance(sizes, tuple) else (sizes,)), **options)
    several = inputs if isinstance(inputs, tuple) else (inputs,)
    return made.to(getattr(several[0], "device", "cpu") if several else "cpu")(*several)


def of(names: str, sizes: Any, inputs: Any, **options: Any) -> tuple[Call, ...]:
    """The same call of several layers."""
    return tuple(call(layer, name, sizes, inputs, **options) for name in names.split())


LAYERS_CONV = (
    *of("Conv2d", (4, 6, 3), IMAGE, **CONVOLUTION, padding_mode="zeros"),
    *of("Conv2d", (4, 6, (3, 2)), IMAGE, stride=(2, 1), padding=(1, 0), dilation=(1, 2), padding_mode="reflect"),
    *of("Conv1d", (4, 6, 3), FLAT, padding="same", padding_mode="circular"),
    *of("Conv1d", (4, 6, 3), FLAT, **CONVOLUTION, padding_mode="replicate"),
    *of("ConvTranspose2d", (4, 6, 3), IMAGE, **TRANSPOSED, padding_mode="zeros"),
    *of("ConvTranspose2d", (4, 6, (3, 2)), IMAGE, stride=(2, 3), padding=(1, 0), output_padding=(1, 2)),
    *of("ConvTranspose1d", (4, 6, 3), FLAT, **TRANSPOSED),
    *of("LazyConv2d", (6, 3), IMAGE, **CONVOLUTION, padding_mode="zeros"),
    *of("LazyConv1d", (6, 3), FLAT, **CONVOLUTION),
    *of("LazyConvTranspose2d", (6, 3), IMAGE, **TRANSPOSED),
    *of("LazyConvTranspose1d", (6, 3), FLAT, **TRANSPOSED),
)
LAYERS_DENSE = (
    *of("Linear", (5, 3), IMAGE, bias=True),
    *of("LazyLinear", (3,), IMAGE, bias=True),
    *of("Bilinear", (4, 5, 3), (ROWS, T((3, 5))), bias=True),
    *of("Embedding", (5, 3), T((2, 3), "int64"), padding_idx=1),
    *of("CosineSimilarity", (), (ROWS, ROWS), dim=1, eps=1e-8),
    *of("PairwiseDistance", (), (ROWS, ROWS), p=2.0, eps=1e-6, keepdim=True),
    *of("Identity", (3,), IMAGE),
)
LAYERS_NORM = (
    *of("BatchNorm2d InstanceNorm2d", (4,), IMAGE, **STATISTICS, bias=True),
    *of("BatchNorm1d InstanceNorm1d", (4,), FLAT, **STATISTICS),
    *of("LazyBatchNorm2d LazyInstanceNorm2d", (), IMAGE, **STATISTICS),
    *of("LazyBatchNorm1d LazyInstanceNorm1d", (), FLAT, **STATISTICS),
    *of("BatchNorm1d", (4,), ROWS, momentum=None),
    *of("LayerNorm", ((6, 5),), IMAGE, eps=1e-5, elementwise_affine=True, bias=True),
    *of("RMSNorm", ((6, 5),), IMAGE, eps=1e-5, elementwise_affine=True),
    *of("GroupNorm", (2, 4), IMAGE, eps=1e-5, affine=True, bias=True),
    *of("LocalResponseNorm", (3,), IMAGE, alpha=1e-4, beta=0.75, k=1.0),
)
LAYERS_POOL = (
    *of("MaxPool2d", (2,), IMAGE, stride=2, padding=1, dilation=1, return_indices=True, ceil_mode=False),
    *of("MaxPool1d", (2,), FLAT, stride=2, padding=1, dilation=1, return_indices=False, ceil_mode=True),
    *of("AvgPool2d", ((3, 2),), IMAGE, stride=(2, 1), padding=(1, 0), ceil_mode=True, count_include_pad=False,
        divisor_override=3),
    *of("AvgPool1d", (2,), FLAT, stride=2, padding=1, ceil_mode=True, count_include_pad=False),
    *of("LPPool2d", (2.0, 2), IMAGE, stride=2, ceil_mode=False),
    *of("LPPool1d", (2.0, 2), FLAT, stride=2, ceil_mode=True),
    *of("AdaptiveAvgPool2d AdaptiveMaxPool2d", ((3, 2),), IMAGE),
    *of("AdaptiveAvgPool1d", (3,), FLAT),
    *of("AdaptiveMaxPool1d", (3,), FLAT, return_indices=True),
    *of("MaxUnpool2d", (2,), (T((2, 4, 2, 2)), T((2, 4, 2, 2), "int64", top=16)), stride=2, padding=0),
    *of("MaxUnpool1d", (2,), (T((2, 4, 3)), T((2, 4, 3), "int64", top=6)), stride=2, padding=0),
)  # fmt: skip
LAYERS_SHAPE = (
    *of("Flatten", (1, -1), IMAGE),
    *of("Unflatten", (1, (2, 2)), IMAGE),
    *of("Unfold", ((3, 2),), IMAGE, dilation=1, padding=1, stride=2),
    *of("Fold", ((4, 3), (2, 2)), T((2, 12, 6)), dilation=1, padding=0, stride=1),
    *of("PixelShuffle ChannelShuffle", (2,), IMAGE),
    *of("PixelUnshuffle", (2,), T((2, 4, 6, 4))),
    *of("Upsample", (), IMAGE, scale_factor=2, mode="nearest"),
    *of("Upsample", (), IMAGE, size=(3, 4), mode="bilinear", align_corners=True),
    *of("Upsample", (), IMAGE, scale_factor=(0.5, 1.5), mode="bicubic", recompute_scale_factor=True),
    *of("UpsamplingNearest2d", (), IMAGE, scale_factor=2.0),
    *of("UpsamplingBilinear2d", (), IMAGE, size=4),
    *of("ReflectionPad2d ReplicationPad2d CircularPad2d ZeroPad2d", ((1, 2, 1, 0),), IMAGE),
    *of("ReflectionPad1d ReplicationPad1d CircularPad1d ZeroPad1d", (1,), FLAT),
    *of("ConstantPad2d", (1, 0.5), IMAGE),
    *of("ConstantPad1d", ((1, 2), 0.5), FLAT),
)
LAYERS_ELEMENTS = (
    *of("ReLU ReLU6 SELU SiLU Mish Hardsigmoid Hardswish", (), IMAGE, inplace=True),
    *of("Sigmoid Tanh LogSigmoid Softsign Tanhshrink Softmax2d", (), IMAGE),
    *of("ELU CELU LeakyReLU", (0.5,), IMAGE, inplace=True),
    *of("Hardtanh Threshold", (-1.5, 1.0), IMAGE, inplace=False),
    *of("RReLU", (0.1, 0.3), IMAGE, inplace=False),
    *of("Hardshrink Softshrink", (0.5,), IMAGE),
    *of("Softplus", (), IMAGE, beta=2.0, threshold=10.0),
    *of("PReLU", (4,), IMAGE, init=0.25),
    *of("GELU", (), IMAGE, approximate="tanh"),
    *of("GLU Softmax Softmin LogSoftmax", (), IMAGE, dim=1),
    *of("Dropout AlphaDropout", (), ROWS, p=0.5, inplace=True),
    *of("Dropout2d FeatureAlphaDropout", (0.5,), IMAGE, inplace=False),
    *of("Dropout1d", (0.5,), FLAT),
)
LAYERS_LOSS = (
    *of("CrossEntropyLoss", (), (CLASSES, LABELS), weight=T((3,)), ignore_index=1, reduction="mean",
        label_smoothing=0.1),
    *of("NLLLoss", (), (CLASSES, LABELS), weight=T((3,)), ignore_index=1, reduction="mean"),
    *of("MultiMarginLoss", (), (CLASSES, LABELS), p=1, margin=1.0, weight=T((3,)), reduction="mean"),
    *of("L1Loss MSELoss SoftMarginLoss", (), (CLASSES, CLASSES), reduction="mean"),
    *of("L1Loss MSELoss", (), (CLASSES, CLASSES), size_average=True, reduce=False),
    *of("SmoothL1Loss", (), (CLASSES, CLASSES), reduction="mean", beta=1.0),
    *of("HuberLoss", (), (CLASSES, CLASSES), reduction="mean", delta=1.0),
    *of("BCEWithLogitsLoss", (), (CLASSES, CLASSES), weight=T((3,)), reduction="mean", pos_weight=T((3,))),
    *of("BCELoss", (), (HALVES, T((4, 1))), weight=T((1,)), reduction="mean"),
    *of("KLDivLoss", (), (CLASSES, CLASSES), reduction="batchmean", log_target=True),
    *of("PoissonNLLLoss", (), (CLASSES, CLASSES), log_input=True, full=False, eps=1e-8, reduction="mean"),
    *of("GaussianNLLLoss", (), (CLASSES, CLASSES, HALVES), full=True, eps=1e-6, reduction="mean"),
    *of("HingeEmbeddingLoss", (), (CLASSES, CLASSES), margin=1.0, reduction="mean"),
    *of("MultiLabelSoftMarginLoss", (), (CLASSES, CLASSES), weight=T((3,)), reduction="mean"),
    *of("MarginRankingLoss", (), (T((4,)), T((4,)), T((4,))), margin=0.5, reduction="mean"),
    *of("CosineEmbeddingLoss", (), (CLASSES, CLASSES, T((4,))), margin=0.1, reduction="mean"),
    *of("TripletMarginLoss", (), (CLASSES, T((4, 3), special=2.0), T((4, 3), special=0.0)), margin=1.0, p=2.0,
        eps=1e-6, swap=True, reduction="mean"),
)  # fmt: skip
