// Convolution around the matrix product: windows into columns, columns back into images, product rows into images.
//
// columns is (C, KH, KW, N, OH, OW): row (c, i, j) holds what tap (i, j) of channel c reads for every output pixel of
// N images. One product with the weights (O, C*KH*KW) is then the convolution of all of them.

// x (N, C, H, W) -> columns; a thread copies the window of one output pixel in one channel. count = C*N*OH*OW
extern "C" __global__ void im2col(Index count, const STORE *x, STORE *columns, Index N, Index C, Index H, Index W, Index KH,
                                  Index KW, Index OH, Index OW, Index stride_h, Index stride_w, Index top, Index left,
                                  Index dilation_h, Index dilation_w)
{
    const Index row = (Index)N * OH * OW;
    EACH(at, count)
    {
        Index pixel = at % row, c = at / row;
        Index q = pixel % OW, p = pixel / OW % OH;
        Index n = pixel / OW / OH;
        Index first_h = p * stride_h - top, first_w = q * stride_w - left;
        const STORE *plane = x + (n * C + c) * H * W;
        STORE *column = columns + c * KH * KW * row + pixel;
        for (Index i = 0; i < KH; i++)
            for (Index j = 0; j < KW; j++) {
                Index h = first_h + i * dilation_h, w = first_w + j * dilation_w;
                bool inside = h >= 0 && h < H && w >= 0 && w < W;
                column[(Index)(i * KW + j) * row] = inside ? plane[(Index)h * W + w] : (STORE)0.0f;
            }
    }
}

// columns -> dx (N, C, H, W), the adjoint of im2col; a thread gathers all that one pixel was copied to, so that no two
// threads write to the same place. count = N*C*H*W
extern "C" __global__ void col2im(Index count, const STORE *columns, STORE *dx, Index N, Index C, Index H, Index W, Index KH,
                                  Index KW, Index OH, Index OW, Index stride_h, Index stride_w, Index top, Index left,
                                  Index dilation_h, Index dilation_w)
{
    const Index row = (Index)N * OH * OW;
    EACH(at, count)
    {
        Index w = at % W, h = at / W % H;
        Index c = at / W / H % C, n = at / W / H / C;
        REAL sum = 0;
        for (Index i = 0; i < KH; i++) {
            Index from_h = h + top - i * dilation_h;
            if (from_h < 0 || from_h % stride_h || from_h / stride_h >= OH) continue;
            for (Index j = 0; j < KW; j++) {
                Index from_w = w + left - j * dilation_w;
                if (from_w < 0 || from_w % stride_w || from_w / stride_w >= OW) continue;
                Index pixel = (n * OH + from_h / stride_h) * OW + from_w / stride_w;
                sum += (REAL)columns[((c * KH + i) * KW + j) * row + pixel];
            }
        }
        dx[at] = (STORE)sum;
    }
}

// rows (O, N, P) -> y (N, O, P) + bias (O,), where there is one, and its ReLU, where one follows: the pass that turns the
// product around has each number in its hands. count = N*O*P
extern "C" __global__ void rows_to_images(Index count, const STORE *rows, const STORE *bias, Index has_bias, Index relu,
                                          STORE *y, Index N, Index O, Index P)
{
    EACH(at, count)
    {
        Index p = at % P, o = at / P % O, n = at / P / O;
        REAL value = (REAL)rows[(o * N + n) * P + p];
        if (has_bias) value += (REAL)bias[o];
        y[at] = (STORE)rectified(value, relu);
    }
}

// y (N, O, P) -> max(y + bias (O,), 0) in y's own memory, where cuBLAS left its product. count = N*O*P
extern "C" __global__ void bias_relu(Index count, const STORE *bias, Index has_bias, STORE *y, Index O, Index P)
{
    EACH(at, count)
    {
        REAL value = (REAL)y[at];
        if (has_bias) value += (REAL)bias[at / P % O];
        y[at] = (STORE)rectified(value, 1);
    }
}
