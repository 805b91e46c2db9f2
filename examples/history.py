"""From LeNet to DenseNet: what each network passes from stage to stage, its parameters, and how long an image takes.

Chapter: the history of convolutional networks.
"""

import time

import minicnn as mc

NETWORKS = [  # (year, name, side of the image, what it brought)
    (1998, "lenet", 28, "convolution, pooling, convolution, pooling, three linear layers"),
    (2012, "alexnet", 224, "depth, ReLU, dropout"),
    (2014, "vgg11", 224, "blocks of 3 × 3 convolutions"),
    (2014, "nin", 224, "1 × 1 convolutions, average pooling in place of linear layers"),
    (2014, "googlenet", 224, "four paths in parallel, concatenated"),
    (2015, "resnet18", 224, "x + f(x): layers that start as the identity"),
    (2016, "squeezenet1_1", 224, "AlexNet's accuracy with a fiftieth of its weights"),
    (2017, "densenet121", 224, "every layer sees all before it"),
    (2017, "mobilenet_v1", 224, "a filter a channel, then 1 × 1: few multiplications"),
    (2019, "efficientnet_b0", 224, "depth, width and resolution in proportion"),
]


def stages(model, image):
    """Shapes (C, H, W) of the features, wherever they become smaller."""
    shapes = [tuple(image.shape[1:])]

    def note(_layer, _inputs, output):
        shape = tuple(output.shape[1:])
        if len(shape) == 3 and 1 < shape[1] < shapes[-1][1]:
            shapes.append(shape)

    hooks = [layer.register_forward_hook(note) for layer in model.modules() if not list(layer.children())]
    model(image)
    for hook in hooks:
        hook.remove()
    return shapes


for year, name, side, idea in NETWORKS:
    mc.manual_seed(0)
    model = mc.models.get_model(name).eval()
    image = mc.randn(1, 1 if name in ("lenet", "nin") else 3, side, side)
    with mc.no_grad():
        shapes = stages(model, image)
        started = time.perf_counter()
        model(image)
        seconds = time.perf_counter() - started
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{year} {name}: {idea}")
    print(f"     {parameters:,} parameters, {1000 * seconds:.0f} ms an image")
    print("     " + " → ".join("×".join(map(str, shape)) for shape in shapes))
