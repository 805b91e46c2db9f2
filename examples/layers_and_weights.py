"""Look into a network, take out some of its layers, and give its weights other first values.

Chapter: extracting layers, parameters and initialisation.
"""

import minicnn as mc
from minicnn import nn
from minicnn.nn import init

model = mc.models.SimpleCNN()
print("children:", [name for name, _ in model.named_children()])
print("modules: ", sum(1 for _ in model.modules()), "of them", [name for name, _ in model.named_modules()][1:4], "...")

print("\nThe first two layers, as a network of their own (with the same weights):")
first_two = nn.Sequential(*list(model.children())[:2])
print(first_two)
print("features of a batch:", tuple(first_two(mc.zeros(4, 3, 32, 32)).shape))

print("\nAll the convolutions:")
convolutions = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d)]
for name, layer in convolutions:
    print(f"  {name:13} {layer}")

print("\nParameters:")
for name, parameter in model.named_parameters():
    print(f"  {name:20} {tuple(parameter.shape)!s:16} {parameter.numel():9,}")
print(f"  in all {sum(p.numel() for p in model.parameters()):,}")

print("\nWhat an activation's spread becomes after the three convolutions, by first weights:")


def spread(initialise):
    """The standard deviation of the features of random images."""
    mc.manual_seed(0)
    fresh = mc.models.SimpleCNN()
    for layer in fresh.modules():
        if isinstance(layer, nn.Conv2d):
            initialise(layer.weight)
            layer.bias.data.fill_(0)
    with mc.no_grad():
        return fresh.layer3(fresh.layer2(fresh.layer1(mc.randn(16, 3, 32, 32)))).std().item()


for initialise in (init.normal_, init.xavier_normal_, init.kaiming_normal_):
    print(f"  {initialise.__name__:15} {spread(initialise):12.4g}")

print("\nWhat flows between the layers, by a hook:")
shapes = []
hooks = [layer.register_forward_hook(lambda _layer, _inputs, output: shapes.append(tuple(output.shape)))
         for layer in model.children()]  # fmt: skip
model(mc.zeros(4, 3, 32, 32))
for hook in hooks:
    hook.remove()
print("  " + " → ".join(map(str, shapes)))
