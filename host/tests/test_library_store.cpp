#include "library_store.hpp"

#include <doctest/doctest.h>

#include <array>
#include <bulkhead/transport/segment.hpp>
#include <string>

namespace bulkhead::detail {
namespace {

using transport::Descriptor;

Descriptor file_of(const std::string& content) {
    std::error_code error;
    Descriptor file = transport::create_sealed_file("test", std::as_bytes(std::span(content)), error);
    REQUIRE(!error);
    return file;
}

LibraryRef library_of(const std::string& content) {
    auto library = std::make_shared<SealedLibrary>();
    library->file = file_of(content);
    library->size = content.size();
    return library;
}

LibraryRef find(const LibraryStore& store, const std::string& content) {
    return store.find(file_of(content), content.size());
}

TEST_CASE("a library is found by its bytes, as long as anybody has it") {
    LibraryStore store;
    const std::string content(100'000, 'x');
    LibraryRef library = library_of(content);
    store.add(library);
    CHECK(find(store, content) == library);
    library.reset();
    CHECK(find(store, content) == nullptr);
}

TEST_CASE("libraries of the same size are told apart by each byte") {
    LibraryStore store;
    const std::string content(100'000, 'x');
    const LibraryRef one = library_of(content);
    store.add(one);
    std::string other = content;
    other.back() = 'y';
    CHECK(find(store, other) == nullptr);
    CHECK(find(store, content + "x") == nullptr);
    CHECK(find(store, "") == nullptr);
    const LibraryRef two = library_of(other);
    store.add(two);
    CHECK(find(store, other) == two);
    CHECK(find(store, content) == one);
}

TEST_CASE("a library that became shorter while it was looked at is not found") {
    LibraryStore store;
    const LibraryRef library = library_of(std::string(100'000, 'x'));
    store.add(library);
    const Descriptor shorter = file_of(std::string(50'000, 'x'));
    CHECK(store.find(shorter, 100'000) == nullptr);
    std::array<std::byte, 2> bytes{};
    CHECK(!read_at(shorter, 49'998, bytes));
    CHECK(read_at(shorter, 49'999, bytes).value() == kTooShort);
}

}  // namespace
}  // namespace bulkhead::detail
