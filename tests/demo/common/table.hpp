// A table for people.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace bulkhead::demo {

// Text in aligned columns, each to the left or to the right. Value; one thread.
class Table {
  public:
    struct Column {
        std::string title;
        enum class Align { left, right } align = Align::right;
    };
    static Column left(std::string title) { return {std::move(title), Column::Align::left}; }
    static Column right(std::string title) { return {std::move(title), Column::Align::right}; }

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // Missing cells are empty; those beyond the last column are dropped.
    void add(std::vector<std::string> cells);
    std::size_t rows() const noexcept { return rows_.size(); }

    // Each line begins with `indent` spaces and ends without any.
    std::string text(std::size_t indent = 0) const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace bulkhead::demo
