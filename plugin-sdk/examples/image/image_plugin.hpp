// The image library as a plugin: encoded bytes or JSON in, JSON or PNG out. README.md has the methods.
#pragma once

#include <bulkhead/plugin/json.hpp>
#include <bulkhead/plugin/plugin.hpp>
#include <cstddef>
#include <span>
#include <vector>

#include "idle_images.hpp"
#include "image_library.hpp"

class ImagePlugin {
  public:
    using json = nlohmann::json;
    using Call = bulkhead::plugin::Call;

    explicit ImagePlugin(const json& config);
    ImagePlugin(const ImagePlugin&) = delete;  // the library knows where it is
    ImagePlugin& operator=(const ImagePlugin&) = delete;

    json open(std::span<const std::byte> encoded, Call& call);
    json open_file(const json& request, Call& call);
    json info(const json& request);
    json blur(const json& request, Call& call);
    json mirror(const json& request, Call& call);
    std::vector<std::byte> save(const json& request, Call& call);
    json save_file(const json& request, Call& call);
    json destroy(const json& request, Call& call);
    // What is open, and what may be.
    json status();
    // Ends the worker with SIGABRT, for those who want to see what becomes of a server then. Only where the config
    // says "debug_crash": true.
    json crash();

  private:
    // While it lives, the library can ask whether the caller of this call gave up.
    class Running {
      public:
        Running(const Call*& place, const Call& call) : place_(place) { place_ = &call; }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() { place_ = nullptr; }

      private:
        const Call*& place_;
    };

    // Calls a function of the library on behalf of a call.
    template <class Function, class... Arguments>
    void run(Call& call, Function image_functions::*function, Arguments... arguments) {
        const Running running(running_, call);
        library_.run(function, arguments...);
    }
    // Of an image that is in use now.
    json described(image_handle handle);
    json opened(image_handle handle, const Call& call);
    void destroy_expired();
    static int is_cancelled(void* plugin) noexcept;

    const Call* running_ = nullptr;
    image_settings settings_;
    bool debug_crash_;
    ImageLibrary library_;
    IdleImages idle_;
};
