#include "request_maker.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "random.hpp"

namespace bulkhead::cli {
namespace {

using Json = nlohmann::json;

struct Fixed {
    const char* what;
    std::string bytes;
};

std::string nested(char open, char close, std::size_t depth) {
    return std::string(depth, open) + std::string(depth, close);
}

std::string zeros(std::size_t count) {
    std::string text = "[0";
    for (std::size_t index = 1; index < count; ++index) {
        text += ",0";
    }
    return text + "]";
}

const std::vector<Fixed>& fixed_requests() {
    static const std::vector<Fixed> kFixed = {
        {"an empty request", ""},
        {"an empty object", "{}"},
        {"an empty array", "[]"},
        {"the JSON null", "null"},
        {"the JSON true", "true"},
        {"the number 0", "0"},
        {"the number -1", "-1"},
        {"the number 4096", "4096"},
        {"a number over 64 bits", "18446744073709551616"},
        {"a number over all doubles", "1e999"},
        {"an empty JSON string", "\"\""},
        {"a JSON string", "\"text\""},
        {"a word", "word"},
        {"JSON that ends too early", "{\"a\": [1, 2"},
        {"JSON with a string that is no UTF-8", "\"\xff\xfe\xc0\x80\""},
        {"zero bytes", std::string(100, '\0')},
        {"format directives", "%s%s%s%n%n%n%d"},
        {"a path", "/etc/hostname"},
        {"a path that climbs", "../../../../../../etc/hostname"},
        {"arrays nested 100,000 deep", nested('[', ']', 100'000)},
        {"arrays nested 60 deep", nested('[', ']', 60)},
        {"an array of 20,000 numbers", zeros(20'000)},
        {"a text of 87 bytes", std::string(87, 'a')},
        {"a text of 88 bytes, the most that fits into a message", std::string(88, 'a')},
        {"a text of 89 bytes", std::string(89, 'a')},
        {"a text of 4096 bytes", std::string(4096, 'a')},
        {"a JSON string of 64 KiB", "\"" + std::string(65'536, 'a') + "\""},
    };
    return kFixed;
}

// Not among the first, because they take time.
constexpr std::uint64_t kLargestJson = 60;
constexpr std::uint64_t kLargestText = 61;

constexpr auto kCommonWords =
    std::to_array<const char*>({"name",    "value",  "values", "id",     "key",  "size", "count", "n",      "x",
                                "y",       "width",  "height", "radius", "path", "file", "text",  "data",   "type",
                                "options", "format", "index",  "handle", "seed", "list", "user",  "message"});

// Random requests of one kind of randomness.
class Maker {
  public:
    Maker(Random random, const std::vector<std::string>& words) : random_(random), words_(words) {}

    MadeRequest make() {
        switch (random_.below(8)) {
            case 0:
                return {bytes(1 + random_.below(200)), "random bytes"};
            case 1:
                return {bytes(random_.below(70'000)), "many random bytes"};
            case 2:
                return {damaged(value(0).dump()), "damaged JSON"};
            case 3:
                return {std::to_string(number()), "a number"};
            case 4:
                return {number_and_text(), "a number and a text"};
            case 5:
                return {value(0).dump(), "random JSON"};
            default:
                return {object(0).dump(), "a random object"};
        }
    }

  private:
    std::string bytes(std::uint64_t count) {
        std::string text;
        text.reserve(count);
        while (text.size() < count) {
            text += static_cast<char>(random_.next());
        }
        return text;
    }

    // Small, at an edge of a type, or anything.
    std::int64_t number() {
        static constexpr auto kEdges =
            std::to_array<std::int64_t>({0, 1, -1, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2147483647,
                                         2147483648, -2147483648, 4294967295, 4294967296, INT64_MAX, INT64_MIN});
        switch (random_.below(3)) {
            case 0:
                return static_cast<std::int64_t>(random_.below(20));
            case 1:
                return kEdges[random_.below(kEdges.size())];
            default:
                return static_cast<std::int64_t>(random_.next());
        }
    }

    std::string number_and_text() { return std::to_string(random_.below(100)) + " " + word(); }

    std::string word() {
        const std::uint64_t count = words_.size() * 4 + kCommonWords.size();  // known ones are worth more
        const std::uint64_t index = random_.below(count);
        return index < words_.size() * 4 ? words_[index / 4] : kCommonWords[index - words_.size() * 4];
    }

    std::string text() {
        switch (random_.below(4)) {
            case 0:
                return "";
            case 1:
                return word();
            case 2:
                return std::string(random_.below(5000), 'x');
            default:
                return "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 \"quoted\" \\ \n";
        }
    }

    Json value(int depth) {
        constexpr int kDeepest = 4;
        switch (random_.below(depth < kDeepest ? 8 : 6)) {
            case 0:
                return nullptr;
            case 1:
                return random_.below(2) == 0;
            case 2:
                return static_cast<double>(number()) / 7.0;
            case 3:
            case 4:
                return number();
            case 5:
                return text();
            case 6: {
                Json array = Json::array();
                for (std::uint64_t count = random_.below(6); count > 0; --count) {
                    array.push_back(value(depth + 1));
                }
                return array;
            }
            default:
                return object(depth + 1);
        }
    }

    Json object(int depth) {
        Json json = Json::object();
        // Most of the known fields, so that a method gets beyond the first that is missing.
        for (const std::string& known : words_) {
            if (random_.below(5) != 0) {
                json[known] = value(depth + 1);
            }
        }
        for (std::uint64_t count = random_.below(5); count > 0; --count) {
            json[word()] = value(depth + 1);
        }
        return json;
    }

    std::string damaged(std::string json) {
        for (std::uint64_t count = 1 + random_.below(3); count > 0 && !json.empty(); --count) {
            const std::uint64_t at = random_.below(json.size());
            switch (random_.below(3)) {
                case 0:
                    json[at] = static_cast<char>(random_.next());
                    break;
                case 1:
                    json.resize(at);
                    break;
                default:
                    json.insert(at, 1, static_cast<char>(random_.next()));
                    break;
            }
        }
        return json;
    }

    Random random_;
    const std::vector<std::string>& words_;
};

}  // namespace

RequestMaker::RequestMaker(std::uint64_t seed, std::string method, std::uint64_t largest,
                           std::vector<std::string> words)
    : seed_(seed), method_(std::move(method)), largest_(largest), words_(std::move(words)) {}

bool RequestMaker::is_random(std::uint64_t number) {
    return number >= fixed_requests().size() && number != kLargestJson && number != kLargestText;
}

MadeRequest RequestMaker::make(std::uint64_t number) const {
    MadeRequest request =
        is_random(number) ? Maker(Random(seed_for(seed_, method_, number)), words_).make() : fixed(number);
    if (request.bytes.size() > largest_) {
        request.bytes.resize(largest_);
        request.what += ", cut to the largest possible request";
    }
    return request;
}

MadeRequest RequestMaker::fixed(std::uint64_t number) const {
    if (number == kLargestText) {
        return {std::string(largest_, 'a'), "the largest possible text"};
    }
    if (number == kLargestJson) {
        return {"\"" + std::string(largest_ - std::min<std::uint64_t>(largest_, 2), 'a') + "\"",
                "the largest possible JSON string"};
    }
    return {fixed_requests()[number].bytes, fixed_requests()[number].what};
}

std::vector<std::string> quoted_words(const std::string& sentence) {
    constexpr std::size_t kLongest = 60;
    std::vector<std::string> words;
    std::size_t begin = 0;
    while ((begin = sentence.find('\'', begin)) != std::string::npos) {
        const std::size_t end = sentence.find('\'', ++begin);
        if (end == std::string::npos) {
            break;
        }
        const std::string word = sentence.substr(begin, end - begin);
        if (!word.empty() && word.size() <= kLongest && std::find(words.begin(), words.end(), word) == words.end()) {
            words.push_back(word);
        }
        begin = end + 1;
    }
    return words;
}

}  // namespace bulkhead::cli
