// Log lines written as a stream.
#pragma once

#include <ostream>
#include <streambuf>
#include <string>

#include "bulkhead/plugin/log_level.hpp"
#include "bulkhead/plugin/plugin.h"

namespace bulkhead::plugin {

// Collects characters and logs each line when it ends.
class LogLineBuffer : public std::streambuf {
  public:
    LogLineBuffer(const bulkhead_services& table, LogLevel level) noexcept : table_(table), level_(level) {}
    LogLineBuffer(const LogLineBuffer&) = delete;
    LogLineBuffer& operator=(const LogLineBuffer&) = delete;
    ~LogLineBuffer() override { log_line(); }

  protected:
    int_type overflow(int_type character) override {
        if (!traits_type::eq_int_type(character, traits_type::eof())) {
            put(traits_type::to_char_type(character));
        }
        return traits_type::not_eof(character);
    }
    std::streamsize xsputn(const char* text, std::streamsize count) override {
        for (std::streamsize i = 0; i < count; ++i) {
            put(text[i]);
        }
        return count;
    }
    int sync() override {
        log_line();
        return 0;
    }

  private:
    void put(char character) {
        if (character == '\n') {
            table_.log(static_cast<bulkhead_log_level>(level_), line_.data(), line_.size());
            line_.clear();
        } else {
            line_.push_back(character);
        }
    }
    void log_line() {
        if (!line_.empty()) {
            put('\n');
        }
    }

    const bulkhead_services& table_;
    LogLevel level_;
    std::string line_;
};

// Made before the stream that writes to it, and gone after.
struct LogStreamBuffer {
    LogLineBuffer buffer;
};

// A std::ostream whose lines are logged: at each line end and flush, and the rest when it goes. Returned by
// `log(level)` of Services and Call for one statement, `call.log(LogLevel::info) << "n = " << n;`, or kept as a local
// variable for several. One thread at a time.
class LogStream : private LogStreamBuffer, public std::ostream {
  public:
    LogStream(const bulkhead_services& table, LogLevel level)
        : LogStreamBuffer{{table, level}}, std::ostream(&buffer) {}
};

}  // namespace bulkhead::plugin
