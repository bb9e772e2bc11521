#include "option_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

namespace barnabas::apps {

namespace {

const OptionSpec* find_spec(std::span<const OptionSpec> specs, std::string_view name) {
  const auto found = std::ranges::find(specs, name, &OptionSpec::name);
  return found == specs.end() ? nullptr : &*found;
}

bool looks_like_option(std::string_view token) {
  return token.size() > 1 && token.front() == '-';
}

Error unrecognized(std::span<const OptionSpec> specs, std::string_view name) {
  std::vector<std::string_view> names;
  names.reserve(specs.size());
  for (const OptionSpec& spec : specs) {
    names.push_back(spec.name);
  }
  std::string text = fmt::format("{} is not a recognized option", name);
  if (const std::string_view near = nearest_name(names, name); !near.empty()) {
    text += fmt::format(". Did you mean --{}?", near);
  }
  return Error{ErrorCode::kInvalidRequest, std::move(text)};
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above + 1, row[j - 1] + 1, change});
      diagonal = above;
    }
  }
  return row.back();
}

template <typename T>
Result<T> number(const ParsedOptions& options, std::string_view name, T otherwise) {
  TRY(const std::optional<std::string> text, options.value(name));
  if (!text) {
    return otherwise;
  }
  T parsed{};
  const char* begin = text->data() + (text->starts_with('+') ? 1 : 0);
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(begin, end, parsed);
  if (error != std::errc{} || stop != end) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("Cannot parse argument '{}' of option {}", *text, name));
  }
  return parsed;
}

}  // namespace

std::string_view nearest_name(std::span<const std::string_view> names, std::string_view name) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(name.size() / 4, 1) + 1;
  for (const std::string_view candidate : names) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

Result<std::optional<std::string>> ParsedOptions::value(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end() || found->second.empty()) {
    return std::optional<std::string>{};
  }
  if (found->second.size() > 1) {
    return fail(
        ErrorCode::kInvalidRequest,
        fmt::format("Found multiple arguments for option {}, but you asked for only one", name));
  }
  return found->second.front();
}

std::vector<std::string> ParsedOptions::values(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

Result<std::int32_t> ParsedOptions::int32_value(std::string_view name,
                                                std::int32_t otherwise) const {
  return number<std::int32_t>(*this, name, otherwise);
}

Result<std::int64_t> ParsedOptions::int64_value(std::string_view name,
                                                std::int64_t otherwise) const {
  return number<std::int64_t>(*this, name, otherwise);
}

Result<ParsedOptions> parse_options(std::span<const OptionSpec> specs, std::span<char*> arguments) {
  ParsedOptions parsed;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view token = arguments[i];
    if (token == "--") {
      for (++i; i < arguments.size(); ++i) {
        parsed.words_.emplace_back(arguments[i]);
      }
      break;
    }
    if (!looks_like_option(token)) {
      parsed.words_.emplace_back(token);
      continue;
    }
    std::string_view name = token.substr(token.starts_with("--") ? 2 : 1);
    std::string_view value;
    if (const auto equals = name.find('='); equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    const OptionSpec* spec = find_spec(specs, name);
    if (spec == nullptr) {
      return std::unexpected(unrecognized(specs, name));
    }
    auto& values = parsed.values_[std::string(name)];
    if (spec->argument == Argument::kNone) {
      continue;
    }
    if (value.empty()) {
      const bool more = i + 1 < arguments.size();
      if (spec->argument == Argument::kRequired && !more) {
        return fail(ErrorCode::kInvalidRequest,
                    fmt::format("Option {} requires an argument", name));
      }
      if (spec->argument == Argument::kOptional && (!more || looks_like_option(arguments[i + 1]))) {
        continue;
      }
      value = arguments[++i];
    }
    values.emplace_back(value);
  }
  return parsed;
}

}  // namespace barnabas::apps
