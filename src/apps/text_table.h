// A table as ToolsUtils.prettyPrintTable of Kafka's tools prints it: columns as wide as their
// widest cell, a tab after each. Pure. THREAD: any
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace barnabas::apps {

using TableRow = std::vector<std::string>;

[[nodiscard]] inline std::string table_text(const TableRow& headers,
                                            const std::vector<TableRow>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    widths.push_back(headers[i].size());
    for (const TableRow& row : rows) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  const auto add = [&](const TableRow& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      text.append(widths[i] - std::min(widths[i], row[i].size()), ' ');
      text += '\t';
    }
    text += '\n';
  };
  add(headers);
  for (const TableRow& row : rows) {
    add(row);
  }
  return text;
}

}  // namespace barnabas::apps
