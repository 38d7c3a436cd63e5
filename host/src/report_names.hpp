// What files of a report folder are called: the report's id and an ending. Everything else that lies there is somebody
// else's and is let alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bulkhead::detail {

inline constexpr std::string_view kReportEnding = ".json";
inline constexpr std::string_view kReproEnding = ".repro";
inline constexpr std::string_view kUnfinishedEnding = ".unfinished";  // on its way to one of the others

// True for what Runtime::report_id() makes: a plugin's name, a number, eight hexadecimal digits, with '-' between them.
// Such an id is a file name without a folder.
bool is_report_id(std::string_view id) noexcept;

// The id of a report, a repro or an unfinished one by its file name. Empty: it is none of them.
std::optional<std::string> id_of_file(std::string_view name);

}  // namespace bulkhead::detail
