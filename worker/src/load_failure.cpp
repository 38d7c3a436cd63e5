#include "load_failure.hpp"

#include <cctype>

namespace bulkhead::worker {
namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// A path must not match the beginning of a longer one: fd/7 is not fd/71.
void replace_all(std::string& text, const std::string& path, const std::string& name) {
    std::size_t at = 0;
    while ((at = text.find(path, at)) != std::string::npos) {
        const std::size_t end = at + path.size();
        if (end < text.size() && is_digit(text[end])) {
            at = end;
            continue;
        }
        text.replace(at, path.size(), name);
        at += name.size();
    }
}

// What stands before `mark`, when the mark is there.
std::string_view before(std::string_view text, std::string_view mark) {
    const std::size_t at = text.find(mark);
    return at == std::string_view::npos ? std::string_view{} : text.substr(0, at);
}

std::string_view after(std::string_view text, std::string_view mark) {
    const std::size_t at = text.find(mark);
    return at == std::string_view::npos ? std::string_view{} : text.substr(at + mark.size());
}

}  // namespace

std::string explain_load_failure(std::string_view library, std::string_view message, const LibraryNames& names) {
    std::string text(message);
    for (const auto& [path, name] : names) {
        replace_all(text, path, name);
    }
    const std::string subject = "library " + std::string(library);
    const std::string_view missing = before(text, ": cannot open shared object file: No such file or directory");
    if (!missing.empty()) {
        return subject + " needs " + std::string(missing) + ", which was not found";
    }
    const std::string_view symbol = after(text, ": undefined symbol: ");
    if (!symbol.empty()) {
        const std::string user(before(text, ": undefined symbol: "));
        return "library " + user + " refers to the symbol " + std::string(symbol) + ", which nothing defines";
    }
    return subject + " could not be loaded: " + text;
}

}  // namespace bulkhead::worker
