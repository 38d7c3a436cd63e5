// Step: a photograph, through an HTTP server that embeds the host and runs the image plugin.
#include <signal.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "common/wording.hpp"
#include "server_support/http_client.hpp"
#include "stage.hpp"
#include "support/places.hpp"
#include "support/program.hpp"

namespace bulkhead::demo {
namespace {

namespace fs = std::filesystem;
using tests::Response;

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// "WIDTH x HEIGHT" of a PNG; empty: it is none.
std::string png_size(std::string_view png) {
    constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";
    constexpr std::size_t kWidth = 16;
    if (!png.starts_with(kSignature) || png.size() < kWidth + 8) {
        return "";
    }
    const auto number = [png](std::size_t at) {
        std::uint32_t value = 0;
        for (std::size_t index = at; index < at + 4; ++index) {
            value = value << 8 | static_cast<unsigned char>(png[index]);
        }
        return std::to_string(value);
    };
    return number(kWidth) + " x " + number(kWidth + 4);
}

// Where a person finds the pictures after the demo.
fs::path picture_folder() {
    const fs::path folder = fs::path(BULKHEAD_DEMO_OUTPUT);
    fs::create_directories(folder);
    return folder;
}

void serve_photograph(Stage& stage, std::uint16_t port) {
    const std::string photograph = read_file(fs::path(BULKHEAD_TEST_DATA) / "grace_hopper.jpg");
    Table table({Table::left("request"), Table::right("status"), Table::right("time"), Table::right("picture"),
                 Table::left("file")});
    std::string blurred;
    std::string mirrored;
    const auto request = [&](const std::string& target, const char* name) {
        const auto begin = std::chrono::steady_clock::now();
        const Response response = tests::post(port, target, photograph);
        const auto time = std::chrono::steady_clock::now() - begin;
        const fs::path file = picture_folder() / name;
        std::ofstream(file, std::ios::binary) << response.body();
        table.add({"POST " + target, std::to_string(response.status), duration_text(time),
                   response.status == 200 ? png_size(response.body()) : "", file.string()});
        return response.status == 200 ? response.body() : std::string();
    };
    blurred = request("/blur?radius=8", "blurred.png");
    mirrored = request("/mirror", "mirrored.png");
    stage.screen.table(table);
    stage.screen.check(!png_size(blurred).empty() && png_size(blurred) == png_size(mirrored) && blurred != mirrored,
                       "a JPEG of " + size_text(photograph.size()) + " came back as two PNG pictures of its size");

    const Response crash = tests::post(port, "/debug/crash", "");
    stage.screen.quote(std::to_string(crash.status) + " " + crash.body());
    const Response after = tests::post(port, "/mirror", photograph);
    stage.screen.check(crash.status == 503 && after.status == 200 && after.body() == mirrored,
                       "a crash of the plugin is a 503 that names its report, and the next request works");
}

}  // namespace

void serve_a_photograph(Stage& stage) {
    stage.screen.step("Serve a photograph over HTTP");
    try {
        tests::Program server(BULKHEAD_RESIZE_SERVER,
                              {"--port", "0", "--debug", "--worker", tests::worker_executable().string()});
        serve_photograph(stage,
                         static_cast<std::uint16_t>(std::stoi(server.await_line("serving on http://127.0.0.1:"))));
        ::kill(server.pid(), SIGTERM);
        stage.screen.check(server.await_end() == "exit 0", "told to end, the server ends in order");
    } catch (const std::exception& error) {
        stage.screen.check(false, error.what());
    }
}

}  // namespace bulkhead::demo
