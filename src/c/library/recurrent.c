/* Layers that carry a state from one time step to the next. Gates of int8 layers are int16 in fixed point. */

/* The weights of one gate. */
typedef struct gate_matrix gate_matrix;
/* sums [outputs] = row [inputs] times the weights. */
typedef void product_sums(const gate_matrix *matrix, const int8_t *row, uint32_t *sums);
struct gate_matrix {
    product_sums *product;
    const int8_t *weights;  /* [outputs][inputs] */
    const uint8_t *nibbles; /* 4-bit weights + 8: [outputs][(inputs + 1) / 2] */
    const uint8_t *steps;   /* pruned weights, in blocks of 8 outputs and 4 inputs */
    const uint16_t *counts;
    const int32_t *bias; /* int8: [outputs] */
    fixed_factor factor;
    const float *float_weights;
    const float *float_bias;
    const int32_t *sums; /* hybrid: the sum of the weights of each output */
    float scale;         /* hybrid: of the weights */
    int32_t inputs;
    int32_t outputs;
};

static void sums_dense(const gate_matrix *matrix, const int8_t *row, uint32_t *sums)
{
    for (int32_t n = 0; n < matrix->outputs; n++) {
        sums[n] = dot_i8(row, matrix->weights + n * matrix->inputs, matrix->inputs);
    }
}

static void sums_nibbles(const gate_matrix *matrix, const int8_t *row, uint32_t *sums)
{
    const int32_t row_bytes = (matrix->inputs + 1) / 2;
    const uint32_t offset = (uint32_t)(NIBBLE_ZERO * sum_i8(row, matrix->inputs));
    for (int32_t n = 0; n < matrix->outputs; n++) {
        sums[n] = dot_nibbles(row, matrix->nibbles + n * row_bytes, matrix->inputs) - offset;
    }
}

/* The last entry of a list may reach past the row, where its weights are 0. */
static void sums_blocks(const gate_matrix *matrix, const int8_t *row, uint32_t *sums)
{
    const int8_t *w = matrix->weights;
    const uint8_t *step = matrix->steps;
    for (int32_t n = 0; n < matrix->outputs; n += BLOCK_OUTPUTS) {
        const int32_t lanes = min_i32(BLOCK_OUTPUTS, matrix->outputs - n);
        int32_t k = 0;
        memset(sums + n, 0, (size_t)lanes * sizeof *sums);
        for (uint32_t left = matrix->counts[n / BLOCK_OUTPUTS]; left > 0; left--) {
            int32_t width;
            k += BLOCK_INPUTS * *step++;
            width = min_i32(BLOCK_INPUTS, matrix->inputs - k);
            for (int32_t lane = 0; lane < lanes; lane++) {
                sums[n + lane] += dot_i8(row + k, w + lane * BLOCK_INPUTS, width);
            }
            w += BLOCK_OUTPUTS * BLOCK_INPUTS;
        }
    }
}

#define MAX_GATES 4

typedef struct {
    const void *source; /* the row of time step 0 of batch item 0 */
    void *target;
    void *hidden; /* the state [batch][outputs]: int8, int16 (gru of int8) or float */
    void *cell;   /* lstm: the state [batch][cells], int16 or float */
    int32_t time;
    int32_t batch;
    int32_t inputs;
    int32_t cells;
    int32_t outputs;
    int32_t source_time_stride;
    int32_t source_batch_stride;
    int32_t target_time_stride;
    int32_t target_batch_stride;
    int32_t reverse;
    int32_t gates; /* lstm: 4 for i, f, g, o, or 3 without i, which is 1 - f; gru: z, r, g */
    int32_t reset_first;
    gate_matrix input[MAX_GATES];
    gate_matrix hidden_weights[MAX_GATES];
    const i16 *peephole; /* [gates][cells], or null */
    const i16 *norm;
    const int32_t *norm_bias;
    fixed_factor peephole_factor[MAX_GATES];
    fixed_factor norm_factor[MAX_GATES];
    int32_t norm_guard[MAX_GATES];
    const float *peephole_f32;
    const float *norm_f32;
    const float *norm_bias_f32;
    const gate_matrix *projection; /* or null */
    fixed_factor out_factor;
    int32_t out_zero;
    int32_t target_zero;
    int32_t cell_bits; /* int8: the unit of the cell state is 2^(cell_bits - 15) */
    bounds_i32 cell_limits;
    bounds_i32 limits;
    float cell_clip; /* 0 for none */
    float projection_clip;
    int32_t is_tanh;
    int32_t is_hybrid;
    int32_t is_asymmetric;
    unary_function *squash;
    unary_function *activation; /* or null */
    void *gate_values;          /* scratch: [gates][cells], int16 or float, as the next two */
    void *hidden_values;        /* [gates][cells] */
    void *temporary;            /* the larger of cells and outputs */
    uint32_t *sums;             /* the larger of cells and outputs */
    int8_t *row;                /* the largest of inputs, cells and outputs */
} recurrent_layer;

