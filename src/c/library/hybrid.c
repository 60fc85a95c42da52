/* Float rows that are quantized by their own range, for products with int8 weights. */

typedef struct {
    float scale;
    int32_t zero;
} measured_range;

static double absolute_f64(double x)
{
    return x < 0.0 ? -x : x;
}

/* Asymmetric: the range from the least to the largest number and 0 becomes -128 to 127; symmetric: -127 to 127. */
static measured_range measure(const f32 *row, int32_t count, int32_t asymmetric)
{
    measured_range range = { 1.0f, 0 };
    float low = 0.0f;
    float high = 0.0f;
    double step;
    double from_low;
    double from_high;
    double exact;
    for (int32_t i = 0; i < count; i++) {
        low = lesser_f32(low, row[i]);
        high = greater_f32(high, row[i]);
    }
    if (!(high - low > 0.0f) || !(high - low < INFINITY)) {
        return range; /* all numbers are quantized to 0 */
    }
    if (!asymmetric) {
        range.scale = greater_f32(-low, high) / 127.0f;
        return range;
    }
    step = ((double)high - (double)low) / 255.0;
    from_low = (double)low / step;
    from_high = (double)high / step;
    exact = 128.0 + absolute_f64(from_low) < 127.0 + absolute_f64(from_high) ? -128.0 - from_low : 127.0 - from_high;
    range.scale = (float)step;
    if (exact <= -128.0) {
        range.zero = INT8_MIN;
    } else if (exact >= 127.0) {
        range.zero = INT8_MAX;
    } else {
        range.zero = (int32_t)(exact < 0.0 ? exact - 0.5 : exact + 0.5);
    }
    return range;
}

static void quantize_measured(const f32 *row, int32_t count, const measured_range *range, int8_t *out)
{
    const float inverse = 1.0f / range->scale;
    for (int32_t i = 0; i < count; i++) {
        const float x = clamp_f32((float)range->zero + row[i] * inverse, -128.0f, 127.0f);
        out[i] = (int8_t)(is_nan(x) ? range->zero : round_away(x));
    }
}

static uint32_t dot_i8(const int8_t *row, const int8_t *weights, int32_t inputs)
{
    uint32_t s = 0;
    for (int32_t k = 0; k < inputs; k++) {
        s += (uint32_t)((int32_t)row[k] * weights[k]);
    }
    return s;
}
