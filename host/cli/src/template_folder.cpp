#include "template_folder.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

#include "failure.hpp"

namespace bulkhead::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPlaceholder = "myplugin";

// Of C, C++, Rust and CMake, as far as they are lower-case words; and our own.
constexpr auto kReserved = std::to_array<std::string_view>(
    {"abstract", "alignas",  "alignof",  "all",      "and",      "as",        "asm",      "async",     "auto",
     "await",    "become",   "bool",     "box",      "break",    "bulkhead",  "case",     "catch",     "char",
     "class",    "clean",    "compl",    "concept",  "const",    "continue",  "crate",    "decltype",  "default",
     "delete",   "do",       "double",   "dyn",      "else",     "enum",      "explicit", "export",    "extern",
     "false",    "final",    "float",    "fn",       "for",      "friend",    "goto",     "help",      "if",
     "impl",     "in",       "inline",   "install",  "int",      "let",       "long",     "loop",      "macro",
     "match",    "mod",      "move",     "mut",      "mutable",  "namespace", "new",      "noexcept",  "not",
     "nullptr",  "operator", "or",       "override", "package",  "priv",      "private",  "protected", "pub",
     "public",   "ref",      "register", "requires", "restrict", "return",    "self",     "short",     "signed",
     "sizeof",   "static",   "std",      "struct",   "super",    "switch",    "template", "test",      "this",
     "throw",    "trait",    "true",     "try",      "type",     "typedef",   "typeid",   "typename",  "typeof",
     "union",    "unsafe",   "unsigned", "unsized",  "use",      "using",     "virtual",  "void",      "volatile",
     "where",    "while",    "xor",      "yield"});

std::string with_name(std::string text, const std::string& name) {
    for (std::size_t at = 0; (at = text.find(kPlaceholder, at)) != std::string::npos; at += name.size()) {
        text.replace(at, kPlaceholder.size(), name);
    }
    return text;
}

// A folder that is gone again unless it is kept.
class NewFolder {
  public:
    explicit NewFolder(const fs::path& path) : path_(path) {
        std::error_code error;
        if (!fs::create_directory(path, error)) {
            const std::string cause = error ? error.message() : "it exists already";
            throw Failure(ExitCode::usage, "the folder " + path.string() + " cannot be made: " + cause +
                                               "; choose another name, or another place with --in");
        }
    }
    ~NewFolder() {
        if (!kept_) {
            std::error_code ignored;
            fs::remove_all(path_, ignored);
        }
    }
    NewFolder(const NewFolder&) = delete;
    NewFolder& operator=(const NewFolder&) = delete;
    void keep() { kept_ = true; }

  private:
    fs::path path_;
    bool kept_ = false;
};

void copy_file(const fs::path& from, const fs::path& to, const std::string& name) {
    std::ifstream source(from, std::ios::binary);
    const std::string text = with_name({std::istreambuf_iterator<char>(source), {}}, name);
    std::ofstream target(to, std::ios::binary);
    target << text;
    target.close();
    if (!source || !target) {
        throw Failure(ExitCode::output_failed, "the file " + to.string() + " cannot be written from the template's " +
                                                   from.string() + "; look at the space and rights there");
    }
    fs::permissions(to, fs::status(from).permissions() | fs::perms::owner_write);
}

}  // namespace

std::string fault_of_name(std::string_view name) {
    constexpr std::size_t kLongest = 40;
    const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto is_plain = [&](char c) { return is_lower(c) || (c >= '0' && c <= '9') || c == '_'; };
    if (name.empty() || name.size() > kLongest || !is_lower(name.front()) ||
        !std::all_of(name.begin(), name.end(), is_plain)) {
        return "it must be 1 to 40 lower-case letters, digits and '_', the first a letter";
    }
    if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end()) {
        return "it is a reserved word";
    }
    return {};
}

fs::path find_templates(const std::string& chosen) {
    const char* const named = std::getenv("BULKHEAD_TEMPLATES");
    std::error_code error;
    const fs::path beside =
        (fs::read_symlink("/proc/self/exe", error).parent_path() / "../share/bulkhead/templates").lexically_normal();
    const fs::path folder = !chosen.empty() ? fs::path(chosen) : named != nullptr && *named != '\0' ? named : beside;
    if (!fs::is_directory(folder, error)) {
        throw Failure(ExitCode::not_loaded, "there is no folder of templates at " + folder.string() +
                                                "; name it with --templates or BULKHEAD_TEMPLATES");
    }
    return folder;
}

std::vector<fs::path> copy_template(const fs::path& from, const fs::path& target, const std::string& name) {
    std::error_code error;
    if (!fs::is_directory(from, error)) {
        throw Failure(ExitCode::not_loaded,
                      "there is no template " + from.string() + "; name the folder of templates with --templates");
    }
    NewFolder folder(target);
    std::vector<fs::path> made;
    try {
        for (auto entry = fs::recursive_directory_iterator(from); entry != fs::recursive_directory_iterator();
             ++entry) {
            const fs::path place = with_name(entry->path().lexically_relative(from).string(), name);
            if (entry->is_directory()) {
                fs::create_directory(target / place);
            } else if (entry->is_regular_file()) {
                copy_file(entry->path(), target / place, name);
                made.push_back(place);
            }
        }
    } catch (const fs::filesystem_error& failure) {
        throw Failure(ExitCode::output_failed, std::string("the template cannot be copied: ") + failure.what() +
                                                   "; look at the space and rights there");
    }
    folder.keep();
    std::sort(made.begin(), made.end());
    return made;
}

}  // namespace bulkhead::cli
