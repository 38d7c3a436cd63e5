// Cap'n Proto: a call by generated code through its EzRpc on a Unix socket. Both sides sleep in the kernel.
#include <capnp/ez-rpc.h>
#include <kj/exception.h>

#include <optional>

#include "child_process.hpp"
#include "echo.capnp.h"
#include "messenger.hpp"
#include "socket_folder.hpp"

namespace bulkhead::bench::peers {
namespace {

// Room for the content at once, instead of in growing pieces.
capnp::MessageSize room_for(std::size_t size) { return {size / sizeof(capnp::word) + 16, 0}; }

class EchoServer final : public Echo::Server {
    kj::Promise<void> call(CallContext context) override {
        const auto content = context.getParams().getContent();
        context.getResults(room_for(content.size())).setContent(content);
        return kj::READY_NOW;
    }
};

[[noreturn]] void serve(const std::string& address, const ChildProcess::Ready& ready) {
    capnp::EzRpcServer server(kj::heap<EchoServer>(), address.c_str());
    auto& scope = server.getWaitScope();
    server.getPort().wait(scope);  // it listens
    ready();
    kj::NEVER_DONE.wait(scope);
}

class CapnProto : public Messenger {
  public:
    explicit CapnProto(const Setup& setup)
        : answerer_(setup.answering_core,
                    [this](const ChildProcess::Ready& ready) { serve(folder_.address(), ready); }),
          client_(folder_.address().c_str()),
          echo_(client_.getMain<Echo>()) {}
    ~CapnProto() noexcept override {}  // Cap'n Proto's own destructors say that they may throw

    std::string_view round_trip(std::string_view request) override {
        auto call = echo_.callRequest(room_for(request.size()));
        call.setContent(kj::arrayPtr(reinterpret_cast<const kj::byte*>(request.data()), request.size()));
        response_.emplace(call.send().wait(client_.getWaitScope()));
        const auto content = response_->getContent();
        return {reinterpret_cast<const char*>(content.begin()), content.size()};
    }
    void hold() override { answerer_.hold(); }
    void resume() override { answerer_.resume(); }

  private:
    SocketFolder folder_;
    ChildProcess answerer_;
    capnp::EzRpcClient client_;
    Echo::Client echo_;
    std::optional<capnp::Response<Echo::CallResults>> response_;
};

}  // namespace

std::unique_ptr<Messenger> make_messenger(const Setup& setup) {
    refuse_to_spin(setup);
    return std::make_unique<CapnProto>(setup);
}

}  // namespace bulkhead::bench::peers
