#include "bench/wire.h"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>

#include "barnabas/base/crc32c.h"

namespace barnabas::bench {
namespace {

constexpr std::string_view kClientId = "bench";

class Decoder {
 public:
  explicit Decoder(ByteView bytes) : bytes_(bytes) {}
  template <typename T>
  T get() {
    need(sizeof(T));
    const T value = load_be<T>(bytes_.data());
    bytes_ = bytes_.subspan(sizeof(T));
    return value;
  }
  void skip(std::size_t count) {
    need(count);
    bytes_ = bytes_.subspan(count);
  }
  std::uint32_t uvarint() {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      const auto byte = get<std::uint8_t>();
      value |= static_cast<std::uint32_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) {
        return value;
      }
    }
    throw std::runtime_error("answer holds a varint that does not end");
  }
  void skip_string() { skip_sized(get<std::int16_t>()); }
  void skip_sized(std::int32_t size) { skip(size > 0 ? static_cast<std::size_t>(size) : 0); }
  void skip_compact() {
    const std::uint32_t size = uvarint();
    skip(size > 0 ? size - 1 : 0);
  }
  void skip_tags() {
    for (std::uint32_t left = uvarint(); left > 0; --left) {
      uvarint();
      skip(uvarint());
    }
  }

 private:
  void need(std::size_t count) const {
    if (bytes_.size() < count) {
      throw std::runtime_error("answer is too short");
    }
  }
  ByteView bytes_;
};

void check_code(std::int16_t code, std::string_view what) {
  if (code != 0) {
    throw std::runtime_error(fmt::format("{} answered error {}", what, code));
  }
}

Encoder header(std::int16_t api, std::int16_t version, std::int32_t correlation, bool flexible) {
  Encoder out;
  out.put<std::int32_t>(0).put(api).put(version).put(correlation).string(kClientId);
  if (flexible) {
    out.uvarint(0);
  }
  return out;
}

ByteVector finish(Encoder& out) {
  store_be(out.bytes().data(), static_cast<std::int32_t>(out.bytes().size() - 4));
  return std::move(out.bytes());
}

void append_record(Encoder& out, int delta, std::size_t value_bytes) {
  Encoder body;
  body.put<std::int8_t>(0).varint(0).varint(delta).varint(-1).varint(
      static_cast<std::int32_t>(value_bytes));
  // Neither all alike nor random: no codec is asked for, and nothing looks at it.
  for (std::size_t i = 0; i < value_bytes; ++i) {
    body.put(static_cast<std::int8_t>('a' + (i * 7 + static_cast<std::size_t>(delta)) % 26));
  }
  body.varint(0);
  out.varint(static_cast<std::int32_t>(body.bytes().size())).raw(body.bytes());
}

}  // namespace

