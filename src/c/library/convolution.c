/* Convolutions gather the inputs of one pixel to a row, and multiply it by a matrix of weights. */

/* A matrix of int8 weights, and what makes int8 of its sums. The bias contains the zero point of the inputs. */
typedef struct {
    const int8_t *weights;  /* [outputs][inputs] */
    const uint8_t *nibbles; /* 4-bit weights + 8, two to a byte: [outputs][(inputs + 1) / 2] */
    const uint8_t *steps;   /* pruned weights: positions from one entry to the next */
    const uint16_t *counts; /* pruned weights: entries of each list */
    const int32_t *bias;    /* [outputs] */
    const float *scale;     /* [outputs] */
    int32_t inputs;
    int32_t weights_zero;
    range_i8 range;
} matrix_i8;

/* out [count] = row [inputs] times the outputs from `first` on. */
typedef void product_i8(const matrix_i8 *matrix, const int8_t *row, int32_t first, int32_t count, int8_t *out);

/* Where the inputs of a pixel are. */
typedef struct {
    int32_t in_h;
    int32_t in_w;
    int32_t in_c;
    int32_t kernel_h;
    int32_t kernel_w;
    int32_t stride_y;
    int32_t stride_x;
    int32_t dilation_y;
    int32_t dilation_x;
    int32_t pad_top;
    int32_t pad_left;
} window2d;

/* Where the results of a convolution go; strides in elements. */
typedef struct {
    int32_t batch;
    int32_t out_h;
    int32_t out_w;
    int32_t groups;
    int32_t group_outputs;
    int32_t pixel_stride;
    int32_t row_stride;
    int32_t batch_stride;
} output_layout;

typedef struct {
    const void *source; /* int8 [batch][in_h][in_w][in_c] */
    void *target;
    product_i8 *product;
    window2d window;
    output_layout outputs;
    int32_t source_zero;
    int8_t *row; /* scratch: the inputs of one pixel and one group */
    matrix_i8 matrix;
} conv2d_i8;

/* Sum of the elements of a row. */
static int32_t sum_i8(const int8_t *row, int32_t count)
{
    int32_t sum = 0;
    for (int32_t k = 0; k < count; k++) {
        sum += row[k];
    }
    return sum;
}

static int8_t finish_i8(const matrix_i8 *matrix, int32_t n, uint32_t sum)
{
    return requantize((int32_t)sum, matrix->scale[n], &matrix->range);
}

/* Four outputs at a time, so that each input is loaded once for four products. */
static void product_dense(const matrix_i8 *matrix, const int8_t *row, int32_t first, int32_t count, int8_t *out)
{
    const int32_t inputs = matrix->inputs;
    const int8_t *w = matrix->weights + first * inputs;
    uint32_t offset = 0;
    int32_t n = 0;
    if (matrix->weights_zero != 0) {
        offset = (uint32_t)(matrix->weights_zero * sum_i8(row, inputs));
    }
    for (; n + 4 <= count; n += 4) {
        const int32_t *bias = matrix->bias + first + n;
        const int8_t *w1 = w + inputs;
        const int8_t *w2 = w1 + inputs;
        const int8_t *w3 = w2 + inputs;
        uint32_t s0 = (uint32_t)bias[0] - offset;
        uint32_t s1 = (uint32_t)bias[1] - offset;
        uint32_t s2 = (uint32_t)bias[2] - offset;
        uint32_t s3 = (uint32_t)bias[3] - offset;
        for (int32_t k = 0; k < inputs; k++) {
            const int32_t a = row[k];
            s0 += (uint32_t)(a * w[k]);
            s1 += (uint32_t)(a * w1[k]);
            s2 += (uint32_t)(a * w2[k]);
            s3 += (uint32_t)(a * w3[k]);
        }
        out[n] = finish_i8(matrix, first + n, s0);
        out[n + 1] = finish_i8(matrix, first + n + 1, s1);
        out[n + 2] = finish_i8(matrix, first + n + 2, s2);
        out[n + 3] = finish_i8(matrix, first + n + 3, s3);
        w = w3 + inputs;
    }
    for (; n < count; n++) {
        uint32_t s = (uint32_t)matrix->bias[first + n] - offset;
        for (int32_t k = 0; k < inputs; k++) {
            s += (uint32_t)((int32_t)row[k] * w[k]);
        }
        out[n] = finish_i8(matrix, first + n, s);
        w += inputs;
    }
}

