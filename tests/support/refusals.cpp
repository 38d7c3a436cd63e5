#include "support/refusals.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "support/outcomes.hpp"

namespace bulkhead::tests {

Error refusal_of(Host& host, const std::filesystem::path& folder) {
    const auto plugin = host.load(folder);
    CHECK_MESSAGE(plugin.has_error(), folder.string() << " was loaded");
    return plugin ? Error{} : plugin.error();
}

void check_sentence(const std::string& sentence, std::initializer_list<std::string_view> words) {
    std::printf("  %s\n", sentence.c_str());
    for (const std::string_view word : words) {
        CHECK_MESSAGE(contains(sentence, word), "'" << word << "' is not in: " << sentence);
    }
    CHECK_MESSAGE(sentence.size() < 400, sentence);
    CHECK_MESSAGE(!contains(sentence, "\n"), sentence);
    CHECK_MESSAGE(!contains(sentence, "  "), sentence);
    CHECK_MESSAGE(!contains(sentence, "/proc/"), sentence);
    CHECK_NOTHROW_MESSAGE(static_cast<void>(nlohmann::json(sentence).dump()), "not UTF-8: " << sentence);
}

}  // namespace bulkhead::tests
