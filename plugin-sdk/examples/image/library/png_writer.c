/* As in png_reader.c, errors jump to encode_guarded(). */
#include <png.h>
#include <setjmp.h>

#include "formats.h"
#include "library_state.h"

enum {
    /* Half the time of zlib's default for files a few percent larger. */
    COMPRESSION_LEVEL = 3,
    ROWS_BETWEEN_LOOKS = 16,
};

typedef struct png_writing {
    png_structp codec;
    png_infop info;
    jmp_buf back;
    image_library *library;
    image_error failure;
    image_sink sink;
} png_writing;

_Noreturn static void give_up(png_writing *writing, image_error failure) {
    writing->failure = failure;
    longjmp(writing->back, 1);
}

_Noreturn static void on_error(png_structp codec, png_const_charp text) {
    png_writing *writing = png_get_error_ptr(codec);
    give_up(writing, image_fail(writing->library, IMAGE_MEMORY, "the PNG cannot be made: %s", text));
}

static void on_warning(png_structp codec, png_const_charp text) {
    (void)codec;
    (void)text;
}

static void on_write(png_structp codec, png_bytep data, size_t size) {
    png_writing *writing = png_get_io_ptr(codec);
    if (writing->sink.write(writing->sink.context, data, size) == 0) {
        give_up(writing, image_fail(writing->library, IMAGE_IO, "the PNG cannot be written"));
    }
}

static void on_flush(png_structp codec) { (void)codec; }

static int colour_type(uint32_t channels) {
    static const int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                PNG_COLOR_TYPE_RGB_ALPHA};
    return types[channels - 1];
}

static void encode(png_writing *writing, const image_pixels *pixels) {
    png_set_write_fn(writing->codec, writing, on_write, on_flush);
    png_set_compression_level(writing->codec, COMPRESSION_LEVEL);
    png_set_IHDR(writing->codec, writing->info, pixels->width, pixels->height, 8, colour_type(pixels->channels),
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(writing->codec, writing->info);
    for (uint32_t y = 0; y < pixels->height; ++y) {
        if (y % ROWS_BETWEEN_LOOKS == 0 && image_is_cancelled(writing->library)) {
            give_up(writing, image_fail_cancelled(writing->library));
        }
        png_write_row(writing->codec, image_row(pixels, y));
    }
    png_write_end(writing->codec, writing->info);
}

static image_error encode_guarded(png_writing *writing, const image_pixels *pixels) {
    if (setjmp(writing->back) != 0) {
        return writing->failure;
    }
    writing->codec = png_create_write_struct(PNG_LIBPNG_VER_STRING, writing, on_error, on_warning);
    writing->info = writing->codec == NULL ? NULL : png_create_info_struct(writing->codec);
    if (writing->info == NULL) {
        return image_fail(writing->library, IMAGE_MEMORY, "there is no memory to make the PNG");
    }
    encode(writing, pixels);
    return IMAGE_OK;
}

image_error image_write_png(image_library *library, const image_pixels *pixels, image_sink sink) {
    png_writing writing = {.library = library, .sink = sink};
    const image_error error = encode_guarded(&writing, pixels);
    png_destroy_write_struct(&writing.codec, &writing.info);
    return error;
}
