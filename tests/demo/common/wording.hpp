// Numbers as a person reads them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace bulkhead::demo {

// "1,234,567"
std::string grouped(std::uint64_t number);

// With so many digits after the point.
std::string fixed(double number, int digits);

// Three digits and the unit that fits: "0.14 us", "27.3 us", "1.25 ms", "3.10 s".
std::string duration_text(std::chrono::nanoseconds duration);

// "35.5 MB", "64 KiB": in the binary unit when it is a whole number of them, else in the decimal one.
std::string size_text(std::uint64_t bytes);

}  // namespace bulkhead::demo
