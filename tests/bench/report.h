// The one line of JSON that a load prints.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace barnabas::bench {

class Report {
 public:
  explicit Report(std::string_view mode) : text_(fmt::format("{{\"mode\": \"{}\"", mode)) {}
  void add(std::string_view name, double value) {
    text_ += fmt::format(", \"{}\": {:.6g}", name, value);
  }
  // Percentiles in milliseconds of latencies in seconds.
  void add_latencies(std::string_view name, std::vector<double> seconds) {
    if (seconds.empty()) {
      return;
    }
    std::sort(seconds.begin(), seconds.end());
    for (const auto& [label, share] :
         {std::pair{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}}) {
      const auto last = static_cast<double>(seconds.size() - 1);
      add(fmt::format("{}_{}_ms", name, label),
          seconds[static_cast<std::size_t>(share * last)] * 1000);
    }
  }
  [[nodiscard]] std::string text() const { return text_ + "}"; }

 private:
  std::string text_;
};

}  // namespace barnabas::bench