#define Q15_BITS 15

/* a * b / 2^15, halves up */
static int32_t times_q15(int32_t a, int32_t b)
{
    return shift_right(a * b + (1 << (Q15_BITS - 1)), Q15_BITS);
}

/* a / 2^n, halves away from zero, |a| < 2^30 */
static int32_t divide_i32(int32_t a, int32_t n)
{
    const int32_t half = n > 0 ? 1 << (n - 1) : 0;
    return a < 0 ? -((half - a) >> n) : (a + half) >> n;
}

/* e^(-1/8) in Q0.15 */
#define EXP_EIGHTH 28918

/* 1/3 in Q0.15 */
#define THIRD 10923

/* 1/8 in Q0.15 */
#define EIGHTH 4096

/* e^a in Q0.15 for a <= 0 with 15 - `bits` fractional bits, as gemmlowp computes it */
static int32_t negative_exp(int32_t a, int32_t bits)
{
    /* e^(-1/4), e^(-1/2), e^-1, ... in Q0.15 */
    static const int32_t powers[] = { 25520, 19875, 12055, 4435, 600, 11, 0 };
    const int32_t quarter = 1 << (13 - bits);
    const int32_t least = bits > 5 ? -(1 << (20 - bits)) : INT16_MIN;
    const int32_t part = (int32_t)((uint32_t)a & (uint32_t)(quarter - 1)) - quarter;
    const int32_t rest = part - a;
    const int32_t x = part * (1 << bits) + EIGHTH;
    const int32_t x2 = times_q15(x, x);
    const int32_t x3 = times_q15(x2, x);
    const int32_t x4 = times_q15(x2, x2);
    const int32_t tail = divide_i32(times_q15(divide_i32(x4, 2) + x3, THIRD) + x2, 1);
    int32_t y = min_i32(INT16_MAX, EXP_EIGHTH + times_q15(EXP_EIGHTH, x + tail));
    for (int32_t i = 0; i < bits + 2 && i < 7; i++) {
        if ((rest & (quarter << i)) != 0) {
            y = times_q15(y, powers[i]);
        }
    }
    if (a == 0) {
        return INT16_MAX;
    }
    return a < least ? 0 : y;
}

static int32_t twice_i16(int32_t a)
{
    return saturate_i16(2 * a);
}

/* 2 / (1 + e) in Q2.13 for e in Q0.15, by three steps of Newton's method */
static int32_t inverse_of_one_plus(int32_t e)
{
    const int32_t half = (e + 32768) / 2;
    int32_t x = 23130 + times_q15(half, -15420);
    for (int32_t i = 0; i < 3; i++) {
        x += twice_i16(twice_i16(times_q15(x, 8192 - times_q15(half, x))));
    }
    return x;
}

/* x in Q3.12, the result in Q0.15 */
static int32_t logistic_q15(int32_t x)
{
    const int32_t positive = twice_i16(inverse_of_one_plus(negative_exp(x > 0 ? -x : x, 3)));
    if (x == 0) {
        return 16384;
    }
    return x > 0 ? positive : INT16_MAX - positive;
}

/* x with 15 - `bits` fractional bits, the result in Q0.15 */
static int32_t tanh_q15(int32_t x, int32_t bits)
{
    const int32_t e = negative_exp(x > 0 ? -x : x, bits + 1);
    const int32_t size = twice_i16(twice_i16(inverse_of_one_plus(e) - 8192));
    if (x == 0) {
        return 0;
    }
    return x < 0 ? -size : size;
}

/* Integer bits of the arguments of the activations of gates. */
#define GATE_BITS 3

/* From here on, a sum with an int16 saturates. */
#define BEYOND_I16 (1 << 17)

