#include "row.hpp"

#include <cmath>

#include "common/table.hpp"
#include "common/wording.hpp"

namespace bulkhead::bench {
namespace {

using demo::Table;

// Three digits that mean something.
std::string figure(double value) {
    if (!std::isfinite(value)) {
        return "-";
    }
    if (std::abs(value) >= 1000) {
        return demo::grouped(static_cast<std::uint64_t>(std::llround(value)));
    }
    return demo::fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

}  // namespace

nlohmann::ordered_json to_json(const Row& row) {
    return {{"name", row.name},    {"metric", row.metric},       {"value", row.value},
            {"unit", row.unit},    {"reference", row.reference}, {"reference_value", row.reference_value},
            {"ratio", row.ratio()}};
}

std::string to_table(const std::vector<Row>& rows) {
    Table table({Table::left("row"), Table::left("metric"), Table::right("value"), Table::right("reference"),
                 Table::left("unit"), Table::right("ratio"), Table::left("the reference is")});
    for (const Row& row : rows) {
        table.add({row.name, row.metric, figure(row.value), figure(row.reference_value), row.unit,
                   figure(row.ratio()) + "x", row.reference});
    }
    return table.text();
}

}  // namespace bulkhead::bench
