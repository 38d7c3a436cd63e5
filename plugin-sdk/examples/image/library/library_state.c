#include "library_state.h"

#include <stdarg.h>
#include <stdio.h>

image_error image_fail(image_library *library, image_error error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(library->message, sizeof(library->message), format, arguments);
    va_end(arguments);
    return error;
}

int image_is_cancelled(const image_library *library) {
    const image_settings *settings = &library->settings;
    return settings->cancelled != NULL && settings->cancelled(settings->cancelled_context) != 0;
}

image_error image_fail_cancelled(image_library *library) {
    return image_fail(library, IMAGE_CANCELLED, "the caller gave up");
}
