// Topics chosen by a list or a regular expression, as --topic and --include take them: commas mean
// "or", blanks and quotes around are dropped, and the expression must match the whole name.
// The dialect is Perl's (Boost.Regex), which Java's follows. THREAD: any (a value)
#pragma once

#include <boost/regex.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "barnabas/base/result.h"

namespace barnabas::apps {

class TopicFilter {
 public:
  // Fails: INVALID_REQUEST "<regex> is an invalid regex."
  [[nodiscard]] static Result<TopicFilter> make(std::string_view expression);
  [[nodiscard]] bool matches(std::string_view topic) const;
  // The expression as it is matched.
  [[nodiscard]] const std::string& expression() const { return expression_; }

 private:
  explicit TopicFilter(std::string expression) : expression_(std::move(expression)) {}
  std::string expression_;
  std::optional<boost::regex> regex_;  // nothing: the expression is the name itself
};

[[nodiscard]] bool is_internal_topic(std::string_view topic);

}  // namespace barnabas::apps