/* x + y saturated to int16, for an int16 y */
static int16_t add_saturated(int32_t x, int32_t y)
{
    return (int16_t)saturate_i16(clamp_i32(x, -BEYOND_I16, BEYOND_I16) + y);
}

/* gate [outputs] = the scaled product of a row, plus the gate's value if `is_added` */
static void gate_product_i8(const gate_matrix *matrix, const int8_t *row, uint32_t *sums, i16 *gate, int is_added)
{
    matrix->product(matrix, row, sums);
    for (int32_t n = 0; n < matrix->outputs; n++) {
        const int32_t x = multiply_fixed((int32_t)(sums[n] + (uint32_t)matrix->bias[n]), matrix->factor);
        gate[n] = add_saturated(x, is_added ? gate[n] : 0);
    }
}

#define ROOT_HALF 1518500250 /* sqrt(1/2) in Q0.31 */

#define THREE_HALVES 402653184 /* 3/2 in Q3.28 */

static int32_t saturated_shift(int64_t x, int32_t n)
{
    return (int32_t)saturate_i32(x * ((int64_t)1 << n));
}

/* 1 / sqrt(x) for x > 0 as a factor, as gemmlowp computes it */
static fixed_factor inverse_root(int32_t variance)
{
    fixed_factor root = { INT32_MAX, 0 };
    int32_t v = variance;
    int32_t shift = 11;
    int32_t half;
    int32_t x = 1 << 28;
    if (v == 1) {
        return root;
    }
    while (v >= 1 << 29) {
        v /= 4;
        shift++;
    }
    while (v < 1 << 27) {
        v *= 4;
        shift--;
    }
    half = divide_i32(v >> 1, 1);
    for (int32_t i = 0; i < 5; i++) {
        const int32_t cube = saturated_shift(multiply_high(multiply_high(x, x), x), 6);
        x = saturated_shift((int64_t)multiply_high(THREE_HALVES, x) - multiply_high(half, cube), 3);
    }
    root.multiplier = multiply_high(x, ROOT_HALF);
    root.exponent = -shift;
    if (shift < 0) {
        root.multiplier = (int32_t)((uint32_t)root.multiplier << -shift);
        root.exponent = 0;
    }
    return root;
}

/* 1 in the numbers that the normalization computes with. */
#define NORM_UNIT 1024

/* Layer normalization of one gate, as TensorFlow Lite computes it. */
static void normalize_gate_i8(const recurrent_layer *layer, int32_t gate, i16 *values)
{
    const int32_t count = layer->cells;
    const i16 *weights = layer->norm + gate * count;
    const int32_t *bias = layer->norm_bias + gate * count;
    const fixed_factor factor = { layer->norm_factor[gate].multiplier, layer->norm_factor[gate].exponent + 12 };
    int64_t sum = 0;
    int64_t squares = 0;
    int32_t mean;
    int32_t variance;
    fixed_factor root;
    for (int32_t n = 0; n < count; n++) {
        sum += values[n];
        squares += (int32_t)values[n] * values[n];
    }
    mean = (int32_t)(sum * NORM_UNIT / count);
    variance = (int32_t)((squares * (NORM_UNIT * NORM_UNIT / count) - (int64_t)mean * mean) /
                         (NORM_UNIT * NORM_UNIT));
    root = inverse_root(variance < 1 ? layer->norm_guard[gate] : variance);
    for (int32_t n = 0; n < count; n++) {
        const int32_t x = multiply_fixed(values[n] * NORM_UNIT - mean, root);
        const int64_t y = (int32_t)((uint32_t)x * (uint32_t)weights[n] + (uint32_t)bias[n]);
        const int64_t rounded = (y > 0 ? y + NORM_UNIT / 2 : y - NORM_UNIT / 2) / NORM_UNIT;
        values[n] = (int16_t)saturate_i16(multiply_fixed((int32_t)rounded, factor));
    }
}

/* Peephole and normalization of one gate of an lstm. */
static void finish_gate_i8(const recurrent_layer *layer, int32_t gate, const i16 *cell, int has_peephole, i16 *values)
{
    if (has_peephole && layer->peephole) {
        const i16 *weights = layer->peephole + gate * layer->cells;
        for (int32_t n = 0; n < layer->cells; n++) {
            const int32_t x = multiply_fixed((int32_t)weights[n] * cell[n], layer->peephole_factor[gate]);
            values[n] = add_saturated(x, values[n]);
        }
    }
    if (layer->norm) {
        normalize_gate_i8(layer, gate, values);
    }
}