#define NIBBLE_BITS 4

#define NIBBLE_MASK 15

#define NIBBLE_ZERO 8

/* Sum of a row times 4-bit weights + 8. */
static uint32_t dot_nibbles(const int8_t *row, const uint8_t *w, int32_t inputs)
{
    uint32_t s = 0;
    int32_t k = 0;
    for (; k + 2 <= inputs; k += 2) {
        const int32_t pair = w[k / 2];
        s += (uint32_t)(row[k] * (pair & NIBBLE_MASK));
        s += (uint32_t)(row[k + 1] * (pair >> NIBBLE_BITS));
    }
    if (k < inputs) {
        s += (uint32_t)(row[k] * (w[k / 2] & NIBBLE_MASK));
    }
    return s;
}

/* Weights of four bits, which take half the memory. */
static void product_nibbles(const matrix_i8 *matrix, const int8_t *row, int32_t first, int32_t count, int8_t *out)
{
    const int32_t inputs = matrix->inputs;
    const int32_t row_bytes = (inputs + 1) / 2;
    const uint8_t *w = matrix->nibbles + first * row_bytes;
    const uint32_t offset = (uint32_t)(NIBBLE_ZERO * sum_i8(row, inputs));
    for (int32_t n = 0; n < count; n++) {
        const uint32_t s = (uint32_t)matrix->bias[first + n] - offset + dot_nibbles(row, w, inputs);
        out[n] = finish_i8(matrix, first + n, s);
        w += row_bytes;
    }
}

/* Pruned weights: an entry is the weights of one output and two neighboring inputs. */
static void product_pairs(const matrix_i8 *matrix, const int8_t *row, int32_t first, int32_t count, int8_t *out)
{
    const int8_t *w = matrix->weights;
    const uint8_t *step = matrix->steps;
    const int32_t zero = matrix->weights_zero;
    for (int32_t n = first; n < first + count; n++) {
        const int8_t *a = row;
        uint32_t s = (uint32_t)matrix->bias[n];
        for (uint32_t left = matrix->counts[n]; left > 0; left--) {
            a += 2 * *step++;
            s += (uint32_t)(a[0] * (w[0] - zero));
            s += (uint32_t)(a[1] * (w[1] - zero));
            w += 2;
        }
        out[n - first] = finish_i8(matrix, n, s);
    }
}

#define BLOCK_OUTPUTS 8

#define BLOCK_INPUTS 4

/* Pruned weights: an entry is the weights of eight outputs and four neighboring inputs. */
static void product_blocks(const matrix_i8 *matrix, const int8_t *row, int32_t first, int32_t count, int8_t *out)
{
    const int8_t *w = matrix->weights;
    const uint8_t *step = matrix->steps;
    const uint16_t *list = matrix->counts;
    const int32_t zero = matrix->weights_zero;
    for (int32_t n = first; n < first + count; n += BLOCK_OUTPUTS) {
        const int32_t lanes = min_i32(BLOCK_OUTPUTS, first + count - n);
        const int8_t *a = row;
        uint32_t s[BLOCK_OUTPUTS] = { 0 };
        for (uint32_t left = *list++; left > 0; left--) {
            a += BLOCK_INPUTS * *step++;
            for (int32_t lane = 0; lane < BLOCK_OUTPUTS; lane++) {
                for (int32_t k = 0; k < BLOCK_INPUTS; k++) {
                    s[lane] += (uint32_t)(a[k] * (*w++ - zero));
                }
            }
        }
        for (int32_t lane = 0; lane < lanes; lane++) {
            out[n - first + lane] = finish_i8(matrix, n + lane, s[lane] + (uint32_t)matrix->bias[n + lane]);
        }
    }
}

