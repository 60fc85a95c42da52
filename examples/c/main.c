/*
 * Reads a picture of a digit and prints the answer of models/digits, as plain C. From the root of the repository:
 *
 *     npx kinglet convert models/digits/digits.klet --c build/c
 *     gcc -std=c99 -O2 -Ibuild/c build/c/digits.c examples/c/main.c -o build/c/digit -lm
 *     build/c/digit examples/c/seven.pgm
 *
 * On a microcontroller, digits.c and digits.h stay as they are. Only main.c changes: the pixels come from a camera,
 * and the answer goes to a display. The two arrays are static, because stacks are small.
 */
#include <stdio.h>

#include "digits.h"

static int8_t input[KINGLET_DIGITS_INPUT_SIZE];
static int8_t output[KINGLET_DIGITS_OUTPUT_SIZE];

/* The int8 value of the input for a brightness from 0 to 255; the network was trained on 0 to 1, white on black. */
static int8_t quantized(int brightness)
{
    const float real = (float)brightness / 255.0f;
    const float q = real / KINGLET_DIGITS_INPUT_SCALE + (float)KINGLET_DIGITS_INPUT_ZERO_POINT;
    return (int8_t)(q < 0.0f ? q - 0.5f : q + 0.5f);
}

/* Reads a gray image in the text form of PGM. */
static int read_image(const char *path)
{
    FILE *file = fopen(path, "r");
    int width = 0;
    int height = 0;
    int count = 0;
    int brightness;
    if (file == NULL) {
        return 0;
    }
    if (fscanf(file, "P2 %d %d 255", &width, &height) == 2 && width * height == KINGLET_DIGITS_INPUT_SIZE) {
        while (count < KINGLET_DIGITS_INPUT_SIZE && fscanf(file, "%d", &brightness) == 1) {
            input[count++] = quantized(brightness);
        }
    }
    fclose(file);
    return count == KINGLET_DIGITS_INPUT_SIZE;
}

int main(int argc, char **argv)
{
    int best = 0;
    if (argc != 2 || !read_image(argv[1])) {
        fprintf(stderr, "usage: digit IMAGE, with 28 x 28 gray values in the text form of PGM (P2)\n");
        return 1;
    }
    kinglet_digits_predict(input, output);
    for (int i = 1; i < KINGLET_DIGITS_OUTPUT_SIZE; i++) {
        best = output[i] > output[best] ? i : best;
    }
    printf("%s with %.0f %%\n", kinglet_digits_labels[best],
           100.0 * KINGLET_DIGITS_OUTPUT_SCALE * (output[best] - KINGLET_DIGITS_OUTPUT_ZERO_POINT));
    return 0;
}
