#include <sys/ucontext.h>

#include <array>
#include <cstdio>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "libdw.hpp"
#include "source_names.hpp"
#include "unwinder.hpp"
#include "worker_image.hpp"

namespace bulkhead::worker {
namespace {

constexpr std::size_t kMostFrames = 64;     // that are told
constexpr std::size_t kMostSteps = 20'000;  // through a stack that may lead in circles
constexpr pid_t kThread = 1;                // any number; there is one

// DWARF's numbers 0 to 16 in the terms of gregset_t.
constexpr std::array kRegisters = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
                                   REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
constexpr std::size_t kStackPointer = 7;
constexpr std::size_t kProgramCounter = 16;

// What calls this is the same in all workers.
constexpr std::string_view kOutermost = "bulkhead::worker::serve(";

const Libdw* the_libdw = nullptr;

std::string hexadecimal(std::uint64_t number) {
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(number));
    return text;
}

// One walk along one stack.
class Walk {
  public:
    Walk(const Libdw& dw, StackCopy& stack, std::span<const FileBytes> files)
        : dw_(dw), stack_(stack), image_(dw, stack, files) {
        for (std::size_t number = 0; number < kRegisters.size(); ++number) {
            registers_[number] = stack.register_value(kRegisters[number]);
        }
    }

    Explanation run() {
        return_from_nowhere();
        if (!dw_.attach_state(image_.dwfl(), nullptr, kThread, &kThreads, this)) {
            return registers_only(stack_, "only the innermost function is known: no file of the worker's is at hand");
        }
        const auto take_one = [](Dwfl_Frame* frame, void* walk) { return static_cast<Walk*>(walk)->take(frame); };
        const int end = dw_.getthread_frames(image_.dwfl(), kThread, take_one, this);
        describe_end(end == 0);
        return std::move(result_);
    }

  private:
    // A call that led where no code is has just left its return address on the stack.
    void return_from_nowhere() {
        const std::uint64_t nowhere = registers_[kProgramCounter];
        const auto back = stack_.word_at(registers_[kStackPointer]);
        if (stack_.module_at(nowhere) == nullptr && back && image_.module_at(*back) != nullptr) {
            result_.frames.push_back({nowhere, nowhere, "", "", 0});
            registers_[kProgramCounter] = *back;
            registers_[kStackPointer] += sizeof *back;
            returned_ = true;
        }
    }

    int take(Dwfl_Frame* frame) {
        Dwarf_Addr address = 0;
        bool exact = false;
        if (!dw_.frame_pc(frame, &address, &exact) || ++steps_ > kMostSteps) {
            return DWARF_CB_ABORT;
        }
        const std::uint64_t lookup = exact && !std::exchange(returned_, false) ? address : address - 1;
        Dwfl_Module* module = image_.module_at(lookup);
        if (steps_ > 1 && stack_.module_at(lookup) == nullptr) {
            led_astray_ = true;
            astray_ = address;
            return DWARF_CB_ABORT;
        }
        if (result_.frames.size() >= kMostFrames) {
            ++left_out_;
        } else if (module == nullptr) {
            result_.frames.push_back({address, lookup, "", "", 0});
        } else {
            auto named = name_frames(dw_, module, address, lookup);
            complete_ = named.back().function.starts_with(kOutermost);
            std::move(named.begin(), named.end(), std::back_inserter(result_.frames));
        }
        return complete_ ? DWARF_CB_ABORT : DWARF_CB_OK;
    }

    void describe_end(bool in_order) {
        std::string& note = result_.note;
        if (left_out_ > 0) {
            note = std::to_string(left_out_) + " more functions are left out; ";
        }
        if (complete_) {
            in_order = true;
        }
        if (led_astray_) {
            note += "it ends where the stack leads to " + hexadecimal(astray_) +
                    ", which lies in no library: the stack was overwritten, or the code was made at run time";
        } else if (steps_ > kMostSteps) {
            note += "the stack seems to have no end";
        } else if (stack_.ended_early()) {
            note += "the rest of the stack was not copied";
        } else if (!in_order) {
            note += "the stack cannot be followed further";
        } else if (left_out_ > 0) {
            note.resize(note.size() - 2);
        }
    }

    // libdw's questions.
    static pid_t next_thread(Dwfl*, void* walk, void** thread) {
        return std::exchange(*thread, walk) == nullptr ? kThread : 0;
    }
    static bool get_thread(Dwfl*, pid_t thread, void* walk, void** argument) {
        *argument = walk;
        return thread == kThread;
    }
    static bool read_memory(Dwfl*, Dwarf_Addr address, Dwarf_Word* word, void* walk) {
        const auto found = static_cast<Walk*>(walk)->stack_.word_at(address);
        *word = found.value_or(0);
        return found.has_value();
    }
    static bool set_registers(Dwfl_Thread* thread, void* walk) {
        const Walk& self = *static_cast<Walk*>(walk);
        return self.dw_.thread_state_registers(thread, 0, kRegisters.size(), self.registers_.data());
    }

    static constexpr Dwfl_Thread_Callbacks kThreads{next_thread,   get_thread, read_memory,
                                                    set_registers, nullptr,    nullptr};

    const Libdw& dw_;
    StackCopy& stack_;
    WorkerImage image_;
    std::array<Dwarf_Word, kRegisters.size()> registers_{};
    Explanation result_;
    bool returned_ = false;  // the first frame that libdw sees is a caller
    std::size_t steps_ = 0;
    std::size_t left_out_ = 0;
    bool complete_ = false;
    bool led_astray_ = false;
    std::uint64_t astray_ = 0;
};

}  // namespace

void prepare_unwinder() noexcept { the_libdw = load_libdw(); }

Explanation unwind(StackCopy& stack, std::span<const FileBytes> files) {
    if (the_libdw == nullptr) {
        return registers_only(stack, "only the innermost function is known: this system has no libdw");
    }
    return Walk(*the_libdw, stack, files).run();
}

}  // namespace bulkhead::worker
