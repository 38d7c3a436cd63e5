// What a host says when it refuses something.
#pragma once

#include <bulkhead/host/host.hpp>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

namespace bulkhead::tests {

// Loads what must be refused.
Error refusal_of(Host& host, const std::filesystem::path& folder);

// Prints the sentence, and checks that it has all of the words and is one sentence on one line.
void check_sentence(const std::string& sentence, std::initializer_list<std::string_view> words);

}  // namespace bulkhead::tests
