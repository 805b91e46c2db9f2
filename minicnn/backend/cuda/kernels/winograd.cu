// Winograd's F(2x2, 3x3): 16 products for four output pixels of a 3x3 kernel at stride 1, where there were 36.
//
// Along one axis, with inputs d, a kernel g and two outputs y:
//     m0 = (d0 - d2)*g0   m1 = (d1 + d2)*(g0 + g1 + g2)/2   m2 = (d2 - d1)*(g0 - g1 + g2)/2   m3 = (d1 - d3)*g2
//     y0 = m0 + m1 + m2   y1 = m1 - m2 - m3
// Along both axes these are applied to rows, then to columns. The kernels here take sums before and after; between
// them, each of the 16 numbers of a tile is a matrix product of its own, over channels. T = N*TH*TW tiles of 2x2.
//
// A convolution is of R rows (results) and D depth channels a group: y of x, or dx of g, whose weights are turned.

// Each of these writes numbers `step` apart, so that it works along a column of a tile (step: a row), or along a row.
__device__ inline void inputs(const REAL *d, REAL *m, int step)
{
    m[0] = d[0] - d[2];
    m[step] = d[1] + d[2];
    m[2 * step] = d[2] - d[1];
    m[3 * step] = d[1] - d[3];
}

__device__ inline void weights(const REAL *g, REAL *m, int step)
{
    m[0] = g[0];
    m[step] = (g[0] + g[1] + g[2]) / 2;
    m[2 * step] = (g[0] - g[1] + g[2]) / 2;
    m[3 * step] = g[2];
}

__device__ inline void outputs(const REAL *m, REAL *y, int step)
{
    y[0] = m[0] + m[1] + m[2];
    y[step] = m[1] - m[2] - m[3];
}

// The same linear maps the other way round, for gradients: from those of y to those of m, and from those of m to g's.
__device__ inline void gradients(const REAL *y, REAL *m, int step)
{
    m[0] = y[0];
    m[step] = y[0] + y[1];
    m[2 * step] = y[0] - y[1];
    m[3 * step] = -y[1];
}

__device__ inline void weight_gradients(const REAL *m, REAL *g, int step)
{
    g[0] = m[0] + (m[1] + m[2]) / 2;
    g[step] = (m[1] - m[2]) / 2;
    g[2 * step] = (m[1] + m[2]) / 2 + m[3];
}

// Sums meet numbers of other windows: what is infinite, or no number, would spoil its neighbours, and what is huge would
// swallow them. A tile with such a result is computed by the definition, by the thread that finds it: the host would have
// to wait for the device to know of it.
__device__ inline bool is_spoilt(REAL value) { return !(fabs(value) < (REAL)1e19f); }

// Weight (i, j) of result r and depth d, of w (G*R, D, 3, 3), or (G*D, R, 3, 3) to be turned around.
__device__ inline REAL weight(const STORE *w, Index group, Index r, Index d, Index i, Index j, Index R, Index D, Index turned)
{
    return turned ? (REAL)w[(((group * D + d) * R + r) * 3 + 2 - i) * 3 + 2 - j]
                  : (REAL)w[(((group * R + r) * D + d) * 3 + i) * 3 + j];
}

__device__ inline REAL pixel(const STORE *plane, Index h, Index w, Index H, Index W)
{
    return h >= 0 && h < H && w >= 0 && w < W ? (REAL)plane[h * W + w] : (REAL)0;
}

struct Layer {
    Index N, G, R, D, H, W, OH, OW, top, left;
};

// y[n, o, p, q] by the definition
__device__ __noinline__ REAL plain_output(const STORE *x, const STORE *w, Index n, Index o, Index p, Index q, Index turned,
                                          const Layer &s)
{
    REAL sum = 0;
    for (Index d = 0; d < s.D; d++)
        for (Index tap = 0; tap < 9; tap++)
            sum += weight(w, o / s.R, o % s.R, d, tap / 3, tap % 3, s.R, s.D, turned) *
                   pixel(x + (n * s.G * s.D + o / s.R * s.D + d) * s.H * s.W, p - s.top + tap / 3, q - s.left + tap % 3,
                         s.H, s.W);
    return sum;
}

// dw[o, d, tap] by the definition
__device__ __noinline__ REAL plain_weight_grad(const STORE *x, const STORE *g, Index o, Index d, Index tap, const Layer &s)
{
    REAL sum = 0;
    for (Index n = 0; n < s.N; n++)
        for (Index at = 0; at < s.OH * s.OW; at++)
            sum += (REAL)g[(n * s.G * s.R + o) * s.OH * s.OW + at] *
                   pixel(x + (n * s.G * s.D + o / s.R * s.D + d) * s.H * s.W, at / s.OW - s.top + tap / 3,
                         at % s.OW - s.left + tap % 3, s.H, s.W);
    return sum;
}

// w -> u (16, G, R, D). count = G*R*D
extern "C" __global__ void winograd_weights(Index count, const STORE *w, STORE *u, Index R, Index D, Index turned)
{
    EACH(at, count)
    {
        Index d = at % D, r = at / D % R, group = at / D / R;
        REAL g[3], rows[4][3];
        for (Index j = 0; j < 3; j++) {
            for (Index i = 0; i < 3; i++) g[i] = weight(w, group, r, d, i, j, R, D, turned);
            weights(g, &rows[0][j], 3);
        }
        for (int i = 0; i < 4; i++) {
            REAL m[4];
            weights(rows[i], m, 1);
            for (int j = 0; j < 4; j++) u[(4 * i + j) * count + at] = (STORE)m[j];
        }
    }
}

