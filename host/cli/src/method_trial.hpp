// One method of a plugin under examination.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "examination.hpp"
#include "request_maker.hpp"

namespace bulkhead::cli {

// Calls one method with made requests, in one life of the plugin. One thread.
class MethodTrial {
  public:
    MethodTrial(Examination& examination, std::string method);

    // Loads the plugin, tries what there is time for until `end`, unloads it and tells what was found.
    void run(Examination::Clock::time_point end);

  private:
    // A question about fields that was not answered.
    struct Accident {
        int question = 0;
        Error error;
    };
    // A request and how long its answer took.
    struct Experience {
        std::uint64_t number = 0;
        std::size_t size = 0;  // of the request
        std::chrono::nanoseconds took{0};
    };

    std::optional<Accident> learn_words(const Plugin& plugin);
    void try_alone(Plugin plugin, std::uint64_t number, bool spoiled);
    void try_all(const Plugin& plugin, Examination::Clock::time_point end);
    // False: the method has been seen through.
    bool try_request(const Plugin& plugin, std::uint64_t number);
    bool judge(const Plugin& plugin, std::uint64_t number, const MadeRequest& request, const Error& error);
    void remember(std::uint64_t number, const MadeRequest& request, bool replied, std::chrono::nanoseconds took);
    void accuse(const Plugin& plugin, std::uint64_t number, const MadeRequest& request, const Error& error);
    void accuse_questions(const Error& error);
    void accuse_start(const Error& error);
    bool happens_again(const Plugin& plugin, const MadeRequest& request, ErrorCode code);
    std::chrono::nanoseconds patience_for(const MadeRequest& request) const;
    void tell();
    // In check_leaks.cpp and check_deadlines.cpp.
    void look_for_leaks(const Plugin& plugin, Examination::Clock::time_point end);
    void look_at_deadlines(const Plugin& plugin);

    result<Bytes> call(const Plugin& plugin, const std::string& request, std::chrono::nanoseconds timeout) const;

    Examination& examination_;
    std::string method_;
    RequestMaker maker_;
    std::uint64_t tried_ = 0;
    std::uint64_t replies_ = 0;
    std::uint64_t errors_ = 0;                     // of the plugin's own: what bad requests should lead to
    std::map<std::string, std::uint64_t> faults_;  // how often, by what happened
    bool hangs_ = false;
    bool refused_ = false;                // no request reaches it
    std::optional<Experience> served_;    // a request that it answers
    std::optional<Experience> declined_;  // one that it answers with an error
    std::optional<Experience> slowest_;
};

}  // namespace bulkhead::cli