/* The products of both the input and the hidden state, in gate_values. */
static void add_products_i8(const recurrent_layer *layer, const int8_t *x, const int8_t *h)
{
    for (int32_t gate = 0; gate < layer->gates; gate++) {
        i16 *values = (i16 *)layer->gate_values + gate * layer->cells;
        gate_product_i8(&layer->input[gate], x, layer->sums, values, 0);
        gate_product_i8(&layer->hidden_weights[gate], h, layer->sums, values, 1);
    }
}

/* One time step: h [outputs] and c [cells] are updated. */
static void lstm_step_i8(const recurrent_layer *layer, const int8_t *x, int8_t *h, i16 *c)
{
    const int32_t count = layer->cells;
    const int32_t first = layer->gates - 3;
    i16 *i = layer->gate_values;
    i16 *f = i + first * count;
    i16 *g = f + count;
    i16 *o = g + count;
    int8_t *m = layer->projection ? layer->row : h;
    add_products_i8(layer, x, h);
    if (first > 0) {
        finish_gate_i8(layer, 0, c, 1, i);
    }
    finish_gate_i8(layer, first, c, 1, f);
    finish_gate_i8(layer, first + 1, c, 0, g);
    for (int32_t n = 0; n < count; n++) {
        const int32_t forget = logistic_q15(f[n]);
        const int32_t in = first > 0 ? logistic_q15(i[n]) : INT16_MAX - forget;
        const int32_t added = saturate_i16(divide_i32(in * tanh_q15(g[n], GATE_BITS), Q15_BITS + layer->cell_bits));
        const int32_t kept = saturate_i16(divide_i32(forget * c[n], Q15_BITS));
        c[n] = (int16_t)clamp_i32(kept + added, layer->cell_limits.min, layer->cell_limits.max);
    }
    finish_gate_i8(layer, first + 2, c, 1, o);
    for (int32_t n = 0; n < count; n++) {
        const int32_t product = logistic_q15(o[n]) * tanh_q15(c[n], layer->cell_bits);
        m[n] = (int8_t)saturate_i8(saturate_i16(multiply_fixed(product, layer->out_factor)) - layer->out_zero);
    }
    if (layer->projection) {
        i16 *projected = layer->temporary;
        gate_product_i8(layer->projection, m, layer->sums, projected, 0);
        for (int32_t n = 0; n < layer->outputs; n++) {
            h[n] = (int8_t)clamp_i32(projected[n] + layer->target_zero, layer->limits.min, layer->limits.max);
        }
    }
}

static const int8_t *time_step_i8(const recurrent_layer *layer, int32_t b, int32_t t)
{
    return (const int8_t *)layer->source + t * layer->source_time_stride + b * layer->source_batch_stride;
}

static void run_lstm_i8(const recurrent_layer *layer)
{
    for (int32_t b = 0; b < layer->batch; b++) {
        int8_t *h = (int8_t *)layer->hidden + b * layer->outputs;
        i16 *c = (i16 *)layer->cell + b * layer->cells;
        for (int32_t step = 0; step < layer->time; step++) {
            const int32_t t = layer->reverse ? layer->time - 1 - step : step;
            int8_t *out = (int8_t *)layer->target + t * layer->target_time_stride + b * layer->target_batch_stride;
            lstm_step_i8(layer, time_step_i8(layer, b, t), h, c);
            memcpy(out, h, (size_t)layer->outputs);
        }
    }
}

/* Bits that the state of a gru has more than int8. */
#define GRU_BITS 8

/* The state in Q0.15 as int8. */
static int8_t narrow_state(int32_t h, int32_t zero)
{
    return (int8_t)saturate_i8(divide_i32(h, GRU_BITS) + zero);
}

