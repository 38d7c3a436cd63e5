/* libjpeg reports errors by a function that must not return. It jumps back to decode_guarded(), which holds nothing
 * that a jump could lose: all that lives longer is in a jpeg_reading of its caller. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

/* libjpeg's headers rely on stdio.h before them. */
#include <jpeglib.h>
/* And this one on them. */
#include <jerror.h>

#include "formats.h"
#include "library_state.h"

enum {
    /* A decoder goes on after a warning. Photographs have a few; a file that has more wastes time. */
    MAX_WARNINGS = 100,
    /* Each scan of a progressive file costs a pass over all pixels. Encoders make about ten. */
    MAX_SCANS = 100,
};

typedef struct jpeg_reading {
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct codec;
    jmp_buf back;
    image_library *library;
    image_error failure;
    image_pixels pixels;
    uint8_t *cmyk_row;
} jpeg_reading;

_Noreturn static void give_up(jpeg_reading *reading, image_error failure) {
    reading->failure = failure;
    longjmp(reading->back, 1);
}

_Noreturn static void give_up_damaged(jpeg_reading *reading) {
    char text[JMSG_LENGTH_MAX];
    reading->errors.format_message((j_common_ptr)&reading->codec, text);
    give_up(reading, image_fail(reading->library, IMAGE_DAMAGED, "the JPEG is damaged: %s", text));
}

_Noreturn static void on_error(j_common_ptr codec) {
    jpeg_reading *reading = codec->client_data;
    if (reading->errors.msg_code == JERR_OUT_OF_MEMORY) {
        give_up(reading, image_fail(reading->library, IMAGE_MEMORY, "there is no memory to decode the JPEG"));
    }
    give_up_damaged(reading);
}

/* A level below 0 is a warning: data that the decoder makes up for. Missing data are not made up for. */
static void on_message(j_common_ptr codec, int level) {
    jpeg_reading *reading = codec->client_data;
    if (level >= 0) {
        return;
    }
    const int code = reading->errors.msg_code;
    if (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || ++reading->errors.num_warnings > MAX_WARNINGS) {
        give_up_damaged(reading);
    }
}

static void no_output(j_common_ptr codec) { (void)codec; }

static void on_progress(j_common_ptr codec) {
    jpeg_reading *reading = codec->client_data;
    if (reading->codec.input_scan_number > MAX_SCANS) {
        give_up(reading, image_fail(reading->library, IMAGE_DAMAGED, "the JPEG has more than %d scans", MAX_SCANS));
    }
    if (image_is_cancelled(reading->library)) {
        give_up(reading, image_fail_cancelled(reading->library));
    }
}

static uint8_t product(uint8_t a, uint8_t b) { return (uint8_t)((a * b + 127) / 255); }

/* Adobe's programs, and after them all others, store ink the other way round. */
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, uint32_t width, int inverted) {
    const uint8_t flip = inverted ? 0 : 255;
    for (uint32_t x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
        const uint8_t white = cmyk[3] ^ flip;
        rgb[0] = product(cmyk[0] ^ flip, white);
        rgb[1] = product(cmyk[1] ^ flip, white);
        rgb[2] = product(cmyk[2] ^ flip, white);
    }
}

static void choose_colours(jpeg_reading *reading) {
    struct jpeg_decompress_struct *codec = &reading->codec;
    switch (codec->jpeg_color_space) {
        case JCS_GRAYSCALE:
            codec->out_color_space = JCS_GRAYSCALE;
            break;
        case JCS_CMYK:
        case JCS_YCCK:
            codec->out_color_space = JCS_CMYK;
            break;
        case JCS_RGB:
        case JCS_YCbCr:
            codec->out_color_space = JCS_RGB;
            break;
        default:
            give_up(reading, image_fail(reading->library, IMAGE_FORMAT,
                                        "a JPEG with %d colour components of unknown meaning is not supported",
                                        codec->num_components));
    }
}

static void read_rows(jpeg_reading *reading) {
    struct jpeg_decompress_struct *codec = &reading->codec;
    while (codec->output_scanline < codec->output_height) {
        uint8_t *target = image_row(&reading->pixels, codec->output_scanline);
        JSAMPROW row = reading->cmyk_row != NULL ? reading->cmyk_row : target;
        jpeg_read_scanlines(codec, &row, 1);
        if (reading->cmyk_row != NULL) {
            cmyk_to_rgb(reading->cmyk_row, target, reading->pixels.width, codec->saw_Adobe_marker);
        }
    }
}

static void decode(jpeg_reading *reading, const uint8_t *data, size_t size) {
    struct jpeg_decompress_struct *codec = &reading->codec;
    jpeg_create_decompress(codec);
    codec->progress = &reading->progress;
    jpeg_mem_src(codec, data, (unsigned long)size);
    jpeg_read_header(codec, TRUE);
    choose_colours(reading);
    const uint32_t channels = codec->out_color_space == JCS_GRAYSCALE ? 1 : 3;
    /* Before anything is made whose size depends on that of the image. */
    const image_error allocated =
        image_allocate(reading->library, codec->image_width, codec->image_height, channels, &reading->pixels);
    if (allocated != IMAGE_OK) {
        give_up(reading, allocated);
    }
    if (codec->out_color_space == JCS_CMYK) {
        reading->cmyk_row = malloc((size_t)codec->image_width * 4);
        if (reading->cmyk_row == NULL) {
            give_up(reading, image_fail(reading->library, IMAGE_MEMORY, "there is no memory to decode the JPEG"));
        }
    }
    jpeg_start_decompress(codec);
    read_rows(reading);
    /* No jpeg_finish_decompress: what follows the last row, or does not, harms nobody. */
}

static image_error decode_guarded(jpeg_reading *reading, const uint8_t *data, size_t size) {
    if (setjmp(reading->back) != 0) {
        return reading->failure;
    }
    decode(reading, data, size);
    return IMAGE_OK;
}

int image_looks_like_jpeg(const uint8_t *data, size_t size) {
    return size >= 3 && data[0] == 0xFF && data[1] == 0xD8 && data[2] == 0xFF;
}

image_error image_read_jpeg(image_library *library, const uint8_t *data, size_t size, image_pixels *pixels) {
    jpeg_reading reading = {.library = library};
    reading.codec.err = jpeg_std_error(&reading.errors);
    reading.codec.client_data = &reading;
    reading.errors.error_exit = on_error;
    reading.errors.emit_message = on_message;
    reading.errors.output_message = no_output;
    reading.progress.progress_monitor = on_progress;
    const image_error error = decode_guarded(&reading, data, size);
    jpeg_destroy_decompress(&reading.codec);
    free(reading.cmyk_row);
    if (error != IMAGE_OK) {
        image_release(library, &reading.pixels);
        return error;
    }
    *pixels = reading.pixels;
    return IMAGE_OK;
}
