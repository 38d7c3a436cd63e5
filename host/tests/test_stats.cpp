#include "bulkhead/host/stats.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/random.hpp"

namespace bulkhead {
namespace {

using std::chrono::nanoseconds;
using transport::testing::Random;

constexpr double kFractions[] = {0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 1.0};

// The value that `fraction` of all values do not exceed.
std::int64_t exact_quantile(const std::vector<std::int64_t>& sorted, double fraction) {
    const auto rank = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(sorted.size())));
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

void check_against_sorted(std::vector<std::int64_t> values) {
    LatencyHistogram histogram;
    for (const std::int64_t value : values) {
        histogram.add(nanoseconds(value));
    }
    std::sort(values.begin(), values.end());
    CHECK(histogram.count() == values.size());
    for (const double fraction : kFractions) {
        CAPTURE(fraction);
        const std::int64_t exact = exact_quantile(values, fraction);
        const std::int64_t told = histogram.quantile(fraction).count();
        CHECK(told >= exact);
        CHECK(static_cast<double>(told - exact) <= 0.0625 * static_cast<double>(exact));
    }
}

TEST_CASE("a quantile is never too small and at most 6.25% too large, whatever the distribution") {
    const std::uint64_t seed = transport::testing::choose_seed();
    CAPTURE(seed);
    Random random(seed);
    for (int round = 0; round < 50; ++round) {
        std::vector<std::int64_t> values(random.between(1, 3000));
        for (std::int64_t& value : values) {
            // Each order of magnitude is as likely as any other.
            value = static_cast<std::int64_t>(random.below(std::uint64_t{1} << random.between(0, 62)));
        }
        check_against_sorted(values);
    }
}

TEST_CASE("values below 16 ns are exact") {
    for (std::int64_t value = 0; value < 16; ++value) {
        LatencyHistogram histogram;
        histogram.add(nanoseconds(value));
        CHECK(histogram.quantile(0.5) == nanoseconds(value));
    }
}

TEST_CASE("each edge between two buckets falls on the right side") {
    for (int exponent = 4; exponent < 63; ++exponent) {
        const std::int64_t power = std::int64_t{1} << exponent;
        for (const std::int64_t value : {power - 1, power, power + 1, power + power / 16 - 1, power + power / 16}) {
            check_against_sorted({value});
        }
    }
}

TEST_CASE("the longest and the shortest durations are counted") {
    LatencyHistogram histogram;
    histogram.add(nanoseconds::max());
    CHECK(histogram.quantile(1.0) == nanoseconds::max());
    histogram.add(nanoseconds::min());  // a clock that went back counts as no time at all
    histogram.add(nanoseconds(-1));
    CHECK(histogram.count() == 3);
    CHECK(histogram.quantile(0.5) == nanoseconds(0));
    CHECK(histogram.quantile(1.0) == nanoseconds::max());
}

TEST_CASE("an empty histogram has zero as every quantile") {
    const LatencyHistogram histogram;
    CHECK(histogram.count() == 0);
    for (const double fraction : kFractions) {
        CHECK(histogram.quantile(fraction) == nanoseconds(0));
    }
}

TEST_CASE("a fraction outside of 0 to 1 counts as the nearer end") {
    LatencyHistogram histogram;
    histogram.add(nanoseconds(1));
    histogram.add(nanoseconds(9));
    CHECK(histogram.quantile(-1.0) == nanoseconds(1));
    CHECK(histogram.quantile(1.5) == nanoseconds(9));
    CHECK(histogram.quantile(std::numeric_limits<double>::infinity()) == nanoseconds(9));
    CHECK(histogram.quantile(std::numeric_limits<double>::quiet_NaN()) == nanoseconds(1));
}

TEST_CASE("all outcomes together are the calls that ended") {
    Stats stats;
    stats.succeeded = 5;
    for (std::size_t code = 0; code < stats.errors.size(); ++code) {
        stats.errors[code] = code;
    }
    CHECK(stats.ended() == 5 + 16 * 17 / 2);
    CHECK(stats.failed(ErrorCode::timed_out) == static_cast<std::uint64_t>(ErrorCode::timed_out));
}

}  // namespace
}  // namespace bulkhead
