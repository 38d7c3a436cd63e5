/* The inside of an image_library, and what its parts share. */
#ifndef IMAGE_LIBRARY_STATE_H
#define IMAGE_LIBRARY_STATE_H

#include "handles.h"
#include "image.h"
#include "pixels.h"

struct image_library {
    image_settings settings;
    uint64_t bytes; /* of the pixels that are allocated */
    image_handles handles;
    char message[256];
};

/* Keeps the message and returns the error. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
image_error
image_fail(image_library *library, image_error error, const char *format, ...);

/* Whether the caller gave up. */
int image_is_cancelled(const image_library *library);
image_error image_fail_cancelled(image_library *library);

#endif
