// Writes the first corpus of the protocol's fuzzers: protocol_seeds <folder>.
//   frame/    recorded requests, at most two small ones of each API and version
//   message/  one random value of each message and version
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

#include "any_message.h"
#include "barnabas/base/random.h"
#include "barnabas/protocol/writer.h"
#include "frames.h"

namespace {

using namespace barnabas;

void write_file(const std::filesystem::path& file, ByteView bytes) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  out.flush();
  if (!out) {
    throw std::runtime_error("cannot write " + file.string());
  }
}

void write_frames(const std::filesystem::path& folder) {
  constexpr std::size_t kLargest = 1024;
  std::map<std::pair<int, int>, int> written;
  for (const golden::Frame& frame : golden::recorded_frames()) {
    if (frame.is_request && frame.bytes.size() <= kLargest &&
        written[{frame.api_key, frame.version}]++ < 2) {
      write_file(folder / frame.name, frame.bytes);
    }
  }
}

void write_messages(const std::filesystem::path& folder) {
  const auto random = make_seeded_random(1);
  const auto& types = protocol::testing::all_messages();
  for (std::size_t number = 0; number < types.size(); ++number) {
    const auto& type = types[number];
    for (std::int16_t version = type.min_version; version <= type.max_version; ++version) {
      protocol::testing::Filler filler(*random);
      const auto message = type.make();
      message->randomize(filler, version);
      protocol::Writer out;
      out.write(static_cast<std::uint8_t>(number));
      out.write(static_cast<std::int8_t>(version));
      if (!message->encode(out, version)) {
        throw std::runtime_error("cannot encode " + std::string(type.name));
      }
      write_file(folder / (std::string(type.name) + "_v" + std::to_string(version)), out.bytes());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: protocol_seeds <folder>\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder / "frame");
  std::filesystem::create_directories(folder / "message");
  write_frames(folder / "frame");
  write_messages(folder / "message");
  return 0;
}
