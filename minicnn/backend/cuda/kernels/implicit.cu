// Convolution by implicit GEMM: a matrix product whose right factor, the columns, is never in memory. A block that needs
// a number of it works out which pixel that is, and reads the image. Within a group:
//
//   kernel                 rows   columns     depth       left factor   right factor
//   implicit_conv          o      (n, p, q)   (c, i, j)   w             x
//   implicit_input_grad    c      (n, h, w)   (o, i, j)   w             g
//   implicit_weight_grad   o      (c, i, j)   (n, p, q)   g             x
//
// A block makes a tile of ROWS x COLUMNS results, DEPTH products of each at a time. It brings that much of both factors
// to shared memory, where each number is read by many threads; a thread has EDGE x EDGE results in registers, and uses
// each number that it reads from shared memory EDGE times. So the image is read once for ROWS results, not for each.

#ifndef ROWS
#define ROWS 64  // 16, 32 or 64: a tile higher than there are rows computes for nobody
#endif
#define EDGE 4
#define DEPTH 16
#define COLUMNS (EDGE * EDGE * THREADS / ROWS)
#define ACROSS (COLUMNS / EDGE)               // threads side by side
#define TOGETHER (THREADS / DEPTH)            // rows that all threads fetch at a time, with a thread for each depth
#define LEFTS (ROWS * DEPTH / THREADS)        // numbers of the left factor that a thread fetches
#define RIGHTS (COLUMNS * DEPTH / THREADS)    // and of the right one
#define GAP 4                                 // between a tile's rows, so that a column does not lie in one memory bank

struct Sizes {
    Index N, C, H, W, O, OH, OW, KH, KW, stride_h, stride_w, top, left, dilation_h, dilation_w, groups;
};

#define SIZES                                                                                                    \
    Index N, Index C, Index H, Index W, Index O, Index OH, Index OW, Index KH, Index KW, Index stride_h,         \
        Index stride_w, Index top, Index left, Index dilation_h, Index dilation_w, Index groups
#define GIVEN_SIZES                                                                                              \
    {                                                                                                            \
        N, C, H, W, O, OH, OW, KH, KW, stride_h, stride_w, top, left, dilation_h, dilation_w, groups             \
    }

struct __align__(16) Tile {
    REAL left[DEPTH][ROWS + GAP], right[DEPTH][COLUMNS + GAP];
};

// Which results a tile has: tiles below each other come one after the other, as they read the same right factor.
struct Place {
    Index row, column, group, part;
    __device__ Place(Index tile, Index rows, Index columns, Index groups)
    {
        Index down = (rows + ROWS - 1) / ROWS, across = (columns + COLUMNS - 1) / COLUMNS;
        row = tile % down * ROWS;
        column = tile / down % across * COLUMNS;
        group = tile / down / across % groups;
        part = tile / down / across / groups;
    }
};

// A depth (c, i, j) of the windows, walked through in order.
struct Tap {
    Index c, i, j;
    __device__ Tap(Index depth, const Sizes &s) : c(depth / s.KW / s.KH), i(depth / s.KW % s.KH), j(depth % s.KW) {}
    __device__ void next(const Sizes &s)
    {
        if (++j < s.KW) return;
        j = 0;
        if (++i < s.KH) return;
        i = 0;
        c++;
    }
};

