// The image library as a C++ object whose failures are exceptions.
#pragma once

#include <bulkhead/plugin/error.hpp>
#include <memory>

#include "library/image.h"

// Owns an image_library. A function of it that fails throws Error with the library's number and message.
class ImageLibrary {
  public:
    explicit ImageLibrary(const image_settings& settings) : functions_(functions()), library_(nullptr, functions_.end) {
        image_library* made = nullptr;
        if (const image_error error = functions_.create(&settings, &made); error != IMAGE_OK) {
            throw bulkhead::plugin::Error(error, "the image library cannot be set up");
        }
        library_.reset(made);
    }

    // Calls a function of the table, as in `run(&image_functions::mirror, handle)`.
    template <class Function, class... Arguments>
    void run(Function image_functions::*function, Arguments... arguments) const {
        if (const image_error error = (functions_.*function)(library_.get(), arguments...); error != IMAGE_OK) {
            throw bulkhead::plugin::Error(error, functions_.message(library_.get()));
        }
    }
    image_usage usage() const { return functions_.usage(library_.get()); }

  private:
    static image_functions functions() {
        image_functions table{};
        table.size = sizeof(table);
        if (image_get_functions(&table) != IMAGE_OK || table.size < sizeof(table)) {
            throw bulkhead::plugin::Error(IMAGE_PARAMETER, "the image library is older than the plugin around it");
        }
        return table;
    }

    image_functions functions_;
    std::unique_ptr<image_library, decltype(image_functions::end)> library_;
};
