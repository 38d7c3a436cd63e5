#include "screen.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace bulkhead::demo {
namespace {

constexpr std::size_t kIndent = 3;
constexpr std::string_view kSpaces = "   ";
static_assert(kSpaces.size() == kIndent);

}  // namespace

Screen::Screen() {
    const char* refused = std::getenv("NO_COLOR");
    if (::isatty(STDOUT_FILENO) != 0 && (refused == nullptr || *refused == '\0')) {
        bold_ = "\033[1m";
        green_ = "\033[32m";
        red_ = "\033[31m";
        plain_ = "\033[0m";
    }
}

void Screen::title(std::string_view text) const { std::cout << bold_ << text << plain_ << std::endl; }

void Screen::step(std::string_view text) {
    std::cout << "\n" << bold_ << ++steps_ << ". " << text << plain_ << std::endl;
}

void Screen::line(std::string_view text) const { std::cout << kSpaces << text << std::endl; }

void Screen::table(const Table& table) const { std::cout << table.text(kIndent) << std::flush; }

void Screen::quote(std::string_view text) const {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        line("| " + std::string(text.substr(0, end)));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

bool Screen::check(bool held, std::string_view claim) {
    ++checks_;
    failures_ += held ? 0 : 1;
    std::cout << kSpaces << (held ? green_ : red_) << (held ? "[ok]     " : "[FAILED] ") << plain_ << claim
              << std::endl;
    return held;
}

}  // namespace bulkhead::demo
