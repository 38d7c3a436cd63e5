// A crash ends the session of those who had images in the worker, and nothing else.
#include <doctest/doctest.h>

#include <set>

#include "image_support/images.hpp"

namespace bulkhead::tests {
namespace {

using nlohmann::json;

const json kMayCrash = {{"debug_crash", true}};

TEST_CASE("after a crash a session is lost, and a new one serves") {
    const ImageService service(kMayCrash);
    const Images before(service.plugin());
    const json handle = before.open(photograph())["handle"];
    const auto crash = before.session().call("crash", "{}");
    REQUIRE(crash.has_error());
    CHECK_MESSAGE(crash.error().code == ErrorCode::crashed, crash.error().message);
    CHECK(contains(crash.error().message, "crashed with SIGABRT (6) while running 'crash'"));

    const auto lost = before.session().call("mirror", json{{"handle", handle}}.dump());
    REQUIRE(lost.has_error());
    CHECK(lost.error().code == ErrorCode::session_lost);
    CHECK(lost.error().effect == Effect::none);
    REQUIRE(lost.error().report != nullptr);
    CHECK(lost.error().report->id == crash.error().report->id);

    const Images after(service.plugin());
    CHECK(after.call("status", json::object())["images"] == 0);
    CHECK(after.open(photograph())["width"] == 512);
}

TEST_CASE("a handle of the life before is refused by the next, whatever that has given out itself") {
    const ImageService service(kMayCrash);
    const Images before(service.plugin());
    const json handle = before.open(photograph())["handle"];
    CHECK(before.session().call("crash", "{}").has_error());
    const Images after(service.plugin());
    const json fresh = after.open(photograph())["handle"];
    CHECK(fresh != handle);
    CHECK(failure(after.session(), "save", {{"handle", handle}}) ==
          "7: handle " + handle.get<std::string>() +
              " is not of this worker: another one gave it out, perhaps the one before a crash, or nobody did");
}

TEST_CASE("each death has an id of its own, also of a plugin that was loaded again") {
    ImageService service(kMayCrash);
    std::set<std::string> ids;
    for (int crash = 0; crash < 3; ++crash) {
        const auto outcome = service.plugin().call("crash", "{}");
        REQUIRE(outcome.has_error());
        REQUIRE(outcome.error().report != nullptr);
        CHECK(outcome.error().report->id.starts_with("image-" + std::to_string(crash + 1) + "-"));
        ids.insert(outcome.error().report->id);
    }
    REQUIRE(service.host().unload("image").has_value());
    const Plugin again = load(service.host(), service.folder());
    const auto outcome = again.call("crash", "{}");
    REQUIRE(outcome.has_error());
    CHECK(contains(outcome.error().report->text(), "\n  report " + outcome.error().report->id + "\n"));
    ids.insert(outcome.error().report->id);
    CHECK(ids.size() == 4);
}

}  // namespace
}  // namespace bulkhead::tests
