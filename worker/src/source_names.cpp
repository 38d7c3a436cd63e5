#include "source_names.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

namespace bulkhead::worker {
namespace {

constexpr std::size_t kLongestMangled = 4096;
constexpr std::size_t kMostInlined = 32;  // into one another

using Scopes = std::unique_ptr<Dwarf_Die, decltype(&std::free)>;

std::string demangled(const char* name) {
    if (std::strncmp(name, "_Z", 2) != 0 || std::strlen(name) > kLongestMangled) {
        return name;
    }
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                           &std::free);
    return status == 0 ? text.get() : name;
}

std::string joined(const char* folder, const char* file) {
    if (folder == nullptr || file[0] == '/') {
        return file;
    }
    return std::string(folder) + "/" + file;
}

// The functions of one address by its debug information.
class InlineChain {
  public:
    InlineChain(const Libdw& dw, Dwfl_Module* module, std::uint64_t lookup) : dw_(dw) {
        Dwarf_Addr bias = 0;
        unit_ = dw_.module_addrdie(module, lookup, &bias);
        Dwarf_Die* found = nullptr;
        if (unit_ == nullptr || dw_.getscopes(unit_, lookup - bias, &found) <= 0) {
            return;
        }
        const Scopes innermost(found, &std::free);
        // What follows the innermost are the scopes of its source; wanted are those it was put into.
        Dwarf_Die* around = nullptr;
        const int count = dw_.getscopes_die(innermost.get(), &around);
        scopes_.reset(around);
        count_ = count > 0 ? static_cast<std::size_t>(count) : 0;
    }

    // `innermost` has file and line.
    std::vector<ExplainedFrame> frames(const ExplainedFrame& innermost) const {
        std::vector<ExplainedFrame> frames;
        ExplainedFrame next = innermost;
        for (std::size_t index = 0; index < count_ && frames.size() < kMostInlined; ++index) {
            Dwarf_Die* scope = scopes_.get() + index;
            const int tag = dw_.tag(scope);
            if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) {
                continue;
            }
            next.function = name_of(scope);
            frames.push_back(next);
            if (tag == DW_TAG_subprogram) {
                break;
            }
            next.file = call_file(scope);
            next.line = static_cast<std::uint32_t>(number_of(scope, DW_AT_call_line).value_or(0));
        }
        return frames;
    }

  private:
    std::string name_of(Dwarf_Die* function) const {
        Dwarf_Attribute attribute;
        if (dw_.attr_integrate(function, DW_AT_linkage_name, &attribute) != nullptr) {
            if (const char* name = dw_.formstring(&attribute)) {
                return demangled(name);
            }
        }
        const char* name = dw_.diename(function);
        return name != nullptr ? name : "";
    }

    std::optional<Dwarf_Word> number_of(Dwarf_Die* scope, unsigned name) const {
        Dwarf_Attribute attribute;
        Dwarf_Word number = 0;
        if (dw_.attr(scope, name, &attribute) == nullptr || dw_.formudata(&attribute, &number) != 0) {
            return std::nullopt;
        }
        return number;
    }

    std::string call_file(Dwarf_Die* scope) const {
        Dwarf_Files* files = nullptr;
        std::size_t count = 0;
        const auto number = number_of(scope, DW_AT_call_file);
        if (!number || dw_.getsrcfiles(unit_, &files, &count) != 0 || *number >= count) {
            return "";
        }
        const char* file = dw_.filesrc(files, *number, nullptr, nullptr);
        return file != nullptr ? file : "";
    }

    const Libdw& dw_;
    Dwarf_Die* unit_ = nullptr;
    Scopes scopes_{nullptr, &std::free};
    std::size_t count_ = 0;
};

}  // namespace

std::vector<ExplainedFrame> name_frames(const Libdw& dw, Dwfl_Module* module, std::uint64_t address,
                                        std::uint64_t lookup) {
    ExplainedFrame frame{address, lookup, "", "", 0};
    if (Dwfl_Line* line = dw.module_getsrc(module, lookup)) {
        int number = 0;
        if (const char* file = dw.lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr)) {
            frame.file = joined(dw.line_comp_dir(line), file);
            frame.line = static_cast<std::uint32_t>(number);
        }
    }
    std::vector<ExplainedFrame> frames = InlineChain(dw, module, lookup).frames(frame);
    if (!frames.empty() && !frames.back().function.empty()) {
        return frames;
    }
    GElf_Off offset = 0;
    GElf_Sym symbol;
    if (const char* name = dw.module_addrinfo(module, lookup, &offset, &symbol, nullptr, nullptr, nullptr)) {
        frame.function = demangled(name);
    }
    return {frame};
}

}  // namespace bulkhead::worker
