/* The pixels of one image. */
#ifndef IMAGE_PIXELS_H
#define IMAGE_PIXELS_H

#include <stddef.h>
#include <stdint.h>

#include "image.h"

/* Rows from top to bottom without gaps; samples of a pixel side by side, alpha last. */
typedef struct image_pixels {
    uint32_t width;
    uint32_t height;
    uint32_t channels;
    uint8_t *samples; /* null: no image */
} image_pixels;

static inline size_t image_row_size(const image_pixels *pixels) { return (size_t)pixels->width * pixels->channels; }
static inline uint8_t *image_row(const image_pixels *pixels, uint32_t y) {
    return pixels->samples + (size_t)y * image_row_size(pixels);
}
static inline int image_has_alpha(uint32_t channels) { return channels == 2 || channels == 4; }

/* Whether an image of this size is allowed. */
image_error image_check_size(image_library *library, uint32_t width, uint32_t height);
/* Allocates `pixels` with samples of any value, within the limits of the library. */
image_error image_allocate(image_library *library, uint32_t width, uint32_t height, uint32_t channels,
                           image_pixels *pixels);
/* Leaves it without an image. Without one it does nothing. */
void image_release(image_library *library, image_pixels *pixels);

#endif
