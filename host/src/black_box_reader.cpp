#include "black_box_reader.hpp"

#include <signal.h>
#include <sys/ucontext.h>

#include <algorithm>
#include <array>
#include <bulkhead/transport/launch_protocol.hpp>
#include <bulkhead/transport/read_once.hpp>
#include <cstring>
#include <memory>
#include <string_view>

#include "shown_text.hpp"

namespace bulkhead::detail {
namespace {

using transport::BlackBoxModule;
using transport::BlackBoxRecord;

constexpr std::uint64_t kNullPage = 64 * 1024;      // nobody may map addresses below vm.mmap_min_addr
constexpr std::uint64_t kStackGuard = 1024 * 1024;  // what the kernel keeps free below the main thread's stack

// In the order of gregset_t.
constexpr std::array<std::string_view, transport::kBlackBoxRegisters> kRegisterNames = {
    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14",    "r15", "rdi",    "rsi",     "rbp", "rbx",
    "rdx", "rax", "rcx", "rsp", "rip", "efl", "csgsfs", "err", "trapno", "oldmask", "cr2"};
static_assert(NGREG == transport::kBlackBoxRegisters);

struct CodeName {
    int signal;
    int code;
    std::string_view name;
};
constexpr std::array kCodeNames = {
    CodeName{SIGSEGV, SEGV_MAPERR, "SEGV_MAPERR"}, CodeName{SIGSEGV, SEGV_ACCERR, "SEGV_ACCERR"},
    CodeName{SIGSEGV, SEGV_BNDERR, "SEGV_BNDERR"}, CodeName{SIGSEGV, SEGV_PKUERR, "SEGV_PKUERR"},
    CodeName{SIGBUS, BUS_ADRALN, "BUS_ADRALN"},    CodeName{SIGBUS, BUS_ADRERR, "BUS_ADRERR"},
    CodeName{SIGBUS, BUS_OBJERR, "BUS_OBJERR"},    CodeName{SIGILL, ILL_ILLOPC, "ILL_ILLOPC"},
    CodeName{SIGILL, ILL_ILLOPN, "ILL_ILLOPN"},    CodeName{SIGILL, ILL_PRVOPC, "ILL_PRVOPC"},
    CodeName{SIGFPE, FPE_INTDIV, "FPE_INTDIV"},    CodeName{SIGFPE, FPE_INTOVF, "FPE_INTOVF"},
    CodeName{SIGFPE, FPE_FLTDIV, "FPE_FLTDIV"},    CodeName{SIGFPE, FPE_FLTINV, "FPE_FLTINV"},
    CodeName{SIGTRAP, TRAP_BRKPT, "TRAP_BRKPT"},   CodeName{SIGTRAP, TRAP_TRACE, "TRAP_TRACE"},
};

std::string name_of_code(int signal, int code) {
    const auto entry = std::find_if(kCodeNames.begin(), kCodeNames.end(), [&](const CodeName& candidate) {
        return candidate.signal == signal && candidate.code == code;
    });
    if (entry != kCodeNames.end()) {
        return std::string(entry->name);
    }
    switch (code) {
        case SI_USER:
            return "SI_USER";
        case SI_TKILL:
            return "SI_TKILL";
        case SI_QUEUE:
            return "SI_QUEUE";
        case SI_KERNEL:
            return "SI_KERNEL";
        default:
            return "code " + std::to_string(code);
    }
}

// Whether si_addr means anything: a general protection fault says 0, and a signal that was sent says who sent it.
bool has_address(int signal, int code) {
    return code > 0 && code != SI_KERNEL &&
           (signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE);
}

bool lies_in(std::uint64_t address, std::uint64_t begin, std::uint64_t end) {
    return address >= begin && address < end;
}

const Module* module_at(const std::vector<Module>& modules, std::uint64_t address) {
    const auto found = std::find_if(modules.begin(), modules.end(), [address](const Module& module) {
        return lies_in(address, module.begin, module.end);
    });
    return found == modules.end() ? nullptr : &*found;
}

std::string region_of(std::uint64_t address, const BlackBoxRecord& record, const std::vector<Module>& modules) {
    if (address < kNullPage) {
        return "the null page";
    }
    if (record.stack_begin != 0) {
        const std::uint64_t guard = record.stack_begin - std::min(record.stack_begin, kStackGuard);
        if (lies_in(address, guard, record.stack_begin + 4096)) {
            return "the stack guard: the stack has overflowed";
        }
        if (lies_in(address, record.stack_begin, record.stack_end)) {
            return "the stack";
        }
    }
    if (const Module* module = module_at(modules, address)) {
        return (lies_in(address, module->code_begin, module->code_end) ? "the code of " : "the data of ") +
               module->name;
    }
    if (lies_in(address, record.channel_begin, record.channel_end)) {
        return "the channel to the host";
    }
    if (lies_in(address, record.heap_begin, record.heap_end)) {
        return "the heap";
    }
    return record.code == SEGV_MAPERR ? "memory that is not mapped" : "memory that does not allow this";
}

std::string hexadecimal(const std::uint8_t* bytes, std::size_t size) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (std::size_t index = 0; index < size; ++index) {
        text += kDigits[bytes[index] >> 4];
        text += kDigits[bytes[index] & 15];
    }
    return text;
}

Module module_from(const BlackBoxModule& noted) {
    const std::string_view name(noted.name, ::strnlen(noted.name, sizeof noted.name));
    const std::size_t id = std::min<std::size_t>(noted.build_id_length, sizeof noted.build_id);
    return {shown_text(name),
            noted.begin,
            noted.end,
            noted.code_begin,
            noted.code_end,
            noted.bias,
            hexadecimal(noted.build_id, id)};
}

std::unique_ptr<BlackBoxRecord> copy_of(const transport::BlackBox& box) {
    auto record = std::make_unique<BlackBoxRecord>();
    transport::copy_once(record.get(), &box.record, sizeof *record);
    return record;
}

std::vector<Module> modules_of(const BlackBoxRecord& record) {
    const std::size_t count = std::min<std::size_t>(record.module_count, transport::kBlackBoxModules);
    std::vector<Module> modules;
    std::transform(record.modules, record.modules + count, std::back_inserter(modules), module_from);
    return modules;
}

}  // namespace