Encoder& Encoder::raw(ByteView bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

Encoder& Encoder::string(std::string_view text) {
  put(static_cast<std::int16_t>(text.size()));
  return raw(as_bytes(text));
}

Encoder& Encoder::compact_string(std::string_view text) {
  uvarint(static_cast<std::uint32_t>(text.size() + 1));
  return raw(as_bytes(text));
}

Encoder& Encoder::uvarint(std::uint32_t value) {
  while (value >= 0x80) {
    put(static_cast<std::uint8_t>(value | 0x80U));
    value >>= 7U;
  }
  return put(static_cast<std::uint8_t>(value));
}

Encoder& Encoder::varint(std::int32_t value) {
  return uvarint((static_cast<std::uint32_t>(value) << 1U) ^
                 static_cast<std::uint32_t>(value >> 31));
}

ByteVector record_batch(int records, std::size_t value_bytes) {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  // What the CRC covers: from the attributes on.
  Encoder body;
  body.put<std::int16_t>(0)
      .put<std::int32_t>(records - 1)
      .put<std::int64_t>(now)
      .put<std::int64_t>(now)
      .put<std::int64_t>(-1)  // producer id
      .put<std::int16_t>(-1)  // producer epoch
      .put<std::int32_t>(-1)  // base sequence
      .put<std::int32_t>(records);
  for (int i = 0; i < records; ++i) {
    append_record(body, i, value_bytes);
  }
  Encoder out;
  out.put<std::int64_t>(0)
      .put(static_cast<std::int32_t>(body.bytes().size() + 9))
      .put<std::int32_t>(-1)  // leader epoch
      .put<std::int8_t>(2)
      .put(static_cast<std::int32_t>(crc32c(body.bytes())))
      .raw(body.bytes());
  return std::move(out.bytes());
}

ByteVector batch_of_size(std::size_t batch_bytes, std::size_t value_bytes, int& records) {
  const std::size_t one = record_batch(2, value_bytes).size() - record_batch(1, value_bytes).size();
  const std::size_t empty = record_batch(1, value_bytes).size() - one;
  records = static_cast<int>(std::max<std::size_t>(1, (batch_bytes - empty) / (one + 1)));
  return record_batch(records, value_bytes);
}

ByteVector produce_request(const Produced& to, ByteView batch, std::int16_t acks,
                           std::int32_t correlation) {
  Encoder out = header(0, 9, correlation, true);
  out.uvarint(0);  // no transactional id
  out.put(acks).put<std::int32_t>(30'000);
  out.uvarint(2).compact_string(to.topic);
  out.uvarint(static_cast<std::uint32_t>(to.partitions.size() + 1));
  for (const std::int32_t partition : to.partitions) {
    out.put(partition).uvarint(static_cast<std::uint32_t>(batch.size() + 1)).raw(batch).uvarint(0);
  }
  out.uvarint(0).uvarint(0);
  return finish(out);
}

ByteVector fetch_request(const Fetched& from, std::int32_t correlation) {
  Encoder out = header(1, 11, correlation, false);
  out.put<std::int32_t>(-1)
      .put(from.max_wait_ms)
      .put(from.min_bytes)
      .put(from.max_bytes)
      .put<std::int8_t>(0)
      .put<std::int32_t>(0)    // no session,
      .put<std::int32_t>(-1);  // and none wanted
  out.put<std::int32_t>(1).string(from.topic).put<std::int32_t>(1);
  out.put(from.partition)
      .put<std::int32_t>(-1)
      .put(from.offset)
      .put<std::int64_t>(-1)
      .put(from.max_bytes);
  out.put<std::int32_t>(0).string("");
  return finish(out);
}

ByteVector api_versions_request(std::int32_t correlation) {
  Encoder out = header(18, 3, correlation, true);
  out.compact_string("bench").compact_string("1").uvarint(0);
  return finish(out);
}

ByteVector create_topic_request(const std::string& topic, int partitions,
                                std::int32_t correlation) {
  Encoder out = header(19, 2, correlation, false);
  out.put<std::int32_t>(1).string(topic).put<std::int32_t>(partitions).put<std::int16_t>(1);
  out.put<std::int32_t>(0).put<std::int32_t>(0);  // no assignment, no configs
  out.put<std::int32_t>(60'000).put<std::int8_t>(0);
  return finish(out);
}

ByteVector metadata_request(const std::string& topic, std::int32_t correlation) {
  Encoder out = header(3, 4, correlation, false);
  out.put<std::int32_t>(1).string(topic).put<std::int8_t>(0);
  return finish(out);
}

std::int64_t check_produce_answer(ByteView answer) {
  Decoder in(answer);
  in.skip(4);
  in.skip_tags();
  std::int64_t first_offset = -1;
  for (std::uint32_t topics = in.uvarint(); topics > 1; --topics) {
    in.skip_compact();
    for (std::uint32_t partitions = in.uvarint(); partitions > 1; --partitions) {
      in.skip(4);
      check_code(in.get<std::int16_t>(), "Produce");
      const auto offset = in.get<std::int64_t>();
      first_offset = first_offset < 0 ? offset : first_offset;
      in.skip(16);
      if (in.uvarint() > 1) {
        throw std::runtime_error("Produce answered record errors");
      }
      in.skip_compact();
      in.skip_tags();
    }
    in.skip_tags();
  }
  if (first_offset < 0) {
    throw std::runtime_error("Produce answered no partition");
  }
  return first_offset;
}

void check_api_versions_answer(ByteView answer) {
  Decoder in(answer);
  in.skip(4);
  check_code(in.get<std::int16_t>(), "ApiVersions");
}

void check_create_topic_answer(ByteView answer) {
  constexpr std::int16_t kTopicAlreadyExists = 36;
  Decoder in(answer);
  in.skip(4 + 4 + 4);
  in.skip_string();
  const auto code = in.get<std::int16_t>();
  check_code(code == kTopicAlreadyExists ? std::int16_t{0} : code, "CreateTopics");
}

bool topic_is_ready(ByteView answer, int partitions) {
  Decoder in(answer);
  in.skip(4 + 4);
  for (auto brokers = in.get<std::int32_t>(); brokers > 0; --brokers) {
    in.skip(4);
    in.skip_string();
    in.skip(4);
    in.skip_string();
  }
  in.skip_string();
  in.skip(4 + 4);  // controller, one topic
  if (in.get<std::int16_t>() != 0) {
    return false;
  }
  in.skip_string();
  in.skip(1);
  int ready = 0;
  for (auto left = in.get<std::int32_t>(); left > 0; --left) {
    const auto code = in.get<std::int16_t>();
    in.skip(4);
    const auto leader = in.get<std::int32_t>();
    ready += code == 0 && leader >= 0 ? 1 : 0;
    for (int list = 0; list < 2; ++list) {
      const auto count = in.get<std::int32_t>();
      in.skip_sized(count * 4);
    }
  }
  return ready == partitions;
}

std::size_t fetch_prefix_bytes(const std::string& topic) {
  // length, correlation, throttle, error, session, topics, name, partitions, partition, error,
  // high watermark, last stable, log start, aborted, preferred replica, record bytes
  return 4 + 4 + 4 + 2 + 4 + 4 + 2 + topic.size() + 4 + 4 + 2 + 8 + 8 + 8 + 4 + 4 + 4;
}

FetchAnswer check_fetch_prefix(ByteView prefix, const std::string& topic) {
  Decoder in(prefix);
  in.skip(4 + 4 + 4);
  check_code(in.get<std::int16_t>(), "Fetch");
  in.skip(4);
  const auto topics = in.get<std::int32_t>();
  in.skip(2 + topic.size());
  const auto partitions = in.get<std::int32_t>();
  in.skip(4);
  check_code(in.get<std::int16_t>(), "Fetch of the partition");
  FetchAnswer answer;
  answer.high_watermark = in.get<std::int64_t>();
  in.skip(16);
  const auto aborted = in.get<std::int32_t>();
  in.skip(4);
  answer.record_bytes = in.get<std::int32_t>();
  if (topics != 1 || partitions != 1 || aborted > 0 || answer.record_bytes < 0) {
    throw std::runtime_error("Fetch answered something else than one plain partition");
  }
  return answer;
}

}  // namespace barnabas::bench
