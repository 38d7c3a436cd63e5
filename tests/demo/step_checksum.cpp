// Step: a C library that knows nothing of processes sums up a real file in another one.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "common/wording.hpp"
#include "piece_checksum.hpp"
#include "sample_file.hpp"
#include "stage.hpp"
#include "support/places.hpp"

namespace bulkhead::demo {
namespace {

constexpr std::size_t kLeastSize = std::size_t{8} << 20;

using Bytespan = std::span<const std::byte>;

// What one pass over the file took, in the plugin and here.
struct Pass {
    std::uint64_t calls = 0;
    bool equal = true;
    std::string error;
    std::uint32_t last_sum = 0;
    std::chrono::nanoseconds through_plugin{0};
    std::chrono::nanoseconds in_process{0};
};

Pass pass_over(Bytespan file, std::size_t piece_size, const Plugin& plugin, Tally& tally) {
    Pass pass;
    for (std::size_t offset = 0; offset < file.size(); offset += piece_size) {
        const Bytespan piece = file.subspan(offset, std::min(piece_size, file.size() - offset));
        const auto begin = std::chrono::steady_clock::now();
        const std::uint32_t expected = checksum_of(piece);
        const auto middle = std::chrono::steady_clock::now();
        const auto outcome = tallied(
            tally, [&] { return plugin.call("checksum", piece); },
            [&](const Bytes& reply) { return is_checksum(reply, expected); });
        const auto end = std::chrono::steady_clock::now();
        ++pass.calls;
        pass.in_process += middle - begin;
        pass.through_plugin += end - middle;
        pass.last_sum = expected;
        pass.equal = pass.equal && outcome && is_checksum(*outcome, expected);
        if (!outcome && pass.error.empty()) {
            pass.error = outcome.error().message;
        }
    }
    return pass;
}

std::string rate(std::size_t bytes, std::chrono::nanoseconds time) {
    const double seconds = std::chrono::duration<double>(time).count();
    return fixed(static_cast<double>(bytes) / 1e6 / seconds, 0) + " MB/s";
}

// What its manifest allows in one request.
std::size_t payload_limit(const char* plugin) {
    constexpr std::size_t kDefault = std::size_t{16} << 20;
    std::ifstream stream(tests::built_plugin(plugin) / "plugin.json");
    return nlohmann::json::parse(stream).value("/limits/payload"_json_pointer, kDefault);
}

std::string hexadecimal(std::uint32_t sum) {
    std::array<char, 9> text{};
    std::snprintf(text.data(), text.size(), "%08x", sum);
    return text.data();
}

void refuse_too_much(Stage& stage, std::size_t limit) {
    const std::vector<std::byte> too_much(limit + 1);
    const auto outcome = tallied(
        stage.checksum_calls, [&] { return stage.checksum->call("checksum", too_much); },
        [](const Bytes&) { return false; });
    stage.screen.check(
        !outcome && outcome.error().code == ErrorCode::too_large && outcome.error().effect == Effect::none,
        "one byte more than its manifest allows is refused:");
    stage.screen.quote(outcome ? "it was answered" : outcome.error().message);
}

}  // namespace

void checksum_file(Stage& stage, const std::filesystem::path& path) {
    stage.screen.step("Checksum a file through the plugin");
    const SampleFile file(path);
    const Bytespan bytes = file.bytes();
    stage.screen.line(file.path().string() + ", " + size_text(bytes.size()));
    const std::size_t limit = payload_limit("checksum");

    Table table({Table::left("in pieces of"), Table::right("calls"), Table::right("through the plugin"),
                 Table::right("in this process"), Table::right("last sum")});
    bool equal = true;
    std::string error;
    for (const std::size_t piece : {std::min(bytes.size(), limit), std::size_t{4} << 20, std::size_t{64} << 10}) {
        const Pass pass = pass_over(bytes, std::max<std::size_t>(piece, 1), *stage.checksum, stage.checksum_calls);
        table.add({piece == bytes.size() ? "the whole file" : size_text(piece), grouped(pass.calls),
                   rate(bytes.size(), pass.through_plugin), rate(bytes.size(), pass.in_process),
                   hexadecimal(pass.last_sum)});
        equal = equal && pass.equal;
        error = error.empty() ? pass.error : error;
    }
    stage.screen.table(table);
    stage.screen.check(bytes.size() >= kLeastSize, "the file has at least " + size_text(kLeastSize));
    stage.screen.check(equal, "each sum is what the same C library says in this process" +
                                  (error.empty() ? std::string() : ": " + error));
    refuse_too_much(stage, limit);
}

}  // namespace bulkhead::demo