/* Gathers the inputs of pixel (y, x) and one group; inputs outside the image are `outside`. */
static void gather_i8(const window2d *win, const int8_t *image, int32_t y, int32_t x, int32_t channel,
                      int32_t channels, int32_t outside, int8_t *row)
{
    int8_t *to = row;
    for (int32_t ky = 0; ky < win->kernel_h; ky++) {
        const int32_t iy = y * win->stride_y - win->pad_top + ky * win->dilation_y;
        for (int32_t kx = 0; kx < win->kernel_w; kx++) {
            const int32_t ix = x * win->stride_x - win->pad_left + kx * win->dilation_x;
            if (iy >= 0 && iy < win->in_h && ix >= 0 && ix < win->in_w) {
                memcpy(to, image + (iy * win->in_w + ix) * win->in_c + channel, (size_t)channels);
            } else {
                memset(to, (int)outside, (size_t)channels);
            }
            to += channels;
        }
    }
}

/* Fully connected layers and convolutions of 1x1 pixels, which read their inputs where they are. */
static void run_pointwise_i8(const conv2d_i8 *layer)
{
    const window2d *win = &layer->window;
    const output_layout *out = &layer->outputs;
    const int8_t *image = layer->source;
    for (int32_t b = 0; b < out->batch; b++) {
        for (int32_t y = 0; y < out->out_h; y++) {
            int8_t *target = (int8_t *)layer->target + b * out->batch_stride + y * out->row_stride;
            const int8_t *row = image + y * win->stride_y * win->in_w * win->in_c;
            for (int32_t x = 0; x < out->out_w; x++) {
                layer->product(&layer->matrix, row, 0, out->group_outputs, target);
                row += win->stride_x * win->in_c;
                target += out->pixel_stride;
            }
        }
        image += win->in_h * win->in_w * win->in_c;
    }
}

/* Convolutions and phases of transposed convolutions. */
static void run_conv2d_i8(const conv2d_i8 *layer)
{
    const window2d *win = &layer->window;
    const output_layout *out = &layer->outputs;
    const int32_t channels = win->in_c / out->groups;
    const int8_t *image = layer->source;
    for (int32_t b = 0; b < out->batch; b++) {
        for (int32_t y = 0; y < out->out_h; y++) {
            int8_t *target = (int8_t *)layer->target + b * out->batch_stride + y * out->row_stride;
            for (int32_t x = 0; x < out->out_w; x++) {
                for (int32_t g = 0; g < out->groups; g++) {
                    const int32_t first = g * out->group_outputs;
                    gather_i8(win, image, y, x, g * channels, channels, layer->source_zero, layer->row);
                    layer->product(&layer->matrix, layer->row, first, out->group_outputs, target + first);
                }
                target += out->pixel_stride;
            }
        }
        image += win->in_h * win->in_w * win->in_c;
    }
}

/* A matrix of float weights. */
typedef struct {
    const float *weights; /* [outputs][inputs] */
    const float *bias;    /* [outputs] */
    int32_t inputs;
    bounds_f32 bounds;
} matrix_f32;

typedef struct {
    const void *source; /* float [batch][in_h][in_w][in_c] */
    void *target;
    window2d window;
    output_layout outputs;
    void *row; /* scratch: the inputs of one pixel and one group */
    matrix_f32 matrix;
} conv2d_f32;

/* start + the sum of a row times weights, in this order. */
static float dot_f32(const f32 *row, const float *weights, int32_t inputs, float start)
{
    float s = start;
    for (int32_t k = 0; k < inputs; k++) {
        s += row[k] * weights[k];
    }
    return s;
}

