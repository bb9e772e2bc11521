#include "barnabas/base/uuid.h"

#include <array>

namespace barnabas {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kTextLength = 22;  // 16 bytes in base64 without padding

int digit_value(char c) {
  const auto position = kAlphabet.find(c);
  return position == std::string_view::npos ? -1 : static_cast<int>(position);
}

}  // namespace

std::string Uuid::to_string() const {
  std::array<std::uint8_t, 18> bytes{};
  for (unsigned i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(high >> (56U - 8U * i));
    bytes[i + 8] = static_cast<std::uint8_t>(low >> (56U - 8U * i));
  }
  std::string text;
  text.reserve(24);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::uint32_t group = (static_cast<std::uint32_t>(bytes[i]) << 16U) |
                                (static_cast<std::uint32_t>(bytes[i + 1]) << 8U) | bytes[i + 2];
    for (const unsigned shift : {18U, 12U, 6U, 0U}) {
      text.push_back(kAlphabet[(group >> shift) & 0x3fU]);
    }
  }
  text.resize(kTextLength);
  return text;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != kTextLength) {
    return std::nullopt;
  }
  std::array<std::uint8_t, 18> bytes{};
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < 24; ++i) {
    const int digit = i < kTextLength ? digit_value(text[i]) : 0;
    if (digit < 0) {
      return std::nullopt;
    }
    group = (group << 6U) | static_cast<std::uint32_t>(digit);
    if (i % 4 == 3) {
      const std::size_t at = (i / 4) * 3;
      bytes[at] = static_cast<std::uint8_t>(group >> 16U);
      bytes[at + 1] = static_cast<std::uint8_t>(group >> 8U);
      bytes[at + 2] = static_cast<std::uint8_t>(group);
      group = 0;
    }
  }
  if (bytes[16] != 0 || bytes[17] != 0) {
    return std::nullopt;
  }
  Uuid id;
  for (std::size_t i = 0; i < 8; ++i) {
    id.high = (id.high << 8U) | bytes[i];
    id.low = (id.low << 8U) | bytes[i + 8];
  }
  return id;
}

}  // namespace barnabas
