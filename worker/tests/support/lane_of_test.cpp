#include "support/lane_of_test.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

namespace bulkhead::worker::test {
namespace {

using transport::Descriptor;
using transport::full_fence;
using transport::Life;

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE_MESSAGE(file, path);
    return {std::istreambuf_iterator<char>(file), {}};
}

Descriptor sealed(std::string_view content) {
    std::error_code error;
    Descriptor file = transport::create_sealed_file("test", std::as_bytes(std::span(content)), error);
    REQUIRE_MESSAGE(!error, error.message());
    return file;
}

std::string order_json(const WorkerOrder& order) {
    std::string dependencies;
    for (const std::string& dependency : order.dependencies) {
        dependencies += (dependencies.empty() ? "\"" : ",\"") + dependency + "\"";
    }
    return R"({"plugin":"tested","version":"1.0.0","directory":"/of/the/manifest","library":")" + order.library +
           R"(","dependencies":[)" + dependencies + "]" + order.json_members + "}";
}

bool is_settled(Life life) { return life == Life::ready || life == Life::refused || life == Life::stopped; }

}  // namespace

TestWorker::~TestWorker() {
    if (process) {
        ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
    }
}

Life TestWorker::life() const { return static_cast<Life>(outbox.header().life.load(std::memory_order_acquire)); }

void drain(const Descriptor& pipe) {
    char calls[256];
    while (::read(pipe.get(), calls, sizeof calls) > 0) {
    }
}

Life TestWorker::await_settled() const {
    const auto deadline = patience();
    while (!is_settled(life())) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        pollfd events[] = {{signal.get(), POLLIN, 0}, {process.get(), POLLIN, 0}};
        ::poll(events, 2, 1000);
        if (events[1].revents != 0) {
            break;
        }
        drain(signal);
    }
    return life();
}

std::string TestWorker::failure() const { return {outbox.header().failure, outbox.header().failure_length}; }

std::uint32_t TestWorker::method(std::string_view name) const {
    for (std::uint32_t index = 0; index < outbox.header().method_count; ++index) {
        if (outbox.methods()[index].name == name) {
            return index;
        }
    }
    FAIL("no method ", std::string(name));
    return 0;
}

