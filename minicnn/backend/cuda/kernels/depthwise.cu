// Depthwise convolution: each of C channels has M kernels of its own, so there is no product to give to a BLAS.
// x (N, C, H, W), w (C*M, KH, KW), y and g (N, C*M, OH, OW).

// With the bias, and the ReLU that follows, where they are there. count = N*C*M*OH*OW
extern "C" __global__ void depthwise(Index count, const STORE *x, const STORE *w, const STORE *bias, Index has_bias,
                                     Index relu, STORE *y, Index C, Index M, Index H, Index W, Index KH, Index KW, Index OH,
                                     Index OW, Index stride_h, Index stride_w, Index top, Index left, Index dilation_h,
                                     Index dilation_w)
{
    EACH(at, count)
    {
        Index q = at % OW, p = at / OW % OH;
        Index o = at / OW / OH % (C * M), n = at / OW / OH / (C * M);
        const STORE *plane = x + (n * C + o / M) * H * W;
        REAL sum = has_bias ? (REAL)bias[o] : (REAL)0;
        for (Index i = 0; i < KH; i++)
            for (Index j = 0; j < KW; j++) {
                Index h = p * stride_h - top + i * dilation_h, v = q * stride_w - left + j * dilation_w;
                if (h >= 0 && h < H && v >= 0 && v < W)
                    sum += (REAL)plane[(Index)h * W + v] * (REAL)w[(o * KH + i) * KW + j];
            }
        y[at] = (STORE)rectified(sum, relu);
    }
}

// count = N*C*H*W
extern "C" __global__ void depthwise_input_grad(Index count, const STORE *g, const STORE *w, STORE *dx, Index C, Index M,
                                                Index H, Index W, Index KH, Index KW, Index OH, Index OW, Index stride_h,
                                                Index stride_w, Index top, Index left, Index dilation_h, Index dilation_w)
{
    EACH(at, count)
    {
        Index v = at % W, h = at / W % H;
        Index c = at / W / H % C, n = at / W / H / C;
        REAL sum = 0;
        for (Index m = 0; m < M; m++) {
            Index o = c * M + m;
            for (Index i = 0; i < KH; i++) {
                Index from_h = h + top - i * dilation_h;
                if (from_h < 0 || from_h % stride_h || from_h / stride_h >= OH) continue;
                for (Index j = 0; j < KW; j++) {
                    Index from_w = v + left - j * dilation_w;
                    if (from_w < 0 || from_w % stride_w || from_w / stride_w >= OW) continue;
                    Index pixel = ((n * C * M + o) * OH + from_h / stride_h) * OW + from_w / stride_w;
                    sum += (REAL)g[pixel] * (REAL)w[(o * KH + i) * KW + j];
                }
            }
        }
        dx[at] = (STORE)sum;
    }
}

// One block for each number of dw (C*M, KH, KW); sums in float64.
extern "C" __global__ void depthwise_weight_grad(Index count, const STORE *x, const STORE *g, STORE *dw, Index N, Index C,
                                                 Index M, Index H, Index W, Index KH, Index KW, Index OH, Index OW, Index stride_h,
                                                 Index stride_w, Index top, Index left, Index dilation_h, Index dilation_w)
{
    __shared__ double shared[THREADS];
    for (Index at = blockIdx.x; at < count; at += gridDim.x) {
        Index j = at % KW, i = at / KW % KH;
        Index o = at / KW / KH, pixels = (Index)N * OH * OW;
        double sum = 0;
        for (Index pixel = threadIdx.x; pixel < pixels; pixel += blockDim.x) {
            Index q = pixel % OW, p = pixel / OW % OH;
            Index n = pixel / OW / OH;
            Index h = p * stride_h - top + i * dilation_h, v = q * stride_w - left + j * dilation_w;
            if (h >= 0 && h < H && v >= 0 && v < W)
                sum += (double)((REAL)x[((n * C + o / M) * H + h) * W + v] *
                                (REAL)g[((n * C * M + o) * OH + p) * OW + q]);
        }
        sum = block_sum(sum, shared);
        if (threadIdx.x == 0) dw[at] = (STORE)(REAL)sum;
    }
}
