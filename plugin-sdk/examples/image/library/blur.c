/* A box blur whose time does not depend on the radius. For each column a sum over the rows of the window is kept; it
 * gains one row and loses one on the way down. Along a row the same is done with these sums. There is one rounding, at
 * the end, so the result is exactly the rounded mean. */
#include <stdlib.h>

#include "library_state.h"
#include "operations.h"

/* A column's sum of at most 2 * IMAGE_MAX_RADIUS + 1 rows of colour times alpha fits, too. */
_Static_assert((2ull * IMAGE_MAX_RADIUS + 1) * 255 * 255 <= UINT32_MAX, "a column's sum fits");

typedef struct blurring {
    const image_pixels *source;
    image_pixels target;
    uint32_t radius;
    uint32_t *columns; /* one sum per sample of a row; of a colour beside an alpha: of colour times alpha */
} blurring;

/* sum / count, rounded, a half upwards. Exact: the quotient of (2 sum + count) and 2 count is at least half of
 * 1 / (2 count) away from where it would be cut off to another number, and a double errs by far less. */
static uint8_t mean(uint64_t sum, double count) {
    return (uint8_t)((2.0 * (double)sum + count + 0.5) * (1.0 / (2.0 * count)));
}

static void add_row(const blurring *blur, uint32_t y, int sign) {
    const uint8_t *row = image_row(blur->source, y);
    const uint32_t channels = blur->source->channels;
    const size_t size = image_row_size(blur->source);
    const uint32_t factor = (uint32_t)sign; /* subtracts modulo 2^32 */
    if (!image_has_alpha(channels)) {
        for (size_t i = 0; i < size; ++i) {
            blur->columns[i] += factor * row[i];
        }
        return;
    }
    for (size_t i = 0; i < size; i += channels) {
        const uint32_t alpha = row[i + channels - 1];
        for (uint32_t c = 0; c + 1 < channels; ++c) {
            blur->columns[i + c] += factor * row[i + c] * alpha;
        }
        blur->columns[i + channels - 1] += factor * alpha;
    }
}

static void store(uint8_t *target, const uint64_t *sums, uint32_t channels, double count) {
    if (!image_has_alpha(channels)) {
        for (uint32_t c = 0; c < channels; ++c) {
            target[c] = mean(sums[c], count);
        }
        return;
    }
    const uint64_t alpha = sums[channels - 1];
    for (uint32_t c = 0; c + 1 < channels; ++c) {
        target[c] = alpha == 0 ? 0 : mean(sums[c], (double)alpha);
    }
    target[channels - 1] = mean(alpha, count);
}

static void blur_row(const blurring *blur, uint32_t y, uint32_t rows) {
    const uint32_t width = blur->source->width;
    const uint32_t channels = blur->source->channels;
    uint8_t *target = image_row(&blur->target, y);
    uint64_t sums[4] = {0, 0, 0, 0};
    uint32_t left = 0;  /* first column of the window */
    uint32_t right = 0; /* the one behind its last */
    for (uint32_t x = 0; x < width; ++x, target += channels) {
        for (; right < width && right <= x + blur->radius; ++right) {
            for (uint32_t c = 0; c < channels; ++c) {
                sums[c] += blur->columns[(size_t)right * channels + c];
            }
        }
        for (; left + blur->radius < x; ++left) {
            for (uint32_t c = 0; c < channels; ++c) {
                sums[c] -= blur->columns[(size_t)left * channels + c];
            }
        }
        store(target, sums, channels, (double)(right - left) * rows);
    }
}

static image_error blur_rows(image_library *library, const blurring *blur) {
    const uint32_t height = blur->source->height;
    uint32_t top = 0;
    uint32_t bottom = 0; /* the row behind the window's last */
    for (uint32_t y = 0; y < height; ++y) {
        if (image_is_cancelled(library)) {
            return image_fail_cancelled(library);
        }
        for (; bottom < height && bottom <= y + blur->radius; ++bottom) {
            add_row(blur, bottom, 1);
        }
        for (; top + blur->radius < y; ++top) {
            add_row(blur, top, -1);
        }
        blur_row(blur, y, bottom - top);
    }
    return IMAGE_OK;
}

image_error image_blur(image_library *library, image_pixels *pixels, uint32_t radius) {
    blurring blur = {.source = pixels, .radius = radius};
    image_error error = image_allocate(library, pixels->width, pixels->height, pixels->channels, &blur.target);
    if (error != IMAGE_OK) {
        return error;
    }
    blur.columns = calloc(image_row_size(pixels), sizeof(*blur.columns));
    if (blur.columns == NULL) {
        error = image_fail(library, IMAGE_MEMORY, "there is no memory to blur the image");
    } else {
        error = blur_rows(library, &blur);
    }
    free(blur.columns);
    if (error != IMAGE_OK) {
        image_release(library, &blur.target);
        return error;
    }
    image_release(library, pixels);
    *pixels = blur.target;
    return IMAGE_OK;
}
