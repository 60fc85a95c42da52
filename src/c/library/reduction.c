/* Average and maximum over windows. Pixels outside the image are left out. */
typedef struct {
    const void *source; /* [batch][in_h][in_w][in_c] */
    void *target;       /* [batch][out_h][out_w][in_c] */
    window2d window;      /* without dilation */
    int32_t batch;
    int32_t out_h;
    int32_t out_w;
    int32_t rounding_offset;
    bounds_i32 range;
    bounds_f32 bounds;
} pool2d;

/* The part of a window that is inside the image. */
typedef struct {
    int32_t top;
    int32_t bottom;
    int32_t left;
    int32_t right;
} rectangle;

static rectangle window_inside(const window2d *win, int32_t y, int32_t x)
{
    const int32_t top = y * win->stride_y - win->pad_top;
    const int32_t left = x * win->stride_x - win->pad_left;
    const rectangle inside = { max_i32(top, 0), min_i32(top + win->kernel_h, win->in_h), max_i32(left, 0),
                               min_i32(left + win->kernel_w, win->in_w) };
    return inside;
}

/* Halves away from zero. */
static int32_t divide_rounded(int32_t sum, int32_t count)
{
    const int32_t half = count / 2;
    return (sum > 0 ? sum + half : sum - half) / count;
}

static int8_t window_average_i8(const pool2d *layer, const int8_t *channel, const rectangle *inside)
{
    const window2d *win = &layer->window;
    const int32_t count = (inside->bottom - inside->top) * (inside->right - inside->left);
    int32_t s = count * layer->rounding_offset;
    for (int32_t iy = inside->top; iy < inside->bottom; iy++) {
        for (int32_t ix = inside->left; ix < inside->right; ix++) {
            s += channel[(iy * win->in_w + ix) * win->in_c];
        }
    }
    s = divide_rounded(s, count) - layer->rounding_offset;
    return (int8_t)clamp_i32(s, layer->range.min, layer->range.max);
}

static int8_t window_maximum_i8(const pool2d *layer, const int8_t *channel, const rectangle *inside)
{
    const window2d *win = &layer->window;
    int32_t most = INT8_MIN;
    for (int32_t iy = inside->top; iy < inside->bottom; iy++) {
        for (int32_t ix = inside->left; ix < inside->right; ix++) {
            most = max_i32(most, channel[(iy * win->in_w + ix) * win->in_c]);
        }
    }
    return (int8_t)clamp_i32(most, layer->range.min, layer->range.max);
}

static float window_average_f32(const pool2d *layer, const f32 *channel, const rectangle *inside)
{
    const window2d *win = &layer->window;
    const int32_t count = (inside->bottom - inside->top) * (inside->right - inside->left);
    float s = 0.0f;
    for (int32_t iy = inside->top; iy < inside->bottom; iy++) {
        for (int32_t ix = inside->left; ix < inside->right; ix++) {
            s += channel[(iy * win->in_w + ix) * win->in_c];
        }
    }
    return clamp_f32(s / (float)count, layer->bounds.min, layer->bounds.max);
}

static float window_maximum_f32(const pool2d *layer, const f32 *channel, const rectangle *inside)
{
    const window2d *win = &layer->window;
    float most = -INFINITY;
    for (int32_t iy = inside->top; iy < inside->bottom; iy++) {
        for (int32_t ix = inside->left; ix < inside->right; ix++) {
            most = greater_f32(most, channel[(iy * win->in_w + ix) * win->in_c]);
        }
    }
    return clamp_f32(most, layer->bounds.min, layer->bounds.max);
}

static void run_average_pool_i8(const pool2d *layer)
{
    const window2d *win = &layer->window;
    const int8_t *image = layer->source;
    int8_t *out = layer->target;
    for (int32_t b = 0; b < layer->batch; b++) {
        for (int32_t y = 0; y < layer->out_h; y++) {
            for (int32_t x = 0; x < layer->out_w; x++) {
                const rectangle inside = window_inside(win, y, x);
                for (int32_t c = 0; c < win->in_c; c++) {
                    *out++ = window_average_i8(layer, image + c, &inside);
                }
            }
        }
        image += win->in_h * win->in_w * win->in_c;
    }
}

