#include "pixels.h"

#include <inttypes.h>
#include <stdlib.h>

#include "library_state.h"

static uint64_t size_of(const image_pixels *pixels) {
    return (uint64_t)pixels->width * pixels->height * pixels->channels;
}

image_error image_check_size(image_library *library, uint32_t width, uint32_t height) {
    const uint64_t max_pixels = library->settings.max_pixels;
    if (width == 0 || height == 0) {
        return image_fail(library, IMAGE_DAMAGED, "the image has no pixels");
    }
    if (width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE || (uint64_t)width * height > max_pixels) {
        return image_fail(library, IMAGE_TOO_LARGE,
                          "the image is %" PRIu32 " by %" PRIu32 " pixels; at most %" PRIu64
                          " pixels and %u on a side are allowed",
                          width, height, max_pixels, IMAGE_MAX_SIDE);
    }
    return IMAGE_OK;
}

image_error image_allocate(image_library *library, uint32_t width, uint32_t height, uint32_t channels,
                           image_pixels *pixels) {
    const image_error allowed = image_check_size(library, width, height);
    if (allowed != IMAGE_OK) {
        return allowed;
    }
    const uint64_t max_bytes = library->settings.max_bytes;
    image_pixels made = {.width = width, .height = height, .channels = channels, .samples = NULL};
    const uint64_t size = size_of(&made);
    if (size > max_bytes - library->bytes) {
        return image_fail(library, IMAGE_MEMORY,
                          "there is no room for %" PRIu64 " bytes beside the %" PRIu64 " of open images; %" PRIu64
                          " are allowed",
                          size, library->bytes, max_bytes);
    }
    made.samples = malloc((size_t)size);
    if (made.samples == NULL) {
        return image_fail(library, IMAGE_MEMORY, "there is no memory for an image of %" PRIu64 " bytes", size);
    }
    library->bytes += size;
    *pixels = made;
    return IMAGE_OK;
}

void image_release(image_library *library, image_pixels *pixels) {
    if (pixels->samples == NULL) {
        return;
    }
    library->bytes -= size_of(pixels);
    free(pixels->samples);
    pixels->samples = NULL;
}
