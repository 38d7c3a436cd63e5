// bulkhead new: a plugin to start from.
#include <filesystem>
#include <memory>
#include <string>

#include "command.hpp"
#include "console.hpp"
#include "failure.hpp"
#include "template_folder.hpp"

namespace bulkhead::cli {
namespace {

constexpr char kNewFooter[] =
    "The name becomes the plugin's, its library's and its folder's. The new folder is a project of its own, with a\n"
    "test; its README.md says how to build it. Nothing that exists is overwritten.\n\n"
    "Examples:\n"
    "  bulkhead new scaler                       in C++\n"
    "  bulkhead new scaler --lang rust --in ~/plugins\n";

struct WantedNew {
    std::string name;
    std::string language = "cpp";
    std::string place = ".";
    std::string templates;
};

ExitCode make(const WantedNew& wanted) {
    namespace fs = std::filesystem;
    if (const std::string fault = fault_of_name(wanted.name); !fault.empty()) {
        throw Failure(ExitCode::usage, "'" + wanted.name + "' cannot be a plugin's name: " + fault);
    }
    const fs::path target = (fs::path(wanted.place) / wanted.name).lexically_normal();
    const auto files = copy_template(find_templates(wanted.templates) / wanted.language, target, wanted.name);
    print("made " + target.string() + ":\n");
    for (const fs::path& file : files) {
        print("  " + file.string() + "\n");
    }
    return ExitCode::done;
}

}  // namespace

void add_new_command(CLI::App& program, Action& action) {
    const auto wanted = std::make_shared<WantedNew>();
    CLI::App* const command = program.add_subcommand("new", "Make a plugin to start from, with its build and test");
    command->footer(kNewFooter);
    command->add_option("NAME", wanted->name, "Lower-case letters, digits and _")->type_name("")->required();
    command->add_option("--lang", wanted->language, "c, cpp or rust")
        ->type_name("LANGUAGE")
        ->capture_default_str()
        ->check(CLI::IsMember({"c", "cpp", "rust"}));
    command->add_option("--in", wanted->place, "Make it in this folder")->type_name("FOLDER")->capture_default_str();
    command->add_option("--templates", wanted->templates, "Take the templates from this folder")->type_name("FOLDER");
    command->callback([wanted, &action] { action = [wanted] { return make(*wanted); }; });
}

}  // namespace bulkhead::cli
