/* Float functions with specified bits: no function of the C library is called, except for square roots. */

static int32_t bits_of(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#define LOG2_E 1.44269504f

/* ln 2 = LN2_HIGH + LN2_LOW; the first has 15 bits, so that its product with an exponent is exact. */
#define LN2_HIGH 0.693145751953125f

#define LN2_LOW 1.42860677e-6f

/* The bits of ROUNDER. */
#define ROUNDER_BITS 0x4b400000

#define EXPONENT_BIAS 127

#define MANTISSA_BITS 23

#define MANTISSA_MASK 0x007fffff

/* 2^n for t = n + ROUNDER, as two factors, because 2^n alone may be out of range: *half * *rest. */
static void powers_of_two(float t, float *half, float *rest)
{
    const int32_t n = (int32_t)((uint32_t)bits_of(t) - ROUNDER_BITS);
    const int32_t down = shift_right(n, 1);
    *half = float_of((uint32_t)(down + EXPONENT_BIAS) << MANTISSA_BITS);
    *rest = float_of(((uint32_t)n - (uint32_t)down + EXPONENT_BIAS) << MANTISSA_BITS);
}

/* e^r - 1 for |r| <= ln 2 / 2 (coefficients: Cephes expf) */
static float expm1_reduced(float r)
{
    float p = 1.3981999507e-3f + 1.9875691500e-4f * r;
    p = 8.3334519073e-3f + p * r;
    p = 4.1665795894e-2f + p * r;
    p = 1.6666665459e-1f + p * r;
    p = 5.0000001201e-1f + p * r;
    return p * (r * r) + r;
}

/* 0 below -103.97, infinity above 88.72 */
static float exp_f32(float x)
{
    const float y = clamp_f32(x, -104.0f, 89.0f);
    const float t = y * LOG2_E + ROUNDER;
    const float n = t - ROUNDER;
    const float r = (y - n * LN2_HIGH) - n * LN2_LOW;
    float half;
    float rest;
    powers_of_two(t, &half, &rest);
    return ((expm1_reduced(r) + 1.0f) * half) * rest;
}

/* e^x - 1 for x <= 88 */
static float expm1_f32(float x)
{
    const float y = greater_f32(x, -20.0f);
    const float t = y * LOG2_E + ROUNDER;
    const float n = t - ROUNDER;
    const float r = (y - n * LN2_HIGH) - n * LN2_LOW;
    float half;
    float rest;
    float power;
    powers_of_two(t, &half, &rest);
    power = half * rest;
    return expm1_reduced(r) * power + (power - 1.0f);
}

static float logistic_f32(float x)
{
    return 1.0f / (1.0f + exp_f32(-x));
}

/* y, or +1 or -1 if |x| >= limit */
static float saturate_beyond(float x, float y, float limit)
{
    const float size = x < 0.0f ? -x : x;
    const float over = greater_f32(0.0f, size - limit) * 1048576.0f;
    return clamp_f32(y + (x >= 0.0f ? over : -over), -1.0f, 1.0f);
}

/* A rational function (coefficients: Eigen). */
static float tanh_f32(float x)
{
    const float c = clamp_f32(x, -7.90531110763549805f, 7.90531110763549805f);
    const float s = c * c;
    float p = 2.00018790482477e-13f + -2.76076847742355e-16f * s;
    float q = 1.18534705686654e-4f + 1.19825839466702e-6f * s;
    p = -8.60467152213735e-11f + p * s;
    p = 5.12229709037114e-8f + p * s;
    p = 1.48572235717979e-5f + p * s;
    p = 6.37261928875436e-4f + p * s;
    p = 4.89352455891786e-3f + p * s;
    q = 2.26843463243900e-3f + q * s;
    q = 4.89352518554385e-3f + q * s;
    return saturate_beyond(x, (c * p) / q, 9.0f);
}

/* A rational function (coefficients: Eigen). */
static float erf_f32(float x)
{
    const float c = clamp_f32(x, -4.0f, 4.0f);
    const float s = c * c;
    float p = 2.77068142495902e-8f + -2.72614225801306e-10f * s;
    float q = -2.13374055278905e-4f + -1.45660718464996e-5f * s;
    p = -2.10102402082508e-6f + p * s;
    p = -5.69250639462346e-5f + p * s;
    p = -7.34990630326855e-4f + p * s;
    p = -2.95459980854025e-3f + p * s;
    p = -1.60960333262415e-2f + p * s;
    q = -1.68282697438203e-3f + q * s;
    q = -7.37332916720468e-3f + q * s;
    q = -1.42647390514189e-2f + q * s;
    return saturate_beyond(x, (c * p) / q, 4.0f);
}

#define NAN_BITS 0x7fc00000u

#define INFINITY_BITS 0x7f800000

#define SMALLEST_NORMAL_BITS 0x00800000

#define ONE_BITS 0x3f800000

#define ROOT_HALF_BITS 0x3f3504f3

/* Natural logarithm (coefficients: musl logf); -infinity at 0, NaN for negative numbers */
static float log_f32(float x)
{
    int32_t bits = bits_of(x);
    int32_t k = 0;
    float f;
    float s;
    float z;
    float w;
    float even;
    float odd;
    float half;
    if (bits < SMALLEST_NORMAL_BITS) {
        if (x == 0.0f) {
            return -INFINITY;
        }
        if (bits < 0) {
            return float_of(NAN_BITS);
        }
        k = -25;
        bits = bits_of(x * 33554432.0f);
    } else if (bits >= INFINITY_BITS) {
        return x;
    }
    /* x = 2^k * m with m from sqrt(1/2) to sqrt(2) */
    bits += ONE_BITS - ROOT_HALF_BITS;
    k += (bits >> MANTISSA_BITS) - EXPONENT_BIAS;
    f = float_of((uint32_t)((bits & MANTISSA_MASK) + ROOT_HALF_BITS)) - 1.0f;
    s = f / (2.0f + f);
    z = s * s;
    w = z * z;
    even = w * (0.40000972152f + w * 0.24279078841f);
    odd = z * (0.66666662693f + w * 0.28498786688f);
    half = (0.5f * f) * f;
    return (((s * (half + (odd + even)) + (float)k * 9.0580006145e-6f) - half) + f) + (float)k * 0.69313812256f;
}

/* 1.5 * 2^52: ROUNDER for double. */
#define ROUNDER_F64 6755399441055744.0

/* Numbers from here on are integers. */
#define INTEGERS_F64 4503599627370496.0

/* Halves to even. */
static double nearest_f64(double x)
{
    return x > -INTEGERS_F64 && x < INTEGERS_F64 ? (x + ROUNDER_F64) - ROUNDER_F64 : x;
}

static double floor_f64(double x)
{
    const double rounded = nearest_f64(x);
    return rounded > x ? rounded - 1.0 : rounded;
}

/* Sine if `shift` is 0, cosine if 1; accurate for |x| up to 2^28 (coefficients: musl) */
static float sine_f32(float x, int32_t shift)
{
    const double y = (double)x;
    double n;
    double r;
    double z;
    double value;
    int32_t quadrant;
    if (!(x - x == 0.0f)) {
        return float_of(NAN_BITS);
    }
    n = nearest_f64(y * 0.63661977236758134308);
    r = (y - n * 1.5707963109016418) - n * 1.5893254712295857e-8;
    r = r < -0.8 ? -0.8 : r;
    r = r > 0.8 ? 0.8 : r;
    quadrant = (int32_t)(n - 4.0 * floor_f64(n * 0.25)) + shift;
    z = r * r;
    if ((quadrant & 1) == 0) {
        value = r + (r * z) * (-0.166666666416265235595 +
            z * (0.0083333293858894631756 + z * (-0.000198393348360966317347 + z * 0.0000027183114939898219064)));
    } else {
        value = 1.0 + z * (-0.499999997251031003120 +
            z * (0.0416666233237390631894 + z * (-0.00138867637746099294692 + z * 0.0000243904487962774090654)));
    }
    return (float)((quadrant & 2) == 0 ? value : -value);
}
