// What the libraries of a plugin say about themselves, without loading them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bulkhead {

// One ELF file. All names are the file's own claims: text to show, not to trust. Value type.
struct LibraryInspection {
    std::string file;     // its name in the plugin's folder
    std::string machine;  // such as "x86-64"
    std::string soname;   // empty: none
    std::vector<std::string> needed;
    bool exports_entry = false;  // the function bulkhead_plugin
    // Symbols as the linker knows them (C++ ones mangled). Of very many only the first are listed, and none of more
    // than 255 bytes; the counts are of all.
    std::vector<std::string> exports;
    std::uint64_t export_count = 0;
    std::vector<std::string> imports;
    std::uint64_t import_count = 0;
};

// The plugin's library first, then the private ones that it needs (those in its folder), bottom-up. Value type.
struct Inspection {
    std::vector<LibraryInspection> libraries;
};

}  // namespace bulkhead