/* gather_i8 for float; inputs outside the image are 0. */
static void gather_f32(const window2d *win, const f32 *image, int32_t y, int32_t x, int32_t channel,
                       int32_t channels, f32 *row)
{
    f32 *to = row;
    for (int32_t ky = 0; ky < win->kernel_h; ky++) {
        const int32_t iy = y * win->stride_y - win->pad_top + ky * win->dilation_y;
        for (int32_t kx = 0; kx < win->kernel_w; kx++) {
            const int32_t ix = x * win->stride_x - win->pad_left + kx * win->dilation_x;
            const int inside = iy >= 0 && iy < win->in_h && ix >= 0 && ix < win->in_w;
            const f32 *from = image + (inside ? (iy * win->in_w + ix) * win->in_c + channel : 0);
            for (int32_t c = 0; c < channels; c++) {
                *to++ = inside ? from[c] : 0.0f;
            }
        }
    }
}

static void run_conv2d_f32(const conv2d_f32 *layer)
{
    const window2d *win = &layer->window;
    const output_layout *out = &layer->outputs;
    const matrix_f32 *matrix = &layer->matrix;
    const int32_t channels = win->in_c / out->groups;
    const f32 *image = layer->source;
    f32 *row = layer->row;
    for (int32_t b = 0; b < out->batch; b++) {
        for (int32_t y = 0; y < out->out_h; y++) {
            f32 *target = (f32 *)layer->target + b * out->batch_stride + y * out->row_stride;
            for (int32_t x = 0; x < out->out_w; x++) {
                for (int32_t g = 0; g < out->groups; g++) {
                    gather_f32(win, image, y, x, g * channels, channels, row);
                    for (int32_t i = 0; i < out->group_outputs; i++) {
                        const int32_t n = g * out->group_outputs + i;
                        const float *weights = matrix->weights + n * matrix->inputs;
                        const float s = dot_f32(row, weights, matrix->inputs, matrix->bias[n]);
                        target[n] = clamp_f32(s, matrix->bounds.min, matrix->bounds.max);
                    }
                }
                target += out->pixel_stride;
            }
        }
        image += win->in_h * win->in_w * win->in_c;
    }
}

typedef struct {
    const void *source; /* float [batch][in_h][in_w][in_c] */
    void *target;
    window2d window;
    output_layout outputs;
    int32_t asymmetric;
    int8_t *image;         /* scratch: the quantized image */
    int8_t *row;           /* scratch: the inputs of one pixel and one group */
    const int8_t *weights; /* [outputs][inputs] */
    const int32_t *sums;   /* sum of the weights of each output */
    const float *scale;    /* of the weights of each output */
    const float *bias;
    int32_t inputs;
    bounds_f32 bounds;
} conv2d_hybrid;

/* Convolutions of float images, which are quantized by their own range, with int8 weights. */
static void run_conv2d_hybrid(const conv2d_hybrid *layer)
{
    const window2d *win = &layer->window;
    const output_layout *out = &layer->outputs;
    const int32_t channels = win->in_c / out->groups;
    const int32_t pixels = win->in_h * win->in_w * win->in_c;
    const f32 *source = layer->source;
    int8_t *image = layer->image;
    int8_t *row = layer->row;
    for (int32_t b = 0; b < out->batch; b++) {
        const measured_range range = measure(source, pixels, layer->asymmetric);
        quantize_measured(source, pixels, &range, image);
        for (int32_t y = 0; y < out->out_h; y++) {
            f32 *target = (f32 *)layer->target + b * out->batch_stride + y * out->row_stride;
            for (int32_t x = 0; x < out->out_w; x++) {
                for (int32_t g = 0; g < out->groups; g++) {
                    gather_i8(win, image, y, x, g * channels, channels, range.zero, row);
                    for (int32_t i = 0; i < out->group_outputs; i++) {
                        const int32_t n = g * out->group_outputs + i;
                        const uint32_t s = dot_i8(row, layer->weights + n * layer->inputs, layer->inputs);
                        const int32_t sum = (int32_t)(s - (uint32_t)(range.zero * layer->sums[n]));
                        const float value = (float)sum * (range.scale * layer->scale[n]) + layer->bias[n];
                        target[n] = clamp_f32(value, layer->bounds.min, layer->bounds.max);
                    }
                }
                target += out->pixel_stride;
            }
        }
        source += pixels;
    }
}

