// Boost.Interprocess: a message_queue each way. It sleeps in send and receive, and spins with their try_ forms.
#include <unistd.h>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <string>
#include <vector>

#include "child_process.hpp"
#include "messenger.hpp"

namespace bulkhead::bench::peers {
namespace {

using boost::interprocess::message_queue;

// One direction. The name is gone as soon as both processes have it, which is at once: the other is forked.
class Queue {
  public:
    Queue(const char* direction, const Setup& setup)
        : waiting_(setup.waiting),
          name_("bulkhead-bench-" + std::to_string(::getpid()) + direction),
          queue_(boost::interprocess::create_only, name_.c_str(), 1, setup.largest) {
        message_queue::remove(name_.c_str());
    }

    void send(const void* data, std::size_t size) {
        if (waiting_ == Waiting::sleeps) {
            queue_.send(data, size, 0);
        } else {
            while (!queue_.try_send(data, size, 0)) {
            }
        }
    }

    std::size_t receive(std::vector<char>& into) {
        std::size_t size = 0;
        unsigned priority = 0;
        if (waiting_ == Waiting::sleeps) {
            queue_.receive(into.data(), into.size(), size, priority);
        } else {
            while (!queue_.try_receive(into.data(), into.size(), size, priority)) {
            }
        }
        return size;
    }

  private:
    Waiting waiting_;
    std::string name_;
    message_queue queue_;
};

class MessageQueues : public Messenger {
  public:
    explicit MessageQueues(const Setup& setup)
        : requests_("-requests", setup),
          replies_("-replies", setup),
          buffer_(setup.largest),
          answerer_(setup.answering_core, [this](const ChildProcess::Ready& ready) { answer(ready); }) {}

    std::string_view round_trip(std::string_view request) override {
        requests_.send(request.data(), request.size());
        const std::size_t size = replies_.receive(buffer_);
        return {buffer_.data(), size};
    }
    void hold() override { answerer_.hold(); }
    void resume() override { answerer_.resume(); }

  private:
    [[noreturn]] void answer(const ChildProcess::Ready& ready) {
        ready();
        while (true) {
            const std::size_t size = requests_.receive(buffer_);
            replies_.send(buffer_.data(), size);
        }
    }

    Queue requests_;
    Queue replies_;
    std::vector<char> buffer_;
    ChildProcess answerer_;
};

}  // namespace

std::unique_ptr<Messenger> make_messenger(const Setup& setup) { return std::make_unique<MessageQueues>(setup); }

}  // namespace bulkhead::bench::peers
