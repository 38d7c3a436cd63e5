/* Which handles are open, and which images they name. */
#ifndef IMAGE_HANDLES_H
#define IMAGE_HANDLES_H

#include <stdint.h>

#include "image.h"
#include "pixels.h"

/* A handle is, from the low end: slot (10 bits), generation (32), salt (22). The generation tells the images apart
 * that a slot held one after the other; the salt tells this library from others, of other processes too. */
typedef struct image_slot {
    uint32_t generation; /* of the image it holds, or held last; 0: none yet */
    image_pixels pixels;
} image_slot;

typedef struct image_handles {
    uint64_t salt;
    uint32_t count; /* open */
    image_slot slots[IMAGE_MAX_IMAGES];
} image_handles;

/* `random` decides the salt. */
void image_handles_start(image_handles *handles, uint64_t random);

/* Takes over the pixels and returns their handle; 0 when all slots are taken. */
image_handle image_handles_add(image_handles *handles, const image_pixels *pixels);

/* The image; null and a message in the library when the handle is not open. */
image_pixels *image_handles_find(image_library *library, image_handle handle);

/* The slot of a handle that is open is free again; its pixels were released before. */
void image_handles_remove(image_handles *handles, image_handle handle);

#endif