bool has_record(const transport::BlackBox& box) {
    return box.state.load(std::memory_order_acquire) == static_cast<std::uint32_t>(transport::BlackBoxState::complete);
}

std::vector<Module> read_modules(const transport::BlackBox& box) { return modules_of(*copy_of(box)); }

CrashNotes read_notes(const transport::BlackBox& box) {
    CrashNotes notes;
    if (!has_record(box)) {
        return notes;
    }
    const auto record = copy_of(box);
    const std::string_view exception(record->exception, ::strnlen(record->exception, sizeof record->exception));
    notes.exception = shown_text(exception, sizeof record->exception);
    notes.bad_allocation = (record->flags & transport::kBadAllocation) != 0;
    notes.address_space_used_up = (record->flags & transport::kAddressSpaceUsedUp) != 0;
    notes.fault_in_channel = has_address(record->signal, record->code) &&
                             lies_in(record->fault_address, record->channel_begin, record->channel_end);
    if (record->signal == SIGSYS) {
        notes.system_call = record->registers[REG_RAX];
    }
    return notes;
}

std::optional<Crash> read_black_box(const transport::BlackBox& box) {
    if (!has_record(box)) {
        return std::nullopt;
    }
    const auto record = copy_of(box);
    if (record->signal == transport::kHangSignal) {
        return std::nullopt;
    }

    Crash crash;
    crash.signal = record->signal;
    crash.code = record->code;
    crash.code_name = name_of_code(record->signal, record->code);
    crash.thread = record->thread;
    crash.modules = modules_of(*record);
    for (std::size_t index = 0; index < kRegisterNames.size(); ++index) {
        crash.registers.push_back({std::string(kRegisterNames[index]), record->registers[index]});
    }
    crash.instruction = record->registers[REG_RIP];
    if (const Module* module = module_at(crash.modules, crash.instruction)) {
        crash.instruction_module = module->name;
        crash.instruction_offset = crash.instruction - module->bias;
    }
    if (has_address(record->signal, record->code)) {
        crash.fault_address = record->fault_address;
        crash.fault_region = region_of(record->fault_address, *record, crash.modules);
    }
    return crash;
}

}  // namespace bulkhead::detail
