#include "handles.h"

#include <inttypes.h>

#include "library_state.h"

enum { SLOT_BITS = 10, GENERATION_BITS = 32, SALT_SHIFT = SLOT_BITS + GENERATION_BITS };
_Static_assert(IMAGE_MAX_IMAGES == 1u << SLOT_BITS, "each slot has a number of its own");

static uint32_t slot_of(image_handle handle) { return (uint32_t)handle & (IMAGE_MAX_IMAGES - 1); }
static uint32_t generation_of(image_handle handle) { return (uint32_t)(handle >> SLOT_BITS); }
static uint64_t salt_of(image_handle handle) { return handle >> SALT_SHIFT; }

void image_handles_start(image_handles *handles, uint64_t random) { handles->salt = random >> SALT_SHIFT; }

image_handle image_handles_add(image_handles *handles, const image_pixels *pixels) {
    for (uint32_t i = 0; i < IMAGE_MAX_IMAGES; ++i) {
        image_slot *slot = &handles->slots[i];
        /* A slot whose generations are used up is left alone: a stale handle must not come to life again. */
        if (slot->pixels.samples == NULL && slot->generation < UINT32_MAX) {
            ++slot->generation;
            slot->pixels = *pixels;
            ++handles->count;
            return handles->salt << SALT_SHIFT | (uint64_t)slot->generation << SLOT_BITS | i;
        }
    }
    return 0;
}

image_pixels *image_handles_find(image_library *library, image_handle handle) {
    image_handles *handles = &library->handles;
    image_slot *slot = &handles->slots[slot_of(handle)];
    const uint32_t generation = generation_of(handle);
    const char *why = NULL;
    if (handle == 0) {
        why = "is none";
    } else if (salt_of(handle) != handles->salt) {
        why = "is not of this worker: another one gave it out, perhaps the one before a crash, or nobody did";
    } else if (generation == 0 || generation > slot->generation) {
        why = "was never given out";
    } else if (generation < slot->generation || slot->pixels.samples == NULL) {
        why = "was destroyed";
    }
    if (why != NULL) {
        image_fail(library, IMAGE_HANDLE, "handle %016" PRIx64 " %s", handle, why);
        return NULL;
    }
    return &slot->pixels;
}

void image_handles_remove(image_handles *handles, image_handle handle) {
    handles->slots[slot_of(handle)].pixels.samples = NULL;
    --handles->count;
}