// x (N, C, H, W) -> v (16, C, N, TH, TW). count = C*N*TH*TW
extern "C" __global__ void winograd_inputs(Index count, const STORE *x, STORE *v, Index N, Index C, Index H, Index W,
                                           Index TH, Index TW, Index top, Index left)
{
    EACH(at, count)
    {
        Index first_w = at % TW * 2 - left, first_h = at / TW % TH * 2 - top, n = at / TW / TH % N, c = at / TW / TH / N;
        const STORE *plane = x + (n * C + c) * H * W;
        REAL d[4], rows[4][4];
        for (int j = 0; j < 4; j++) {
            for (int i = 0; i < 4; i++) d[i] = pixel(plane, first_h + i, first_w + j, H, W);
            inputs(d, &rows[0][j], 4);
        }
        for (int i = 0; i < 4; i++) {
            REAL m[4];
            inputs(rows[i], m, 1);
            for (int j = 0; j < 4; j++) v[(4 * i + j) * count + at] = (STORE)m[j];
        }
    }
}

// products (16, G*R, N, TH, TW) -> y (N, G*R, OH, OW) + bias (G*R,), where there is one, and its ReLU, where one
// follows; x (N, G*D, H, W) and w are for the definition. count = G*R*N*TH*TW
extern "C" __global__ void winograd_outputs(Index count, const STORE *products, const STORE *x, const STORE *w,
                                            const STORE *bias, Index has_bias, Index relu, STORE *y, Index N, Index G, Index R,
                                            Index D, Index H, Index W, Index OH, Index OW, Index top, Index left,
                                            Index turned)
{
    const Layer s = {N, G, R, D, H, W, OH, OW, top, left};
    const Index TH = (OH + 1) / 2, TW = (OW + 1) / 2;
    EACH(at, count)
    {
        Index n = at / TW / TH % N, o = at / TW / TH / N;
        REAL m[4], rows[2][4], tile[2][2];
        for (int j = 0; j < 4; j++) {
            for (int i = 0; i < 4; i++) m[i] = (REAL)products[(4 * i + j) * count + at];
            outputs(m, &rows[0][j], 4);
        }
        for (int i = 0; i < 2; i++) outputs(rows[i], tile[i], 1);
        const bool spoilt = is_spoilt(tile[0][0]) || is_spoilt(tile[0][1]) || is_spoilt(tile[1][0]) || is_spoilt(tile[1][1]);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            Index p = at / TW % TH * 2 + k / 2, q = at % TW * 2 + k % 2;
            if (p >= OH || q >= OW) continue;
            REAL value = spoilt ? plain_output(x, w, n, o, p, q, turned, s) : tile[k / 2][k % 2];
            y[((n * G * R + o) * OH + p) * OW + q] = (STORE)rectified(has_bias ? value + (REAL)bias[o] : value, relu);
        }
    }
}

// g (N, O, OH, OW) -> h (16, O, N, TH, TW): what a gradient of the outputs is for the products. count = O*N*TH*TW
extern "C" __global__ void winograd_gradients(Index count, const STORE *g, STORE *h, Index N, Index O, Index OH, Index OW)
{
    const Index TH = (OH + 1) / 2, TW = (OW + 1) / 2;
    EACH(at, count)
    {
        Index q = at % TW * 2, p = at / TW % TH * 2, n = at / TW / TH % N, o = at / TW / TH / N;
        const STORE *plane = g + (n * O + o) * OH * OW;
        REAL y[2], rows[4][2];
        for (int j = 0; j < 2; j++) {
            for (int i = 0; i < 2; i++) y[i] = pixel(plane, p + i, q + j, OH, OW);
            gradients(y, &rows[0][j], 2);
        }
        for (int i = 0; i < 4; i++) {
            REAL m[4];
            gradients(rows[i], m, 1);
            for (int j = 0; j < 4; j++) h[(4 * i + j) * count + at] = (STORE)m[j];
        }
    }
}

// sums (16, G, R, D) -> dw (G*R, D, 3, 3), of x (N, G*D, H, W) and g (N, G*R, OH, OW). count = G*R*D
extern "C" __global__ void winograd_weight_grad(Index count, const STORE *sums, const STORE *x, const STORE *g, STORE *dw,
                                                Index N, Index G, Index R, Index D, Index H, Index W, Index OH, Index OW,
                                                Index top, Index left)
{
    const Layer s = {N, G, R, D, H, W, OH, OW, top, left};
    EACH(at, count)
    {
        Index d = at % D, o = at / D;
        REAL m[4], rows[3][4], taps[3][3];
        for (int j = 0; j < 4; j++) {
            for (int i = 0; i < 4; i++) m[i] = (REAL)sums[(4 * i + j) * count + at];
            weight_gradients(m, &rows[0][j], 4);
        }
        for (int i = 0; i < 3; i++) weight_gradients(rows[i], taps[i], 1);
        bool spoilt = false;
#pragma unroll
        for (int k = 0; k < 9; k++) spoilt = spoilt || is_spoilt(taps[k / 3][k % 3]);
#pragma unroll
        for (int k = 0; k < 9; k++)
            dw[at * 9 + k] = (STORE)(spoilt ? plain_weight_grad(x, g, o, d, k, s) : taps[k / 3][k % 3]);
    }
}
