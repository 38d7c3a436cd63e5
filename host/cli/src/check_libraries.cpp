// The step of `bulkhead check` that reads the libraries and runs nothing.
#include <fmt/format.h>

#include <algorithm>

#include "examination.hpp"
#include "wording.hpp"

namespace bulkhead::cli {
namespace {

// What every plugin exports, what linkers and sanitizers add, and what the standard library's headers export from every
// library, hidden visibility or not.
bool is_expected(const std::string& symbol) {
    constexpr std::size_t kPrefix = 10;  // of a mangled name, before its namespace
    const bool of_std = symbol.starts_with("_Z") && symbol.substr(0, kPrefix).find("St") != std::string::npos;
    return of_std || symbol == "bulkhead_plugin" || symbol == "_init" || symbol == "_fini" || symbol == "_edata" ||
           symbol == "_end" || symbol == "__bss_start" || symbol.starts_with("__odr_asan") ||
           symbol.starts_with("__asan");
}

void look_at_exports(Examination& examination, const LibraryInspection& library) {
    const auto foreign = std::find_if_not(library.exports.begin(), library.exports.end(), is_expected);
    if (foreign != library.exports.end()) {
        const auto count = std::count_if(library.exports.begin(), library.exports.end(),
                                         [](const std::string& symbol) { return !is_expected(symbol); });
        examination.add(Verdict::note, "libraries",
                        fmt::format("{} exports {} besides bulkhead_plugin, such as {}; compile with "
                                    "-fvisibility=hidden so that none collides with another library's",
                                    library.file, counted(static_cast<std::size_t>(count), "symbol"), *foreign));
    }
}

void merge(Needs& needs, const Needs& more) {
    for (const auto& [what, symbols] : more) {
        auto& known = needs[what];
        for (const std::string& symbol : symbols) {
            if (std::find(known.begin(), known.end(), symbol) == known.end()) {
                known.push_back(symbol);
            }
        }
    }
}

}  // namespace

void check_libraries(Examination& examination) {
    const auto inspection = examination.path().is_bare_library()
                                ? examination.host().inspect(examination.path().text())
                                : examination.host().inspect(examination.path().named());
    if (!inspection) {
        examination.add(Verdict::finding, "libraries", inspection.error().message);
        return;
    }
    const LibraryInspection& own = inspection->libraries.front();
    std::string text = own.file + " for " + own.machine;
    if (inspection->libraries.size() > 1) {
        text += ", with " + std::to_string(inspection->libraries.size() - 1) + " of its own beside it";
    }
    examination.add(Verdict::good, "libraries", text);
    look_at_exports(examination, own);
    for (const LibraryInspection& library : inspection->libraries) {
        merge(examination.needs, needs_of(library.imports));
    }
}

}  // namespace bulkhead::cli
