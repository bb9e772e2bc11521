#include "java_time.h"

#include <fmt/format.h>

#include <boost/regex.hpp>
#include <charconv>
#include <chrono>
#include <optional>

namespace barnabas::apps {
namespace {

constexpr std::int64_t kMsPerSecond = 1000;
constexpr std::int64_t kMsPerMinute = 60 * kMsPerSecond;
constexpr std::int64_t kMsPerHour = 60 * kMsPerMinute;
constexpr std::int64_t kMsPerDay = 24 * kMsPerHour;

std::optional<std::int64_t> number(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
  }
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

std::int64_t number_or(const boost::csub_match& part, std::int64_t otherwise) {
  return part.matched && part.length() > 0
             ? number({part.first, static_cast<std::size_t>(part.length())}).value_or(-1)
             : otherwise;
}

// Adds `text` units to the sum; false: it does not fit.
bool add(const boost::csub_match& part, std::int64_t unit, std::int64_t& sum) {
  if (!part.matched || part.length() == 0) {
    return true;
  }
  const auto count = number({part.first, static_cast<std::size_t>(part.length())});
  std::int64_t product = 0;
  return count && !__builtin_mul_overflow(*count, unit, &product) &&
         !__builtin_add_overflow(sum, product, &sum);
}

}  // namespace

Result<std::int64_t> parse_java_datetime(const std::string& given) {
  const std::size_t t = given.find('T');
  if (t == std::string::npos || t + 1 == given.size()) {
    return fail(ErrorCode::kInvalidRequest,
                "java.text.ParseException: Error parsing timestamp. It does not contain a 'T' "
                "according to ISO8601 format");
  }
  std::string text = given;
  if (text.find_first_of("+-Z", t) == std::string::npos) {
    text += 'Z';
  }
  const auto refused =
      fail(ErrorCode::kInvalidRequest,
           fmt::format("java.text.ParseException: Unparseable date: \"{}\"", text));
  // What stands behind the zone is not looked at.
  static const boost::regex kForm(
      R"((\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)\.(\d+)(?:Z|([+-])(\d\d)(?::(\d\d))?).*)");
  boost::cmatch parts;
  if (!boost::regex_match(text.c_str(), parts, kForm)) {
    return refused;
  }
  const std::chrono::year_month_day date{
      std::chrono::year(static_cast<int>(std::min<std::int64_t>(number_or(parts[1], 0), 30000))),
      std::chrono::month(static_cast<unsigned>(std::min<std::int64_t>(number_or(parts[2], 0), 99))),
      std::chrono::day(static_cast<unsigned>(std::min<std::int64_t>(number_or(parts[3], 0), 99)))};
  const std::int64_t hour = number_or(parts[4], 0);
  const std::int64_t minute = number_or(parts[5], 0);
  const std::int64_t second = number_or(parts[6], 0);
  const std::int64_t milli = number_or(parts[7], 0);
  const std::int64_t zone_hour = number_or(parts[9], 0);
  const std::int64_t zone_minute = number_or(parts[10], 0);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59 || milli < 0 || milli > 999 ||
      zone_hour > 23 || zone_minute > 59) {
    return refused;
  }
  const std::int64_t zone = zone_hour * kMsPerHour + zone_minute * kMsPerMinute;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * kMsPerDay + hour * kMsPerHour + minute * kMsPerMinute + second * kMsPerSecond +
         milli - (parts[8].str() == "-" ? -zone : zone);
}

Result<std::int64_t> parse_java_duration(const std::string& text) {
  const auto refused = fail(ErrorCode::kInvalidRequest, "Text cannot be parsed to a Duration");
  static const boost::regex kForm(
      R"(([-+]?)P(?:([-+]?\d+)D)?(T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?)(\d+)(?:[.,](\d{0,9}))?S)?)?)",
      boost::regex::perl | boost::regex::icase);
  boost::cmatch parts;
  if (!boost::regex_match(text.c_str(), parts, kForm) || parts[3].length() == 1 ||
      (!parts[2].matched && !parts[3].matched)) {
    return refused;
  }
  std::int64_t sum = 0;
  std::int64_t seconds = 0;
  if (!add(parts[2], kMsPerDay, sum) || !add(parts[4], kMsPerHour, sum) ||
      !add(parts[5], kMsPerMinute, sum) || !add(parts[7], kMsPerSecond, seconds)) {
    return fail(ErrorCode::kInvalidRequest, "Text cannot be parsed to a Duration: days");
  }
  std::string fraction = parts[8].str();
  fraction.resize(9, '0');
  const std::int64_t nanos = number(fraction).value_or(0);
  const bool minus = parts[6].str() == "-";
  const bool all_minus = parts[1].str() == "-";
  constexpr std::int64_t kNanosPerMs = 1'000'000;
  // A rest below a millisecond rounds down, so a negative one rounds away from 0.
  const bool negative = minus != all_minus;
  const std::int64_t rest =
      negative ? (nanos + kNanosPerMs - 1) / kNanosPerMs : nanos / kNanosPerMs;
  const std::int64_t signed_seconds = minus ? -(seconds + rest) : seconds + rest;
  if (__builtin_add_overflow(sum, signed_seconds, &sum)) {
    return refused;
  }
  return all_minus ? -sum : sum;
}

}  // namespace barnabas::apps
