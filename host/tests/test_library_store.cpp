#include "library_store.hpp"

#include <doctest/doctest.h>

#include <bulkhead/transport/segment.hpp>
#include <string>

namespace bulkhead::detail {
namespace {

LibraryRef library_of(const std::string& content, std::uint64_t hash) {
    auto library = std::make_shared<SealedLibrary>();
    std::error_code error;
    library->file = transport::create_sealed_file("test", std::as_bytes(std::span(content)), error);
    REQUIRE(!error);
    library->size = content.size();
    library->hash = hash;
    return library;
}

std::span<const std::byte> bytes_of(const std::string& content) { return std::as_bytes(std::span(content)); }

TEST_CASE("a library is found by its bytes, as long as anybody has it") {
    LibraryStore store;
    const std::string content(100'000, 'x');
    LibraryRef library = library_of(content, 1);
    store.add(library);
    CHECK(store.find(1, bytes_of(content)) == library);
    CHECK(store.find(2, bytes_of(content)) == nullptr);
    library.reset();
    CHECK(store.find(1, bytes_of(content)) == nullptr);
}

TEST_CASE("libraries with the same hash are told apart") {
    LibraryStore store;
    std::string content(100'000, 'x');
    const LibraryRef one = library_of(content, 1);
    store.add(one);
    std::string other = content;
    other.back() = 'y';
    CHECK(store.find(1, bytes_of(other)) == nullptr);
    CHECK(store.find(1, bytes_of(content + "x")) == nullptr);
    CHECK(store.find(1, bytes_of("")) == nullptr);
    const LibraryRef two = library_of(other, 1);
    store.add(two);
    CHECK(store.find(1, bytes_of(other)) == two);
    CHECK(store.find(1, bytes_of(content)) == one);
}

}  // namespace
}  // namespace bulkhead::detail
