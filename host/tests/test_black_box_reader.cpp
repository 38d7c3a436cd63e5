#include <doctest/doctest.h>

#include <algorithm>
#include <bulkhead/transport/launch_protocol.hpp>
#include <cctype>
#include <cstring>
#include <memory>
#include <random>
#include <string>

#include "black_box_reader.hpp"

namespace bulkhead::detail {
namespace {

using transport::BlackBox;
using transport::BlackBoxState;

std::unique_ptr<BlackBox> make_box(BlackBoxState state) {
    auto box = std::make_unique<BlackBox>();
    box->state = static_cast<std::uint32_t>(state);
    return box;
}

TEST_CASE("a box that no crash handler completed says nothing") {
    CHECK_FALSE(read_black_box(*make_box(BlackBoxState::empty)));
    CHECK_FALSE(read_black_box(*make_box(BlackBoxState::writing)));
    CHECK_FALSE(read_black_box(*make_box(static_cast<BlackBoxState>(77))));
}

TEST_CASE("a record of where a hung worker was is no crash") {
    const auto box = make_box(BlackBoxState::complete);
    box->record.signal = transport::kHangSignal;
    CHECK(has_record(*box));
    CHECK_FALSE(read_black_box(*box));
}

TEST_CASE("what a record says of a crash's cause is read as it is, and shown as text") {
    const auto box = make_box(BlackBoxState::complete);
    transport::BlackBoxRecord& record = box->record;
    record.signal = 7;
    record.code = 2;
    record.channel_begin = 0x1000'0000;
    record.channel_end = 0x1001'0000;
    record.fault_address = 0x1000'8000;
    record.flags = transport::kBadAllocation | transport::kAddressSpaceUsedUp;
    std::memset(record.exception, '\n', sizeof record.exception);  // without an end
    const CrashNotes notes = read_notes(*box);
    CHECK(notes.bad_allocation);
    CHECK(notes.address_space_used_up);
    CHECK(notes.fault_in_channel);
    CHECK_FALSE(notes.system_call);
    CHECK(notes.exception == std::string(sizeof record.exception, '?'));
    CHECK(read_black_box(*box)->fault_region == "the channel to the host");
    record.fault_address = 0x1001'0000;
    CHECK_FALSE(read_notes(*box).fault_in_channel);
    CHECK_FALSE(read_notes(*make_box(BlackBoxState::writing)).bad_allocation);
}

TEST_CASE("the place of a fault is named by what lies there") {
    const auto box = make_box(BlackBoxState::complete);
    transport::BlackBoxRecord& record = box->record;
    record.signal = 11;
    record.code = 1;
    record.stack_begin = 0x7000'0000;
    record.stack_end = 0x7080'0000;
    record.heap_begin = 0x5000'0000;
    record.heap_end = 0x5100'0000;
    record.module_count = 1;
    transport::BlackBoxModule& module = record.modules[0];
    module.begin = 0x6000'0000;
    module.end = 0x6001'0000;
    module.code_begin = 0x6000'1000;
    module.code_end = 0x6000'8000;
    std::strcpy(module.name, "libx.so");
    const auto region = [&](std::uint64_t address) {
        record.fault_address = address;
        return read_black_box(*box)->fault_region;
    };
    CHECK(region(0) == "the null page");
    CHECK(region(0xFFFF) == "the null page");
    CHECK(region(0x10000) == "memory that is not mapped");
    CHECK(region(0x6000'0FFF) == "the data of libx.so");
    CHECK(region(0x6000'1000) == "the code of libx.so");
    CHECK(region(0x6000'8000) == "the data of libx.so");
    CHECK(region(0x5000'0000) == "the heap");
    CHECK(region(0x5100'0000) == "memory that is not mapped");
    CHECK(region(0x6FFF'FFF8) == "the stack guard: the stack has overflowed");
    CHECK(region(0x7000'1000) == "the stack");
    record.code = 2;
    CHECK(region(0x10000) == "memory that does not allow this");
}

TEST_CASE("without an address from the processor there is none in the report") {
    const auto box = make_box(BlackBoxState::complete);
    box->record.signal = 11;
    box->record.code = 128;  // SI_KERNEL: a general protection fault
    const auto crash = read_black_box(*box);
    REQUIRE(crash);
    CHECK(crash->code_name == "SI_KERNEL");
    CHECK_FALSE(crash->fault_address);
    CHECK(crash->fault_region.empty());
}

TEST_CASE("whatever a worker writes into its box, the report is plain and bounded") {
    const auto box = make_box(BlackBoxState::empty);
    std::mt19937_64 random(1);
    for (int round = 0; round < 300; ++round) {
        auto* bytes = reinterpret_cast<unsigned char*>(&box->record);
        std::generate_n(bytes, sizeof box->record, [&] { return static_cast<unsigned char>(random()); });
        if (round % 2 == 0) {
            box->record.signal = 11;
            box->record.code = 1;
        }
        box->state = static_cast<std::uint32_t>(BlackBoxState::complete);
        const auto crash = read_black_box(*box);
        REQUIRE(crash);
        REQUIRE(crash->modules.size() <= transport::kBlackBoxModules);
        for (const Module& module : crash->modules) {
            REQUIRE(module.build_id.size() <= 40);
            REQUIRE(
                std::all_of(module.name.begin(), module.name.end(), [](unsigned char c) { return std::isprint(c); }));
        }
        REQUIRE_FALSE(crash->clause().empty());
    }
}

}  // namespace
}  // namespace bulkhead::detail
