// The .log part of dump_log.h.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "batch_file.h"
#include "coordinator_records.h"
#include "dump_log.h"
#include "java_text.h"

namespace barnabas::apps {
namespace {

std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::int64_t size_or_null(const std::optional<ByteView>& bytes) {
  return bytes ? static_cast<std::int64_t>(bytes->size()) : -1;
}

void print_batch(const FileBatch& batch, std::int64_t position, std::string& out) {
  const auto append = std::back_inserter(out);
  if (batch.is_v2()) {
    const record::BatchView view = batch.v2();
    const auto horizon = view.delete_horizon_ms();
    fmt::format_to(
        append,
        "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} producerId: {} "
        "producerEpoch: {} partitionLeaderEpoch: {} isTransactional: {} isControl: {} "
        "deleteHorizonMs: {}",
        view.base_offset().value(), view.last_offset().value(), view.record_count(),
        view.base_sequence().value(), view.last_sequence().value(), view.producer_id().value(),
        view.producer_epoch().value(), view.leader_epoch().value(), view.is_transactional(),
        view.is_control(),
        horizon ? fmt::format("OptionalLong[{}]", *horizon) : "OptionalLong.empty");
  } else {
    fmt::format_to(append, "offset: {}", batch.last_offset());
  }
  fmt::format_to(append,
                 " position: {} {}: {} size: {} magic: {} compresscodec: {} crc: {} isvalid: {}\n",
                 position, batch.timestamp_type(), batch.max_timestamp_ms(), batch.size_bytes(),
                 batch.v2().magic(), record::codec_name(batch.compression()), batch.crc(),
                 batch.crc_is_valid());
}

// The types of ControlRecordType; its names where Kafka prints them as they are.
constexpr std::int16_t kAbort = 0;
constexpr std::int16_t kCommit = 1;

Status print_control(const record::RecordView& record, std::string& out) {
  // Key: version, type. Value of a marker: version, coordinator epoch.
  constexpr std::size_t kKeyBytes = 4;
  constexpr std::size_t kValueBytes = 6;
  if (!record.key || record.key->size() < kKeyBytes) {
    return fail(ErrorCode::kInvalidRecord,
                "Invalid value size found for end control record key. Must have at least 4 bytes");
  }
  const auto type = load_be<std::int16_t>(record.key->data() + 2);
  if (type != kAbort && type != kCommit) {
    constexpr std::string_view kLeaderChange = "LEADER_CHANGE";
    fmt::format_to(std::back_inserter(out), " controlType: {}({})",
                   type == 2 ? kLeaderChange : "UNKNOWN", type);
    return {};
  }
  if (!record.value || record.value->size() < kValueBytes) {
    return fail(ErrorCode::kInvalidRecord,
                "Invalid value size found for end transaction marker. Must have at least 6 bytes");
  }
  fmt::format_to(std::back_inserter(out), " endTxnMarker: {} coordinatorEpoch: {}",
                 type == kCommit ? "COMMIT" : "ABORT",
                 load_be<std::int32_t>(record.value->data() + 2));
  return {};
}

Result<std::string> decode_field(FieldDecoder decoder, ByteView bytes) {
  const std::size_t wanted = decoder == FieldDecoder::kInteger ? 4
                             : decoder == FieldDecoder::kLong  ? 8
                                                               : 0;
  if (bytes.size() < wanted) {
    return fail(
        ErrorCode::kInvalidRecord,
        fmt::format("a field of {} bytes is too short for a number of {}", bytes.size(), wanted));
  }
  switch (decoder) {
    case FieldDecoder::kInteger:
      return std::to_string(load_be<std::int32_t>(bytes.data()));
    case FieldDecoder::kLong:
      return std::to_string(load_be<std::int64_t>(bytes.data()));
    case FieldDecoder::kText:
      return java_utf8(text_of(bytes));
    default:
      return std::string(text_of(bytes));
  }
}

Result<DecodedRecord> decode(const record::RecordView& record, const DumpOptions& options) {
  if (options.decoder == RecordDecoder::kOffsets) {
    return decode_group_record(record.offset, record.key, record.value);
  }
  if (options.decoder == RecordDecoder::kTransactions) {
    return decode_transaction_record(record.key, record.value);
  }
  DecodedRecord decoded;
  if (record.key) {
    TRY(decoded.key, decode_field(options.key, *record.key));
  }
  if (record.value) {
    TRY(decoded.value, decode_field(options.value, *record.value));
  }
  return decoded;
}

class RecordPrinter {
 public:
  RecordPrinter(const DumpOptions& options, std::string& out) : options_(options), out_(out) {}

