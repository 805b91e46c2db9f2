// Softmax cross-entropy. x and probabilities (N, C, P), target, weight, kept and losses (N, P); one block for each of
// the N*P rows. A row that is not kept loses 0, whatever x is.

extern "C" __global__ void softmax_nll(Index count, const STORE *x, const long long *target, const STORE *weight,
                                       Index has_weight, const unsigned char *kept, Index has_kept, STORE *losses,
                                       STORE *probabilities, Index C, Index P)
{
    __shared__ double shared[THREADS];
    for (Index row = blockIdx.x; row < count; row += gridDim.x) {
        const Index start = row / P * C * P + row % P;
        double greatest = -INFINITE, total = 0;
        for (Index c = threadIdx.x; c < C; c += blockDim.x) {
            double value = (double)(REAL)x[start + (Index)c * P];
            if (value > greatest || value != value) greatest = value;
        }
        greatest = block_max(greatest, shared);
        for (Index c = threadIdx.x; c < C; c += blockDim.x)
            total += exp((double)(REAL)x[start + (Index)c * P] - greatest);
        total = block_sum(total, shared);
        for (Index c = threadIdx.x; c < C; c += blockDim.x) {
            Index at = start + (Index)c * P;
            probabilities[at] = (STORE)(REAL)(exp((double)(REAL)x[at] - greatest) / total);
        }
        if (threadIdx.x != 0) continue;
        double loss = log(total) - ((double)(REAL)x[start + (Index)target[row] * P] - greatest);
        if (has_weight) loss *= (double)(REAL)weight[row];
        losses[row] = (STORE)(REAL)(has_kept && !kept[row] ? 0.0 : loss);
    }
}

// dx = g*weight*(softmax - onehot). count = N*C*P
extern "C" __global__ void softmax_nll_grad(Index count, const STORE *g, const STORE *probabilities,
                                            const long long *target, const STORE *weight, Index has_weight,
                                            const unsigned char *kept, Index has_kept, STORE *dx, Index C, Index P)
{
    EACH(at, count)
    {
        Index row = at / P / C * P + at % P;
        Index c = at / P % C;
        REAL scale = (REAL)g[row];
        if (has_weight) scale *= (REAL)weight[row];
        REAL value = scale * (REAL)probabilities[at];
        if (c == target[row]) value -= scale;
        dx[at] = (STORE)(has_kept && !kept[row] ? (REAL)0 : value);
    }
}
