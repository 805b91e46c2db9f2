"""The scripts that are run; and how each code block of the documents is: on what, mended where, what is compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent / "scripts"
"""Scripts in the documents' idioms, for where the documents are not."""

PRINTING = ("loop_of_2018.py", "loop_of_today.py", "adversaries.py")
"""Those that need no torchvision; what they print is kept."""

_TORCH = "import torch\nfrom torch import nn\n"
_MODELS = "import torchvision.models as models\n"


@dataclass(frozen=True)
class Block:
    """A code block, by its document and its number there.

    Attributes:
        needs: earlier blocks of the document that it builds on.
        before: what the document says in words, or takes from elsewhere.
        mended: the document's own slips, and what was meant.
        then: makes ``model``, where the block only defines what it is made of.
        shape: the model's input; without one the block builds no model.
        part_shape: the input of ``part`` of the model, where going back through the whole would take long.
        pytorch: whether PyTorch alone can run it as well, without torchvision.
        live: whether it is compared with an installed PyTorch, too, and not only with what is stored: PyTorch takes a
            quarter of a minute for each VGG.
    """

    document: int
    number: int
    name: str
    shape: tuple[int, ...] | None = None
    needs: tuple[int, ...] = ()
    before: str = ""
    mended: tuple[tuple[str, str], ...] = ()
    then: str = ""
    part_shape: tuple[int, ...] | None = None
    pytorch: bool = True
    live: bool = True

    @property
    def key(self) -> str:
        """What it is called in the reference."""
        return f"block {self.document}.{self.number}"


BLOCKS = (
    Block(0, 0, "a convolution's arguments", (2, 1, 28, 28), then="model = _",
          before=_TORCH + "in_channels, outs_channels, kernel_size = 1, 16, 5\n",
          mended=(("nn.Conv2d(in_channels", "_ = nn.Conv2d(in_channels"),)),
    Block(0, 1, "flattened images to linear layers",
          before=_TORCH + "model, images = nn.Linear(28 * 28, 10), torch.randn(4, 1, 28, 28)\n",
          then="print(outputs.detach())"),
    Block(0, 2, "images to convolutions",
          before=_TORCH + "model, images = nn.Conv2d(1, 2, 27), torch.randn(4, 1, 28, 28)\n",
          then="print(outputs.detach())"),
    Block(1, 0, "SimpleCNN", (2, 3, 32, 32)),
    Block(1, 1, "its first two layers", (2, 3, 32, 32), needs=(0,), then="model = new_model"),
    # PyTorch, too, refuses the dots in these names.
    Block(1, 2, "its convolutions", needs=(0,), mended=(("layer[0],", "layer[0].replace('.', '_'),"),),
          then="print(conv_model)"),
    Block(1, 3, "the names of its parameters", (2, 3, 32, 32), needs=(0,)),
    Block(1, 4, "initial values of one's own", (2, 3, 32, 32), needs=(0,), before="from torch.nn import init\n"),
    Block(1, 5, "LeNet", (2, 1, 28, 28), then="model = LeNet()"),
    Block(1, 6, "AlexNet", (1, 3, 224, 224), part_shape=(1, 3, 64, 64),
          then="model = AlexNet(10)\npart = model.features"),
    Block(1, 7, "VGGNet", (1, 3, 224, 224), part_shape=(1, 3, 32, 32), live=False,
          then="model = VGGNet(10)\npart = model.features"),
    Block(1, 8, "an Inception module", (2, 192, 14, 14), then="model = Inception(192, 32)",
          mended=(("from pandas.util._decorators import F", "import torch.nn.functional as F"),)),
    Block(1, 9, "a residual block", (2, 8, 16, 16),
          then="model = BasicBlock(8, 16, 2, nn.Sequential(nn.Conv2d(8, 16, 1, 2), nn.BatchNorm2d(16)))"),
    Block(1, 10, "four convolutions with batch norm", (2, 1, 28, 28), then="model = CNN()"),
    Block(1, 11, "augmentation of CIFAR-10", pytorch=False),
    Block(1, 12, "a residual block for CIFAR-10", (2, 16, 8, 8), before=_TORCH, then="model = ResidualBlock(16, 16)"),
    Block(1, 13, "a residual network for CIFAR-10", (2, 3, 32, 32), needs=(12,), before=_TORCH,
          mended=(("out.siza(0)", "out.size(0)"),), then="model = ResNet(ResidualBlock, [2, 2, 2])"),
    Block(2, 0, "LeNet with sigmoids", (2, 1, 28, 28), then="model = net"),
    Block(2, 1, "AlexNet for grey images", (1, 1, 224, 224), then="model = net"),
    Block(2, 2, "a VGG block", (2, 3, 8, 8), then="model = vgg_block(2, 3, 8)"),
    Block(2, 3, "VGG-11", (1, 1, 224, 224), needs=(2,), part_shape=(1, 1, 32, 32), live=False,
          then="model, part = net, net[:5]",
          before="conv_arch = ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512))\n"),
    Block(2, 4, "an NiN block", (2, 3, 12, 12), then="model = nin_block(3, 8, 5, 2, 1)"),
    Block(2, 5, "NiN", (1, 1, 224, 224), needs=(4,), then="model = net"),
    Block(2, 6, "an Inception block", (2, 192, 14, 14), then="model = Inception(192, 64, (96, 128), (16, 32), 32)"),
    Block(2, 7, "a residual block with a 1 × 1 convolution", (4, 3, 6, 6),
          then="model = Residual(3, 6, use_1x1conv=True, strides=2)"),
    Block(2, 8, "a dense block", (4, 3, 8, 8), then="model = DenseBlock(2, 3, 10)"),
    Block(2, 9, "a transition block", (4, 23, 8, 8), before=_TORCH, then="model = transition_block(23, 10)"),
    Block(3, 0, "AlexNet with adaptive pooling", (1, 3, 224, 224), before=_TORCH, part_shape=(1, 3, 64, 64),
          then="model = CNNNet()\npart = model.features"),
    Block(3, 1, "a convolution's arguments by position", (2, 3, 9, 9), then="model = _",
          before=_TORCH + "in_channels, out_channels, kernel_size, stride, padding = 3, 4, 3, 2, 1\n",
          mended=(("nn.Conv2d(", "_ = nn.Conv2d("),)),
    Block(3, 2, "AlexNet of torchvision", pytorch=False),
    Block(3, 3, "the printed ResNet-18", before=_MODELS + "model = models.resnet18()\n", pytorch=False),
    Block(3, 4, "ResNet-50 of the hub, with its weights", before="import torch\n", pytorch=False),
)  # fmt: skip


def script(block: Block, codes: list[str]) -> str:
    """The block as a script: with what it builds on, mended, seeded.

    Args:
        block: which.
        codes: the code blocks of its document.
    """
    needed = [_mended(other, codes) for other in BLOCKS if other.document == block.document
              and other.number in block.needs]  # fmt: skip
    seed = "import torch\ntorch.manual_seed(7)\n"
    return "\n".join([seed + block.before, *needed, seed + _mended(block, codes), block.then, ""])


def _mended(block: Block, codes: list[str]) -> str:
    code = codes[block.number]
    for slip, meant in block.mended:
        assert slip in code, f"{slip!r} is not in block {block.number} of document {block.document}"
        code = code.replace(slip, meant)
    return code
