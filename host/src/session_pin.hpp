// What ties a session to the worker that holds its handles.
#pragma once

#include <memory>

#include "bulkhead/host/report.hpp"

namespace bulkhead::detail {

// What is remembered of a worker after its process and its memory are gone.
struct WorkerLife {
    std::shared_ptr<const Report> report;  // how it ended; null while it lives
};

// Shared by a session and its calls. Guarded by the lane's mutex.
struct SessionPin {
    std::shared_ptr<const WorkerLife> life;  // null until the session's first reply
};

}  // namespace bulkhead::detail
