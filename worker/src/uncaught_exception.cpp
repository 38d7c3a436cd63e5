#include "uncaught_exception.hpp"

#include <cxxabi.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <typeinfo>

namespace bulkhead::worker {
namespace {

transport::BlackBoxRecord* the_record = nullptr;
std::terminate_handler the_former = nullptr;
pid_t the_process = 0;

// Appends to the record's text as far as there is room; the zero at its end stays.
void append(std::string_view text) noexcept {
    char* const end = the_record->exception + sizeof the_record->exception - 1;
    char* const from = std::find(the_record->exception, end, '\0');
    text.copy(from, static_cast<std::size_t>(end - from));
}

void append_type(const std::type_info& type) noexcept {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                           &std::free);
    append(status == 0 ? name.get() : type.name());
}

void on_terminate() {
    if (::getpid() != the_process) {  // a child that the plugin forked does not have the record
        the_former();
    }
    if (const std::type_info* type = abi::__cxa_current_exception_type()) {
        append_type(*type);
        try {
            throw;
        } catch (const std::bad_alloc&) {
            the_record->flags |= transport::kBadAllocation;
        } catch (const std::exception& exception) {
            append(": ");
            append(exception.what());
        } catch (...) {  // its type has to do
        }
    }
    the_former();
}

}  // namespace

void note_uncaught_exceptions(transport::BlackBoxRecord& record) noexcept {
    the_record = &record;
    the_process = ::getpid();
    the_former = std::set_terminate(on_terminate);
}

}  // namespace bulkhead::worker
