// Why a worker cannot start.
#pragma once

#include <boost/system/result.hpp>
#include <string>

namespace bulkhead::worker {

// One clear sentence that completes "plugin P: ...", without a full stop.
struct Refusal {
    std::string sentence;
};

template <typename T>
using OrRefusal = boost::system::result<T, Refusal>;

}  // namespace bulkhead::worker
