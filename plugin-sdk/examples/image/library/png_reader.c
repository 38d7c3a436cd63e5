/* libpng reports errors by a function that must not return. It jumps back to decode_guarded(), which holds nothing
 * that a jump could lose: all that lives longer is in a png_reading of its caller. */
#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "formats.h"
#include "library_state.h"

enum {
    SIGNATURE_SIZE = 8,
    /* What a chunk beside the pixels (a text, a profile) may unpack to, and how many of them are kept. */
    MAX_CHUNK_BYTES = 4 << 20,
    MAX_CHUNKS = 128,
    ROWS_BETWEEN_LOOKS = 16,
};

typedef struct png_reading {
    png_structp codec;
    png_infop info;
    jmp_buf back;
    image_library *library;
    image_error failure;
    image_pixels pixels;
    const uint8_t *data;
    size_t left;
} png_reading;

_Noreturn static void give_up(png_reading *reading, image_error failure) {
    reading->failure = failure;
    longjmp(reading->back, 1);
}

_Noreturn static void on_error(png_structp codec, png_const_charp text) {
    png_reading *reading = png_get_error_ptr(codec);
    give_up(reading, image_fail(reading->library, IMAGE_DAMAGED, "the PNG is damaged: %s", text));
}

static void on_warning(png_structp codec, png_const_charp text) {
    (void)codec;
    (void)text;
}

static void on_read(png_structp codec, png_bytep target, size_t size) {
    png_reading *reading = png_get_io_ptr(codec);
    if (size > reading->left) {
        png_error(codec, "it ends too early");
    }
    memcpy(target, reading->data, size);
    reading->data += size;
    reading->left -= size;
}

/* Palettes, fewer than 8 bits and 16 bits become 8 bits; a transparent colour becomes alpha. Returns the passes. */
static int choose_samples(png_reading *reading) {
    png_set_expand(reading->codec);
    png_set_scale_16(reading->codec);
    const int passes = png_set_interlace_handling(reading->codec);
    png_read_update_info(reading->codec, reading->info);
    return passes;
}

static void read_rows(png_reading *reading, int passes) {
    for (int pass = 0; pass < passes; ++pass) {
        for (uint32_t y = 0; y < reading->pixels.height; ++y) {
            if (y % ROWS_BETWEEN_LOOKS == 0 && image_is_cancelled(reading->library)) {
                give_up(reading, image_fail_cancelled(reading->library));
            }
            png_read_row(reading->codec, image_row(&reading->pixels, y), NULL);
        }
    }
}

static void decode(png_reading *reading) {
    png_set_read_fn(reading->codec, reading, on_read);
    png_set_user_limits(reading->codec, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* image_check_size() says it better */
    png_set_chunk_malloc_max(reading->codec, MAX_CHUNK_BYTES);
    png_set_chunk_cache_max(reading->codec, MAX_CHUNKS);
    png_read_info(reading->codec, reading->info);
    const uint32_t width = png_get_image_width(reading->codec, reading->info);
    const uint32_t height = png_get_image_height(reading->codec, reading->info);
    /* Before libpng makes rows of that size. */
    const image_error allowed = image_check_size(reading->library, width, height);
    if (allowed != IMAGE_OK) {
        give_up(reading, allowed);
    }
    const int passes = choose_samples(reading);
    const image_error allocated = image_allocate(reading->library, width, height,
                                                 png_get_channels(reading->codec, reading->info), &reading->pixels);
    if (allocated != IMAGE_OK) {
        give_up(reading, allocated);
    }
    if (png_get_rowbytes(reading->codec, reading->info) != image_row_size(&reading->pixels)) {
        png_error(reading->codec, "its rows have an unexpected size");
    }
    read_rows(reading, passes);
    /* No png_read_end: what follows the last row, or does not, harms nobody. */
}

static image_error decode_guarded(png_reading *reading) {
    if (setjmp(reading->back) != 0) {
        return reading->failure;
    }
    reading->codec = png_create_read_struct(PNG_LIBPNG_VER_STRING, reading, on_error, on_warning);
    reading->info = reading->codec == NULL ? NULL : png_create_info_struct(reading->codec);
    if (reading->info == NULL) {
        return image_fail(reading->library, IMAGE_MEMORY, "there is no memory to decode the PNG");
    }
    decode(reading);
    return IMAGE_OK;
}

int image_looks_like_png(const uint8_t *data, size_t size) {
    return size >= SIGNATURE_SIZE && png_sig_cmp(data, 0, SIGNATURE_SIZE) == 0;
}

image_error image_read_png(image_library *library, const uint8_t *data, size_t size, image_pixels *pixels) {
    png_reading reading = {.library = library, .data = data, .left = size};
    const image_error error = decode_guarded(&reading);
    png_destroy_read_struct(&reading.codec, &reading.info, NULL);
    if (error != IMAGE_OK) {
        image_release(library, &reading.pixels);
        return error;
    }
    *pixels = reading.pixels;
    return IMAGE_OK;
}
