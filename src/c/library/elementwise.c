/* Functions of two tensors, element by element. Strides are in elements, and 0 where an operand is repeated. */

#define RANK 6

typedef struct {
    int32_t a_factor; /* add: ((a_factor * a + b_factor * b + bias) >> shift) + the zero point */
    int32_t b_factor;
    int32_t bias;
    int32_t shift;
    int32_t a_zero;
    int32_t b_zero;
    float scale;
    float negative_scale;
    float out_scale;
    int32_t zero;
    bounds_i32 limits;
    range_i8 range;
    bounds_f32 bounds;
} binary_constants;

/* One row of results; the steps are 0 or 1. */
typedef void binary_row(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                        void *target, int32_t count);

typedef struct {
    const void *a;
    const void *b;
    void *target;
    binary_row *row;
    int32_t bytes; /* of an element */
    int32_t dimensions[RANK];
    int32_t a_strides[RANK];
    int32_t b_strides[RANK];
    binary_constants constants;
} binary_layer;

static void run_binary(const binary_layer *layer)
{
    const int32_t count = layer->dimensions[RANK - 1];
    const int32_t row_bytes = count * layer->bytes;
    int32_t index[RANK] = { 0 };
    uint8_t *target = layer->target;
    int32_t d = 0;
    while (d >= 0) {
        const uint8_t *a = layer->a;
        const uint8_t *b = layer->b;
        for (d = 0; d < RANK - 1; d++) {
            a += index[d] * layer->a_strides[d] * layer->bytes;
            b += index[d] * layer->b_strides[d] * layer->bytes;
        }
        layer->row(&layer->constants, a, layer->a_strides[RANK - 1], b, layer->b_strides[RANK - 1], target, count);
        target += row_bytes;
        for (d = RANK - 2; d >= 0 && ++index[d] == layer->dimensions[d]; d--) {
            index[d] = 0;
        }
    }
}

/* Addition and subtraction, which has a negative factor. */
static void add_i8(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                   void *target, int32_t count)
{
    const int8_t *x = a;
    const int8_t *y = b;
    int8_t *out = target;
    for (int32_t i = 0; i < count; i++) {
        const uint32_t sum = (uint32_t)k->a_factor * (uint32_t)x[i * a_step] +
            (uint32_t)k->b_factor * (uint32_t)y[i * b_step] + (uint32_t)k->bias;
        const int32_t q = shift_right((int32_t)sum, k->shift) + k->zero;
        out[i] = (int8_t)clamp_i32(q, k->limits.min, k->limits.max);
    }
}

static void multiply_i8(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                        void *target, int32_t count)
{
    const int8_t *x = a;
    const int8_t *y = b;
    int8_t *out = target;
    for (int32_t i = 0; i < count; i++) {
        const int32_t product = (x[i * a_step] - k->a_zero) * (y[i * b_step] - k->b_zero);
        out[i] = requantize(product, k->scale, &k->range);
    }
}

static void divide_i8(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                      void *target, int32_t count)
{
    const int8_t *x = a;
    const int8_t *y = b;
    int8_t *out = target;
    for (int32_t i = 0; i < count; i++) {
        const float p = k->scale * (float)(x[i * a_step] - k->a_zero);
        const float q = k->negative_scale * (float)(y[i * b_step] - k->b_zero);
        out[i] = quantize_f32((p / q) / k->out_scale, &k->range);
    }
}

static void squared_difference_i8(const binary_constants *k, const void *a, int32_t a_step, const void *b,
                                  int32_t b_step, void *target, int32_t count)
{
    const int8_t *x = a;
    const int8_t *y = b;
    int8_t *out = target;
    for (int32_t i = 0; i < count; i++) {
        const float p = k->scale * (float)(x[i * a_step] - k->a_zero);
        const float q = k->negative_scale * (float)(y[i * b_step] - k->b_zero);
        const float d = p - q;
        out[i] = quantize_f32((d * d) / k->out_scale, &k->range);
    }
}

static void minimum_i8(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                       void *target, int32_t count)
{
    const int8_t *x = a;
    const int8_t *y = b;
    int8_t *out = target;
    for (int32_t i = 0; i < count; i++) {
        out[i] = (int8_t)clamp_i32(min_i32(x[i * a_step], y[i * b_step]), k->limits.min, k->limits.max);
    }
}