// w (O, C/groups, KH, KW) and x: the factors of y. A thread fetches, of w, one depth in several rows; of x, for one
// window, several depths: neighbouring threads have neighbouring windows, so they read neighbouring pixels.
struct ConvFactors {
    const Sizes &s;
    const STORE *w, *x;
    Index rows, row, depth, window_h, window_w;
    bool live;
    __device__ ConvFactors(const Sizes &s, const STORE *w_, const STORE *x_, const Place &place) : s(s)
    {
        rows = s.O / s.groups;
        depth = s.C / s.groups * s.KH * s.KW;
        row = place.row + threadIdx.x / DEPTH;
        w = w_ + place.group * rows * depth;
        Index column = place.column + threadIdx.x % COLUMNS, p = column / s.OW % s.OH, n = column / s.OW / s.OH;
        live = n < s.N;
        window_h = p * s.stride_h - s.top;
        window_w = column % s.OW * s.stride_w - s.left;
        x = x_ + (n * s.groups + place.group) * (s.C / s.groups) * s.H * s.W;
    }
    __device__ static int depth_of(int r) { return threadIdx.x / COLUMNS * RIGHTS + r; }
    __device__ static int column_of(int) { return threadIdx.x % COLUMNS; }
    __device__ void fetch(Index k, REAL *left, REAL *right) const
    {
        Index at = k + threadIdx.x % DEPTH, d = k + depth_of(0);
#pragma unroll
        for (int r = 0; r < LEFTS; r++) {
            Index o = row + r * TOGETHER;
            left[r] = o < rows && at < depth ? (REAL)w[o * depth + at] : (REAL)0;
        }
        Tap tap(d, s);
#pragma unroll
        for (int r = 0; r < RIGHTS; r++, tap.next(s)) {
            Index h = window_h + tap.i * s.dilation_h, v = window_w + tap.j * s.dilation_w;
            bool inside = live && d + r < depth && h >= 0 && h < s.H && v >= 0 && v < s.W;
            right[r] = inside ? (REAL)x[(tap.c * s.H + h) * s.W + v] : (REAL)0;
        }
    }
};

// w and g: the factors of dx. A pixel (h, w) was read by the window (h + top - i*dilation)/stride, where that is whole.
struct InputGradFactors {
    const Sizes &s;
    const STORE *w, *g;
    Index rows, row, depth, pixel_h, pixel_w;
    bool live;
    __device__ InputGradFactors(const Sizes &s, const STORE *w_, const STORE *g_, const Place &place) : s(s)
    {
        rows = s.C / s.groups;
        depth = s.O / s.groups * s.KH * s.KW;
        row = place.row + threadIdx.x / DEPTH;
        w = w_ + place.group * rows * depth;
        Index column = place.column + threadIdx.x % COLUMNS, n = column / s.W / s.H;
        live = n < s.N;
        pixel_h = column / s.W % s.H + s.top;
        pixel_w = column % s.W + s.left;
        g = g_ + (n * s.groups + place.group) * (s.O / s.groups) * s.OH * s.OW;
    }
    __device__ static int depth_of(int r) { return threadIdx.x / COLUMNS * RIGHTS + r; }
    __device__ static int column_of(int) { return threadIdx.x % COLUMNS; }
    __device__ void fetch(Index k, REAL *left, REAL *right) const
    {
        Index at = k + threadIdx.x % DEPTH, d = k + depth_of(0), taps = s.KH * s.KW, o = at / taps;
#pragma unroll
        for (int r = 0; r < LEFTS; r++) {
            Index c = row + r * TOGETHER;
            left[r] = c < rows && at < depth ? (REAL)w[(o * rows + c) * taps + at % taps] : (REAL)0;
        }
        Tap tap(d, s);
#pragma unroll
        for (int r = 0; r < RIGHTS; r++, tap.next(s)) {
            Index p = pixel_h - tap.i * s.dilation_h, q = pixel_w - tap.j * s.dilation_w;
            bool inside = live && d + r < depth && p >= 0 && q >= 0;
            if (s.stride_h * s.stride_w > 1) {  // divisions are slow, and most layers need none
                inside = inside && p % s.stride_h == 0 && q % s.stride_w == 0;
                p /= s.stride_h;
                q /= s.stride_w;
            }
            right[r] = inside && p < s.OH && q < s.OW ? (REAL)g[(tap.c * s.OH + p) * s.OW + q] : (REAL)0;
        }
    }
};

