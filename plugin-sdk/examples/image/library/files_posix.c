#define _DEFAULT_SOURCE /* POSIX and getentropy beside C11 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "library_state.h"

static image_error fail_with_errno(image_library *library, const char *what, const char *path) {
    return image_fail(library, IMAGE_IO, "%s '%.120s': %s", what, path, strerror(errno));
}

static ssize_t read_again(int descriptor, void *target, size_t size) {
    ssize_t count = 0;
    do {
        count = read(descriptor, target, size);
    } while (count < 0 && errno == EINTR);
    return count;
}

static image_error read_descriptor(image_library *library, int descriptor, const char *path, uint64_t max_size,
                                   uint8_t **data, size_t *size) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) {
        return fail_with_errno(library, "cannot read", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return image_fail(library, IMAGE_IO, "cannot read '%.120s': it is not a regular file", path);
    }
    const uint64_t length = (uint64_t)status.st_size;
    if (length > max_size) {
        return image_fail(library, IMAGE_TOO_LARGE,
                          "the file '%.120s' has %" PRIu64 " bytes; at most %" PRIu64 " are allowed", path, length,
                          max_size);
    }
    uint8_t *bytes = malloc((size_t)length + 1);
    if (bytes == NULL) {
        return image_fail(library, IMAGE_MEMORY, "there is no memory for the %" PRIu64 " bytes of a file", length);
    }
    size_t done = 0;
    while (done < length) {
        const ssize_t count = read_again(descriptor, bytes + done, (size_t)length - done);
        if (count < 0) {
            free(bytes);
            return fail_with_errno(library, "cannot read", path);
        }
        if (count == 0) {
            break; /* it has become shorter */
        }
        done += (size_t)count;
    }
    *data = bytes;
    *size = done;
    return IMAGE_OK;
}

image_error image_read_file(image_library *library, const char *path, uint64_t max_size, uint8_t **data, size_t *size) {
    /* Not blocking, because a path may name a pipe that nobody writes to. */
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        return fail_with_errno(library, "cannot open", path);
    }
    const image_error error = read_descriptor(library, descriptor, path, max_size, data, size);
    close(descriptor);
    return error;
}

image_error image_new_file_start(image_library *library, image_new_file *file, const char *path) {
    const size_t size = strlen(path) + 32;
    file->path = path;
    file->temporary = malloc(size);
    if (file->temporary == NULL) {
        return image_fail(library, IMAGE_MEMORY, "there is no memory to write '%.120s'", path);
    }
    snprintf(file->temporary, size, "%s.%016" PRIx64 ".part", path, image_random());
    file->descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file->descriptor < 0) {
        const image_error error = fail_with_errno(library, "cannot write", path);
        free(file->temporary);
        return error;
    }
    return IMAGE_OK;
}

int image_new_file_write(void *file, const void *data, size_t size) {
    const image_new_file *opened = file;
    const char *next = data;
    while (size > 0) {
        const ssize_t count = write(opened->descriptor, next, size);
        if (count < 0 && errno != EINTR) {
            return 0;
        }
        if (count > 0) {
            next += count;
            size -= (size_t)count;
        }
    }
    return 1;
}

image_error image_new_file_end(image_library *library, image_new_file *file, int complete) {
    image_error error = IMAGE_OK;
    if (close(file->descriptor) != 0 || (complete && rename(file->temporary, file->path) != 0)) {
        error = fail_with_errno(library, "cannot write", file->path);
    }
    if (!complete || error != IMAGE_OK) {
        unlink(file->temporary);
    }
    free(file->temporary);
    return error;
}

uint64_t image_random(void) {
    uint64_t number = 0;
    return getentropy(&number, sizeof(number)) == 0 ? number : 0;
}
