// Columns for people: as wide as their widest cell, numbers to the right.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace forager::tools {

class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }

  /// With its titles; the last column is never padded.
  std::string text() const {
    std::vector<std::string> titles;
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      titles.push_back(columns_[i].title);
      widths.push_back(columns_[i].title.size());
      for (const auto& row : rows_) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string out;
    put(out, titles, widths);
    for (const auto& row : rows_) put(out, row, widths);
    return out;
  }

 private:
  void put(std::string& out, const std::vector<std::string>& row,
           const std::vector<std::size_t>& widths) const {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i != 0) out += "  ";
      if (columns_[i].right) {
        out += fmt::format("{:>{}}", row[i], widths[i]);
      } else if (i + 1 == row.size()) {
        out += row[i];
      } else {
        out += fmt::format("{:<{}}", row[i], widths[i]);
      }
    }
    out += '\n';
  }
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// "812 B", "1.2 KiB", "3.4 MiB".
inline std::string readable_bytes(std::size_t bytes) {
  constexpr double unit = 1024;
  const auto value = static_cast<double>(bytes);
  if (value < unit) return fmt::format("{} B", bytes);
  if (value < unit * unit) return fmt::format("{:.1f} KiB", value / unit);
  if (value < unit * unit * unit) return fmt::format("{:.1f} MiB", value / unit / unit);
  return fmt::format("{:.1f} GiB", value / unit / unit / unit);
}

}  // namespace forager::tools
