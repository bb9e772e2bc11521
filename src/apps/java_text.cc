#include "java_text.h"

#include <cstdint>

namespace barnabas::apps {
namespace {

struct Piece {
  std::size_t size = 1;
  bool valid = false;
};

// The bytes of `text` that belong together at its front.
Piece first_piece(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) {
    return {1, true};
  }
  const std::size_t wanted = lead >= 0xf0 && lead <= 0xf4  ? 4
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                                                           : 0;
  if (wanted == 0) {
    return {};
  }
  // The second byte tells overlong forms and what lies beyond U+10FFFF.
  const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xf4 ? 0x8f : 0xbf;
  for (std::size_t i = 1; i < wanted; ++i) {
    const bool fits = i < text.size() &&
                      (i == 1 ? at(i) >= low && at(i) <= high : at(i) >= 0x80 && at(i) <= 0xbf);
    if (!fits) {
      return {i, false};
    }
  }
  const bool surrogate = lead == 0xed && at(1) >= 0xa0;
  return {wanted, !surrogate};
}

}  // namespace

std::string java_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const Piece piece = first_piece(bytes);
    text += piece.valid ? bytes.substr(0, piece.size) : std::string_view("\xef\xbf\xbd");
    bytes.remove_prefix(piece.size);
  }
  return text;
}

}  // namespace barnabas::apps
