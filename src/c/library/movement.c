/* Strided copies: slices, transpositions, concatenations. Strides in elements; those of the source may be negative. */
typedef struct {
    const void *source;
    void *target;
    int32_t dimensions[RANK];
    int32_t source_strides[RANK];
    int32_t target_strides[RANK];
} strided_copy;

/* Elements of one byte. */
static void run_copy_bytes(const strided_copy *layer)
{
    const int32_t count = layer->dimensions[RANK - 1];
    const int32_t from_step = layer->source_strides[RANK - 1];
    const int32_t to_step = layer->target_strides[RANK - 1];
    int32_t index[RANK] = { 0 };
    int32_t d = 0;
    while (d >= 0) {
        const uint8_t *from = layer->source;
        uint8_t *to = layer->target;
        for (d = 0; d < RANK - 1; d++) {
            from += index[d] * layer->source_strides[d];
            to += index[d] * layer->target_strides[d];
        }
        for (int32_t i = 0; i < count; i++) {
            to[i * to_step] = from[i * from_step];
        }
        for (d = RANK - 2; d >= 0 && ++index[d] == layer->dimensions[d]; d--) {
            index[d] = 0;
        }
    }
}

/* Elements of four bytes. */
static void run_copy_words(const strided_copy *layer)
{
    const int32_t count = layer->dimensions[RANK - 1];
    const int32_t from_step = layer->source_strides[RANK - 1];
    const int32_t to_step = layer->target_strides[RANK - 1];
    int32_t index[RANK] = { 0 };
    int32_t d = 0;
    while (d >= 0) {
        const i32 *from = layer->source;
        i32 *to = layer->target;
        for (d = 0; d < RANK - 1; d++) {
            from += index[d] * layer->source_strides[d];
            to += index[d] * layer->target_strides[d];
        }
        for (int32_t i = 0; i < count; i++) {
            to[i * to_step] = from[i * from_step];
        }
        for (d = RANK - 2; d >= 0 && ++index[d] == layer->dimensions[d]; d--) {
            index[d] = 0;
        }
    }
}

typedef struct {
    void *target;
    int32_t count;
    int32_t value; /* the bytes of an element */
} filling;

static void run_fill_bytes(const filling *layer)
{
    memset(layer->target, (int)layer->value, (size_t)layer->count);
}

static void run_fill_words(const filling *layer)
{
    i32 *out = layer->target;
    for (int32_t i = 0; i < layer->count; i++) {
        out[i] = layer->value;
    }
}

/* Image resizing. The tables say from which source rows and columns each target row and column comes. */
typedef struct {
    const void *source; /* [batch][in_h][in_w][channels] */
    void *target;       /* [batch][out_h][out_w][channels] */
    int32_t batch;
    int32_t in_h;
    int32_t in_w;
    int32_t channels;
    int32_t out_h;
    int32_t out_w;
    int32_t pixel_bytes;
    const int32_t *top;
    const int32_t *bottom;
    const int32_t *left;
    const int32_t *right;
    const int32_t *row_weight; /* int8: of the bottom row, in units of 1/2048 */
    const int32_t *column_weight;
    const float *row_weight_f32;
    const float *column_weight_f32;
} resizing;

static void run_resize_nearest(const resizing *layer)
{
    const uint8_t *image = layer->source;
    uint8_t *out = layer->target;
    for (int32_t b = 0; b < layer->batch; b++) {
        for (int32_t y = 0; y < layer->out_h; y++) {
            for (int32_t x = 0; x < layer->out_w; x++) {
                const int32_t pixel = layer->top[y] * layer->in_w + layer->left[x];
                memcpy(out, image + pixel * layer->pixel_bytes, (size_t)layer->pixel_bytes);
                out += layer->pixel_bytes;
            }
        }
        image += layer->in_h * layer->in_w * layer->pixel_bytes;
    }
}

#define RESIZE_UNIT 2048

/* The bits of RESIZE_UNIT squared. */
#define RESIZE_SHIFT 22

static void run_resize_bilinear_i8(const resizing *layer)
{
    const int8_t *image = layer->source;
    int8_t *out = layer->target;
    for (int32_t b = 0; b < layer->batch; b++) {
        for (int32_t y = 0; y < layer->out_h; y++) {
            const int8_t *top_row = image + layer->top[y] * layer->in_w * layer->channels;
            const int8_t *bottom_row = image + layer->bottom[y] * layer->in_w * layer->channels;
            for (int32_t x = 0; x < layer->out_w; x++) {
                const int32_t left = layer->left[x] * layer->channels;
                const int32_t right = layer->right[x] * layer->channels;
                const int32_t weight = layer->column_weight[x];
                for (int32_t c = 0; c < layer->channels; c++) {
                    const int32_t top = top_row[left + c] * RESIZE_UNIT +
                        (top_row[right + c] - top_row[left + c]) * weight;
                    const int32_t bottom = bottom_row[left + c] * RESIZE_UNIT +
                        (bottom_row[right + c] - bottom_row[left + c]) * weight;
                    const int32_t sum = top * RESIZE_UNIT + (bottom - top) * layer->row_weight[y];
                    *out++ = (int8_t)shift_right(sum + (1 << (RESIZE_SHIFT - 1)), RESIZE_SHIFT);
                }
            }
        }
        image += layer->in_h * layer->in_w * layer->channels;
    }
}

static void run_resize_bilinear_f32(const resizing *layer)
{
    const f32 *image = layer->source;
    f32 *out = layer->target;
    for (int32_t b = 0; b < layer->batch; b++) {
        for (int32_t y = 0; y < layer->out_h; y++) {
            const f32 *top_row = image + layer->top[y] * layer->in_w * layer->channels;
            const f32 *bottom_row = image + layer->bottom[y] * layer->in_w * layer->channels;
            for (int32_t x = 0; x < layer->out_w; x++) {
                const int32_t left = layer->left[x] * layer->channels;
                const int32_t right = layer->right[x] * layer->channels;
                const float weight = layer->column_weight_f32[x];
                for (int32_t c = 0; c < layer->channels; c++) {
                    const float top = top_row[left + c] + (top_row[right + c] - top_row[left + c]) * weight;
                    const float bottom =
                        bottom_row[left + c] + (bottom_row[right + c] - bottom_row[left + c]) * weight;
                    *out++ = top + (bottom - top) * layer->row_weight_f32[y];
                }
            }
        }
        image += layer->in_h * layer->in_w * layer->channels;
    }
}

/* Rows that indices select; an index out of range is clamped. */
typedef struct {
    const void *source;  /* [outer][middle][count][row_bytes] */
    const void *indices; /* int32 [outer][index_count] */
    void *target;        /* [outer][middle][index_count][row_bytes] */
    int32_t outer;
    int32_t middle;
    int32_t count;
    int32_t index_count;
    int32_t row_bytes;
} gathering;

static void run_gather(const gathering *layer)
{
    const uint8_t *source = layer->source;
    const i32 *indices = layer->indices;
    uint8_t *out = layer->target;
    for (int32_t o = 0; o < layer->outer; o++) {
        for (int32_t m = 0; m < layer->middle; m++) {
            for (int32_t i = 0; i < layer->index_count; i++) {
                const int32_t index = clamp_i32(indices[i], 0, layer->count - 1);
                memcpy(out, source + index * layer->row_bytes, (size_t)layer->row_bytes);
                out += layer->row_bytes;
            }
            source += layer->count * layer->row_bytes;
        }
        indices += layer->index_count;
    }
}