static void maximum_i8(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                       void *target, int32_t count)
{
    const int8_t *x = a;
    const int8_t *y = b;
    int8_t *out = target;
    for (int32_t i = 0; i < count; i++) {
        out[i] = (int8_t)clamp_i32(max_i32(x[i * a_step], y[i * b_step]), k->limits.min, k->limits.max);
    }
}

static void prelu_i8(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                     void *target, int32_t count)
{
    const int8_t *x = a;
    const int8_t *y = b;
    int8_t *out = target;
    for (int32_t i = 0; i < count; i++) {
        const int32_t p = x[i * a_step] - k->a_zero;
        out[i] = p >= 0 ? requantize(p, k->scale, &k->range)
                        : requantize(p * (y[i * b_step] - k->b_zero), k->negative_scale, &k->range);
    }
}

static void add_f32_row(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                        void *target, int32_t count)
{
    const f32 *x = a;
    const f32 *y = b;
    f32 *out = target;
    for (int32_t i = 0; i < count; i++) {
        out[i] = clamp_f32(x[i * a_step] + y[i * b_step], k->bounds.min, k->bounds.max);
    }
}

static void subtract_f32_row(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                             void *target, int32_t count)
{
    const f32 *x = a;
    const f32 *y = b;
    f32 *out = target;
    for (int32_t i = 0; i < count; i++) {
        out[i] = clamp_f32(x[i * a_step] - y[i * b_step], k->bounds.min, k->bounds.max);
    }
}

static void multiply_f32_row(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                             void *target, int32_t count)
{
    const f32 *x = a;
    const f32 *y = b;
    f32 *out = target;
    for (int32_t i = 0; i < count; i++) {
        out[i] = clamp_f32(x[i * a_step] * y[i * b_step], k->bounds.min, k->bounds.max);
    }
}

static void divide_f32_row(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                           void *target, int32_t count)
{
    const f32 *x = a;
    const f32 *y = b;
    f32 *out = target;
    for (int32_t i = 0; i < count; i++) {
        out[i] = clamp_f32(x[i * a_step] / y[i * b_step], k->bounds.min, k->bounds.max);
    }
}

static void minimum_f32_row(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                            void *target, int32_t count)
{
    const f32 *x = a;
    const f32 *y = b;
    f32 *out = target;
    for (int32_t i = 0; i < count; i++) {
        out[i] = clamp_f32(lesser_f32(x[i * a_step], y[i * b_step]), k->bounds.min, k->bounds.max);
    }
}

static void maximum_f32_row(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                            void *target, int32_t count)
{
    const f32 *x = a;
    const f32 *y = b;
    f32 *out = target;
    for (int32_t i = 0; i < count; i++) {
        out[i] = clamp_f32(greater_f32(x[i * a_step], y[i * b_step]), k->bounds.min, k->bounds.max);
    }
}

static void squared_difference_f32_row(const binary_constants *k, const void *a, int32_t a_step, const void *b,
                                       int32_t b_step, void *target, int32_t count)
{
    const f32 *x = a;
    const f32 *y = b;
    f32 *out = target;
    for (int32_t i = 0; i < count; i++) {
        const float d = x[i * a_step] - y[i * b_step];
        out[i] = clamp_f32(d * d, k->bounds.min, k->bounds.max);
    }
}

static void prelu_f32_row(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                          void *target, int32_t count)
{
    const f32 *x = a;
    const f32 *y = b;
    f32 *out = target;
    for (int32_t i = 0; i < count; i++) {
        const float p = x[i * a_step];
        out[i] = clamp_f32(p >= 0.0f ? p : p * y[i * b_step], k->bounds.min, k->bounds.max);
    }
}

static void add_i32_row(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                        void *target, int32_t count)
{
    const i32 *x = a;
    const i32 *y = b;
    i32 *out = target;
    (void)k;
    for (int32_t i = 0; i < count; i++) {
        out[i] = (int32_t)((uint32_t)x[i * a_step] + (uint32_t)y[i * b_step]);
    }
}

static void subtract_i32_row(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                             void *target, int32_t count)
{
    const i32 *x = a;
    const i32 *y = b;
    i32 *out = target;
    (void)k;
    for (int32_t i = 0; i < count; i++) {
        out[i] = (int32_t)((uint32_t)x[i * a_step] - (uint32_t)y[i * b_step]);
    }
}

static void multiply_i32_row(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                             void *target, int32_t count)
{
    const i32 *x = a;
    const i32 *y = b;
    i32 *out = target;
    (void)k;
    for (int32_t i = 0; i < count; i++) {
        out[i] = (int32_t)((uint32_t)x[i * a_step] * (uint32_t)y[i * b_step]);
    }
}

