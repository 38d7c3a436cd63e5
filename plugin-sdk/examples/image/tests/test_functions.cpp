// The table of functions, whose size says what both sides know of it.
#include <doctest/doctest.h>

#include "image_support/library.hpp"

namespace bulkhead::tests {
namespace {

TEST_CASE("a table of the size of the header is filled") {
    image_functions table{};
    table.size = sizeof(table);
    REQUIRE(image_get_functions(&table) == IMAGE_OK);
    CHECK(table.size == sizeof(table));
    CHECK((table.destroy != nullptr));
}

TEST_CASE("a caller compiled for a later library is told how much of its table is filled") {
    struct {
        image_functions known;
        void* later[4];
    } table{};
    table.known.size = sizeof(table);
    REQUIRE(image_get_functions(&table.known) == IMAGE_OK);
    CHECK(table.known.size == sizeof(image_functions));
    CHECK(table.later[0] == nullptr);
}

TEST_CASE("a table too small for the first version is refused and left as it is") {
    image_functions table{};
    for (const std::size_t size : {std::size_t{0}, sizeof(std::size_t), sizeof(table) - 1}) {
        table.size = size;
        CHECK(image_get_functions(&table) == IMAGE_PARAMETER);
        CHECK(table.size == size);
        CHECK((table.open == nullptr));
    }
    CHECK(image_get_functions(nullptr) == IMAGE_PARAMETER);
}

TEST_CASE("settings that cannot be are refused") {
    const Library library;
    image_library* none = nullptr;
    image_settings settings{1000, 1000, IMAGE_MAX_IMAGES + 1, 0, nullptr, nullptr};
    CHECK(library.table().create(&settings, &none) == IMAGE_PARAMETER);
    CHECK(library.table().create(nullptr, &none) == IMAGE_PARAMETER);
    CHECK(none == nullptr);
    library.table().end(nullptr);
}

TEST_CASE("numbers of errors never change") {
    CHECK(static_cast<int>(IMAGE_OK) == 0);
    CHECK(static_cast<int>(IMAGE_PARAMETER) == 1);
    CHECK(static_cast<int>(IMAGE_IO) == 2);
    CHECK(static_cast<int>(IMAGE_FORMAT) == 3);
    CHECK(static_cast<int>(IMAGE_DAMAGED) == 4);
    CHECK(static_cast<int>(IMAGE_TOO_LARGE) == 5);
    CHECK(static_cast<int>(IMAGE_MEMORY) == 6);
    CHECK(static_cast<int>(IMAGE_HANDLE) == 7);
    CHECK(static_cast<int>(IMAGE_CANCELLED) == 8);
    CHECK(static_cast<int>(IMAGE_DISABLED) == 9);
}

}  // namespace
}  // namespace bulkhead::tests