static void run_max_pool_i8(const pool2d *layer)
{
    const window2d *win = &layer->window;
    const int8_t *image = layer->source;
    int8_t *out = layer->target;
    for (int32_t b = 0; b < layer->batch; b++) {
        for (int32_t y = 0; y < layer->out_h; y++) {
            for (int32_t x = 0; x < layer->out_w; x++) {
                const rectangle inside = window_inside(win, y, x);
                for (int32_t c = 0; c < win->in_c; c++) {
                    *out++ = window_maximum_i8(layer, image + c, &inside);
                }
            }
        }
        image += win->in_h * win->in_w * win->in_c;
    }
}

static void run_average_pool_f32(const pool2d *layer)
{
    const window2d *win = &layer->window;
    const f32 *image = layer->source;
    f32 *out = layer->target;
    for (int32_t b = 0; b < layer->batch; b++) {
        for (int32_t y = 0; y < layer->out_h; y++) {
            for (int32_t x = 0; x < layer->out_w; x++) {
                const rectangle inside = window_inside(win, y, x);
                for (int32_t c = 0; c < win->in_c; c++) {
                    *out++ = window_average_f32(layer, image + c, &inside);
                }
            }
        }
        image += win->in_h * win->in_w * win->in_c;
    }
}

static void run_max_pool_f32(const pool2d *layer)
{
    const window2d *win = &layer->window;
    const f32 *image = layer->source;
    f32 *out = layer->target;
    for (int32_t b = 0; b < layer->batch; b++) {
        for (int32_t y = 0; y < layer->out_h; y++) {
            for (int32_t x = 0; x < layer->out_w; x++) {
                const rectangle inside = window_inside(win, y, x);
                for (int32_t c = 0; c < win->in_c; c++) {
                    *out++ = window_maximum_f32(layer, image + c, &inside);
                }
            }
        }
        image += win->in_h * win->in_w * win->in_c;
    }
}

/* Reductions of [outer][count][inner] to [outer][inner]. */
typedef struct {
    const void *source;
    void *target;
    int32_t outer;
    int32_t count;
    int32_t inner;
    int32_t source_zero;
    float scale;
    fixed_factor factor; /* of a product */
    range_i8 range;
} reduction;

static int32_t reduced_sum_i8(const reduction *layer, const int8_t *x)
{
    int32_t sum = -layer->count * layer->source_zero;
    for (int32_t i = 0; i < layer->count; i++) {
        sum += x[i * layer->inner];
    }
    return sum;
}

static void run_reduce_even_i8(const reduction *layer)
{
    int8_t *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        const int8_t *x = (const int8_t *)layer->source + o * layer->count * layer->inner;
        for (int32_t i = 0; i < layer->inner; i++) {
            *out++ = requantize(reduced_sum_i8(layer, x + i), layer->scale, &layer->range);
        }
    }
}

static void run_reduce_away_i8(const reduction *layer)
{
    int8_t *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        const int8_t *x = (const int8_t *)layer->source + o * layer->count * layer->inner;
        for (int32_t i = 0; i < layer->inner; i++) {
            const float y = (float)reduced_sum_i8(layer, x + i) * layer->scale;
            *out++ = (int8_t)(round_away(clamp_f32(y, layer->range.low, layer->range.high)) + layer->range.zero);
        }
    }
}

/* The mean, rounded toward zero. */
static void run_reduce_truncate_i8(const reduction *layer)
{
    int8_t *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        const int8_t *x = (const int8_t *)layer->source + o * layer->count * layer->inner;
        for (int32_t i = 0; i < layer->inner; i++) {
            *out++ = (int8_t)saturate_i8(reduced_sum_i8(layer, x + i) / layer->count + layer->range.zero);
        }
    }
}

