// Makes a plugin from a template.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::cli {

// Empty: `name` can be a plugin's, a target's and an identifier in C, C++ and Rust. Else why not, as a clause.
std::string fault_of_name(std::string_view name);

// Where this installation's templates are: the folder named by `chosen`, else by BULKHEAD_TEMPLATES, else
// ../share/bulkhead/templates beside this program. Throws Failure when there is none.
std::filesystem::path find_templates(const std::string& chosen);

// Copies the template to `target`, which must not exist, with `name` in place of the word myplugin in names and
// texts. All or nothing. The files made, relative to `target`, sorted. Throws Failure.
std::vector<std::filesystem::path> copy_template(const std::filesystem::path& from, const std::filesystem::path& target,
                                                 const std::string& name);

}  // namespace bulkhead::cli
