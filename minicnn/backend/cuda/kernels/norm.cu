// Normalisation. Statistic s of S is over a segment: runs of `inner` adjacent numbers, S*inner apart. For batch norm
// S = C and inner = H*W; for layer, group and instance norm a segment is one run. A weight belongs to number i by
// (i / w_inner) % w_size.
//
// Sums are added in float64, each segment in `splits` parts so that a few channels still fill the device, and the parts
// in their order.

// Sums of x - shift and its square, where shift is the segment's first number: no cancellation where the mean is large.
// One block for each part; partial (S, splits, 2). count = S*splits
extern "C" __global__ void norm_sums(Index count, const STORE *x, double *partial, Index splits, Index S, Index inner,
                                     Index length)
{
    __shared__ double shared[THREADS];
    for (Index block = blockIdx.x; block < count; block += gridDim.x) {
        Index s = block / splits, part = block % splits, chunk = (length + splits - 1) / splits;
        Index end = (part + 1) * chunk < length ? (part + 1) * chunk : length;
        const STORE *segment = x + s * inner;
        double shift = (double)(REAL)segment[0], sum = 0, squares = 0;
        for (Index e = part * chunk + threadIdx.x; e < end; e += blockDim.x) {
            double value = (double)(REAL)segment[e / inner * S * inner + e % inner] - shift;
            sum += value;
            squares += value * value;
        }
        sum = block_sum(sum, shared);
        squares = block_sum(squares, shared);
        if (threadIdx.x == 0) {
            partial[2 * block] = sum;
            partial[2 * block + 1] = squares;
        }
    }
}

// partial -> mean and biased variance (S,). count = S
extern "C" __global__ void norm_statistics(Index count, const STORE *x, const double *partial, REAL *mean, REAL *var,
                                           Index splits, Index inner, Index length)
{
    EACH(s, count)
    {
        double sum = 0, squares = 0;
        for (Index part = 0; part < splits; part++) {
            sum += partial[2 * (s * splits + part)];
            squares += partial[2 * (s * splits + part) + 1];
        }
        double average = sum / (double)length, variance = squares / (double)length - average * average;
        mean[s] = (REAL)((double)(REAL)x[s * inner] + average);
        var[s] = (REAL)(variance < 0 ? 0 : variance);
    }
}

// count = all numbers of x
extern "C" __global__ void norm_apply(Index count, const STORE *x, const REAL *mean, const REAL *var, double eps,
                                      const STORE *weight, Index has_weight, const STORE *bias, Index has_bias, STORE *y,
                                      Index S, Index inner, Index w_size, Index w_inner)
{
    EACH(i, count)
    {
        Index s = i / inner % S, at = i / w_inner % w_size;
        REAL value = ((REAL)x[i] - mean[s]) * ((REAL)1 / (REAL)sqrt((double)var[s] + eps));
        if (has_weight) value *= (REAL)weight[at];
        if (has_bias) value += (REAL)bias[at];
        y[i] = (STORE)value;
    }
}

// Sums of h and of h*xhat over segments (T, t_inner), where h = g, or g*weight, and xhat is normalised by statistics
// (S, inner): for the input's gradient over the statistics' own segments, for the weight's over the weight's.
// One block for each part; partial (T, splits, 2). count = T*splits
extern "C" __global__ void norm_grad_sums(Index count, const STORE *g, const STORE *x, const REAL *mean,
                                          const REAL *var, double eps, const STORE *weight, Index has_weight,
                                          double *partial, Index splits, Index T, Index t_inner, Index length, Index S,
                                          Index inner, Index w_size, Index w_inner)
{
    __shared__ double shared[THREADS];
    for (Index block = blockIdx.x; block < count; block += gridDim.x) {
        Index t = block / splits, part = block % splits, chunk = (length + splits - 1) / splits;
        Index end = (part + 1) * chunk < length ? (part + 1) * chunk : length;
        double sum = 0, products = 0;
        for (Index e = part * chunk + threadIdx.x; e < end; e += blockDim.x) {
            Index i = (e / t_inner * T + t) * t_inner + e % t_inner, s = i / inner % S;
            double normal = (double)(((REAL)x[i] - mean[s]) * ((REAL)1 / (REAL)sqrt((double)var[s] + eps)));
            double h = (double)(REAL)g[i];
            if (has_weight) h *= (double)(REAL)weight[i / w_inner % w_size];
            sum += h;
            products += h * normal;
        }
        sum = block_sum(sum, shared);
        products = block_sum(products, shared);
        if (threadIdx.x == 0) {
            partial[2 * block] = sum;
            partial[2 * block + 1] = products;
        }
    }
}

// partial (T, splits, 2) -> the two sums (T,). count = T
extern "C" __global__ void norm_total(Index count, const double *partial, REAL *sums, REAL *products, Index splits)
{
    EACH(t, count)
    {
        double sum = 0, product = 0;
        for (Index part = 0; part < splits; part++) {
            sum += partial[2 * (t * splits + part)];
            product += partial[2 * (t * splits + part) + 1];
        }
        sums[t] = (REAL)sum;
        products[t] = (REAL)product;
    }
}

// dx = rstd*(h - sum(h)/length - xhat*sum(h*xhat)/length). count = all numbers of x
extern "C" __global__ void norm_grad(Index count, const STORE *g, const STORE *x, const REAL *mean, const REAL *var,
                                     double eps, const STORE *weight, Index has_weight, const REAL *sums,
                                     const REAL *products, STORE *dx, Index length, Index S, Index inner, Index w_size,
                                     Index w_inner)
{
    EACH(i, count)
    {
        Index s = i / inner % S;
        REAL rstd = (REAL)1 / (REAL)sqrt((double)var[s] + eps), h = (REAL)g[i];
        if (has_weight) h *= (REAL)weight[i / w_inner % w_size];
        REAL normal = ((REAL)x[i] - mean[s]) * rstd;
        dx[i] = (STORE)(rstd * (h - sums[s] / (REAL)length - normal * (products[s] / (REAL)length)));
    }
}