static void gru_step_i8(const recurrent_layer *layer, const int8_t *x, i16 *h)
{
    const int32_t count = layer->cells;
    i16 *z = layer->gate_values;
    i16 *r = z + count;
    i16 *g = r + count;
    i16 *from_hidden = layer->hidden_values;
    i16 *last = from_hidden + 2 * count;
    int8_t *row = layer->row;
    for (int32_t gate = 0; gate < 3; gate++) {
        gate_product_i8(&layer->input[gate], x, layer->sums, z + gate * count, 0);
    }
    for (int32_t n = 0; n < count; n++) {
        row[n] = narrow_state(h[n], 0);
    }
    for (int32_t gate = 0; gate < (layer->reset_first ? 2 : 3); gate++) {
        gate_product_i8(&layer->hidden_weights[gate], row, layer->sums, from_hidden + gate * count, 0);
    }
    for (int32_t n = 0; n < 2 * count; n++) {
        z[n] = (int16_t)logistic_q15(saturate_i16(z[n] + from_hidden[n]));
    }
    if (layer->reset_first) {
        for (int32_t n = 0; n < count; n++) {
            row[n] = narrow_state(saturate_i16(divide_i32(r[n] * h[n], Q15_BITS)), 0);
        }
        gate_product_i8(&layer->hidden_weights[2], row, layer->sums, last, 0);
    } else {
        for (int32_t n = 0; n < count; n++) {
            last[n] = (int16_t)saturate_i16(divide_i32(r[n] * last[n], Q15_BITS));
        }
    }
    for (int32_t n = 0; n < count; n++) {
        const int32_t candidate = tanh_q15(saturate_i16(g[n] + last[n]), GATE_BITS);
        const int32_t kept = saturate_i16(divide_i32(z[n] * h[n], Q15_BITS));
        const int32_t added = saturate_i16(divide_i32((INT16_MAX - z[n]) * candidate, Q15_BITS));
        h[n] = (int16_t)saturate_i16(kept + added);
    }
}

static void run_gru_i8(const recurrent_layer *layer)
{
    for (int32_t b = 0; b < layer->batch; b++) {
        i16 *h = (i16 *)layer->hidden + b * layer->cells;
        for (int32_t step = 0; step < layer->time; step++) {
            const int32_t t = layer->reverse ? layer->time - 1 - step : step;
            int8_t *out = (int8_t *)layer->target + t * layer->target_time_stride + b * layer->target_batch_stride;
            gru_step_i8(layer, time_step_i8(layer, b, t), h);
            for (int32_t n = 0; n < layer->cells; n++) {
                out[n] = narrow_state(h[n], layer->target_zero);
            }
        }
    }
}

static void run_rnn_i8(const recurrent_layer *layer)
{
    const i16 *s = layer->gate_values;
    for (int32_t b = 0; b < layer->batch; b++) {
        int8_t *h = (int8_t *)layer->hidden + b * layer->cells;
        for (int32_t step = 0; step < layer->time; step++) {
            const int32_t t = layer->reverse ? layer->time - 1 - step : step;
            int8_t *out = (int8_t *)layer->target + t * layer->target_time_stride + b * layer->target_batch_stride;
            add_products_i8(layer, time_step_i8(layer, b, t), h);
            for (int32_t n = 0; n < layer->cells; n++) {
                const int32_t y = layer->is_tanh ? tanh_q15(s[n], GATE_BITS) : s[n];
                h[n] = (int8_t)clamp_i32(divide_i32(y, GRU_BITS) + layer->target_zero, layer->limits.min,
                                         layer->limits.max);
            }
            memcpy(out, h, (size_t)layer->cells);
        }
    }
}

/* out [outputs] += the products of a quantized row */
static void rescale_products(const gate_matrix *matrix, const int8_t *row, const measured_range *range,
                             uint32_t *sums, f32 *out)
{
    const float scale = range->scale * matrix->scale;
    matrix->product(matrix, row, sums);
    for (int32_t n = 0; n < matrix->outputs; n++) {
        const uint32_t offset = (uint32_t)range->zero * (uint32_t)matrix->sums[n];
        out[n] = (float)(int32_t)(sums[n] - offset) * scale + out[n];
    }
}

/* out [outputs] += row times the weights of `count` gates; hybrid layers quantize the row once. */
static void add_products_f32(const recurrent_layer *layer, const gate_matrix *gates, int32_t count, const f32 *row, f32 *out)
{
    measured_range range = { 1.0f, 0 };
    if (layer->is_hybrid) {
        range = measure(row, gates->inputs, layer->is_asymmetric);
        quantize_measured(row, gates->inputs, &range, layer->row);
    }
    for (int32_t gate = 0; gate < count; gate++) {
        const gate_matrix *matrix = &gates[gate];
        if (layer->is_hybrid) {
            rescale_products(matrix, layer->row, &range, layer->sums, out);
        } else {
            for (int32_t n = 0; n < matrix->outputs; n++) {
                out[n] = dot_f32(row, matrix->float_weights + n * matrix->inputs, matrix->inputs, out[n]);
            }
        }
        out += matrix->outputs;
    }
}

