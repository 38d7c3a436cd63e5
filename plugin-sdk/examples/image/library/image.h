/* A small image library. A plain C library that knows nothing of Bulkhead.
 *
 * Reads JPEG and PNG, writes PNG; 8 bits per sample. It is used through a table of functions:
 *
 *     image_functions functions = {.size = sizeof(functions)};
 *     if (image_get_functions(&functions) != IMAGE_OK) ...
 *
 * The library has no global state. One image_library and its images belong to one thread at a time. */
#ifndef IMAGE_H
#define IMAGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers never change their meaning; new ones come at the end. */
typedef enum image_error {
    IMAGE_OK = 0,
    IMAGE_PARAMETER = 1, /* an argument that cannot be right */
    IMAGE_IO = 2,        /* a file cannot be read or written */
    IMAGE_FORMAT = 3,    /* neither a JPEG nor a PNG, or a kind of them that is not supported */
    IMAGE_DAMAGED = 4,   /* a JPEG or PNG that ends too early or contradicts itself */
    IMAGE_TOO_LARGE = 5, /* more pixels than the settings allow */
    IMAGE_MEMORY = 6,    /* no memory, or no room beside the images that are open */
    IMAGE_HANDLE = 7,    /* a handle that is not open */
    IMAGE_CANCELLED = 8, /* the caller gave up */
    IMAGE_DISABLED = 9   /* not by the library: a method that the plugin's config does not enable */
} image_error;

/* Names an open image: 0 never does. A handle that was destroyed is never given out again, and one of another
 * image_library, be it in another process, is not taken for one of this. */
typedef uint64_t image_handle;

/* Wider or higher images are IMAGE_TOO_LARGE, whatever the settings say. */
#define IMAGE_MAX_SIDE 65500u
/* A blur with a greater radius is IMAGE_PARAMETER. */
#define IMAGE_MAX_RADIUS 1000
/* More cannot be open at once, whatever the settings say. */
#define IMAGE_MAX_IMAGES 1024u

typedef struct image_settings {
    uint64_t max_pixels; /* of one image */
    uint64_t max_bytes;  /* of all open images together and of what an operation needs beside them */
    uint32_t max_images; /* open at once */
    uint32_t reserved;
    /* Asked now and then during long work; not 0 ends it as IMAGE_CANCELLED. May be null. */
    int (*cancelled)(void *context);
    void *cancelled_context;
} image_settings;

typedef struct image_info {
    uint32_t width;
    uint32_t height;
    uint32_t channels; /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha */
} image_info;

/* How much is open. */
typedef struct image_usage {
    uint64_t bytes;
    uint32_t images;
} image_usage;

/* Takes the bytes of a saved image piece by piece. `write` returns 0 when it cannot: then saving ends as IMAGE_IO. */
typedef struct image_sink {
    int (*write)(void *context, const void *data, size_t size);
    void *context;
} image_sink;

/* All that belongs together: settings, open images, the last message. */
typedef struct image_library image_library;

/* Every function but `end`, `message` and `usage` returns IMAGE_OK or why not; then nothing has changed. */
typedef struct image_functions {
    size_t size; /* of the table, as the one who reads it knows it */

    /* The settings are copied. */
    image_error (*create)(const image_settings *settings, image_library **library);
    /* Destroys what is open. Null does nothing. */
    void (*end)(image_library *library);
    /* Why the last function that failed did: one sentence without a full stop, valid until the next call. */
    const char *(*message)(const image_library *library);
    image_usage (*usage)(const image_library *library);

    /* `data` is borrowed for the call. The colours of the file are kept as they are: neither its profile nor its
     * orientation is applied. */
    image_error (*open)(image_library *library, const void *data, size_t size, image_handle *handle);
    image_error (*open_file)(image_library *library, const char *path, image_handle *handle);
    image_error (*info)(image_library *library, image_handle handle, image_info *info);

    /* Makes each pixel the mean of the square of pixels at most `radius` away, as far as they lie in the image.
     * Colours count as much as they are opaque. 0 changes nothing. */
    image_error (*blur)(image_library *library, image_handle handle, int32_t radius);
    /* Swaps left and right. */
    image_error (*mirror)(image_library *library, image_handle handle);

    /* As PNG. A file is there complete or not at all; an older one of the name is replaced. */
    image_error (*save)(image_library *library, image_handle handle, image_sink sink);
    image_error (*save_file)(image_library *library, image_handle handle, const char *path);

    image_error (*destroy)(image_library *library, image_handle handle);
} image_functions;

/* Fills the table. Its `size` says what the caller was compiled for; afterwards it says how much of it is filled. A
 * table that is too small for the first version of the library is IMAGE_PARAMETER and left as it is. */
image_error image_get_functions(image_functions *functions);

#ifdef __cplusplus
}
#endif

#endif