/* Depthwise convolutions: one output channel for each input channel. */
typedef struct {
    const void *source; /* int8 [batch][in_h][in_w][in_c] */
    void *target;       /* int8 [batch][out_h][out_w][in_c] */
    window2d window;
    int32_t batch;
    int32_t out_h;
    int32_t out_w;
    const int8_t *weights; /* [in_c][kernel_w][kernel_h] */
    const int32_t *bias;
    const float *scale;
    int32_t source_zero;
    int32_t weights_zero;
    range_i8 range;
} depthwise_i8;

/* The part of a kernel's `taps`, `dilation` apart, that is inside [0, size) from `start` on. */
typedef struct {
    int32_t from;
    int32_t to;
} tap_range;

static tap_range taps_inside(int32_t start, int32_t size, int32_t taps, int32_t dilation)
{
    tap_range inside = { 0, taps };
    while (inside.from < taps && start + inside.from * dilation < 0) {
        inside.from++;
    }
    while (inside.to > inside.from && start + (inside.to - 1) * dilation >= size) {
        inside.to--;
    }
    return inside;
}

/* One pixel of a depthwise convolution; `image` is the source, and (iy, ix) the place of the first tap. */
static void depthwise_pixel_i8(const depthwise_i8 *layer, const int8_t *image, int32_t iy, int32_t ix, int8_t *out)
{
    const window2d *win = &layer->window;
    const tap_range rows = taps_inside(iy, win->in_h, win->kernel_h, win->dilation_y);
    const tap_range columns = taps_inside(ix, win->in_w, win->kernel_w, win->dilation_x);
    const int32_t row_step = win->dilation_y * win->in_w * win->in_c;
    const int8_t *w = layer->weights;
    for (int32_t c = 0; c < win->in_c; c++) {
        uint32_t s = (uint32_t)layer->bias[c];
        for (int32_t kx = columns.from; kx < columns.to; kx++) {
            const int32_t x = ix + kx * win->dilation_x;
            int32_t at = ((iy + rows.from * win->dilation_y) * win->in_w + x) * win->in_c + c;
            for (int32_t ky = rows.from; ky < rows.to; ky++) {
                const int32_t a = image[at] - layer->source_zero;
                s += (uint32_t)(a * (w[kx * win->kernel_h + ky] - layer->weights_zero));
                at += row_step;
            }
        }
        out[c] = requantize((int32_t)s, layer->scale[c], &layer->range);
        w += win->kernel_h * win->kernel_w;
    }
}

/* The bias does not contain the zero point of the source, so that taps outside the image are left out. */
static void run_depthwise_i8(const depthwise_i8 *layer)
{
    const window2d *win = &layer->window;
    const int8_t *image = layer->source;
    int8_t *out = layer->target;
    for (int32_t b = 0; b < layer->batch; b++) {
        for (int32_t y = 0; y < layer->out_h; y++) {
            for (int32_t x = 0; x < layer->out_w; x++) {
                depthwise_pixel_i8(layer, image, y * win->stride_y - win->pad_top, x * win->stride_x - win->pad_left,
                                   out);
                out += win->in_c;
            }
        }
        image += win->in_h * win->in_w * win->in_c;
    }
}

typedef struct {
    const void *source; /* float [batch][in_h][in_w][in_c] */
    void *target;
    window2d window;
    int32_t batch;
    int32_t out_h;
    int32_t out_w;
    const float *weights; /* [kernel_w][kernel_h][in_c] */
    const float *bias;
    bounds_f32 bounds;
} depthwise_f32;