static void start_gates_f32(const recurrent_layer *layer, const gate_matrix *gates, f32 *out)
{
    for (int32_t gate = 0; gate < layer->gates; gate++) {
        memcpy(out + gate * layer->cells, gates[gate].float_bias, (size_t)layer->cells * sizeof *out);
    }
}

static void apply(unary_function *function, f32 *values, int32_t count)
{
    for (int32_t n = 0; function && n < count; n++) {
        values[n] = function(values[n], 0.0f);
    }
}

/* Peephole, normalization and activation of one gate of an lstm. */
static void finish_gate_f32(const recurrent_layer *layer, int32_t gate, const f32 *cell, unary_function *activation,
                            f32 *values)
{
    const int32_t count = layer->cells;
    const int32_t at = gate * count;
    const int has_peephole = layer->peephole_f32 && gate != layer->gates - 2;
    for (int32_t n = 0; has_peephole && n < count; n++) {
        values[n] += layer->peephole_f32[at + n] * cell[n];
    }
    if (layer->norm_f32) {
        const float mean = fold(values, count, 1, 0.0f, add_f32, add_f32) / (float)count;
        float inverse;
        for (int32_t n = 0; n < count; n++) {
            values[n] -= mean;
        }
        inverse = 1.0f / sqrtf(fold(values, count, 1, 0.0f, add_square_f32, add_f32) / (float)count + 1e-8f);
        for (int32_t n = 0; n < count; n++) {
            values[n] = (values[n] * inverse) * layer->norm_f32[at + n] + layer->norm_bias_f32[at + n];
        }
    }
    apply(activation, values, count);
}

static void lstm_step_f32(const recurrent_layer *layer, const f32 *x, f32 *h, f32 *c)
{
    const int32_t count = layer->cells;
    const int32_t first = layer->gates - 3;
    f32 *i = layer->gate_values;
    f32 *f = i + first * count;
    f32 *g = f + count;
    f32 *o = g + count;
    f32 *m = layer->temporary;
    start_gates_f32(layer, layer->input, i);
    add_products_f32(layer, layer->input, layer->gates, x, i);
    add_products_f32(layer, layer->hidden_weights, layer->gates, h, i);
    if (first > 0) {
        finish_gate_f32(layer, 0, c, layer->squash, i);
    }
    finish_gate_f32(layer, first, c, layer->squash, f);
    finish_gate_f32(layer, first + 1, c, layer->activation, g);
    for (int32_t n = 0; n < count; n++) {
        const float in = first > 0 ? i[n] : 1.0f - f[n];
        const float kept = f[n] * c[n];
        c[n] = kept + in * g[n];
        if (layer->cell_clip > 0.0f) {
            c[n] = clamp_f32(c[n], -layer->cell_clip, layer->cell_clip);
        }
    }
    finish_gate_f32(layer, first + 2, c, layer->squash, o);
    for (int32_t n = 0; n < count; n++) {
        m[n] = o[n] * (layer->activation ? layer->activation(c[n], 0.0f) : c[n]);
    }
    if (layer->projection) {
        memcpy(h, layer->projection->float_bias, (size_t)layer->outputs * sizeof *h);
        add_products_f32(layer, layer->projection, 1, m, h);
        for (int32_t n = 0; layer->projection_clip > 0.0f && n < layer->outputs; n++) {
            h[n] = clamp_f32(h[n], -layer->projection_clip, layer->projection_clip);
        }
    } else {
        memcpy(h, m, (size_t)count * sizeof *h);
    }
}

