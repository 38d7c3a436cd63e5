// A supervisor that runs.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <future>
#include <system_error>
#include <thread>

#include "supervisor.hpp"

namespace bulkhead::testing {

// Every wait of the tests ends here; generous, because sanitizers on one core are slow.
inline constexpr std::chrono::seconds kPatience{20};

// Started by the constructor, stopped at the latest by the destructor.
struct Supervised {
    Supervised() : supervisor(error) {
        REQUIRE_FALSE(error);
        supervisor.start();
    }

    // Runs the task on the supervisor's thread and waits for its end.
    void run(const std::function<void()>& task) {
        std::promise<void> done;
        REQUIRE(supervisor.post([&] {
            task();
            done.set_value();
        }));
        REQUIRE(done.get_future().wait_for(kPatience) == std::future_status::ready);
    }

    std::thread::id thread_id() {
        std::thread::id id;
        run([&id] { id = std::this_thread::get_id(); });
        return id;
    }

    std::error_code error;
    detail::Supervisor supervisor;
};

}  // namespace bulkhead::testing