// g and x: the factors of dw. Here pixels are the depth, and a thread fetches one of them, for several rows and
// columns; which tap a column is, the threads have looked up together, in `taps`.
struct Column {
    Index plane, down, right;
    bool live;
};

struct WeightGradFactors {
    const Sizes &s;
    const Column *taps;
    const STORE *x, *g;
    Index rows, row, end;
    __device__ WeightGradFactors(const Sizes &s, const STORE *x_, const STORE *g_, const Place &place, Index end, Column *taps)
        : s(s), taps(taps), end(end)
    {
        rows = s.O / s.groups;
        row = place.row + threadIdx.x / DEPTH;
        x = x_ + place.group * (s.C / s.groups) * s.H * s.W;
        g = g_ + place.group * rows * s.OH * s.OW;
        if (threadIdx.x < COLUMNS) {
            Tap tap(place.column + threadIdx.x, s);
            Column column = {tap.c * s.H * s.W, tap.i * s.dilation_h, tap.j * s.dilation_w, tap.c < s.C / s.groups};
            taps[threadIdx.x] = column;
        }
        __syncthreads();
    }
    __device__ static int depth_of(int) { return threadIdx.x % DEPTH; }
    __device__ static int column_of(int r) { return threadIdx.x / DEPTH + r * TOGETHER; }
    __device__ void fetch(Index k, REAL *left, REAL *right) const
    {
        Index at = k + threadIdx.x % DEPTH, q = at % s.OW, p = at / s.OW % s.OH, n = at / s.OW / s.OH;
        const STORE *outputs = g + (n * s.O * s.OH + p) * s.OW + q, *image = x + n * s.C * s.H * s.W;
#pragma unroll
        for (int r = 0; r < LEFTS; r++) {
            Index o = row + r * TOGETHER;
            left[r] = o < rows && at < end ? (REAL)outputs[o * s.OH * s.OW] : (REAL)0;
        }
#pragma unroll
        for (int r = 0; r < RIGHTS; r++) {
            Column tap = taps[column_of(r)];
            Index h = p * s.stride_h - s.top + tap.down, v = q * s.stride_w - s.left + tap.right;
            bool inside = tap.live && at < end && h >= 0 && h < s.H && v >= 0 && v < s.W;
            right[r] = inside ? (REAL)image[tap.plane + h * s.W + v] : (REAL)0;
        }
    }
};

// sums = the tile's part of left factor x right factor, from one depth to another. While a step's products are
// computed, the numbers of the next are on their way from memory into registers.
template <class Factors>
__device__ void multiply(const Factors &factors, Index from, Index to, Tile &tile, REAL (&sums)[EDGE][EDGE])
{
    const int down = threadIdx.x / ACROSS * EDGE, across = threadIdx.x % ACROSS * EDGE;
    REAL left[LEFTS], right[RIGHTS];
    factors.fetch(from, left, right);
    for (Index k = from; k < to; k += DEPTH) {
#pragma unroll
        for (int r = 0; r < LEFTS; r++) tile.left[threadIdx.x % DEPTH][threadIdx.x / DEPTH + r * TOGETHER] = left[r];
#pragma unroll
        for (int r = 0; r < RIGHTS; r++) tile.right[Factors::depth_of(r)][Factors::column_of(r)] = right[r];
        __syncthreads();
        if (k + DEPTH < to) factors.fetch(k + DEPTH, left, right);
#pragma unroll
        for (int d = 0; d < DEPTH; d++)
#pragma unroll
            for (int e = 0; e < EDGE; e++)
#pragma unroll
                for (int f = 0; f < EDGE; f++) sums[e][f] += tile.left[d][down + e] * tile.right[d][across + f];
        __syncthreads();
    }
}

