/* Networks with int16 activations, whose zero point is 0, and int8 weights. Sums of int32 are added in double. */

typedef struct {
    const void *source; /* int16 [batch][in_h][in_w][in_c] */
    void *target;
    window2d window;
    output_layout outputs;
    void *row;             /* scratch: the inputs of one pixel and one group */
    const int8_t *weights; /* [outputs][inputs] */
    const double *bias;    /* [outputs] */
    const double *scale;
    int32_t inputs;
    int32_t chunk; /* inputs whose products are added in int32 */
    bounds_i32 limits;
} conv2d_i16;

/* A sum in units of the accumulators as int16, halves up. */
static int16_t requantize_i16(double sum, double scale, const bounds_i32 *limits)
{
    const double x = floor_f64(sum * scale + 0.5);
    if (x < (double)limits->min) {
        return (int16_t)limits->min;
    }
    return (int16_t)(x > (double)limits->max ? limits->max : (int32_t)x);
}

/* gather_i8 for int16; inputs outside the image are 0. */
static void gather_i16(const window2d *win, const i16 *image, int32_t y, int32_t x, int32_t channel,
                       int32_t channels, i16 *row)
{
    i16 *to = row;
    for (int32_t ky = 0; ky < win->kernel_h; ky++) {
        const int32_t iy = y * win->stride_y - win->pad_top + ky * win->dilation_y;
        for (int32_t kx = 0; kx < win->kernel_w; kx++) {
            const int32_t ix = x * win->stride_x - win->pad_left + kx * win->dilation_x;
            const int inside = iy >= 0 && iy < win->in_h && ix >= 0 && ix < win->in_w;
            const i16 *from = image + (inside ? (iy * win->in_w + ix) * win->in_c + channel : 0);
            for (int32_t c = 0; c < channels; c++) {
                *to++ = (int16_t)(inside ? from[c] : 0);
            }
        }
    }
}

/* The bias and the sum of the products of a row, chunk by chunk. */
static double sum_i16(const conv2d_i16 *layer, const i16 *row, int32_t n)
{
    const int8_t *w = layer->weights + n * layer->inputs;
    double sum = layer->bias[n];
    for (int32_t from = 0; from < layer->inputs; from += layer->chunk) {
        const int32_t to = min_i32(layer->inputs, from + layer->chunk);
        uint32_t s = 0;
        for (int32_t k = from; k < to; k++) {
            s += (uint32_t)(row[k] * w[k]);
        }
        sum += (double)(int32_t)s;
    }
    return sum;
}

static void run_conv2d_i16(const conv2d_i16 *layer)
{
    const window2d *win = &layer->window;
    const output_layout *out = &layer->outputs;
    const int32_t channels = win->in_c / out->groups;
    const i16 *image = layer->source;
    i16 *row = layer->row;
    for (int32_t b = 0; b < out->batch; b++) {
        for (int32_t y = 0; y < out->out_h; y++) {
            i16 *target = (i16 *)layer->target + b * out->batch_stride + y * out->row_stride;
            for (int32_t x = 0; x < out->out_w; x++) {
                for (int32_t g = 0; g < out->groups; g++) {
                    gather_i16(win, image, y, x, g * channels, channels, row);
                    for (int32_t i = 0; i < out->group_outputs; i++) {
                        const int32_t n = g * out->group_outputs + i;
                        target[n] = requantize_i16(sum_i16(layer, row, n), layer->scale[n], &layer->limits);
                    }
                }
                target += out->pixel_stride;
            }
        }
        image += win->in_h * win->in_w * win->in_c;
    }
}

typedef struct {
    const void *source; /* int16 [batch][in_h][in_w][in_c] */
    void *target;
    window2d window;
    int32_t batch;
    int32_t out_h;
    int32_t out_w;
    const int8_t *weights; /* [in_c][kernel_w][kernel_h] */
    const double *bias;
    const double *scale;
    bounds_i32 limits;
} depthwise_i16;

/* The sum of the products of one output; inputs outside the image are 0. */
static int32_t depthwise_sum_i16(const depthwise_i16 *layer, const i16 *image, int32_t y, int32_t x, int32_t c)
{
    const window2d *win = &layer->window;
    const int8_t *w = layer->weights + c * win->kernel_h * win->kernel_w;
    uint32_t s = 0;
    for (int32_t kx = 0; kx < win->kernel_w; kx++) {
        const int32_t ix = x * win->stride_x - win->pad_left + kx * win->dilation_x;
        for (int32_t ky = 0; ky < win->kernel_h; ky++) {
            const int32_t iy = y * win->stride_y - win->pad_top + ky * win->dilation_y;
            if (iy >= 0 && iy < win->in_h && ix >= 0 && ix < win->in_w) {
                s += (uint32_t)(image[(iy * win->in_w + ix) * win->in_c + c] * *w);
            }
            w++;
        }
    }
    return (int32_t)s;
}

