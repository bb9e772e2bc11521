// What generated sources share beyond Reader and Writer. Not for others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "barnabas/protocol/reader.h"
#include "barnabas/protocol/writer.h"

namespace barnabas::protocol {

// The value of an optional, made if there is none; what is there is kept for its memory.
template <typename T>
T& ensure(std::optional<T>& value) {
  return value.has_value() ? *value : value.emplace();
}

// `count` was checked against the bytes that are left by read_array_length().
template <typename T>
void read_structs(Reader& in, std::vector<T>& items, std::int64_t count, std::int16_t version) {
  if (!in.take_memory(count, sizeof(T))) [[unlikely]] {
    return;
  }
  items.resize(static_cast<std::size_t>(count));
  for (T& item : items) {
    item.read(in, version);
    if (!in.ok()) [[unlikely]] {
      return;
    }
  }
}

template <typename T>
void read_integers(Reader& in, std::vector<T>& items, std::int64_t count) {
  if (!in.take_memory(count, sizeof(T))) [[unlikely]] {
    return;
  }
  items.resize(static_cast<std::size_t>(count));
  for (T& item : items) {
    item = in.read<T>();
  }
}

void read_strings(Reader& in, std::vector<std::string>& items, std::int64_t count, bool flexible,
                  const char* field);
void read_uuids(Reader& in, std::vector<Uuid>& items, std::int64_t count);

}  // namespace barnabas::protocol