std::string TestWorker::read_output() const {
    std::string text;
    char part[4096];
    ssize_t size = 0;
    do {
        REQUIRE(await_readable(output.get()));
        size = ::read(output.get(), part, sizeof part);
        text.append(part, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    } while (size > 0);
    return text;
}

std::vector<std::string> TestWorker::log_lines() const {
    std::vector<std::string> lines;
    const std::uint64_t head = outbox.header().log_head.load(std::memory_order_acquire);
    for (std::uint64_t position = 0; position < head; ++position) {
        const transport::LogSlot& slot = outbox.log_slot(position);
        lines.emplace_back(slot.text, std::min<std::size_t>(slot.length, transport::kLogLineCapacity));
    }
    return lines;
}

TestLane::TestLane(GuardProcess& guard, const transport::ChannelLimits& limits) : guard_(guard) {
    const auto geometry = transport::plan_geometry(limits);
    REQUIRE(geometry);
    std::error_code error;
    outbox_ = transport::HostOutbox::create(*geometry, transport::wake_up_cost(), error);
    REQUIRE_MESSAGE(!error, error.message());
    generations_.resize(geometry->call_slots, 1);
    blocks_.resize(geometry->call_slots);
    for (std::uint32_t index = 0; index < geometry->call_slots; ++index) {
        free_slots_.push_back(index);
    }
}

TestWorker TestLane::start(const WorkerOrder& order) {
    TestWorker worker;
    worker.incarnation = ++next_incarnation_;
    worker.cell = worker.incarnation % transport::kWorkerCells;
    outbox_.prepare_cell(worker.cell, worker.incarnation);
    if (order.start) {
        cell(worker).start.store(*order.start, std::memory_order_release);
    }

    std::error_code error;
    const Descriptor outbox = transport::create_worker_outbox(outbox_.geometry(), order_json(order), error);
    worker.outbox = transport::WorkerOutboxView::map(outbox, outbox_.geometry(), error);
    REQUIRE_MESSAGE(!error, error.message());
    worker.replies = worker.outbox.replies();
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    worker.signal.reset(ends[0]);
    const Descriptor signal(ends[1]);
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    worker.output.reset(ends[0]);
    const Descriptor output(ends[1]);

    std::vector<Descriptor> files;
    std::vector<std::string> libraries{order.library};
    libraries.insert(libraries.end(), order.dependencies.begin(), order.dependencies.end());
    std::vector<int> descriptors{outbox_.descriptor().get(), outbox.get(), output.get(), signal.get()};
    for (const std::string& library : libraries) {
        files.push_back(sealed(read_file(BULKHEAD_TEST_PLUGINS "/" + library)));
        descriptors.push_back(files.back().get());
    }
    transport::StartMessage message;
    message.worker_cell = worker.cell;
    message.incarnation = worker.incarnation;
    GuardProcess::Blank blank = guard_.make_blank();
    blank.order(message, descriptors);
    worker.pid = blank.pid;
    worker.process = std::move(blank.process);
    return worker;
}

TestWorker TestLane::start_serving(const WorkerOrder& order) {
    TestWorker worker = start(order);
    const Life life = worker.await_settled();
    REQUIRE_MESSAGE(life == Life::ready, worker.failure());
    take_over(worker, outbox_.requests().head());
    return worker;
}

void TestLane::wake(TestWorker& worker) {
    full_fence();
    if (worker.outbox.header().parked.load(std::memory_order_relaxed) != 0 ||
        worker.outbox.header().waits_for_room.load(std::memory_order_relaxed) != 0) {
        transport::ring_bell(cell(worker).bell);
    }
}

void TestLane::take_over(TestWorker& worker, std::uint64_t start) {
    cell(worker).start.store(start, std::memory_order_release);
    wake(worker);
}

void TestLane::shut_down(TestWorker& worker) {
    cell(worker).shut_down.store(1, std::memory_order_release);
    wake(worker);
}

void TestLane::stop_at(TestWorker& worker, std::uint64_t position) {
    cell(worker).stop.store(position, std::memory_order_release);
    wake(worker);
}

std::uint64_t TestLane::publish(TestWorker& worker, std::string_view method, std::string_view payload,
                                const CallOptions& options) {
    REQUIRE(!free_slots_.empty());
    const std::uint32_t index = free_slots_.back();
    free_slots_.pop_back();
    transport::Message message;
    message.call_id = generations_[index] << 16 | index;
    message.incarnation = worker.incarnation;
    message.kind = static_cast<std::uint8_t>(transport::Kind::call);
    message.method = static_cast<std::uint16_t>(worker.method(method));
    message.length = static_cast<std::uint32_t>(payload.size());
    message.deadline = options.deadline;
    if (options.trace_id) {
        message.flags |= transport::kSlotTraced;
        std::memcpy(message.inline_bytes + transport::kTracedInlineCapacity, options.trace_id->data(), 16);
    }
    if (payload.size() <= message.inline_capacity()) {
        std::memcpy(message.inline_bytes, payload.data(), payload.size());
    } else {
        blocks_[index] = outbox_.allocate(payload.size());
        REQUIRE(blocks_[index]);
        std::memcpy(outbox_.block(*blocks_[index]), payload.data(), payload.size());
        message.set_slab_offset(*blocks_[index]);
    }
    outbox_.requests().publish(message);
    wake(worker);
    return message.call_id;
}

std::optional<Answer> TestLane::try_take(TestWorker& worker) {
    transport::Message message;
    const auto take = worker.replies.take(message);
    REQUIRE(take != transport::RingReader::Take::violation);
    if (take == transport::RingReader::Take::nothing) {
        return std::nullopt;
    }
    CHECK(message.incarnation == worker.incarnation);
    const std::uint32_t index = message.call_id & 0xFFFF;
    REQUIRE(index < generations_.size());
    REQUIRE((message.call_id >> 16) == generations_[index]);
    Answer answer{static_cast<transport::Kind>(message.kind), message.call_id, message.status, {}};
    if (message.in_slab()) {
        REQUIRE(worker.outbox.lies_in_slab(message.slab_offset(), message.length));
        answer.payload.assign(reinterpret_cast<const char*>(worker.outbox.block(message.slab_offset())),
                              message.length);
    } else {
        REQUIRE(message.length <= transport::kInlineCapacity);
        answer.payload.assign(reinterpret_cast<const char*>(message.inline_bytes), message.length);
    }
    return answer;
}

void TestLane::release(TestWorker& worker, std::uint64_t call_id) {
    const std::uint32_t index = call_id & 0xFFFF;
    outbox_.call_cell(index).released.store(call_id, std::memory_order_release);
    wake(worker);
    if (blocks_[index]) {
        outbox_.free(*blocks_[index]);
        blocks_[index].reset();
    }
    ++generations_[index];
    free_slots_.push_back(index);
}

void TestLane::cancel(std::uint64_t call_id) {
    outbox_.call_cell(call_id & 0xFFFF).cancelled.store(call_id, std::memory_order_release);
    full_fence();
}

Answer TestLane::await_answer(TestWorker& worker) {
    const auto deadline = patience();
    auto& bell = worker.outbox.header().bell;
    for (;;) {
        const std::uint32_t seen = bell.load(std::memory_order_acquire);
        cell(worker).host_waits.store(transport::kHostParked, std::memory_order_relaxed);
        full_fence();
        if (auto answer = try_take(worker)) {
            cell(worker).host_waits.store(transport::kHostLooks, std::memory_order_relaxed);
            return *answer;
        }
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        // In slices, so that a worker that died is noticed.
        transport::futex_wait(bell, seen, std::chrono::steady_clock::now() + std::chrono::seconds(1));
        pollfd death{worker.process.get(), POLLIN, 0};
        REQUIRE_MESSAGE(!(::poll(&death, 1, 0) > 0 && !worker.replies.ready()), "the worker died");
    }
}

Answer TestLane::call(TestWorker& worker, std::string_view method, std::string_view payload,
                      const CallOptions& options) {
    const std::uint64_t id = publish(worker, method, payload, options);
    Answer answer = await_answer(worker);
    CHECK(answer.call_id == id);
    release(worker, id);
    return answer;
}

}  // namespace bulkhead::worker::test
