#include "inspection_text.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace bulkhead::worker {
namespace {

// Bytes of the valid UTF-8 sequence at the start of `text`; 0: there is none.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [text](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const unsigned first = byte(0);
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xC2 ? 0
                               : first < 0xE0 ? 2
                               : first < 0xF0 ? 3
                               : first < 0xF5 ? 4
                                              : 0;
    if (length == 0 || length > text.size()) {
        return 0;
    }
    for (std::size_t index = 1; index < length; ++index) {
        if ((byte(index) & 0xC0) != 0x80) {
            return 0;
        }
    }
    const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
    const bool surrogate = first == 0xED && byte(1) >= 0xA0;
    const bool too_large = first == 0xF4 && byte(1) >= 0x90;
    return overlong || surrogate || too_large ? 0 : length;
}

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7F; }

}  // namespace

void InspectionText::write(const ElfLibrary& library) noexcept {
    if (!library.is_usable()) {
        write_error(library.fault);
        return;
    }
    length_ = 0;
    append("{");
    append_member("format", "elf64");
    append(",");
    append_member("machine", library.machine);
    append(",");
    append_member("type", "shared");
    append(",");
    append_member("soname", library.soname);
    append(",\"needed\":[");
    for (std::size_t index = 0; index < library.needed_count; ++index) {
        append(index == 0 ? "" : ",");
        append_quoted(library.needed[index]);
    }
    append("],\"exports_entry\":");
    append(library.exports_entry ? "true" : "false");
    append_symbols("exports", "export_count", library.symbols, true);
    append_symbols("imports", "import_count", library.symbols, false);
    append("}");
}

void InspectionText::write_error(std::string_view error) noexcept {
    length_ = 0;
    append("{");
    append_member("error", error);
    append("}");
}

void InspectionText::append(std::string_view text) noexcept {
    const std::size_t size = std::min(text.size(), kCapacity - length_);
    std::memcpy(buffer_ + length_, text.data(), size);
    length_ += size;
}

// A byte that is no UTF-8 becomes the character of its number, so that the reader can parse the rest.
void InspectionText::append_quoted(std::string_view text) noexcept {
    append("\"");
    while (!text.empty()) {
        std::size_t length = sequence_length(text);
        if (length == 0 || needs_escape(text[0])) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(text[0])));
            append(escape);
            length = 1;
        } else {
            append(text.substr(0, length));
        }
        text.remove_prefix(length);
    }
    append("\"");
}

// As many names as there is room for, and how many there are.
void InspectionText::append_symbols(std::string_view list, std::string_view count, const ElfSymbols& symbols,
                                    bool exported) noexcept {
    append(",");
    append_quoted(list);
    append(":[");
    const std::size_t begin = length_;
    std::uint64_t total = 0;
    for (std::uint64_t index = 0; index < symbols.size(); ++index) {
        const auto symbol = symbols.at(index);
        if (!symbol || symbol->is_export != exported) {
            continue;
        }
        ++total;
        if (length_ - begin + kLongestQuoted + 1 <= kSymbolCapacity) {
            append(length_ == begin ? "" : ",");
            append_quoted(symbol->name);
        }
    }
    append("],");
    append_quoted(count);
    char number[24];
    std::snprintf(number, sizeof number, ":%llu", static_cast<unsigned long long>(total));
    append(number);
}

void InspectionText::append_member(std::string_view name, std::string_view value) noexcept {
    append_quoted(name);
    append(":");
    append_quoted(value);
}

}  // namespace bulkhead::worker
