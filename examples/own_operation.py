"""Write an operation of one's own, check its gradients, and see the check catch a mistake."""

import minicnn as mc
from minicnn.autograd import Function
from minicnn.testing import GradcheckError, gradcheck, gradgradcheck


class Swish(Function):
    """x · sigmoid(β x)."""

    def forward(self, x, *, beta):
        self.beta = beta
        return x / (1 + mc.backend.backend_of(x).xp.exp(-beta * x))

    def grad_x(self, g, x):
        gate = mc.sigmoid(self.beta * x)
        return g * (gate + self.beta * x * gate * (1 - gate))


class WrongSwish(Swish):
    """The same with the inner derivative forgotten."""

    def grad_x(self, g, x):
        return g * mc.sigmoid(self.beta * x)


mc.manual_seed(0)
x = mc.randn(2, 3, dtype=mc.float64)
print("first derivative:", gradcheck(lambda x: Swish.apply(x, beta=1.5), x))
print("second derivative:", gradgradcheck(lambda x: Swish.apply(x, beta=1.5), x))
try:
    gradcheck(lambda x: WrongSwish.apply(x, beta=1.5), x)
except GradcheckError as error:
    print(error)
