#include "repro_format.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <filesystem>
#include <string>

#include "content_hash.hpp"
#include "support/sample_report.hpp"
#include "support/scratch_folder.hpp"

namespace bulkhead::detail {
namespace {

using namespace std::chrono_literals;

std::vector<std::byte> bytes_of(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

Repro sample() {
    Repro repro;
    repro.method = "resize";
    repro.request = bytes_of(std::string("\n\0{}\xff", 5));
    repro.manifest = {R"({"name": "resizer"})", "/opt/resizer"};
    repro.config = R"({"quality":7})";
    repro.library = "libresizer.so";
    repro.library_hash = ~std::uint64_t{0};
    repro.state = SavedState{3, bytes_of("state\n")};
    repro.trace.emplace().fill(0x5A);
    repro.timeout = 30s;
    repro.deadline_left = -2ms;
    repro.in_session = true;
    repro.report = testing::sample_report();
    return repro;
}

std::string file_of(const Repro& repro) {
    std::string file = repro_head(repro);
    file.append(reinterpret_cast<const char*>(repro.request.data()), repro.request.size());
    if (repro.state) {
        file.append(reinterpret_cast<const char*>(repro.state->bytes.data()), repro.state->bytes.size());
    }
    return file;
}

std::string refusal(const std::string& file) {
    const auto repro = parse_repro(file, "the file x");
    REQUIRE_FALSE(repro.has_value());
    CHECK(repro.error().code == ErrorCode::invalid_argument);
    return repro.error().message;
}

TEST_CASE("a repro that was a file is the same again") {
    const Repro before = sample();
    const auto after = parse_repro(file_of(before), "the file x");
    REQUIRE_MESSAGE(after.has_value(), after.error().message);
    CHECK(after->method == before.method);
    CHECK(after->request == before.request);
    CHECK(after->manifest.json == before.manifest.json);
    CHECK(after->manifest.directory == before.manifest.directory);
    CHECK(after->config == before.config);
    CHECK(after->library == before.library);
    CHECK(after->library_hash == before.library_hash);
    REQUIRE(after->state);
    CHECK(after->state->version == 3);
    CHECK(after->state->bytes == before.state->bytes);
    CHECK(after->trace == before.trace);
    CHECK(after->timeout == before.timeout);
    CHECK(after->deadline_left == before.deadline_left);
    CHECK(after->in_session);
    CHECK(after->report.text() == before.report.text());
}

TEST_CASE("what a repro does not have is not there when it is read again") {
    Repro before = sample();
    before.state.reset();
    before.trace.reset();
    before.timeout.reset();
    before.deadline_left.reset();
    before.request.clear();
    const auto after = parse_repro(file_of(before), "the file x");
    REQUIRE_MESSAGE(after.has_value(), after.error().message);
    CHECK_FALSE(after->state);
    CHECK_FALSE(after->trace);
    CHECK_FALSE(after->timeout);
    CHECK_FALSE(after->deadline_left);
    CHECK(after->request.empty());
}

TEST_CASE("what a file claims to hold is not believed before it is known to be a repro") {
    const testing::ScratchFolder scratch;
    const std::filesystem::path file = scratch.write("huge.repro",
                                                     "\x7f"
                                                     "ELF");
    std::filesystem::resize_file(file, std::uintmax_t{5} << 30);
    CHECK(read_repro(file).error().message ==
          "the file " + file.string() + " cannot be run again: it is no repro file");
    scratch.write("huge.repro", "bulkhead-repro 1\n");
    std::filesystem::resize_file(file, std::uintmax_t{5} << 30);
    CHECK(read_repro(file).error().message == "the file " + file.string() + " is larger than 1073741824 bytes");
    scratch.write("huge.repro", "bulkhead-repro 12\n{}\n");
    CHECK(read_repro(file).error().message ==
          "the file " + file.string() + " cannot be run again: it was saved by another version of Bulkhead");
}

TEST_CASE("a library is hashed without being held in memory") {
    const auto peak = [] {
        rusage use{};
        REQUIRE(::getrusage(RUSAGE_SELF, &use) == 0);
        return use.ru_maxrss;  // KiB
    };
    const testing::ScratchFolder scratch;
    const std::filesystem::path file = scratch.write("libhuge.so", "");
    constexpr std::size_t kSize = std::size_t{256} << 20;
    std::filesystem::resize_file(file, kSize);
    const auto before = peak();
    CHECK(hash_library(file).has_value());
    CHECK(peak() - before < static_cast<long>(kSize >> 11));
    for (const std::size_t size : {0U, 1U, 65'535U, 65'536U, 65'537U, 300'000U}) {
        std::string content(size, 'x');
        for (std::size_t at = 0; at < size; ++at) {
            content[at] = static_cast<char>(at * at >> 3);
        }
        scratch.write("libhuge.so", content);
        CHECK(hash_library(file) == content_hash(std::as_bytes(std::span(content))));
    }
    CHECK_FALSE(hash_library(scratch.path()).has_value());
    CHECK_FALSE(hash_library(scratch.path() / "none").has_value());
}

TEST_CASE("a file that is no repro, or half of one, is refused with its name and the cause") {
    const std::string file = file_of(sample());
    CHECK(refusal("") == "the file x cannot be run again: it is no repro file");
    CHECK(refusal("{}\n") == "the file x cannot be run again: it is no repro file");
    CHECK(refusal("bulkhead-repro 2\n{}\n") ==
          "the file x cannot be run again: it was saved by another version of Bulkhead");
    CHECK(refusal("bulkhead-repro 1\n{}\n") == "the file x cannot be run again: its member 'method' is missing");
    CHECK(refusal("bulkhead-repro 1\n" + std::string(100'000, '[') + "\n").find("damaged") != std::string::npos);
    CHECK(refusal(file + "x") == "the file x cannot be run again: there is more in it than there should be");
    for (std::size_t length = 0; length < file.size(); ++length) {
        refusal(file.substr(0, length));
    }
    std::string huge = file;
    huge.replace(huge.find("\"request_bytes\":5,"), 18, "\"request_bytes\":18446744073709551615,");
    CHECK(refusal(huge) == "the file x cannot be run again: it ends too early");
}

TEST_CASE("a manifest or a configuration that is no JSON, or nested so deeply that copying it is no good, is damaged") {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    for (const std::string& text : {std::string(), std::string("{"), deep}) {
        Repro manifest = sample();
        manifest.manifest.json = text;
        CHECK(refusal(file_of(manifest)).starts_with("the file x cannot be run again: its manifest is damaged: "));
        Repro config = sample();
        config.config = text;
        CHECK(refusal(file_of(config)).starts_with("the file x cannot be run again: its config is damaged: "));
    }
}

}  // namespace
}  // namespace bulkhead::detail