// use(row, column, sum) for each result of this thread that is within the product.
template <class Use>
__device__ void each_result(const Place &place, Index rows, Index columns, const REAL (&sums)[EDGE][EDGE], Use use)
{
    const Index row = place.row + threadIdx.x / ACROSS * EDGE, column = place.column + threadIdx.x % ACROSS * EDGE;
#pragma unroll
    for (int e = 0; e < EDGE; e++)
#pragma unroll
        for (int f = 0; f < EDGE; f++)
            if (row + e < rows && column + f < columns) use(row + e, column + f, sums[e][f]);
}

// count = tiles
extern "C" __global__ void __launch_bounds__(THREADS, 2) implicit_conv(Index count, const STORE *x, const STORE *w,
                                                                    const STORE *bias, Index has_bias, Index relu, STORE *y,
                                                                    SIZES)
{
    __shared__ Tile tile;
    const Sizes s = GIVEN_SIZES;
    const Index rows = O / groups, pixels = OH * OW;
    for (Index at = blockIdx.x; at < count; at += gridDim.x) {
        Place place(at, rows, N * pixels, groups);
        ConvFactors factors(s, w, x, place);
        REAL sums[EDGE][EDGE] = {};
        multiply(factors, 0, factors.depth, tile, sums);
        each_result(place, rows, N * pixels, sums, [&](Index row, Index column, REAL sum) {
            Index o = place.group * rows + row;
            if (has_bias) sum += (REAL)bias[o];
            y[(column / pixels * O + o) * pixels + column % pixels] = (STORE)rectified(sum, relu);
        });
    }
}

// count = tiles
extern "C" __global__ void __launch_bounds__(THREADS, 2) implicit_input_grad(Index count, const STORE *g, const STORE *w,
                                                                          STORE *dx, SIZES)
{
    __shared__ Tile tile;
    const Sizes s = GIVEN_SIZES;
    const Index rows = C / groups, pixels = H * W;
    for (Index at = blockIdx.x; at < count; at += gridDim.x) {
        Place place(at, rows, N * pixels, groups);
        InputGradFactors factors(s, w, g, place);
        REAL sums[EDGE][EDGE] = {};
        multiply(factors, 0, factors.depth, tile, sums);
        each_result(place, rows, N * pixels, sums, [&](Index row, Index column, REAL sum) {
            dx[(column / pixels * C + place.group * rows + row) * pixels + column % pixels] = (STORE)sum;
        });
    }
}

// The depth, all pixels of the batch, is cut into parts, so that a small dw occupies the whole device, too.
// partial (parts, groups, O/groups, C/groups*KH*KW). count = tiles*parts
extern "C" __global__ void __launch_bounds__(THREADS, 2) implicit_weight_grad(Index count, const STORE *x, const STORE *g,
                                                                           REAL *partial, Index part_pixels, SIZES)
{
    __shared__ Tile tile;
    __shared__ Column taps[COLUMNS];
    const Sizes s = GIVEN_SIZES;
    const Index rows = O / groups, columns = C / groups * KH * KW, pixels = N * OH * OW;
    for (Index at = blockIdx.x; at < count; at += gridDim.x) {
        Place place(at, rows, columns, groups);
        const Index end = min((place.part + 1) * part_pixels, pixels);
        WeightGradFactors factors(s, x, g, place, end, taps);
        REAL sums[EDGE][EDGE] = {};
        multiply(factors, place.part * part_pixels, end, tile, sums);
        each_result(place, rows, columns, sums, [&](Index row, Index column, REAL sum) {
            partial[((place.part * groups + place.group) * rows + row) * columns + column] = sum;
        });
    }
}

// partial (parts, dw) -> dw; the parts in their order, in float64. count = all numbers of dw
extern "C" __global__ void sum_parts(Index count, const REAL *partial, STORE *dw, Index parts)
{
    EACH(at, count)
    {
        double sum = 0;
        for (Index part = 0; part < parts; part++) sum += (double)partial[part * count + at];
        dw[at] = (STORE)(REAL)sum;
    }
}
