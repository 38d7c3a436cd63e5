// What crosses the border between a server and the shared host library.
#pragma once

#include <bulkhead/host/host.hpp>

// Each throws a std::logic_error when something does not come across as it should.
void check_exceptions(const bulkhead::Plugin& talker);
void check_json(const bulkhead::Plugin& talker);
void check_completion_tokens(const bulkhead::Plugin& talker);
void check_cancellation(const bulkhead::Plugin& talker);
void check_reports(const bulkhead::Plugin& talker);
