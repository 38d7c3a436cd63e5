/* Whole files. */
#ifndef IMAGE_FILES_H
#define IMAGE_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "image.h"

/* Reads a regular file of at most `max_size` bytes. The caller frees `data`. */
image_error image_read_file(image_library *library, const char *path, uint64_t max_size, uint8_t **data, size_t *size);

/* A file that comes to be beside its place and is put there when it is complete. */
typedef struct image_new_file {
    int descriptor;
    const char *path; /* borrowed */
    char *temporary;
} image_new_file;

image_error image_new_file_start(image_library *library, image_new_file *file, const char *path);
/* Fits image_sink.write. */
int image_new_file_write(void *file, const void *data, size_t size);
/* Ends it in any case: with `complete` it takes its place, else it goes. */
image_error image_new_file_end(image_library *library, image_new_file *file, int complete);

/* A number that other processes do not guess and are not likely to get. 0: the system gives none. */
uint64_t image_random(void);

#endif