static void run_depthwise_i16(const depthwise_i16 *layer)
{
    const window2d *win = &layer->window;
    const i16 *image = layer->source;
    i16 *out = layer->target;
    for (int32_t b = 0; b < layer->batch; b++) {
        for (int32_t y = 0; y < layer->out_h; y++) {
            for (int32_t x = 0; x < layer->out_w; x++) {
                for (int32_t c = 0; c < win->in_c; c++) {
                    const double sum = layer->bias[c] + (double)depthwise_sum_i16(layer, image, y, x, c);
                    *out++ = requantize_i16(sum, layer->scale[c], &layer->limits);
                }
            }
        }
        image += win->in_h * win->in_w * win->in_c;
    }
}

/* A function of two tensors of int16. */
typedef struct binary_i16 binary_i16;
typedef int32_t binary_function_i16(const binary_i16 *layer, int32_t a, int32_t b);
struct binary_i16 {
    const void *a;
    const void *b;
    void *target;
    binary_function_i16 *function;
    int32_t dimensions[RANK];
    int32_t a_strides[RANK];
    int32_t b_strides[RANK];
    fixed_factor a_factor;
    fixed_factor b_factor;
    fixed_factor out_factor;
    bounds_i32 limits;
};

/* Operands of a sum have 15 more bits than int16. */
#define SUM_UNIT 32768

static int32_t add_i16(const binary_i16 *layer, int32_t a, int32_t b)
{
    const int32_t p = multiply_fixed(a * SUM_UNIT, layer->a_factor);
    const int32_t q = multiply_fixed(b * SUM_UNIT, layer->b_factor);
    return multiply_fixed((int32_t)((uint32_t)p + (uint32_t)q), layer->out_factor);
}

static int32_t subtract_i16(const binary_i16 *layer, int32_t a, int32_t b)
{
    const int32_t p = multiply_fixed(a * SUM_UNIT, layer->a_factor);
    const int32_t q = multiply_fixed(b * SUM_UNIT, layer->b_factor);
    return multiply_fixed((int32_t)((uint32_t)p - (uint32_t)q), layer->out_factor);
}

static int32_t multiply_i16(const binary_i16 *layer, int32_t a, int32_t b)
{
    return multiply_fixed(a * b, layer->out_factor);
}

static int32_t minimum_i16(const binary_i16 *layer, int32_t a, int32_t b)
{
    (void)layer;
    return min_i32(a, b);
}

static int32_t maximum_i16(const binary_i16 *layer, int32_t a, int32_t b)
{
    (void)layer;
    return max_i32(a, b);
}

static void run_binary_i16(const binary_i16 *layer)
{
    int32_t index[RANK] = { 0 };
    i16 *out = layer->target;
    int32_t d = 0;
    while (d >= 0) {
        const i16 *a = layer->a;
        const i16 *b = layer->b;
        for (d = 0; d < RANK; d++) {
            a += index[d] * layer->a_strides[d];
            b += index[d] * layer->b_strides[d];
        }
        *out++ = (int16_t)clamp_i32(layer->function(layer, *a, *b), layer->limits.min, layer->limits.max);
        for (d = RANK - 1; d >= 0 && ++index[d] == layer->dimensions[d]; d--) {
            index[d] = 0;
        }
    }
}

typedef struct {
    const void *source;
    void *target;
    int32_t count;
    float scale;
    fixed_factor factor;
    int32_t source_zero;
    int32_t target_zero;
    bounds_i32 limits;
} wide_conversion;

static void run_convert_f32_i16(const wide_conversion *layer)
{
    const f32 *x = layer->source;
    i16 *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        const float q = clamp_f32(x[i] / layer->scale, -32768.0f, 32767.0f);
        out[i] = (int16_t)(is_nan(q) ? 0 : round_away(q));
    }
}

static void run_convert_i16_f32(const wide_conversion *layer)
{
    const i16 *x = layer->source;
    f32 *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = layer->scale * (float)x[i];
    }
}

static int32_t convert_integer(const wide_conversion *layer, int32_t q)
{
    const int32_t x = multiply_fixed(q - layer->source_zero, layer->factor);
    return clamp_i32(x, layer->limits.min - layer->target_zero, layer->limits.max - layer->target_zero) +
        layer->target_zero;
}

static void run_convert_i16_i16(const wide_conversion *layer)
{
    const i16 *x = layer->source;
    i16 *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = (int16_t)convert_integer(layer, x[i]);
    }
}

static void run_convert_i16_i8(const wide_conversion *layer)
{
    const i16 *x = layer->source;
    int8_t *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = (int8_t)convert_integer(layer, x[i]);
    }
}

static void run_convert_i8_i16(const wide_conversion *layer)
{
    const int8_t *x = layer->source;
    i16 *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = (int16_t)convert_integer(layer, x[i]);
    }
}