static void gru_step_f32(const recurrent_layer *layer, const f32 *x, f32 *h)
{
    const int32_t count = layer->cells;
    f32 *z = layer->gate_values;
    f32 *r = z + count;
    f32 *g = r + count;
    f32 *from_hidden = layer->hidden_values;
    f32 *last = from_hidden + 2 * count;
    f32 *reset = layer->temporary;
    start_gates_f32(layer, layer->input, z);
    start_gates_f32(layer, layer->hidden_weights, from_hidden);
    add_products_f32(layer, layer->input, 3, x, z);
    add_products_f32(layer, layer->hidden_weights, layer->reset_first ? 2 : 3, h, from_hidden);
    for (int32_t n = 0; n < 2 * count; n++) {
        z[n] = layer->squash(z[n] + from_hidden[n], 0.0f);
    }
    if (layer->reset_first) {
        for (int32_t n = 0; n < count; n++) {
            reset[n] = r[n] * h[n];
        }
        add_products_f32(layer, &layer->hidden_weights[2], 1, reset, last);
    }
    for (int32_t n = 0; n < count; n++) {
        const float candidate = tanh_f32(g[n] + (layer->reset_first ? last[n] : r[n] * last[n]));
        h[n] = z[n] * h[n] + (1.0f - z[n]) * candidate;
    }
}

static void rnn_step_f32(const recurrent_layer *layer, const f32 *x, f32 *h)
{
    f32 *s = layer->gate_values;
    start_gates_f32(layer, layer->input, s);
    add_products_f32(layer, layer->input, 1, x, s);
    add_products_f32(layer, layer->hidden_weights, 1, h, s);
    apply(layer->activation, s, layer->cells);
    memcpy(h, s, (size_t)layer->cells * sizeof *h);
}

static const f32 *time_step_f32(const recurrent_layer *layer, int32_t b, int32_t t)
{
    return (const f32 *)layer->source + t * layer->source_time_stride + b * layer->source_batch_stride;
}

static void run_lstm_f32(const recurrent_layer *layer)
{
    for (int32_t b = 0; b < layer->batch; b++) {
        f32 *h = (f32 *)layer->hidden + b * layer->outputs;
        f32 *c = (f32 *)layer->cell + b * layer->cells;
        for (int32_t step = 0; step < layer->time; step++) {
            const int32_t t = layer->reverse ? layer->time - 1 - step : step;
            f32 *out = (f32 *)layer->target + t * layer->target_time_stride + b * layer->target_batch_stride;
            lstm_step_f32(layer, time_step_f32(layer, b, t), h, c);
            memcpy(out, h, (size_t)layer->outputs * sizeof *h);
        }
    }
}

static void run_gru_f32(const recurrent_layer *layer)
{
    for (int32_t b = 0; b < layer->batch; b++) {
        f32 *h = (f32 *)layer->hidden + b * layer->cells;
        for (int32_t step = 0; step < layer->time; step++) {
            const int32_t t = layer->reverse ? layer->time - 1 - step : step;
            f32 *out = (f32 *)layer->target + t * layer->target_time_stride + b * layer->target_batch_stride;
            gru_step_f32(layer, time_step_f32(layer, b, t), h);
            memcpy(out, h, (size_t)layer->cells * sizeof *h);
        }
    }
}

static void run_rnn_f32(const recurrent_layer *layer)
{
    for (int32_t b = 0; b < layer->batch; b++) {
        f32 *h = (f32 *)layer->hidden + b * layer->cells;
        for (int32_t step = 0; step < layer->time; step++) {
            const int32_t t = layer->reverse ? layer->time - 1 - step : step;
            f32 *out = (f32 *)layer->target + t * layer->target_time_stride + b * layer->target_batch_stride;
            rnn_step_f32(layer, time_step_f32(layer, b, t), h);
            memcpy(out, h, (size_t)layer->cells * sizeof *h);
        }
    }
}

/* SVDF: each filter projects a row to one number, and keeps the last `memory` numbers, the newest last. */
typedef struct {
    const void *source;
    void *target;
    void *state; /* [batch][units * rank][memory], int16 or float */
    int32_t time;
    int32_t batch;
    int32_t inputs;
    int32_t units;
    int32_t rank;
    int32_t memory;
    int32_t source_time_stride;
    int32_t source_batch_stride;
    int32_t target_time_stride;
    int32_t target_batch_stride;
    gate_matrix features;
    const i16 *time_weights; /* [units * rank][memory] */
    const float *time_weights_f32;
    const int32_t *bias; /* [units] */
    const float *bias_f32;
    int32_t source_zero;
    int32_t target_zero;
    fixed_factor out_factor;
    bounds_i32 limits;
    bounds_f32 bounds;
    int32_t is_hybrid;
    int32_t is_asymmetric;
    uint32_t *sums; /* scratch: [units * rank] */
    int8_t *row;    /* scratch: [inputs] */
} svdf_layer;