static void minimum_i32_row(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                            void *target, int32_t count)
{
    const i32 *x = a;
    const i32 *y = b;
    i32 *out = target;
    (void)k;
    for (int32_t i = 0; i < count; i++) {
        out[i] = min_i32(x[i * a_step], y[i * b_step]);
    }
}

static void maximum_i32_row(const binary_constants *k, const void *a, int32_t a_step, const void *b, int32_t b_step,
                            void *target, int32_t count)
{
    const i32 *x = a;
    const i32 *y = b;
    i32 *out = target;
    (void)k;
    for (int32_t i = 0; i < count; i++) {
        out[i] = max_i32(x[i * a_step], y[i * b_step]);
    }
}

/* A function of one int8, as a table of all its results. */
typedef struct {
    const void *source;
    void *target;
    const uint8_t *table; /* indexed by the byte */
    int32_t count;
} table_i8;

static void run_table_i8(const table_i8 *layer)
{
    const uint8_t *x = layer->source;
    uint8_t *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = layer->table[x[i]];
    }
}

typedef float unary_function(float x, float alpha);

/* A function of each float. */
typedef struct {
    const void *source;
    void *target;
    unary_function *function;
    float alpha;
    int32_t count;
} unary_f32;

static void run_unary_f32(const unary_f32 *layer)
{
    const f32 *x = layer->source;
    f32 *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = layer->function(x[i], layer->alpha);
    }
}

static float unary_relu(float x, float alpha)
{
    (void)alpha;
    return greater_f32(x, 0.0f);
}

static float unary_relu6(float x, float alpha)
{
    (void)alpha;
    return clamp_f32(x, 0.0f, 6.0f);
}

static float unary_relu_n1_to_1(float x, float alpha)
{
    (void)alpha;
    return clamp_f32(x, -1.0f, 1.0f);
}

static float unary_relu_0_to_1(float x, float alpha)
{
    (void)alpha;
    return clamp_f32(x, 0.0f, 1.0f);
}

static float unary_leaky_relu(float x, float alpha)
{
    return x >= 0.0f ? x : x * alpha;
}

static float unary_hard_swish(float x, float alpha)
{
    (void)alpha;
    return (x * clamp_f32(x + 3.0f, 0.0f, 6.0f)) * 0.16666667f;
}

static float unary_logistic(float x, float alpha)
{
    (void)alpha;
    return logistic_f32(x);
}

static float unary_tanh(float x, float alpha)
{
    (void)alpha;
    return tanh_f32(x);
}

static float unary_elu(float x, float alpha)
{
    return x >= 0.0f ? x : expm1_f32(x) * alpha;
}

static float unary_gelu(float x, float alpha)
{
    (void)alpha;
    return (x * 0.5f) * (1.0f + erf_f32(x * 0.70710678f));
}

static float unary_gelu_tanh(float x, float alpha)
{
    const float cube = (x * x) * x;
    (void)alpha;
    return (x * 0.5f) * (1.0f + tanh_f32((x + cube * 0.044715f) * 0.79788456f));
}

static float unary_exp(float x, float alpha)
{
    (void)alpha;
    return exp_f32(x);
}

static float unary_log(float x, float alpha)
{
    (void)alpha;
    return log_f32(x);
}

static float unary_sqrt(float x, float alpha)
{
    (void)alpha;
    return sqrtf(x);
}

static float unary_rsqrt(float x, float alpha)
{
    (void)alpha;
    return 1.0f / sqrtf(x);
}

#define SIGN_BIT 0x80000000u

static float unary_abs(float x, float alpha)
{
    (void)alpha;
    return float_of((uint32_t)bits_of(x) & ~SIGN_BIT);
}

static float unary_neg(float x, float alpha)
{
    (void)alpha;
    return -x;
}

static float unary_square(float x, float alpha)
{
    (void)alpha;
    return x * x;
}

/* Numbers from here on are integers. */
#define INTEGERS_F32 8388608.0f

/* Halves to even; keeps the sign of 0. */
static float nearest_f32(float x)
{
    if (x > 0.0f && x < INTEGERS_F32) {
        return (x + INTEGERS_F32) - INTEGERS_F32;
    }
    return x < 0.0f && x > -INTEGERS_F32 ? -((INTEGERS_F32 - x) - INTEGERS_F32) : x;
}

static float floor_f32(float x)
{
    const float nearest = nearest_f32(x);
    return nearest > x ? nearest - 1.0f : nearest;
}

