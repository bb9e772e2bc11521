// The recorded frames of this folder, unpacked in memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "barnabas/base/bytes.h"

namespace barnabas::golden {

struct Frame {
  std::string name;  // of the file
  std::int16_t api_key = 0;
  std::int16_t version = 0;  // of the request
  int number = 0;
  bool is_request = false;
  std::string client;
  ByteVector bytes;
};

// By name. Throws std::runtime_error when the archive or a name in it is not as expected.
[[nodiscard]] std::vector<Frame> recorded_frames();

}  // namespace barnabas::golden
