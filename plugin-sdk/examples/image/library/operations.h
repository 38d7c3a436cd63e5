/* What can be done to pixels. */
#ifndef IMAGE_OPERATIONS_H
#define IMAGE_OPERATIONS_H

#include <stdint.h>

#include "image.h"
#include "pixels.h"

/* `radius` from 1 to IMAGE_MAX_RADIUS. On failure the pixels are as before. */
image_error image_blur(image_library *library, image_pixels *pixels, uint32_t radius);
void image_mirror(image_pixels *pixels);

#endif
