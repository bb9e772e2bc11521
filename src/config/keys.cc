#include "barnabas/config/keys.h"

#include <algorithm>
#include <vector>

#include "keys/areas.h"

namespace barnabas::config {
namespace {

constexpr int kNearEnough = 2;

std::vector<KeySpec> sorted_table() {
  std::vector<KeySpec> table;
  for (const auto part : {keys::general(), keys::listeners(), keys::log(), keys::replication(),
                          keys::zookeeper(), keys::groups(), keys::transactions(), keys::security(),
                          keys::sasl(), keys::kraft(), keys::metrics(), keys::remote()}) {
    table.insert(table.end(), part.begin(), part.end());
  }
  std::ranges::sort(table, {}, &KeySpec::name);
  return table;
}

const KeySpec* find_in(std::span<const KeySpec> table, std::string_view name) {
  const auto found = std::ranges::lower_bound(table, name, {}, &KeySpec::name);
  return found != table.end() && found->name == name ? &*found : nullptr;
}

// Levenshtein's distance, or kNearEnough + 1 when it is known to be more.
int distance(std::string_view a, std::string_view b) {
  const auto longer = std::max(a.size(), b.size());
  if (longer - std::min(a.size(), b.size()) > kNearEnough) {
    return kNearEnough + 1;
  }
  std::vector<int> previous(b.size() + 1);
  std::vector<int> current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    previous[j] = static_cast<int>(j);
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replaced});
    }
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

std::span<const KeySpec> broker_keys() {
  static const std::vector<KeySpec> table = sorted_table();
  return table;
}

std::span<const TopicKeySpec> topic_keys() {
  return keys::topic();
}

std::span<const KeySpec> own_keys() {
  return keys::own();
}

const KeySpec* find_broker_key(std::string_view name) {
  const KeySpec* spec = find_in(broker_keys(), name);
  return spec != nullptr ? spec : find_in(own_keys(), name);
}

const TopicKeySpec* find_topic_key(std::string_view name) {
  const auto table = topic_keys();
  const auto found = std::ranges::find(table, name, &TopicKeySpec::name);
  return found == table.end() ? nullptr : &*found;
}

std::optional<std::string_view> nearest_broker_key(std::string_view name) {
  std::optional<std::string_view> nearest;
  int best = kNearEnough + 1;
  for (const auto table : {broker_keys(), own_keys()}) {
    for (const KeySpec& spec : table) {
      const int far = distance(name, spec.name);
      if (far < best) {
        best = far;
        nearest = spec.name;
      }
    }
  }
  return nearest;
}

}  // namespace barnabas::config
