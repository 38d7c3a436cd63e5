// The requests that a check sends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bulkhead::cli {

struct MadeRequest {
    std::string bytes;
    std::string what;  // for people: "random bytes"
};

// Makes request number `number` for a method: the first ones are what every method meets sooner or later, the others
// random. The same seed, method, words and number make the same request. Immutable; any thread.
class RequestMaker {
  public:
    // `largest`: no request has more bytes. `words`: names of fields that the method is known to look for.
    RequestMaker(std::uint64_t seed, std::string method, std::uint64_t largest, std::vector<std::string> words);

    MadeRequest make(std::uint64_t number) const;
    // Whether the seed matters for this one.
    static bool is_random(std::uint64_t number);

  private:
    MadeRequest fixed(std::uint64_t number) const;

    std::uint64_t seed_;
    std::string method_;
    std::uint64_t largest_;
    std::vector<std::string> words_;
};

// The names between single quotes in a sentence: "field 'width' is missing" names width.
std::vector<std::string> quoted_words(const std::string& sentence);

}  // namespace bulkhead::cli
