#include "bulkhead/host/printable.hpp"

#include <doctest/doctest.h>

#include "utf8.hpp"

namespace bulkhead {
namespace {

TEST_CASE("text that says what it shows is left as it is") {
    for (const char* text : {"", "plain", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7", "\xc2\xa0", "\xf4\x8f\xbf\xbf"}) {
        CHECK(printable(text, '?') == text);
    }
    CHECK(printable("a\tb\nc", '?', "\t\n") == "a\tb\nc");
}

TEST_CASE("nothing that a terminal obeys is left, in one byte or in two") {
    CHECK(printable("\x1b[31m\r\a\x7f", '?') == "?[31m???");
    CHECK(printable("\xc2\x9b"
                    "2J \xc2\x80\xc2\x9f",
                    '?') == "?2J ??");
    CHECK(printable(std::string_view("a\0b", 3), ' ') == "a b");
    CHECK(printable("a\tb\nc", ' ', "\t") == "a\tb c");
}

TEST_CASE("nothing is left that turns the direction of text around") {
    CHECK(printable("\xe2\x80\xae"
                    "fdp.exe",
                    '?') == "?fdp.exe");
    CHECK(printable("\xd8\x9c\xe2\x80\x8e\xe2\x80\xa8\xe2\x81\xa6\xe2\x81\xa9", '?') == "?????");
    CHECK(printable("\xe2\x80\x90\xe2\x81\xaa", '?') == "\xe2\x80\x90\xe2\x81\xaa");
}

TEST_CASE("each byte that is not UTF-8 is replaced, and what follows is read again") {
    CHECK(printable("\x9b"
                    "31m",
                    '?') == "?31m");
    CHECK(printable("\xc3", '?') == "?");
    CHECK(printable("\xe2\x82x", '?') == "??x");
    CHECK(printable("\xc0\xaf", '?') == "??");
    CHECK(printable("\xe0\x80\xaf", '?') == "???");
    CHECK(printable("\xed\xa0\x80", '?') == "???");
    CHECK(printable("\xf4\x90\x80\x80\xff", '?') == "?????");
    CHECK_FALSE(detail::is_utf8("\xed\xa0\x80"));
    CHECK(detail::is_utf8("\xc2\x9b"));
}

}  // namespace
}  // namespace bulkhead
