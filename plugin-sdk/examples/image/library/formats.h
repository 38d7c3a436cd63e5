/* Encoded images to pixels and back. */
#ifndef IMAGE_FORMATS_H
#define IMAGE_FORMATS_H

#include <stddef.h>
#include <stdint.h>

#include "image.h"
#include "pixels.h"

/* Whether the bytes begin as such a file does. */
int image_looks_like_jpeg(const uint8_t *data, size_t size);
int image_looks_like_png(const uint8_t *data, size_t size);

/* On success the caller owns `pixels`, else there are none. */
image_error image_read_jpeg(image_library *library, const uint8_t *data, size_t size, image_pixels *pixels);
image_error image_read_png(image_library *library, const uint8_t *data, size_t size, image_pixels *pixels);

image_error image_write_png(image_library *library, const image_pixels *pixels, image_sink sink);

#endif