static void svdf_step_i8(const svdf_layer *layer, const int8_t *x, i16 *state, int8_t *out)
{
    const gate_matrix *features = &layer->features;
    const i16 *past = state;
    const i16 *weights = layer->time_weights;
    features->product(features, x, layer->sums);
    for (int32_t filter = 0; filter < features->outputs; filter++) {
        const uint32_t offset = (uint32_t)layer->source_zero * (uint32_t)features->sums[filter];
        const int32_t p = multiply_fixed((int32_t)(layer->sums[filter] - offset), features->factor);
        i16 *memory = state + filter * layer->memory;
        memmove(memory, memory + 1, (size_t)(layer->memory - 1) * sizeof *memory);
        memory[layer->memory - 1] = (int16_t)saturate_i16(p);
    }
    for (int32_t unit = 0; unit < layer->units; unit++) {
        uint32_t s = (uint32_t)layer->bias[unit];
        for (int32_t m = 0; m < layer->rank * layer->memory; m++) {
            s += (uint32_t)(*weights++ * *past++);
        }
        out[unit] = (int8_t)(clamp_i32(multiply_fixed((int32_t)s, layer->out_factor),
                                       layer->limits.min - layer->target_zero,
                                       layer->limits.max - layer->target_zero) + layer->target_zero);
    }
}

static void run_svdf_i8(const svdf_layer *layer)
{
    for (int32_t b = 0; b < layer->batch; b++) {
        i16 *state = (i16 *)layer->state + b * layer->units * layer->rank * layer->memory;
        for (int32_t t = 0; t < layer->time; t++) {
            const int8_t *x =
                (const int8_t *)layer->source + t * layer->source_time_stride + b * layer->source_batch_stride;
            svdf_step_i8(layer, x, state,
                         (int8_t *)layer->target + t * layer->target_time_stride + b * layer->target_batch_stride);
        }
    }
}

/* Appends a number to the memory of each filter. */
static void svdf_features_f32(const svdf_layer *layer, const f32 *x, f32 *state)
{
    const gate_matrix *features = &layer->features;
    measured_range range = { 1.0f, 0 };
    float scale;
    if (layer->is_hybrid) {
        range = measure(x, layer->inputs, layer->is_asymmetric);
        quantize_measured(x, layer->inputs, &range, layer->row);
        features->product(features, layer->row, layer->sums);
    }
    scale = range.scale * features->scale;
    for (int32_t filter = 0; filter < features->outputs; filter++) {
        f32 *memory = state + filter * layer->memory;
        memmove(memory, memory + 1, (size_t)(layer->memory - 1) * sizeof *memory);
        if (layer->is_hybrid) {
            const uint32_t offset = (uint32_t)range.zero * (uint32_t)features->sums[filter];
            memory[layer->memory - 1] = (float)(int32_t)(layer->sums[filter] - offset) * scale;
        } else {
            const float *weights = features->float_weights + filter * layer->inputs;
            memory[layer->memory - 1] = dot_f32(x, weights, layer->inputs, 0.0f);
        }
    }
}

static void svdf_step_f32(const svdf_layer *layer, const f32 *x, f32 *state, f32 *out)
{
    const f32 *past = state;
    const float *weights = layer->time_weights_f32;
    svdf_features_f32(layer, x, state);
    for (int32_t unit = 0; unit < layer->units; unit++) {
        float sum = 0.0f;
        for (int32_t k = 0; k < layer->rank; k++) {
            sum += dot_f32(past, weights, layer->memory, 0.0f);
            past += layer->memory;
            weights += layer->memory;
        }
        out[unit] = clamp_f32(sum + layer->bias_f32[unit], layer->bounds.min, layer->bounds.max);
    }
}

static void run_svdf_f32(const svdf_layer *layer)
{
    for (int32_t b = 0; b < layer->batch; b++) {
        f32 *state = (f32 *)layer->state + b * layer->units * layer->rank * layer->memory;
        for (int32_t t = 0; t < layer->time; t++) {
            const f32 *x = (const f32 *)layer->source + t * layer->source_time_stride + b * layer->source_batch_stride;
            svdf_step_f32(layer, x, state,
                          (f32 *)layer->target + t * layer->target_time_stride + b * layer->target_batch_stride);
        }
    }
}
