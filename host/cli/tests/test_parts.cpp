// Parts of the command line that need no process.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "console.hpp"
#include "permissions.hpp"
#include "request_maker.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

using namespace std::chrono_literals;

TEST_CASE("the same seed, method and number make the same request, and others make others") {
    const RequestMaker one(7, "resize", 1 << 20, {"width"});
    const RequestMaker same(7, "resize", 1 << 20, {"width"});
    const RequestMaker other_seed(8, "resize", 1 << 20, {"width"});
    const RequestMaker other_method(7, "rotate", 1 << 20, {"width"});
    int differ = 0;
    int random = 0;
    for (std::uint64_t number = 0; number < 300; ++number) {
        CHECK(one.make(number).bytes == same.make(number).bytes);
        if (RequestMaker::is_random(number)) {
            ++random;
            differ += one.make(number).bytes != other_seed.make(number).bytes ? 1 : 0;
            differ += one.make(number).bytes != other_method.make(number).bytes ? 1 : 0;
        } else {
            CHECK(one.make(number).bytes == other_seed.make(number).bytes);
        }
    }
    CHECK(differ > random);
}

TEST_CASE("no request is larger than the largest, and two are exactly as large") {
    for (const std::uint64_t largest :
         {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{100}, std::uint64_t{1} << 20}) {
        const RequestMaker maker(1, "m", largest, {});
        int full = 0;
        for (std::uint64_t number = 0; number < 200; ++number) {
            CHECK(maker.make(number).bytes.size() <= largest);
            full += maker.make(number).what.starts_with("the largest possible") ? 1 : 0;
        }
        CHECK(full == 2);
        CHECK(maker.make(61).bytes.size() == largest);
    }
}

TEST_CASE("the fields that a method asks for are in most objects") {
    const RequestMaker maker(1, "m", 1 << 20, {"zoom_level"});
    int with_field = 0;
    for (std::uint64_t number = 100; number < 300; ++number) {
        with_field += maker.make(number).bytes.find("\"zoom_level\":") != std::string::npos ? 1 : 0;
    }
    CHECK(with_field > 20);
}

TEST_CASE("the words between quotes are the fields of a sentence") {
    CHECK(quoted_words("field 'width' is missing, as is 'height'") == std::vector<std::string>{"width", "height"});
    CHECK(quoted_words("'a' and 'a'") == std::vector<std::string>{"a"});
    CHECK(quoted_words("it isn't so").empty());
    CHECK(quoted_words("").empty());
    CHECK(quoted_words("''").empty());
}

TEST_CASE("symbols tell what a library needs, by whole names and by beginnings") {
    const Needs needs =
        needs_of({"fopen64", "connect", "memcpy", "pthread_create", "opening", "_ZNSt10filesystem1xEv"});
    CHECK(needs.at("files") == std::vector<std::string>{"fopen64", "_ZNSt10filesystem1xEv"});
    CHECK(needs.at("network") == std::vector<std::string>{"connect"});
    CHECK(needs.at("threads") == std::vector<std::string>{"pthread_create"});
    CHECK(needs.size() == 3);
    CHECK(needs_of({}).empty());
}

TEST_CASE("durations are read with their unit, and without one not at all") {
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("2s") == 2s);
    CHECK(parse_duration("1.5s") == 1500ms);
    CHECK(parse_duration("3m") == 3min);
    CHECK(parse_duration("10us") == 10us);
    for (const char* wrong :
         {"", "5", "s", "-1s", "0s", "nan", "nans", "inf s", "1e9s", "2 s", "2h", "1s ", "1d", "0x1s"}) {
        CHECK_MESSAGE(!parse_duration(wrong), wrong);
    }
}

TEST_CASE("text of a plugin moves no cursor and turns no line around, in any encoding of controls") {
    CHECK(harmless("a\tb\nc \xc3\xa4") == "a\tb\nc \xc3\xa4");
    CHECK(harmless("\x1b[2J \xc2\x9b"
                   "2J \x9b"
                   "2J \xe2\x80\xae") == "?[2J ?2J ?2J ?");
}

TEST_CASE("a path is one word of a shell's command line") {
    CHECK(shell_word("build/greeter-1.0") == "build/greeter-1.0");
    CHECK(shell_word("my plugin") == "'my plugin'");
    CHECK(shell_word("it's; rm $x") == "'it'\\''s; rm $x'");
    CHECK(shell_word("") == "''");
}

TEST_CASE("durations are shown in the unit that suits them") {
    CHECK(shown(820us) == "820 us");
    CHECK(shown(1234us) == "1.23 ms");
    CHECK(shown(3400ms) == "3.4 s");
    CHECK(counted(1, "method") == "1 method");
    CHECK(counted(0, "method") == "0 methods");
}

}  // namespace
}  // namespace bulkhead::cli
