// Java's .properties text, as java.util.Properties reads it: comments (# and !), the separators
// '=', ':' and blanks, lines continued with '\', the escapes \t \n \r \f \uXXXX, trailing blanks of
// a value kept, and of two entries with one key the last wins. One difference on purpose: bytes
// that are not escapes are taken as UTF-8 and passed on, where Java takes them as ISO 8859-1.
// Fails only for a malformed \uXXXX, as Java does. Values only, no owner. THREAD: any
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "barnabas/base/result.h"

namespace barnabas::config {

struct Property {
  std::string key;
  std::string value;
  int line = 0;  // where the entry begins, from 1; 0 when it was not read from a file
};

class Properties {
 public:
  // Error: INVALID_CONFIG, the message begins with the line ("line 7: ...").
  [[nodiscard]] static Result<Properties> parse(std::string_view text);

  // Adds or replaces, as an --override does.
  void set(Property property);
  [[nodiscard]] const Property* find(std::string_view key) const;
  // In the order in which the keys first appeared.
  [[nodiscard]] const std::vector<Property>& entries() const { return entries_; }
  // Keys given more than once in the text: the line that no longer counts.
  [[nodiscard]] const std::vector<Property>& shadowed() const { return shadowed_; }

 private:
  std::vector<Property> entries_;
  std::vector<Property> shadowed_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

}  // namespace barnabas::config
