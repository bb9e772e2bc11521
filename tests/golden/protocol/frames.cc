#include "frames.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <regex>
#include <stdexcept>

namespace barnabas::golden {
namespace {

ByteVector unpack(const char* file) {
  gzFile archive = ::gzopen(file, "rb");
  if (archive == nullptr) {
    throw std::runtime_error(std::string("cannot open ") + file);
  }
  ByteVector bytes;
  std::array<std::byte, 65536> chunk{};
  int got = 0;
  while ((got = ::gzread(archive, chunk.data(), chunk.size())) > 0) {
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + got);
  }
  ::gzclose(archive);
  if (got < 0) {
    throw std::runtime_error(std::string(file) + " is damaged");
  }
  return bytes;
}

Frame parse_name(const std::string& path) {
  static const std::regex pattern(R"(frames/((\d+)_v(\d+)_(\d+)_(req|resp)_(.+)\.bin))");
  std::smatch parts;
  if (!std::regex_match(path, parts, pattern)) {
    throw std::runtime_error("unexpected name " + path);
  }
  Frame frame;
  frame.name = parts[1];
  frame.api_key = static_cast<std::int16_t>(std::stoi(parts[2]));
  frame.version = static_cast<std::int16_t>(std::stoi(parts[3]));
  frame.number = std::stoi(parts[4]);
  frame.is_request = parts[5] == "req";
  frame.client = parts[6];
  return frame;
}

}  // namespace

// A tar file: for each member a block of 512 bytes with name (offset 0), size in octal (124) and
// kind (156), then its bytes, padded to whole blocks.
std::vector<Frame> recorded_frames() {
  constexpr std::size_t kBlock = 512;
  constexpr std::size_t kNameLength = 100;
  constexpr std::size_t kSizeAt = 124;
  constexpr std::size_t kKindAt = 156;
  const ByteVector tar = unpack(BARNABAS_FRAMES);
  std::vector<Frame> frames;
  std::size_t at = 0;
  while (at + kBlock <= tar.size() && tar[at] != std::byte{0}) {
    const char* const header = reinterpret_cast<const char*>(tar.data() + at);
    const std::string path(header, ::strnlen(header, kNameLength));
    const std::size_t size = std::stoul(std::string(header + kSizeAt, 11), nullptr, 8);
    const char kind = header[kKindAt];
    at += kBlock;
    if (at + size > tar.size()) {
      throw std::runtime_error(path + " ends early");
    }
    if (kind == '0' || kind == '\0') {
      Frame frame = parse_name(path);
      const auto begin = tar.begin() + static_cast<std::ptrdiff_t>(at);
      frame.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(size));
      frames.push_back(std::move(frame));
    }
    at += (size + kBlock - 1) / kBlock * kBlock;
  }
  std::ranges::sort(frames, {}, &Frame::name);
  return frames;
}

}  // namespace barnabas::golden