static float unary_floor(float x, float alpha)
{
    (void)alpha;
    return floor_f32(x);
}

static float unary_ceil(float x, float alpha)
{
    (void)alpha;
    return -floor_f32(-x);
}

static float unary_round(float x, float alpha)
{
    (void)alpha;
    return nearest_f32(x);
}

static float unary_sin(float x, float alpha)
{
    (void)alpha;
    return sine_f32(x, 0);
}

static float unary_cos(float x, float alpha)
{
    (void)alpha;
    return sine_f32(x, 1);
}

/* Functions of the rows of [rows][depth]. */
typedef struct {
    const void *source;
    void *target;
    const float *table; /* int8: e^(-d * the scale of the source * beta) for the distance d to the largest element */
    int32_t rows;
    int32_t depth;
    float scale;
    float out_scale;
    float epsilon;
    int32_t source_zero;
    range_i8 range;
} row_function;

static int32_t largest_i8(const int8_t *x, int32_t n)
{
    int32_t most = INT8_MIN;
    for (int32_t i = 0; i < n; i++) {
        most = max_i32(most, x[i]);
    }
    return most;
}

/* The sum of table[largest - x], in the order of fold. */
static float sum_powers_i8(const int8_t *x, int32_t n, int32_t largest, const float *table)
{
    const int32_t whole = n - n % 4;
    float p[4] = { 0.0f, 0.0f, 0.0f, 0.0f };
    float sum;
    for (int32_t i = 0; i < whole; i++) {
        p[i % 4] += table[largest - x[i]];
    }
    sum = (p[0] + p[2]) + (p[1] + p[3]);
    for (int32_t i = whole; i < n; i++) {
        sum += table[largest - x[i]];
    }
    return sum;
}

static void run_softmax_i8(const row_function *layer)
{
    const int8_t *x = layer->source;
    int8_t *out = layer->target;
    for (int32_t row = 0; row < layer->rows; row++) {
        const int32_t largest = largest_i8(x, layer->depth);
        const float factor = 1.0f / (sum_powers_i8(x, layer->depth, largest, layer->table) * layer->out_scale);
        for (int32_t i = 0; i < layer->depth; i++) {
            const float y = layer->table[largest - x[i]] * factor;
            out[i] = (int8_t)((int32_t)round_even(y < layer->range.high ? y : layer->range.high) + layer->range.zero);
        }
        x += layer->depth;
        out += layer->depth;
    }
}

static void run_log_softmax_i8(const row_function *layer)
{
    const int8_t *x = layer->source;
    int8_t *out = layer->target;
    for (int32_t row = 0; row < layer->rows; row++) {
        const int32_t largest = largest_i8(x, layer->depth);
        const float logarithm = log_f32(sum_powers_i8(x, layer->depth, largest, layer->table));
        for (int32_t i = 0; i < layer->depth; i++) {
            const float y = layer->scale * (float)(x[i] - largest) - logarithm;
            out[i] = quantize_f32(y / layer->out_scale, &layer->range);
        }
        x += layer->depth;
        out += layer->depth;
    }
}

static void run_softmax_f32(const row_function *layer)
{
    const f32 *x = layer->source;
    f32 *out = layer->target;
    for (int32_t row = 0; row < layer->rows; row++) {
        const float largest = fold(x, layer->depth, 1, -INFINITY, greater_f32, greater_f32);
        float factor;
        for (int32_t i = 0; i < layer->depth; i++) {
            out[i] = exp_f32((x[i] - largest) * layer->scale);
        }
        factor = 1.0f / fold(out, layer->depth, 1, 0.0f, add_f32, add_f32);
        for (int32_t i = 0; i < layer->depth; i++) {
            out[i] *= factor;
        }
        x += layer->depth;
        out += layer->depth;
    }
}

/* The sum of e^(x - largest), in the order of fold. */
static float sum_powers_f32(const f32 *x, int32_t n, float largest)
{
    const int32_t whole = n - n % 4;
    float p[4] = { 0.0f, 0.0f, 0.0f, 0.0f };
    float sum;
    for (int32_t i = 0; i < whole; i++) {
        p[i % 4] += exp_f32(x[i] - largest);
    }
    sum = (p[0] + p[2]) + (p[1] + p[3]);
    for (int32_t i = whole; i < n; i++) {
        sum += exp_f32(x[i] - largest);
    }
    return sum;
}

