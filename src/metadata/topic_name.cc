#include "barnabas/metadata/topic_name.h"

#include <fmt/format.h>

#include <algorithm>

namespace barnabas::metadata {
namespace {

bool is_legal(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

std::unexpected<Error> invalid(std::string_view why) {
  return fail(ErrorCode::kInvalidTopicException, fmt::format("Topic name is invalid: {}", why));
}

}  // namespace

Status validate_topic_name(std::string_view name) {
  if (name.empty()) {
    return invalid("the empty string is not allowed");
  }
  if (name == "." || name == "..") {
    return invalid(fmt::format("'{}' is not allowed", name));
  }
  if (name.size() > kMaxTopicNameLength) {
    return invalid(fmt::format("the length of '{}' is longer than the max allowed length {}", name,
                               kMaxTopicNameLength));
  }
  if (!std::ranges::all_of(name, is_legal)) {
    return invalid(
        fmt::format("'{}' contains one or more characters other than ASCII "
                    "alphanumerics, '.', '_' and '-'",
                    name));
  }
  return {};
}

bool is_internal_topic(std::string_view name) {
  return name == kGroupMetadataTopic || name == kTransactionStateTopic ||
         name == kShareGroupStateTopic;
}

bool has_collision_chars(std::string_view name) {
  return name.find_first_of("._") != std::string_view::npos;
}

bool topic_names_collide(std::string_view a, std::string_view b) {
  const auto unified = [](char c) { return c == '.' ? '_' : c; };
  return std::ranges::equal(a, b, {}, unified, unified);
}

}  // namespace barnabas::metadata
