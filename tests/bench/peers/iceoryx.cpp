// Eclipse iceoryx: request and response in loaned chunks. It spins with take, and sleeps in a WaitSet.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_posh/mepoo/chunk_header.hpp>
#include <iceoryx_posh/popo/untyped_client.hpp>
#include <iceoryx_posh/popo/untyped_server.hpp>
#include <iceoryx_posh/popo/wait_set.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "child_process.hpp"
#include "messenger.hpp"
#include "roudi.hpp"

namespace bulkhead::bench::peers {
namespace {

constexpr std::uint32_t kAlignment = 8;

const iox::capro::ServiceDescription& service() {
    static const iox::capro::ServiceDescription description{"Bulkhead", "Bench", "Echo"};
    return description;
}

void start_runtime(const char* role) {
    iox::log::LogManager::GetLogManager().SetDefaultLogLevel(iox::log::LogLevel::kError,
                                                             iox::log::LogLevelOutput::kHideLogLevel);
    const std::string name = "bulkhead-bench-" + std::to_string(::getpid()) + role;
    iox::runtime::PoshRuntime::initRuntime({iox::cxx::TruncateToCapacity, name});
}

std::size_t size_of(const void* chunk) { return iox::mepoo::ChunkHeader::fromUserPayload(chunk)->userPayloadSize(); }

void answer(iox::popo::UntypedServer& server, const void* request) {
    const std::size_t size = size_of(request);
    const auto* header = iox::popo::RequestHeader::fromPayload(request);
    auto response = server.loan(header, static_cast<std::uint32_t>(size), kAlignment);
    if (response.has_error()) {
        throw std::runtime_error("iceoryx lends no chunk for a response");
    }
    std::memcpy(response.value(), request, size);
    server.releaseRequest(request);
    if (server.send(response.value()).has_error()) {
        throw std::runtime_error("iceoryx does not send a response");
    }
}

void answer_until_end(Waiting waiting, const ChildProcess::Ready& ready) {
    const volatile bool& ending = asked_to_end();
    start_runtime("-answerer");
    iox::popo::UntypedServer server(service());
    iox::popo::WaitSet<1> requests;
    if (waiting == Waiting::sleeps && requests.attachState(server, iox::popo::ServerState::HAS_REQUEST).has_error()) {
        throw std::runtime_error("iceoryx attaches no WaitSet");
    }
    ready();
    while (!ending) {
        if (waiting == Waiting::sleeps) {
            requests.timedWait(iox::units::Duration::fromMilliseconds(100));
        }
        auto request = server.take();
        if (!request.has_error()) {
            answer(server, request.value());
        }
    }
}

// After what lives in shared memory the runtime must go in order too, or its socket stays in /tmp.
[[noreturn]] void be_answerer(Waiting waiting, const ChildProcess::Ready& ready) {
    answer_until_end(waiting, ready);
    std::exit(0);
}

class Iceoryx : public Messenger {
  public:
    explicit Iceoryx(const Setup& setup)
        : waiting_(setup.waiting),
          buffer_(setup.largest),
          answerer_(setup.answering_core, [this](const ChildProcess::Ready& ready) { be_answerer(waiting_, ready); }) {
        start_runtime("-caller");
        client_.emplace(service());
        if (waiting_ == Waiting::sleeps &&
            responses_.emplace().attachState(*client_, iox::popo::ClientState::HAS_RESPONSE).has_error()) {
            throw std::runtime_error("iceoryx attaches no WaitSet");
        }
        while (client_->getConnectionState() != iox::ConnectionState::CONNECTED) {
            std::this_thread::yield();
        }
    }

    std::string_view round_trip(std::string_view request) override {
        auto chunk = client_->loan(static_cast<std::uint32_t>(request.size()), kAlignment);
        if (chunk.has_error()) {
            throw std::runtime_error("iceoryx lends no chunk for a request");
        }
        std::memcpy(chunk.value(), request.data(), request.size());
        if (client_->send(chunk.value()).has_error()) {
            throw std::runtime_error("iceoryx does not send a request");
        }
        // A chunk is lent from a pool that all share, so who wants to keep the reply copies it.
        const void* response = take_response();
        const std::size_t size = size_of(response);
        std::memcpy(buffer_.data(), response, size);
        client_->releaseResponse(response);
        return {buffer_.data(), size};
    }
    void hold() override { answerer_.hold(); }
    void resume() override { answerer_.resume(); }

  private:
    const void* take_response() {
        while (true) {
            if (waiting_ == Waiting::sleeps) {
                responses_->wait();
            }
            auto response = client_->take();
            if (!response.has_error()) {
                return response.value();
            }
        }
    }

    Waiting waiting_;
    std::vector<char> buffer_;
    ChildProcess answerer_;
    std::optional<iox::popo::UntypedClient> client_;
    std::optional<iox::popo::WaitSet<1>> responses_;
};

}  // namespace

std::unique_ptr<Messenger> make_messenger(const Setup& setup) {
    // Static, because it has to outlive iceoryx's runtime, which is.
    static const Roudi roudi(setup.answering_core, setup.largest);
    return std::make_unique<Iceoryx>(setup);
}

}  // namespace bulkhead::bench::peers
