#include <string.h>

#include "operations.h"

void image_mirror(image_pixels *pixels) {
    const size_t size = pixels->channels;
    for (uint32_t y = 0; y < pixels->height; ++y) {
        uint8_t *left = image_row(pixels, y);
        uint8_t *right = left + (pixels->width - 1) * size;
        for (; left < right; left += size, right -= size) {
            uint8_t pixel[4];
            memcpy(pixel, left, size);
            memcpy(left, right, size);
            memcpy(right, pixel, size);
        }
    }
}
