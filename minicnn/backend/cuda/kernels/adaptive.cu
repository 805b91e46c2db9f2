// Adaptive pooling: output i of OUT covers the pixels from floor(i*SIZE/OUT) up to ceil((i+1)*SIZE/OUT).
// x and dx (N, C, H, W), y, g and winners (N, C, OH, OW).

__device__ inline Index bin_start(Index i, Index size, Index out) { return (Index)((long long)i * size / out); }

__device__ inline Index bin_end(Index i, Index size, Index out) { return (Index)(((long long)(i + 1) * size + out - 1) / out); }

// count = N*C*OH*OW
extern "C" __global__ void adaptive_avg(Index count, const STORE *x, STORE *y, Index H, Index W, Index OH, Index OW)
{
    EACH(at, count)
    {
        Index q = at % OW, p = at / OW % OH;
        const STORE *plane = x + at / OW / OH * H * W;
        Index top = bin_start(p, H, OH), bottom = bin_end(p, H, OH), left = bin_start(q, W, OW), right = bin_end(q, W, OW);
        REAL sum = 0;
        for (Index h = top; h < bottom; h++)
            for (Index w = left; w < right; w++) sum += (REAL)plane[(Index)h * W + w];
        y[at] = (STORE)(sum / ((REAL)(bottom - top) * (REAL)(right - left)));
    }
}

// The bins that hold pixel h are those from floor(h*OUT/SIZE) up to ceil((h+1)*OUT/SIZE): the same formula, turned
// around. count = N*C*H*W
extern "C" __global__ void adaptive_avg_grad(Index count, const STORE *g, STORE *dx, Index H, Index W, Index OH, Index OW)
{
    EACH(at, count)
    {
        Index w = at % W, h = at / W % H;
        const STORE *plane = g + at / W / H * OH * OW;
        REAL sum = 0;
        for (Index p = bin_start(h, OH, H); p < bin_end(h, OH, H); p++)
            for (Index q = bin_start(w, OW, W); q < bin_end(w, OW, W); q++) {
                Index height = bin_end(p, H, OH) - bin_start(p, H, OH), width = bin_end(q, W, OW) - bin_start(q, W, OW);
                sum += (REAL)plane[(Index)p * OW + q] / ((REAL)height * (REAL)width);
            }
        dx[at] = (STORE)sum;
    }
}

// As max_pool: the first of equal values wins, the last NaN. count = N*C*OH*OW
extern "C" __global__ void adaptive_max(Index count, const STORE *x, STORE *y, long long *winners, Index H, Index W,
                                        Index OH, Index OW)
{
    EACH(at, count)
    {
        Index q = at % OW, p = at / OW % OH;
        const STORE *plane = x + at / OW / OH * H * W;
        REAL best = -INFINITE;
        Index winner = -1;
        for (Index h = bin_start(p, H, OH); h < bin_end(p, H, OH); h++)
            for (Index w = bin_start(q, W, OW); w < bin_end(q, W, OW); w++) {
                REAL value = (REAL)plane[(Index)h * W + w];
                if (value > best || value != value || winner < 0) {
                    best = value;
                    winner = (Index)h * W + w;
                }
            }
        y[at] = (STORE)best;
        winners[at] = winner;
    }
}
