// Pooling. x and dx (N, C, H, W), y, g and winners (N, C, OH, OW). A gradient gathers: one thread for each pixel of dx
// asks every window that holds the pixel, in a fixed order.

// What wins is > the best so far, or a NaN, or the first pixel at all; winner -1: the window lies in the padding.
// count = N*C*OH*OW
extern "C" __global__ void max_pool(Index count, const STORE *x, STORE *y, long long *winners, Index has_winners, Index H,
                                    Index W, Index KH, Index KW, Index OH, Index OW, Index stride_h, Index stride_w, Index pad_h,
                                    Index pad_w, Index dilation_h, Index dilation_w)
{
    EACH(at, count)
    {
        Index q = at % OW, p = at / OW % OH;
        const STORE *plane = x + at / OW / OH * H * W;
        REAL best = -INFINITE;
        Index winner = -1;
        for (Index i = 0; i < KH; i++) {
            Index h = p * stride_h - pad_h + i * dilation_h;
            if (h < 0 || h >= H) continue;
            for (Index j = 0; j < KW; j++) {
                Index w = q * stride_w - pad_w + j * dilation_w;
                if (w < 0 || w >= W) continue;
                REAL value = (REAL)plane[(Index)h * W + w];
                if (value > best || value != value || winner < 0) {
                    best = value;
                    winner = (Index)h * W + w;
                }
            }
        }
        y[at] = (STORE)best;
        if (has_winners) winners[at] = winner;
    }
}

// count = N*C*H*W
extern "C" __global__ void max_pool_grad(Index count, const STORE *g, const long long *winners, STORE *dx, Index H,
                                         Index W, Index KH, Index KW, Index OH, Index OW, Index stride_h, Index stride_w, Index pad_h,
                                         Index pad_w, Index dilation_h, Index dilation_w)
{
    EACH(at, count)
    {
        Index w = at % W, h = at / W % H;
        Index plane = at / W / H * OH * OW, here = (Index)h * W + w;
        REAL sum = 0;
        for (Index i = 0; i < KH; i++) {
            Index from_h = h + pad_h - i * dilation_h;
            if (from_h < 0 || from_h % stride_h || from_h / stride_h >= OH) continue;
            for (Index j = 0; j < KW; j++) {
                Index from_w = w + pad_w - j * dilation_w;
                if (from_w < 0 || from_w % stride_w || from_w / stride_w >= OW) continue;
                Index window = plane + (Index)(from_h / stride_h) * OW + from_w / stride_w;
                if (winners[window] == here) sum += (REAL)g[window];
            }
        }
        dx[at] = (STORE)sum;
    }
}

// Winners of unknown windows: a thread for each plane adds them up one after the other, into zeros. count = N*C
extern "C" __global__ void scatter_planes(Index count, const STORE *g, const long long *winners, REAL *dx,
                                          Index out_pixels, Index pixels)
{
    EACH(plane, count)
    for (Index i = 0; i < out_pixels; i++) {
        Index from = plane * out_pixels + i;
        if (winners[from] >= 0) dx[plane * pixels + winners[from]] += (REAL)g[from];
    }
}

// How many pixels an average counts along one axis; pad counts within the margin. See PoolGeometry.divisors.
__device__ inline Index counted(Index start, Index kernel, Index size, Index margin)
{
    return min(start + kernel, size + margin) - max(start, -margin);
}

// divisor 0: the pixels that count, those of the padding up to the margins. count = N*C*OH*OW
extern "C" __global__ void avg_pool(Index count, const STORE *x, STORE *y, double divisor, Index margin_h, Index margin_w,
                                    Index H, Index W, Index KH, Index KW, Index OH, Index OW, Index stride_h, Index stride_w,
                                    Index pad_h, Index pad_w)
{
    EACH(at, count)
    {
        Index q = at % OW, p = at / OW % OH, top = p * stride_h - pad_h, left = q * stride_w - pad_w;
        const STORE *plane = x + at / OW / OH * H * W;
        REAL sum = 0;
        for (Index h = max(top, (Index)0); h < min(top + KH, H); h++)
            for (Index w = max(left, (Index)0); w < min(left + KW, W); w++) sum += (REAL)plane[(Index)h * W + w];
        REAL pixels = divisor != 0 ? (REAL)divisor
                                   : (REAL)counted(top, KH, H, margin_h) * (REAL)counted(left, KW, W, margin_w);
        y[at] = (STORE)(sum / pixels);
    }
}

// count = N*C*H*W
extern "C" __global__ void avg_pool_grad(Index count, const STORE *g, STORE *dx, double divisor, Index margin_h,
                                         Index margin_w, Index H, Index W, Index KH, Index KW, Index OH, Index OW, Index stride_h,
                                         Index stride_w, Index pad_h, Index pad_w)
{
    EACH(at, count)
    {
        Index w = at % W, h = at / W % H;
        const STORE *plane = g + at / W / H * OH * OW;
        Index first_p = max((Index)0, (h + pad_h - KH) / stride_h), first_q = max((Index)0, (w + pad_w - KW) / stride_w);
        REAL sum = 0;
        for (Index p = first_p; p < OH && p * stride_h - pad_h <= h; p++) {
            Index top = p * stride_h - pad_h;
            if (top + KH <= h) continue;
            for (Index q = first_q; q < OW && q * stride_w - pad_w <= w; q++) {
                Index left = q * stride_w - pad_w;
                if (left + KW <= w) continue;
                REAL pixels = divisor != 0
                                  ? (REAL)divisor
                                  : (REAL)counted(top, KH, H, margin_h) * (REAL)counted(left, KW, W, margin_w);
                sum += (REAL)plane[(Index)p * OW + q] / pixels;
            }
        }
        dx[at] = (STORE)sum;
    }
}
