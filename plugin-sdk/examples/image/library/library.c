/* The functions of the table. */
#include <inttypes.h>
#include <stdlib.h>

#include "files.h"
#include "formats.h"
#include "library_state.h"
#include "operations.h"

static image_error create(const image_settings *settings, image_library **library) {
    if (settings == NULL || settings->max_images > IMAGE_MAX_IMAGES) {
        return IMAGE_PARAMETER;
    }
    image_library *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return IMAGE_MEMORY;
    }
    const uint64_t random = image_random();
    if (random == 0) {
        free(made);
        return IMAGE_IO;
    }
    made->settings = *settings;
    image_handles_start(&made->handles, random);
    *library = made;
    return IMAGE_OK;
}

static void end(image_library *library) {
    if (library == NULL) {
        return;
    }
    for (uint32_t i = 0; i < IMAGE_MAX_IMAGES; ++i) {
        image_release(library, &library->handles.slots[i].pixels);
    }
    free(library);
}

static const char *message(const image_library *library) { return library->message; }

static image_usage usage(const image_library *library) {
    return (image_usage){.bytes = library->bytes, .images = library->handles.count};
}

static image_error decode(image_library *library, const void *data, size_t size, image_pixels *pixels) {
    if (size == 0) {
        return image_fail(library, IMAGE_FORMAT, "there is no image, only 0 bytes");
    }
    if (image_looks_like_jpeg(data, size)) {
        return image_read_jpeg(library, data, size, pixels);
    }
    if (image_looks_like_png(data, size)) {
        return image_read_png(library, data, size, pixels);
    }
    return image_fail(library, IMAGE_FORMAT, "the %zu bytes are neither a JPEG nor a PNG", size);
}

static image_error open_bytes(image_library *library, const void *data, size_t size, image_handle *handle) {
    const uint32_t max_images = library->settings.max_images;
    if (library->handles.count >= max_images) {
        return image_fail(library, IMAGE_MEMORY, "%" PRIu32 " images are open, and no more are allowed", max_images);
    }
    image_pixels pixels;
    const image_error error = decode(library, data, size, &pixels);
    if (error != IMAGE_OK) {
        return error;
    }
    *handle = image_handles_add(&library->handles, &pixels);
    if (*handle == 0) {
        image_release(library, &pixels);
        return image_fail(library, IMAGE_MEMORY, "there is no handle left");
    }
    return IMAGE_OK;
}

static image_error open_file(image_library *library, const char *path, image_handle *handle) {
    uint8_t *data = NULL;
    size_t size = 0;
    image_error error = image_read_file(library, path, library->settings.max_bytes, &data, &size);
    if (error == IMAGE_OK) {
        error = open_bytes(library, data, size, handle);
        free(data);
    }
    return error;
}

static image_error info(image_library *library, image_handle handle, image_info *told) {
    const image_pixels *pixels = image_handles_find(library, handle);
    if (pixels == NULL) {
        return IMAGE_HANDLE;
    }
    *told = (image_info){.width = pixels->width, .height = pixels->height, .channels = pixels->channels};
    return IMAGE_OK;
}

static image_error blur(image_library *library, image_handle handle, int32_t radius) {
    image_pixels *pixels = image_handles_find(library, handle);
    if (pixels == NULL) {
        return IMAGE_HANDLE;
    }
    if (radius < 0 || radius > IMAGE_MAX_RADIUS) {
        return image_fail(library, IMAGE_PARAMETER, "the radius is %" PRId32 "; it can be 0 to %d", radius,
                          IMAGE_MAX_RADIUS);
    }
    return radius == 0 ? IMAGE_OK : image_blur(library, pixels, (uint32_t)radius);
}

static image_error mirror(image_library *library, image_handle handle) {
    image_pixels *pixels = image_handles_find(library, handle);
    if (pixels == NULL) {
        return IMAGE_HANDLE;
    }
    image_mirror(pixels);
    return IMAGE_OK;
}

static image_error save(image_library *library, image_handle handle, image_sink sink) {
    const image_pixels *pixels = image_handles_find(library, handle);
    return pixels == NULL ? IMAGE_HANDLE : image_write_png(library, pixels, sink);
}

static image_error save_file(image_library *library, image_handle handle, const char *path) {
    const image_pixels *pixels = image_handles_find(library, handle);
    if (pixels == NULL) {
        return IMAGE_HANDLE;
    }
    image_new_file file;
    image_error error = image_new_file_start(library, &file, path);
    if (error != IMAGE_OK) {
        return error;
    }
    const image_sink sink = {.write = image_new_file_write, .context = &file};
    error = image_write_png(library, pixels, sink);
    const image_error ended = image_new_file_end(library, &file, error == IMAGE_OK);
    return error != IMAGE_OK ? error : ended;
}

static image_error destroy(image_library *library, image_handle handle) {
    image_pixels *pixels = image_handles_find(library, handle);
    if (pixels == NULL) {
        return IMAGE_HANDLE;
    }
    image_release(library, pixels);
    image_handles_remove(&library->handles, handle);
    return IMAGE_OK;
}

image_error image_get_functions(image_functions *functions) {
    /* The first version; it has not grown since. */
    static const image_functions table = {
        .size = sizeof(image_functions),
        .create = create,
        .end = end,
        .message = message,
        .usage = usage,
        .open = open_bytes,
        .open_file = open_file,
        .info = info,
        .blur = blur,
        .mirror = mirror,
        .save = save,
        .save_file = save_file,
        .destroy = destroy,
    };
    if (functions == NULL || functions->size < sizeof(table)) {
        return IMAGE_PARAMETER;
    }
    *functions = table;
    return IMAGE_OK;
}
