#include "image_support/library.hpp"

#include <doctest/doctest.h>

namespace bulkhead::tests {

Library::Library(image_settings settings) {
    table_.size = sizeof(table_);
    REQUIRE(image_get_functions(&table_) == IMAGE_OK);
    REQUIRE(table_.create(&settings, &library_) == IMAGE_OK);
}

image_error Library::open(std::string_view encoded) {
    return table_.open(library_, encoded.data(), encoded.size(), &handle_);
}

image_handle Library::must_open(std::string_view encoded) {
    const image_error error = open(encoded);
    REQUIRE_MESSAGE(error == IMAGE_OK, message());
    return handle_;
}

Picture Library::pixels(image_handle handle) {
    std::string png;
    REQUIRE(table_.save(library_, handle, {append_to_string, &png}) == IMAGE_OK);
    return decode_png(png);
}

int append_to_string(void* context, const void* data, size_t size) {
    static_cast<std::string*>(context)->append(static_cast<const char*>(data), size);
    return 1;
}

}  // namespace bulkhead::tests
