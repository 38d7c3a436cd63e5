// Which requests there are.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/verb.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "answer.hpp"
#include "image_jobs.hpp"

namespace bulkhead::server {

// Answers requests, and counts the answers. All on one thread.
class Routes {
  public:
    Routes(ImageJobs& jobs, bool debug) : jobs_(jobs), debug_(debug) {}

    // What can be refused before the body has come: no such route, wrong method or query. None: let the body come.
    std::optional<Answer> refuse(http::verb method, std::string_view target) const;

    // Of a request that was not refused. Its parts must stay until the answer.
    boost::asio::awaitable<Answer> answer(std::string_view target, std::string_view body);

    void count(http::status status) { ++answers_[static_cast<unsigned>(status)]; }
    // Of the connections that are open; for /stats.
    void set_connections(std::size_t open) { connections_ = open; }

  private:
    Answer stats() const;

    ImageJobs& jobs_;
    bool debug_;
    std::size_t connections_ = 0;
    std::map<unsigned, std::uint64_t> answers_;  // by status
};

}  // namespace bulkhead::server
