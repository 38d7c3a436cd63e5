// Two threads of a plugin that answer one call at the same moment. The other thread is played at the points where the
// first one takes a lock, which is where it would come in between.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <utility>

#include "bulkhead/transport/waiting.hpp"
#include "services.hpp"

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)  // they have functions of their own in that place

namespace {

thread_local int locks_until_interruption = 0;
thread_local std::function<void()> interruption;

}  // namespace

// Stands before the C library's.
extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) {
    static const auto lock = reinterpret_cast<int (*)(pthread_mutex_t*)>(::dlsym(RTLD_NEXT, "pthread_mutex_lock"));
    if (locks_until_interruption > 0 && --locks_until_interruption == 0) {
        interruption();
    }
    return lock(mutex);
}

namespace bulkhead::worker {
namespace {

using transport::Descriptor;

constexpr std::uint64_t kPayload = 64 << 10;  // two of them fit into the reply slab

template <typename T>
T require(T value, const std::error_code& error) {
    REQUIRE_MESSAGE(!error, error.message());
    return value;
}

// A worker without a process: its services, and one call at a time.
class Desk {
  public:
    const bulkhead_services& services() const { return services_.table(); }

    bulkhead_call* open() {
        transport::Message message;
        message.call_id = ++generation_ << 16;
        message.kind = static_cast<std::uint8_t>(transport::Kind::call);
        calls_.open(calls_.slot(message.call_id), message);
        return OpenCalls::handle_of(message.call_id);
    }
    // The call has exactly one answer, and once the host has released that, all of the slab is free.
    void check_end() {
        transport::Message message;
        REQUIRE(answers_.take(message) == transport::RingReader::Take::message);
        CHECK(message.call_id == generation_ << 16);
        // A commit fails when the other thread has just taken the buffer away.
        const bool failed = static_cast<transport::Kind>(message.kind) == transport::Kind::plugin_error;
        CHECK((failed || message.length == kPayload));
        CHECK(answers_.take(message) == transport::RingReader::Take::nothing);
        host_.call_cell(0).released.store(generation_ << 16);
        bulkhead_call* const next = open();
        const auto& call = calls_.slot(OpenCalls::id_of(next));
        const Room first = replies_.allocate(kPayload, call, OpenCalls::id_of(next));
        const Room second = replies_.allocate(kPayload, call, OpenCalls::id_of(next));
        REQUIRE(first.block);
        REQUIRE(second.block);
        CHECK(*first.block != *second.block);
        replies_.free(*first.block);
        replies_.free(*second.block);
        services().reply(next, nullptr, 0);
        REQUIRE(answers_.take(message) == transport::RingReader::Take::message);
        host_.call_cell(0).released.store(generation_ << 16);
    }

  private:
    static transport::HostOutbox make_host() {
        std::error_code error;
        const transport::ChannelLimits limits{.payload = kPayload, .in_flight = 1, .in_flight_bytes = 1};
        auto host = transport::HostOutbox::create(*transport::plan_geometry(limits), {}, error);
        return require(std::move(host), error);
    }
    transport::HostOutboxView view_host() const {
        std::error_code error;
        auto view = transport::HostOutboxView::map(host_.descriptor(), error);
        return require(std::move(view), error);
    }
    Descriptor make_file() const {
        std::error_code error;
        auto file = transport::create_worker_outbox(host_.geometry(), "", error);
        return require(std::move(file), error);
    }
    transport::WorkerOutbox map_own() const {
        std::error_code error;
        auto outbox = transport::WorkerOutbox::map(file_, host_.geometry(), 1, error);
        return require(std::move(outbox), error);
    }
    transport::WorkerOutboxView view_own() const {
        std::error_code error;
        auto view = transport::WorkerOutboxView::map(file_, host_.geometry(), error);
        return require(std::move(view), error);
    }

    transport::HostOutbox host_ = make_host();
    transport::HostOutboxView host_view_ = view_host();
    Descriptor file_ = make_file();
    transport::WorkerOutbox outbox_ = map_own();
    transport::WorkerOutboxView view_ = view_own();
    transport::RingReader answers_ = view_.replies();
    SignalEvent signal_{Descriptor(::open("/dev/null", O_WRONLY | O_CLOEXEC))};
    OpenCalls calls_{host_view_};
    ReplyOutbox replies_{outbox_, host_view_, host_view_.worker_cell(0), signal_};
    Services services_{outbox_, signal_, replies_, calls_, kPayload, "/"};
    std::uint64_t generation_ = 0;
};

// What one thread does, and what another one does when it has taken as many locks less one.
template <typename First, typename Other>
void race(Desk& desk, First&& first, Other&& other) {
    constexpr int kLocks = 6;  // more than any of them takes
    for (int locks = 1; locks <= kLocks; ++locks) {
        CAPTURE(locks);
        bulkhead_call* const call = desk.open();
        REQUIRE(desk.services().reply_buffer(call, kPayload) != nullptr);
        bool came = false;
        interruption = [&] {
            came = true;
            other(call);
        };
        locks_until_interruption = locks;
        first(call);
        locks_until_interruption = 0;
        if (!came) {
            other(call);
        }
        desk.check_end();
    }
}

TEST_CASE("two threads that answer one call at the same moment leave the reply slab as it should be") {
    Desk desk;
    const bulkhead_services& services = desk.services();
    const std::string answer(kPayload, 'a');
    const auto commit = [&](bulkhead_call* call) { services.commit_reply(call, kPayload); };
    const auto reply = [&](bulkhead_call* call) { services.reply(call, answer.data(), answer.size()); };
    const auto replace = [&](bulkhead_call* call) {
        if (services.reply_buffer(call, kPayload) != nullptr) {
            services.commit_reply(call, kPayload);
        }
    };
    SUBCASE("both commit") { race(desk, commit, commit); }
    SUBCASE("one commits, the other replies") { race(desk, commit, reply); }
    SUBCASE("one replies, the other commits") { race(desk, reply, commit); }
    SUBCASE("one asks for another buffer, the other commits") { race(desk, replace, commit); }
    SUBCASE("one asks for another buffer, the other replies") { race(desk, replace, reply); }
}

}  // namespace
}  // namespace bulkhead::worker

#endif
