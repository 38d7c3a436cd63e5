// The image library in the test's own process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "image_support/picture.hpp"
#include "library/image.h"

namespace bulkhead::tests {

inline constexpr std::uint64_t kMebibyte = 1 << 20;

// One image_library. Members that end in an error return its number; message() says why. One thread.
class Library {
  public:
    explicit Library(image_settings settings = {4'000'000, 64 * kMebibyte, 16, 0, nullptr, nullptr});
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() { table_.end(library_); }

    image_error open(std::string_view encoded);
    // The handle of the image opened last.
    image_handle handle() const { return handle_; }

    // Fail the test when the library fails.
    image_handle must_open(std::string_view encoded);
    image_handle must_open(const Picture& picture) { return must_open(encode_png(picture)); }
    Picture pixels(image_handle handle);

    const image_functions& table() const { return table_; }
    image_library* get() const { return library_; }
    std::string message() const { return table_.message(library_); }
    image_usage usage() const { return table_.usage(library_); }

  private:
    image_functions table_{};
    image_library* library_ = nullptr;
    image_handle handle_ = 0;
};

// Fits image_sink: appends to a std::string.
int append_to_string(void* context, const void* data, size_t size);

}  // namespace bulkhead::tests
