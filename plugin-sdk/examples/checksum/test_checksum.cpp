// The checksum plugin answers what its library answers.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <bulkhead/plugin/testing.hpp>

#include <random>
#include <string>

#include "checksum.h"

using bulkhead::plugin::testing::Answer;
using bulkhead::plugin::testing::PluginUnderTest;

namespace {

std::uint32_t library_checksum(std::string_view bytes) {
    return checksum(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::uint32_t little_endian(std::string_view bytes) {
    REQUIRE(bytes.size() == 4);
    std::uint32_t number = 0;
    for (std::size_t i = 4; i-- > 0;) {
        number = number << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return number;
}

}  // namespace

TEST_CASE("the library rotates the sum left by one bit, then adds the byte") {
    CHECK(library_checksum("") == 0);
    CHECK(library_checksum("a") == 97);
    CHECK(library_checksum("ab") == 97 * 2 + 98);
    // 33 bytes later the first bit has gone round.
    CHECK(library_checksum(std::string("\x01") + std::string(31, '\0')) == 0x80000000u);
    CHECK(library_checksum(std::string("\x01") + std::string(32, '\0')) == 1);
}

TEST_CASE("the plugin answers the library's sum as four bytes, least significant first") {
    PluginUnderTest plugin;
    CHECK(plugin.call("checksum", "").text == std::string(4, '\0'));
    CHECK(plugin.call("checksum", "abc").text == std::string("\xAB\x02\0\0", 4));

    std::mt19937 random(1);
    std::string bytes(100'000, '\0');
    for (char& byte : bytes) {
        byte = static_cast<char>(random());
    }
    const Answer answer = plugin.call("checksum", bytes);
    CHECK(answer.kind == Answer::Kind::reply);
    CHECK(little_endian(answer.text) == library_checksum(bytes));
}
