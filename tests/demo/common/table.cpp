#include "table.hpp"

#include <algorithm>

namespace bulkhead::demo {
namespace {

constexpr std::size_t kGap = 2;  // spaces between columns

void append_cell(std::string& line, const std::string& cell, std::size_t width, Table::Column::Align align) {
    const std::string padding(width - cell.size(), ' ');
    line += align == Table::Column::Align::left ? cell + padding : padding + cell;
    line.append(kGap, ' ');
}

void end_line(std::string& text, std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
    cells.resize(columns_.size());
    rows_.push_back(std::move(cells));
}

std::string Table::text(std::size_t indent) const {
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < columns_.size(); ++column) {
        std::size_t width = columns_[column].title.size();
        for (const auto& row : rows_) {
            width = std::max(width, row[column].size());
        }
        widths.push_back(width);
    }
    std::string text;
    std::string titles(indent, ' ');
    for (std::size_t column = 0; column < columns_.size(); ++column) {
        append_cell(titles, columns_[column].title, widths[column], columns_[column].align);
    }
    end_line(text, std::move(titles));
    for (const auto& row : rows_) {
        std::string line(indent, ' ');
        for (std::size_t column = 0; column < columns_.size(); ++column) {
            append_cell(line, row[column], widths[column], columns_[column].align);
        }
        end_line(text, std::move(line));
    }
    return text;
}

}  // namespace bulkhead::demo