  [[nodiscard]] Status print(const FileBatch& batch, const record::RecordView& record,
                             const LegacyChecksum* checksum) {
    std::string_view prefix = "| ";
    const bool control = batch.is_v2() && batch.v2().is_control();
    if (!options_.skip_metadata) {
      TRY_STATUS(metadata(batch, record, checksum, control));
      prefix = " ";
    }
    if (options_.print_data && !control) {
      TRY(const DecodedRecord decoded, decode(record, options_));
      if (decoded.key) {
        fmt::format_to(std::back_inserter(out_), "{}key: {}", prefix, *decoded.key);
      }
      if (decoded.value) {
        fmt::format_to(std::back_inserter(out_), " payload: {}", *decoded.value);
      }
    }
    out_ += '\n';
    return {};
  }

 private:
  [[nodiscard]] Status metadata(const FileBatch& batch, const record::RecordView& record,
                                const LegacyChecksum* checksum, bool control) {
    const auto append = std::back_inserter(out_);
    fmt::format_to(append, "| offset: {} {}: {} keySize: {} valueSize: {}", record.offset.value(),
                   batch.timestamp_type(), record.timestamp_ms, size_or_null(record.key),
                   size_or_null(record.value));
    if (batch.is_v2()) {
      fmt::format_to(append, " sequence: {} headerKeys: [", record.sequence.value());
      for (std::size_t i = 0; i < record.headers.size(); ++i) {
        fmt::format_to(append, "{}{}", i == 0 ? "" : ",", text_of(record.headers[i].key));
      }
      out_ += ']';
    }
    if (checksum != nullptr) {  // the brace is Kafka's
      fmt::format_to(append, " isValid: {} crc: {}}}", checksum->is_valid, checksum->crc);
    }
    return control ? print_control(record, out_) : Status{};
  }

  const DumpOptions& options_;
  std::string& out_;
};

}  // namespace

Status dump_log(Vfs& vfs, const DumpFile& file, const DumpOptions& options, DumpFindings& findings,
                DumpOutput& out) {
  TRY(const std::int64_t start, base_offset_of(file));
  out.buffer() += options.notes;
  out.buffer() += fmt::format("Log starting offset: {}\n", start);
  TRY(BatchFile batches, BatchFile::open(vfs, file.path));
  const std::int64_t end = std::min(options.max_bytes, batches.size_bytes());
  RecordPrinter printer(options, out.buffer());
  FileRecordWalk records;
  std::int64_t position = 0;
  std::int64_t last_offset = -1;
  for (;;) {
    TRY(const std::optional<FileBatch> batch, batches.batch_at(position, end));
    if (!batch) {
      break;
    }
    print_batch(*batch, position, out.buffer());
    if (options.deep) {
      TRY_STATUS(records.each(*batch, [&](const auto& record, const LegacyChecksum* checksum) {
        const std::int64_t offset = record.offset.value();
        if (last_offset != -1 && offset != last_offset + 1) {
          auto& pairs = findings.not_consecutive[file.absolute];
          pairs.insert(pairs.begin(), {last_offset, offset});
        }
        last_offset = offset;
        return printer.print(*batch, record, checksum);
      }));
    }
    position += batch->size_bytes();
    out.flush_if_large();
  }
  if (position < end && options.max_bytes == INT32_MAX) {
    out.buffer() += fmt::format("Found {} invalid bytes at the end of {}\n", end - position,
                                file.path.substr(file.path.rfind('/') + 1));
  }
  return {};
}

}  // namespace barnabas::apps