/* The sum of one output, column by column. Inputs outside the image are 0. */
static float depthwise_sum_f32(const depthwise_f32 *layer, const f32 *image, int32_t y, int32_t x, int32_t c)
{
    const window2d *win = &layer->window;
    const float *w = layer->weights + c;
    float s = layer->bias[c];
    for (int32_t kx = 0; kx < win->kernel_w; kx++) {
        const int32_t ix = x * win->stride_x - win->pad_left + kx * win->dilation_x;
        for (int32_t ky = 0; ky < win->kernel_h; ky++) {
            const int32_t iy = y * win->stride_y - win->pad_top + ky * win->dilation_y;
            const int inside = iy >= 0 && iy < win->in_h && ix >= 0 && ix < win->in_w;
            s += (inside ? image[(iy * win->in_w + ix) * win->in_c + c] : 0.0f) * *w;
            w += win->in_c;
        }
    }
    return s;
}

static void run_depthwise_f32(const depthwise_f32 *layer)
{
    const window2d *win = &layer->window;
    const f32 *image = layer->source;
    f32 *out = layer->target;
    for (int32_t b = 0; b < layer->batch; b++) {
        for (int32_t y = 0; y < layer->out_h; y++) {
            for (int32_t x = 0; x < layer->out_w; x++) {
                for (int32_t c = 0; c < win->in_c; c++) {
                    const float s = depthwise_sum_f32(layer, image, y, x, c);
                    *out++ = clamp_f32(s, layer->bounds.min, layer->bounds.max);
                }
            }
        }
        image += win->in_h * win->in_w * win->in_c;
    }
}

/* Products of two activations; strides in elements. */
typedef struct {
    const void *a; /* [batch] with a_batch, a_row and a_column apart */
    const void *b;
    void *target; /* [batch][rows][columns] */
    int32_t batch;
    int32_t rows;
    int32_t inner;
    int32_t columns;
    int32_t a_batch;
    int32_t a_row;
    int32_t a_inner;
    int32_t b_batch;
    int32_t b_inner;
    int32_t b_column;
    int32_t a_zero;
    int32_t b_zero;
    float scale;
    range_i8 range;
    bounds_f32 bounds;
} matmul_layer;

static void run_batch_matmul_i8(const matmul_layer *layer)
{
    int8_t *out = layer->target;
    for (int32_t batch = 0; batch < layer->batch; batch++) {
        for (int32_t m = 0; m < layer->rows; m++) {
            for (int32_t n = 0; n < layer->columns; n++) {
                const int8_t *a = (const int8_t *)layer->a + batch * layer->a_batch + m * layer->a_row;
                const int8_t *b = (const int8_t *)layer->b + batch * layer->b_batch + n * layer->b_column;
                uint32_t s = 0;
                for (int32_t k = 0; k < layer->inner; k++) {
                    const int32_t x = a[k * layer->a_inner] - layer->a_zero;
                    s += (uint32_t)(x * (b[k * layer->b_inner] - layer->b_zero));
                }
                *out++ = requantize((int32_t)s, layer->scale, &layer->range);
            }
        }
    }
}

static void run_batch_matmul_f32(const matmul_layer *layer)
{
    f32 *out = layer->target;
    for (int32_t batch = 0; batch < layer->batch; batch++) {
        for (int32_t m = 0; m < layer->rows; m++) {
            for (int32_t n = 0; n < layer->columns; n++) {
                const f32 *a = (const f32 *)layer->a + batch * layer->a_batch + m * layer->a_row;
                const f32 *b = (const f32 *)layer->b + batch * layer->b_batch + n * layer->b_column;
                float s = 0.0f;
                for (int32_t k = 0; k < layer->inner; k++) {
                    s += a[k * layer->a_inner] * b[k * layer->b_inner];
                }
                *out++ = clamp_f32(s, layer->bounds.min, layer->bounds.max);
            }
        }
    }
}
