/* Accumulators are unsigned, because their sums wrap around modulo 2^32. */

/* Types of numbers in the arena, whose memory is used for several types in turn. */
#if defined(__GNUC__)
#define MAY_ALIAS __attribute__((__may_alias__))
#else
#define MAY_ALIAS
#endif

typedef float MAY_ALIAS f32;

typedef int32_t MAY_ALIAS i32;

typedef int16_t MAY_ALIAS i16;

/* Range of int8 results: the zero point, and the bounds less the zero point. */
typedef struct {
    int32_t zero;
    float low;
    float high;
} range_i8;

/* Bounds of results. */
typedef struct {
    float min;
    float max;
} bounds_f32;

typedef struct {
    int32_t min;
    int32_t max;
} bounds_i32;

/* A real factor: multiplier * 2^(exponent - 31). */
typedef struct {
    int32_t multiplier;
    int32_t exponent;
} fixed_factor;

#define FIXED_BITS 31

static int32_t min_i32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t max_i32(int32_t a, int32_t b)
{
    return a < b ? b : a;
}

static int32_t clamp_i32(int32_t x, int32_t min, int32_t max)
{
    return min_i32(max_i32(x, min), max);
}

/* NaN in b gives a. */
static float lesser_f32(float a, float b)
{
    return b < a ? b : a;
}

static float greater_f32(float a, float b)
{
    return a < b ? b : a;
}

/* NaN stays NaN. */
static float clamp_f32(float x, float min, float max)
{
    return lesser_f32(greater_f32(x, min), max);
}

static int is_nan(float x)
{
    return x != x;
}

/* x / 2^n rounded down; C leaves the shift of a negative number to the compiler. */
static int32_t shift_right(int32_t x, int32_t n)
{
    return x < 0 ? ~(~x >> n) : x >> n;
}

/* x / 2^n, halves away from zero, for |x| < 2^62. */
static int64_t rounding_shift(int64_t x, int32_t n)
{
    const int64_t half = n > 0 ? (int64_t)1 << (n - 1) : 0;
    return x < 0 ? -((half - x) >> n) : (x + half) >> n;
}

/* a * b / 2^31, halves up. */
static int32_t multiply_high(int32_t a, int32_t b)
{
    const int64_t x = (int64_t)a * b + ((int64_t)1 << (FIXED_BITS - 1));
    return (int32_t)(x < 0 ? ~(~x >> FIXED_BITS) : x >> FIXED_BITS);
}

/* x * factor: rounded at bit 31, halves up, then at the exponent, halves away from zero. */
static int32_t multiply_fixed(int32_t x, fixed_factor factor)
{
    const int32_t left = max_i32(factor.exponent, 0);
    const int32_t most = INT32_MAX >> left;
    const int32_t shifted = clamp_i32(x, -most - 1, most) * ((int32_t)1 << left);
    return (int32_t)rounding_shift(multiply_high(shifted, factor.multiplier), max_i32(-factor.exponent, 0));
}

static int32_t saturate_i16(int32_t x)
{
    return clamp_i32(x, INT16_MIN, INT16_MAX);
}

static int32_t saturate_i8(int32_t x)
{
    return clamp_i32(x, INT8_MIN, INT8_MAX);
}

/* 1.5 * 2^23: its sum with |x| < 2^22 is rounded to an integer, halves to even. */
#define ROUNDER 12582912.0f

/* Halves to even, |x| < 2^22. */
static float round_even(float x)
{
    return (x + ROUNDER) - ROUNDER;
}

/* Halves away from zero, x in the range of int32. */
static int32_t round_away(float x)
{
    return (int32_t)(x < 0.0f ? x - 0.5f : x + 0.5f);
}

/* A sum of products as int8. */
static int8_t requantize(int32_t sum, float scale, const range_i8 *range)
{
    const float x = clamp_f32((float)sum * scale, range->low, range->high);
    return (int8_t)((int32_t)round_even(x) + range->zero);
}

/* A real number in units of the output's scale as int8; NaN counts as 0. */
static int8_t quantize_f32(float x, const range_i8 *range)
{
    const float y = clamp_f32(is_nan(x) ? 0.0f : x, range->low, range->high);
    return (int8_t)((int32_t)round_even(y) + range->zero);
}
