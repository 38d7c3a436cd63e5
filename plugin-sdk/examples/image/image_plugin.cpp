#include "image_plugin.hpp"

#include <chrono>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>

#include "arguments.hpp"

namespace {

using bulkhead::plugin::Error;
using nlohmann::json;

// A field of the config; `fallback` when it is not there.
std::uint64_t number_in(const json& config, const char* name, std::uint64_t fallback, std::uint64_t most) {
    const json value = config.value(name, json(fallback));
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() < 1 || value.get<std::uint64_t>() > most) {
        throw Error(IMAGE_PARAMETER, "config field '" + std::string(name) + "' must be a whole number from 1 to " +
                                         std::to_string(most) + ", and is " + value.dump());
    }
    return value.get<std::uint64_t>();
}

bool flag_in(const json& config, const char* name) {
    const json value = config.value(name, json(false));
    if (!value.is_boolean()) {
        throw Error(IMAGE_PARAMETER,
                    "config field '" + std::string(name) + "' must be true or false, and is " + value.dump());
    }
    return value.get<bool>();
}

image_settings settings_in(const json& config, int (*cancelled)(void*), void* context) {
    constexpr std::uint64_t kMostPixels = 1'000'000'000;
    constexpr std::uint64_t kMostBytes = 1ULL << 40;
    if (!config.is_object()) {
        throw Error(IMAGE_PARAMETER, "the config must be a JSON object");
    }
    image_settings settings{};
    settings.max_pixels = number_in(config, "max_pixels", 50'000'000, kMostPixels);
    settings.max_bytes = number_in(config, "max_bytes", 512ULL << 20, kMostBytes);
    settings.max_images = static_cast<std::uint32_t>(number_in(config, "max_images", 64, IMAGE_MAX_IMAGES));
    settings.cancelled = cancelled;
    settings.cancelled_context = context;
    return settings;
}

// Collects the bytes of a PNG. The library is C, so an exception waits until it has returned.
struct Collected {
    std::vector<std::byte> bytes;
    std::exception_ptr failure;

    static int write(void* context, const void* data, std::size_t size) noexcept {
        auto& self = *static_cast<Collected*>(context);
        const auto* first = static_cast<const std::byte*>(data);
        try {
            self.bytes.insert(self.bytes.end(), first, first + size);
            return 1;
        } catch (...) {
            self.failure = std::current_exception();
            return 0;
        }
    }
};

}  // namespace

ImagePlugin::ImagePlugin(const json& config)
    : settings_(settings_in(config, &is_cancelled, this)),
      debug_crash_(flag_in(config, "debug_crash")),
      library_(settings_),
      idle_(std::chrono::milliseconds(number_in(config, "idle_ms", 60'000, 86'400'000))) {}

int ImagePlugin::is_cancelled(void* plugin) noexcept {
    const Call* call = static_cast<const ImagePlugin*>(plugin)->running_;
    return call != nullptr && call->cancelled() ? 1 : 0;
}

json ImagePlugin::described(image_handle handle) {
    image_info info{};
    library_.run(&image_functions::info, handle, &info);
    idle_.used(handle, IdleImages::Clock::now());
    return {{"handle", to_text(handle)}, {"width", info.width}, {"height", info.height}, {"channels", info.channels}};
}

// Who gave up meanwhile will not learn the handle.
json ImagePlugin::opened(image_handle handle, const Call& call) {
    if (call.cancelled()) {
        library_.run(&image_functions::destroy, handle);
        throw Error(IMAGE_CANCELLED, "the caller gave up");
    }
    return described(handle);
}

void ImagePlugin::destroy_expired() {
    for (const image_handle handle : idle_.take_expired(IdleImages::Clock::now())) {
        library_.run(&image_functions::destroy, handle);
    }
}

json ImagePlugin::open(std::span<const std::byte> encoded, Call& call) {
    destroy_expired();
    image_handle handle = 0;
    run(call, &image_functions::open, static_cast<const void*>(encoded.data()), encoded.size(), &handle);
    return opened(handle, call);
}

json ImagePlugin::open_file(const json& request, Call& call) {
    const std::string path = Arguments(request).path();
    destroy_expired();
    image_handle handle = 0;
    run(call, &image_functions::open_file, path.c_str(), &handle);
    return opened(handle, call);
}

json ImagePlugin::info(const json& request) { return described(Arguments(request).handle()); }

json ImagePlugin::blur(const json& request, Call& call) {
    const Arguments arguments(request);
    const image_handle handle = arguments.handle();
    run(call, &image_functions::blur, handle, arguments.radius());
    return described(handle);
}

json ImagePlugin::mirror(const json& request, Call& call) {
    const image_handle handle = Arguments(request).handle();
    run(call, &image_functions::mirror, handle);
    return described(handle);
}

std::vector<std::byte> ImagePlugin::save(const json& request, Call& call) {
    const image_handle handle = Arguments(request).handle();
    Collected png;
    try {
        run(call, &image_functions::save, handle, image_sink{&Collected::write, &png});
    } catch (const Error&) {
        if (png.failure) {
            throw Error(IMAGE_MEMORY, "there is no memory for the PNG");
        }
        throw;
    }
    idle_.used(handle, IdleImages::Clock::now());
    return std::move(png.bytes);
}

json ImagePlugin::save_file(const json& request, Call& call) {
    const Arguments arguments(request);
    const std::string path = arguments.path();
    const image_handle handle = arguments.handle();
    run(call, &image_functions::save_file, handle, path.c_str());
    idle_.used(handle, IdleImages::Clock::now());
    return {{"path", path}};
}

json ImagePlugin::destroy(const json& request, Call& call) {
    const image_handle handle = Arguments(request).handle();
    run(call, &image_functions::destroy, handle);
    idle_.destroyed(handle);
    return json::object();
}

json ImagePlugin::status() {
    const image_usage usage = library_.usage();
    return {{"images", usage.images},
            {"bytes", usage.bytes},
            {"max_images", settings_.max_images},
            {"max_bytes", settings_.max_bytes},
            {"max_pixels", settings_.max_pixels}};
}

json ImagePlugin::crash() {
    if (!debug_crash_) {
        throw Error(IMAGE_DISABLED, "crashing on request is not enabled; the config field 'debug_crash' does that");
    }
    std::abort();
}

using bulkhead::plugin::idempotent;
using bulkhead::plugin::method;

BULKHEAD_PLUGIN(ImagePlugin, "image", "1.0.0", method<&ImagePlugin::open>("open"),
                method<&ImagePlugin::open_file>("open_file"), method<&ImagePlugin::info>("info", idempotent),
                method<&ImagePlugin::blur>("blur"), method<&ImagePlugin::mirror>("mirror"),
                method<&ImagePlugin::save>("save"), method<&ImagePlugin::save_file>("save_file"),
                method<&ImagePlugin::destroy>("destroy"), method<&ImagePlugin::status>("status", idempotent),
                method<&ImagePlugin::crash>("crash"))
