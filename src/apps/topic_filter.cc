#include "topic_filter.h"

#include <fmt/format.h>

#include <algorithm>

#include "java_text.h"

namespace barnabas::apps {

Result<TopicFilter> TopicFilter::make(std::string_view expression) {
  std::string text(expression);
  std::ranges::replace(text, ',', '|');
  std::erase(text, ' ');
  text.erase(0, std::min(text.find_first_not_of("\"'"), text.size()));
  text.erase(text.find_last_not_of("\"'") + 1);
  TopicFilter filter(std::move(text));
  if (is_plain_text(filter.expression_)) {
    return filter;
  }
  try {
    filter.regex_.emplace(filter.expression_, boost::regex::perl | boost::regex::optimize);
  } catch (const boost::regex_error&) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("{} is an invalid regex.", filter.expression_));
  }
  return filter;
}

bool TopicFilter::matches(std::string_view topic) const {
  if (!regex_) {
    return topic == expression_;
  }
  return boost::regex_match(topic.data(), topic.data() + topic.size(), *regex_);
}

bool is_internal_topic(std::string_view topic) {
  return topic == "__consumer_offsets" || topic == "__transaction_state" ||
         topic == "__share_group_state";
}

}  // namespace barnabas::apps
