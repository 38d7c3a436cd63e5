// gRPC: a unary call by generated code, synchronous on both sides, on a Unix socket. Both sides sleep in the kernel.
#include <grpcpp/grpcpp.h>

#include "child_process.hpp"
#include "echo.grpc.pb.h"
#include "messenger.hpp"
#include "socket_folder.hpp"

namespace bulkhead::bench::peers {
namespace {

class EchoService final : public Echo::Service {
    grpc::Status Call(grpc::ServerContext*, const Bytes* request, Bytes* reply) override {
        reply->set_content(request->content());
        return grpc::Status::OK;
    }
};

void serve(const std::string& address, const ChildProcess::Ready& ready) {
    EchoService service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    const auto server = builder.BuildAndStart();
    if (server == nullptr) {
        throw std::runtime_error("its server does not start");
    }
    ready();
    server->Wait();
}

class Grpc : public Messenger {
  public:
    explicit Grpc(const Setup& setup)
        : answerer_(setup.answering_core,
                    [this](const ChildProcess::Ready& ready) { serve(folder_.address(), ready); }),
          stub_(Echo::NewStub(grpc::CreateChannel(folder_.address(), grpc::InsecureChannelCredentials()))) {}

    std::string_view round_trip(std::string_view request) override {
        request_.set_content(request.data(), request.size());
        grpc::ClientContext context;
        const grpc::Status status = stub_->Call(&context, request_, &reply_);
        if (!status.ok()) {
            throw std::runtime_error("its call fails: " + status.error_message());
        }
        return reply_.content();
    }
    void hold() override { answerer_.hold(); }
    void resume() override { answerer_.resume(); }

  private:
    SocketFolder folder_;
    ChildProcess answerer_;  // forked before this process has threads of gRPC's
    std::unique_ptr<Echo::Stub> stub_;
    Bytes request_;
    Bytes reply_;
};

}  // namespace

std::unique_ptr<Messenger> make_messenger(const Setup& setup) {
    refuse_to_spin(setup);
    return std::make_unique<Grpc>(setup);
}

}  // namespace bulkhead::bench::peers
