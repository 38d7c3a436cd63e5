#include "support/held_request.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>

#include <stdexcept>

namespace bulkhead::testing {

namespace {

constexpr std::size_t kPage = 4096;
HeldRequest* the_one = nullptr;  // a signal handler has no other way to it
struct sigaction former;

}  // namespace

HeldRequest::HeldRequest() : page_(::mmap(nullptr, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (page_ == MAP_FAILED) {
        throw std::runtime_error("no memory for a page");
    }
    the_one = this;
    struct sigaction action {};
    action.sa_handler = &HeldRequest::on_read;
    ::sigaction(SIGSEGV, &action, &former);
}

HeldRequest::~HeldRequest() {
    ::sigaction(SIGSEGV, &former, nullptr);
    the_one = nullptr;
    ::munmap(page_, kPage);
}

std::span<const std::byte> HeldRequest::bytes() const noexcept { return {static_cast<const std::byte*>(page_), kPage}; }

void HeldRequest::let_go() noexcept { held_ = false; }

// Only what may be called here: the reader goes on where it was, and finds zeros.
void HeldRequest::on_read(int) noexcept {
    while (the_one->held_) {
        ::poll(nullptr, 0, 1);
    }
    ::mprotect(the_one->page_, kPage, PROT_READ);
}

}  // namespace bulkhead::testing
