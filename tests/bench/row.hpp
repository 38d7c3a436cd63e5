// A result.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace bulkhead::bench {

// One figure beside its reference, both measured in the same run. Value.
struct Row {
    std::string name;    // "call.spin"
    std::string metric;  // "p50"
    double value = 0;
    std::string unit;
    std::string reference;  // what it is compared with
    double reference_value = 0;

    double ratio() const noexcept { return value / reference_value; }
};

// {"name","metric","value","unit","reference","reference_value","ratio"}
nlohmann::ordered_json to_json(const Row& row);

// All rows as a table for people.
std::string to_table(const std::vector<Row>& rows);

}  // namespace bulkhead::bench