static void run_log_softmax_f32(const row_function *layer)
{
    const f32 *x = layer->source;
    f32 *out = layer->target;
    for (int32_t row = 0; row < layer->rows; row++) {
        const float largest = fold(x, layer->depth, 1, -INFINITY, greater_f32, greater_f32);
        const float logarithm = log_f32(sum_powers_f32(x, layer->depth, largest));
        for (int32_t i = 0; i < layer->depth; i++) {
            out[i] = (x[i] - largest) - logarithm;
        }
        x += layer->depth;
        out += layer->depth;
    }
}

static void run_l2_normalize_i8(const row_function *layer)
{
    const int8_t *x = layer->source;
    int8_t *out = layer->target;
    for (int32_t row = 0; row < layer->rows; row++) {
        double sum = 0.0;
        float factor;
        for (int32_t i = 0; i < layer->depth; i++) {
            const int32_t d = x[i] - layer->source_zero;
            sum += (double)(d * d);
        }
        sum = sum < (double)layer->epsilon ? (double)layer->epsilon : sum;
        factor = (float)(1.0 / (sqrt(sum) * (double)layer->out_scale));
        for (int32_t i = 0; i < layer->depth; i++) {
            out[i] = quantize_f32((float)(x[i] - layer->source_zero) * factor, &layer->range);
        }
        x += layer->depth;
        out += layer->depth;
    }
}

static void run_l2_normalize_f32(const row_function *layer)
{
    const f32 *x = layer->source;
    f32 *out = layer->target;
    for (int32_t row = 0; row < layer->rows; row++) {
        const float sum = fold(x, layer->depth, 1, 0.0f, add_square_f32, add_f32);
        const float factor = 1.0f / sqrtf(sum < layer->epsilon ? layer->epsilon : sum);
        for (int32_t i = 0; i < layer->depth; i++) {
            out[i] = x[i] * factor;
        }
        x += layer->depth;
        out += layer->depth;
    }
}

/* Conversions of `count` numbers. */
typedef struct {
    const void *source;
    void *target;
    int32_t count;
    float scale;
    range_i8 range;
} conversion;

static void run_quantize(const conversion *layer)
{
    const f32 *x = layer->source;
    int8_t *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = quantize_f32(x[i] * layer->scale, &layer->range);
    }
}

static void run_dequantize(const conversion *layer)
{
    const int8_t *x = layer->source;
    f32 *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = layer->scale * (float)(x[i] - layer->range.zero);
    }
}

#define TOP_BIT 0x80u

/* uint8 to int8 and back: 128 less, or more. */
static void run_flip_top_bit(const conversion *layer)
{
    const uint8_t *x = layer->source;
    uint8_t *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = (uint8_t)(x[i] ^ TOP_BIT);
    }
}

static void run_cast_i8_i32(const conversion *layer)
{
    const int8_t *x = layer->source;
    i32 *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = x[i];
    }
}

static void run_cast_u8_i32(const conversion *layer)
{
    const uint8_t *x = layer->source;
    i32 *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = x[i];
    }
}

static void run_cast_i8_f32(const conversion *layer)
{
    const int8_t *x = layer->source;
    f32 *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = (float)x[i];
    }
}

static void run_cast_u8_f32(const conversion *layer)
{
    const uint8_t *x = layer->source;
    f32 *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = (float)x[i];
    }
}

static void run_cast_i32_f32(const conversion *layer)
{
    const i32 *x = layer->source;
    f32 *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = (float)x[i];
    }
}

/* The lowest byte; also for uint8. */
static void run_cast_i32_i8(const conversion *layer)
{
    const i32 *x = layer->source;
    uint8_t *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = (uint8_t)x[i];
    }
}

/* Toward zero; NaN gives 0. */
static int32_t truncate_f32(float x, double low, double high)
{
    const double y = (double)x;
    if (is_nan(x)) {
        return 0;
    }
    if (y < low) {
        return (int32_t)low;
    }
    return (int32_t)(y > high ? high : y);
}

static void run_cast_f32_i32(const conversion *layer)
{
    const f32 *x = layer->source;
    i32 *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = truncate_f32(x[i], INT32_MIN, INT32_MAX);
    }
}

static void run_cast_f32_i8(const conversion *layer)
{
    const f32 *x = layer->source;
    int8_t *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = (int8_t)truncate_f32(x[i], INT8_MIN, INT8_MAX);
    }
}

static void run_cast_f32_u8(const conversion *layer)
{
    const f32 *x = layer->source;
    uint8_t *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = (uint8_t)truncate_f32(x[i], 0, UINT8_MAX);
    }
}
