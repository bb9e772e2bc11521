#include "filler.h"

#include <array>
#include <string_view>

#include "any_message.h"

namespace barnabas::protocol::testing {

std::size_t Filler::count() {
  // Now and then more than a compact length of one byte can say.
  return random_.below(64) == 0 ? 130 : random_.below(4);
}

void Filler::fill(double& value) {
  constexpr std::array<double, 5> kEdges{0.0, -1.5, 1e300, -2.25e-300, 12345.678};
  value = random_.below(2) == 0 ? kEdges.at(random_.below(kEdges.size()))
                                : static_cast<double>(random_.below(1U << 30U)) / 1024.0;
}

void Filler::fill(std::string& value) {
  constexpr std::array<std::string_view, 6> kPieces{
      "a", "topic-", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\x99", "0"};
  value.clear();
  std::size_t pieces = random_.below(8);
  if (random_.below(40) == 0) {
    pieces = 200;
  }
  for (; pieces > 0; --pieces) {
    value += kPieces.at(random_.below(kPieces.size()));
  }
}

void Filler::fill(ByteVector& value) {
  value.resize(random_.below(40) == 0 ? 300 : random_.below(12));
  for (std::byte& byte : value) {
    byte = static_cast<std::byte>(random_.next());
  }
}

void Filler::fill(Records& value) {
  fill(records_.emplace_back());
  value = Records(records_.back());
}

std::uint64_t Describer::digest() const {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text_) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return hash;
}

void Describer::hex(ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  text_ += 'x';
  for (const std::byte byte : bytes) {
    const auto number = std::to_integer<unsigned>(byte);
    text_ += kDigits[number >> 4U];
    text_ += kDigits[number & 0xfU];
  }
}

const MessageType* find_message(std::int16_t api_key, MessageKind kind) {
  for (const MessageType& type : all_messages()) {
    if (type.api_key == api_key && type.kind == kind) {
      return &type;
    }
  }
  return nullptr;
}

}  // namespace barnabas::protocol::testing