static void run_reduce_max_i8(const reduction *layer)
{
    int8_t *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        const int8_t *x = (const int8_t *)layer->source + o * layer->count * layer->inner;
        for (int32_t i = 0; i < layer->inner; i++) {
            int32_t most = INT8_MIN;
            for (int32_t j = 0; j < layer->count; j++) {
                most = max_i32(most, x[j * layer->inner + i]);
            }
            *out++ = (int8_t)most;
        }
    }
}

static void run_reduce_min_i8(const reduction *layer)
{
    int8_t *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        const int8_t *x = (const int8_t *)layer->source + o * layer->count * layer->inner;
        for (int32_t i = 0; i < layer->inner; i++) {
            int32_t least = INT8_MAX;
            for (int32_t j = 0; j < layer->count; j++) {
                least = min_i32(least, x[j * layer->inner + i]);
            }
            *out++ = (int8_t)least;
        }
    }
}

static int64_t saturate_i32(int64_t x)
{
    const int64_t y = x < INT32_MIN ? INT32_MIN : x;
    return y > INT32_MAX ? INT32_MAX : y;
}

/* multiply_fixed for |x| <= 2^40; intermediate results saturate. */
static int32_t multiply_saturated(int64_t x, fixed_factor factor)
{
    const int64_t left = (int64_t)1 << max_i32(factor.exponent, 0);
    const int32_t shifted = (int32_t)saturate_i32(saturate_i32(x) * left);
    const int32_t high = multiply_high(shifted, factor.multiplier);
    return (int32_t)saturate_i32(rounding_shift(high, max_i32(-factor.exponent, 0)));
}

/* x + zero, saturated */
static int8_t quantized_sum(int32_t x, int32_t zero)
{
    return (int8_t)(clamp_i32(x, INT8_MIN - zero, INT8_MAX - zero) + zero);
}

static void run_reduce_product_i8(const reduction *layer)
{
    int8_t *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        const int8_t *x = (const int8_t *)layer->source + o * layer->count * layer->inner;
        for (int32_t i = 0; i < layer->inner; i++) {
            int32_t p = x[i] - layer->source_zero;
            for (int32_t j = 1; j < layer->count; j++) {
                p = multiply_saturated((int64_t)p * (x[j * layer->inner + i] - layer->source_zero), layer->factor);
            }
            *out++ = quantized_sum(multiply_saturated(p, layer->factor), layer->range.zero);
        }
    }
}

static float add_f32(float a, float b)
{
    return a + b;
}

/* a + b * b */
static float add_square_f32(float a, float b)
{
    return a + b * b;
}

typedef float fold_f32(float a, float b);

/*
 * Folds n numbers that are `step` apart. Consecutive numbers have the order of vectors of four: element i of the
 * complete groups goes to partial result i mod 4, these are joined as (p0 p2) (p1 p3), and the others follow.
 */
static float fold(const f32 *x, int32_t n, int32_t step, float first, fold_f32 *take, fold_f32 *join)
{
    const int32_t whole = step == 1 ? n - n % 4 : 0;
    float p[4] = { first, first, first, first };
    float result = first;
    int32_t i = 0;
    if (step == 1) {
        for (; i < whole; i++) {
            p[i % 4] = take(p[i % 4], x[i]);
        }
        result = join(join(p[0], p[2]), join(p[1], p[3]));
    }
    for (; i < n; i++) {
        result = take(result, x[i * step]);
    }
    return result;
}

static void run_reduce_sum_f32(const reduction *layer)
{
    const f32 *x = layer->source;
    f32 *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        for (int32_t i = 0; i < layer->inner; i++) {
            *out++ = fold(x + i, layer->count, layer->inner, 0.0f, add_f32, add_f32);
        }
        x += layer->count * layer->inner;
    }
}

