// What every kernel file begins with; launch.py puts this text before theirs.
//
//   STORE  how numbers lie in memory: float, double or __half
//   REAL   how they are computed: double for double, float for the others
//   INDEX  int where every array of the call has fewer than 2^31 elements, else long long (slow to divide on a GPU)
//   HALF   defined where STORE is __half
//
//   THREADS  how many threads a block has
//
// Every whole number that a kernel is given is an Index. Every kernel is right for any number of blocks, and for any number
// of threads but where __launch_bounds__ asks for THREADS. None uses atomics: the same bits each time.

#ifdef HALF
#include <cuda_fp16.h>
#endif

typedef INDEX Index;

#define INFINITE ((REAL)__int_as_float(0x7f800000))  // NVRTC has no header that names it

// The elements of this thread: i, i + all threads, ...
#define EACH(i, count)                                                                                   \
    for (Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x; i < (count); i += (Index)gridDim.x * blockDim.x)

// A convolution's or linear layer's result on its way to memory: max(value, 0) where a ReLU follows (NaN stays NaN).
__device__ inline REAL rectified(REAL value, Index relu) { return relu && value <= 0 ? (REAL)0 : value; }

// The sum of a value over the threads of a block, in a fixed order, known to all of them. Threads: a power of two.
__device__ inline double block_sum(double value, double *shared)
{
    shared[threadIdx.x] = value;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if ((int)threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
        __syncthreads();
    }
    double total = shared[0];
    __syncthreads();
    return total;
}

__device__ inline double block_max(double value, double *shared)
{
    shared[threadIdx.x] = value;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if ((int)threadIdx.x < half) {
            double other = shared[threadIdx.x + half];
            if (other > shared[threadIdx.x] || other != other) shared[threadIdx.x] = other;  // NaN wins
        }
        __syncthreads();
    }
    double greatest = shared[0];
    __syncthreads();
    return greatest;
}
