// The image plugin as its callers see it: through a session of a real host.
#pragma once

#include <bulkhead/host/host.hpp>
#include <bulkhead/host/session.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "image_support/picture.hpp"
#include "support/outcomes.hpp"
#include "support/service.hpp"

namespace bulkhead::tests {

// A host with the image plugin, some fields of whose config are changed. Restarts without end.
class ImageService : public Service {
  public:
    explicit ImageService(const nlohmann::json& config = nlohmann::json::object())
        : Service("image", merged(kEndlessRestarts, {{"config", config}})) {}
};

// One caller. Its functions fail the test when the plugin fails; what may fail is called through session().
class Images {
  public:
    explicit Images(const Plugin& plugin) : session_(plugin.session()) {}

    const Session& session() const { return session_; }

    // The reply of `open`: handle, width, height, channels.
    nlohmann::json open(std::string_view encoded) const;
    nlohmann::json call(std::string_view method, const nlohmann::json& request) const;
    // The image as PNG, decoded.
    Picture saved(const nlohmann::json& handle) const;

  private:
    Session session_;
};

// "NUMBER: the plugin's text" when the plugin itself failed the call; else summary() of the outcome.
std::string failure(const result<Bytes>& outcome);
std::string failure(const Session& session, std::string_view method, const nlohmann::json& request);

}  // namespace bulkhead::tests
