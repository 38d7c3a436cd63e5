#include "bulkhead/host/bytes.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace bulkhead {
namespace {

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t index = 0; index < size; ++index) {
        text[index] = static_cast<char>('a' + index % 23);
    }
    return text;
}

Bytes bytes_of(const std::string& text) { return Bytes(std::as_bytes(std::span(text))); }

// Around the edge between small and large.
const std::vector<std::size_t> kSizes = {0, 1, Bytes::kSmall - 1, Bytes::kSmall, Bytes::kSmall + 1, 100'000};

TEST_CASE("bytes are a copy of their source") {
    for (const std::size_t size : kSizes) {
        CAPTURE(size);
        std::string source = pattern(size);
        const Bytes bytes = bytes_of(source);
        const std::string expected = source;
        source.assign(size, '!');
        CHECK(bytes.text() == expected);
        CHECK(bytes.size() == size);
        CHECK(bytes.empty() == (size == 0));
        CHECK(bytes.view().data() == bytes.data());
        CHECK(bytes.view().size() == size);
    }
}

TEST_CASE("bytes without content can be made from nothing") {
    CHECK(Bytes().empty());
    CHECK(Bytes(std::span<const std::byte>()).empty());
    CHECK(Bytes::uninitialized(0).empty());
}

TEST_CASE("uninitialized bytes have their size and can be written") {
    for (const std::size_t size : kSizes) {
        CAPTURE(size);
        Bytes bytes = Bytes::uninitialized(size);
        const std::string text = pattern(size);
        std::memcpy(bytes.data(), text.data(), size);
        CHECK(bytes.text() == text);
    }
}

TEST_CASE("up to 88 bytes live in the object itself") {
    const auto lies_inside = [](const Bytes& bytes) {
        const auto* begin = reinterpret_cast<const std::byte*>(&bytes);
        return bytes.data() >= begin && bytes.data() < begin + sizeof bytes;
    };
    CHECK(lies_inside(bytes_of(pattern(Bytes::kSmall))));
    CHECK_FALSE(lies_inside(bytes_of(pattern(Bytes::kSmall + 1))));
}

TEST_CASE("moving hands the content over and leaves nothing behind") {
    for (const std::size_t size : kSizes) {
        CAPTURE(size);
        Bytes source = bytes_of(pattern(size));
        const Bytes target = std::move(source);
        CHECK(target.text() == pattern(size));
        CHECK(source.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
        CHECK(source.text().empty());
    }
}

TEST_CASE("assigning replaces content of every size by content of every size") {
    for (const std::size_t before : kSizes) {
        for (const std::size_t after : kSizes) {
            CAPTURE(before);
            CAPTURE(after);
            Bytes target = bytes_of(pattern(before));
            Bytes source = bytes_of(pattern(after));
            target = std::move(source);
            CHECK(target.text() == pattern(after));
            CHECK(source.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
        }
    }
}

TEST_CASE("bytes that were moved from can be used again") {
    Bytes bytes = bytes_of(pattern(500));
    const Bytes taken = std::move(bytes);
    bytes = bytes_of(pattern(3));
    CHECK(bytes.text() == pattern(3));
    CHECK(taken.text() == pattern(500));
}

TEST_CASE("assigning bytes to themselves changes nothing") {
    for (const std::size_t size : kSizes) {
        CAPTURE(size);
        Bytes bytes = bytes_of(pattern(size));
        Bytes& same = bytes;
        bytes = std::move(same);
        CHECK(bytes.text() == pattern(size));
    }
}

}  // namespace
}  // namespace bulkhead
