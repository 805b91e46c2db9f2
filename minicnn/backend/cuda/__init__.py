"""The kernels that CUDA devices run, and how they are started; arrays and products come from the array library.

``kernels/*.cu`` hold the CUDA source, a small file a family; a module of the same name here starts its kernels. How a
source is compiled is left open (``CudaKernels.compiled``): CuPy does it for a device, the tests do it for the host.
"""

from __future__ import annotations

from minicnn.backend.cuda.conv import CudaConvKernels
from minicnn.backend.cuda.norm import CudaNormKernels
from minicnn.backend.cuda.pointwise import CudaPointwiseKernels
from minicnn.backend.cuda.pool import CudaPoolKernels
from minicnn.backend.cuda.random import CudaRandomKernels
from minicnn.backend.cuda.softmax import CudaSoftmaxKernels
from minicnn.backend.late import LateErrors
from minicnn.backend.portable import Backend


class CudaBackend(
    CudaConvKernels, CudaPoolKernels, CudaNormKernels, CudaSoftmaxKernels, CudaPointwiseKernels,
    CudaRandomKernels, LateErrors, Backend,
):
    """The portable backend with CUDA kernels where one pass does the work of many."""