static void run_reduce_mean_f32(const reduction *layer)
{
    const f32 *x = layer->source;
    f32 *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        for (int32_t i = 0; i < layer->inner; i++) {
            *out++ = fold(x + i, layer->count, layer->inner, 0.0f, add_f32, add_f32) / (float)layer->count;
        }
        x += layer->count * layer->inner;
    }
}

static void run_reduce_max_f32(const reduction *layer)
{
    const f32 *x = layer->source;
    f32 *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        for (int32_t i = 0; i < layer->inner; i++) {
            *out++ = fold(x + i, layer->count, layer->inner, -INFINITY, greater_f32, greater_f32);
        }
        x += layer->count * layer->inner;
    }
}

static void run_reduce_min_f32(const reduction *layer)
{
    const f32 *x = layer->source;
    f32 *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        for (int32_t i = 0; i < layer->inner; i++) {
            *out++ = fold(x + i, layer->count, layer->inner, INFINITY, lesser_f32, lesser_f32);
        }
        x += layer->count * layer->inner;
    }
}

static void run_reduce_product_f32(const reduction *layer)
{
    const f32 *x = layer->source;
    f32 *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        for (int32_t i = 0; i < layer->inner; i++) {
            float p = 1.0f;
            for (int32_t j = 0; j < layer->count; j++) {
                p *= x[j * layer->inner + i];
            }
            *out++ = p;
        }
        x += layer->count * layer->inner;
    }
}

/* Index of the largest or smallest element of [outer][count][inner] along count; the first of equal ones. */
typedef struct {
    const void *source;
    void *target; /* int32 [outer][inner] */
    int32_t outer;
    int32_t count;
    int32_t inner;
    int32_t is_min;
} argmax_layer;

static void run_argmax_i8(const argmax_layer *layer)
{
    i32 *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        const int8_t *x = (const int8_t *)layer->source + o * layer->count * layer->inner;
        for (int32_t i = 0; i < layer->inner; i++) {
            int32_t best = 0;
            for (int32_t j = 1; j < layer->count; j++) {
                const int32_t ahead = x[j * layer->inner + i] - x[best * layer->inner + i];
                best = (layer->is_min ? ahead < 0 : ahead > 0) ? j : best;
            }
            *out++ = best;
        }
    }
}

static void run_argmax_u8(const argmax_layer *layer)
{
    i32 *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        const uint8_t *x = (const uint8_t *)layer->source + o * layer->count * layer->inner;
        for (int32_t i = 0; i < layer->inner; i++) {
            int32_t best = 0;
            for (int32_t j = 1; j < layer->count; j++) {
                const int32_t ahead = x[j * layer->inner + i] - x[best * layer->inner + i];
                best = (layer->is_min ? ahead < 0 : ahead > 0) ? j : best;
            }
            *out++ = best;
        }
    }
}

static void run_argmax_i32(const argmax_layer *layer)
{
    i32 *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        const i32 *x = (const i32 *)layer->source + o * layer->count * layer->inner;
        for (int32_t i = 0; i < layer->inner; i++) {
            int32_t best = 0;
            for (int32_t j = 1; j < layer->count; j++) {
                const int32_t a = x[j * layer->inner + i];
                const int32_t b = x[best * layer->inner + i];
                best = (layer->is_min ? a < b : a > b) ? j : best;
            }
            *out++ = best;
        }
    }
}

static void run_argmax_f32(const argmax_layer *layer)
{
    i32 *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        const f32 *x = (const f32 *)layer->source + o * layer->count * layer->inner;
        for (int32_t i = 0; i < layer->inner; i++) {
            int32_t best = 0;
            for (int32_t j = 1; j < layer->count; j++) {
                const float a = x[j * layer->inner + i];
                const float b = x[best * layer->inner + i];
                best = (layer->is_min ? a < b : a > b) ? j : best;
            }
            *out++ = best;
        }
    }
}
