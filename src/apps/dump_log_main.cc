// kafka-dump-log.sh: segments, indexes and snapshots of a partition as text, read from the disk.
// Text goes to standard output, what does not fit together to standard error (Kafka 3.9.1).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "barnabas/base/vfs.h"
#include "dump_log.h"
#include "option_parser.h"
#include "rdkafka_client.h"
#include "subcommands.h"
#include "tool_main.h"

namespace barnabas::apps {
namespace {

constexpr std::int32_t kMaxMessageSize = 5 * 1024 * 1024;

constexpr std::array kOptions = {
    OptionSpec{"cluster-metadata-decoder"},
    OptionSpec{"deep-iteration"},
    OptionSpec{"files", Argument::kRequired},
    OptionSpec{"help"},
    OptionSpec{"index-sanity-check"},
    OptionSpec{"key-decoder-class", Argument::kOptional},
    OptionSpec{"max-bytes", Argument::kRequired},
    OptionSpec{"max-message-size", Argument::kRequired},
    OptionSpec{"offsets-decoder"},
    OptionSpec{"print-data-log"},
    OptionSpec{"remote-log-metadata-decoder"},
    OptionSpec{"skip-record-metadata"},
    OptionSpec{"transaction-log-decoder"},
    OptionSpec{"value-decoder-class", Argument::kOptional},
    OptionSpec{"verify-index-only"},
    OptionSpec{"version"},
};

constexpr std::string_view kHelp = R"(Prints the files of a partition, read from the disk.
  --files A,B,...               REQUIRED: .log, .index, .timeindex, .txnindex, .snapshot files
  --deep-iteration              the records of each batch, not only the batch
  --print-data-log              and their keys and values
  --offsets-decoder             as records of __consumer_offsets
  --transaction-log-decoder     as records of __transaction_state
  --key-decoder-class CLASS, --value-decoder-class CLASS   StringDecoder (default),
                                IntegerDecoder, LongDecoder, DefaultDecoder
  --skip-record-metadata        keys and values only
  --max-bytes N                 stop after so many bytes of the log
  --index-sanity-check          indexes: what a start checks of them
  --verify-index-only           indexes: compare them with the log
  --max-message-size N          the longest batch that an index may point to (5242880)
  --help, --version
Exit code: 0 done (also where something does not fit together), 1 an error.
)";

std::unexpected<Error> refuse(std::string text) {
  return fail(ErrorCode::kInvalidRequest, std::move(text));
}

Result<FieldDecoder> field_decoder(const ParsedOptions& options, std::string_view option,
                                   std::string& notes) {
  TRY(const auto given, options.value(option));
  if (!given) {
    return FieldDecoder::kText;
  }
  constexpr std::string_view kPackage = "org.apache.kafka.tools.api.";
  constexpr std::string_view kOldPackage = "kafka.serializer.";
  std::string_view name = *given;
  const bool old = name.starts_with(kOldPackage);
  for (const std::string_view package : {kPackage, kOldPackage}) {
    if (name.starts_with(package)) {
      name.remove_prefix(package.size());
    }
  }
  struct Known {
    std::string_view name;
    FieldDecoder decoder;
  };
  for (const auto& known :
       {Known{"StringDecoder", FieldDecoder::kText},
        Known{"IntegerDecoder", FieldDecoder::kInteger}, Known{"LongDecoder", FieldDecoder::kLong},
        Known{"DefaultDecoder", FieldDecoder::kBytes}}) {
    if (known.name == name) {
      if (old) {
        notes += fmt::format("{} is deprecated. Please use {}{} instead\n", *given, kPackage, name);
      }
      return known.decoder;
    }
  }
  return refuse(fmt::format("--{} {} is not supported by this tool", option, *given));
}

Result<DumpOptions> dump_options(const ParsedOptions& options) {
  for (const std::string_view name : {"cluster-metadata-decoder", "remote-log-metadata-decoder"}) {
    if (options.has(name)) {
      return refuse(fmt::format("--{} is not supported by this tool", name));
    }
  }
  DumpOptions dump;
  TRY(dump.max_message_size, options.int32_value("max-message-size", kMaxMessageSize));
  TRY(dump.max_bytes, options.int32_value("max-bytes", INT32_MAX));
  dump.skip_metadata = options.has("skip-record-metadata");
  dump.verify_only = options.has("verify-index-only");
  dump.sanity_only = options.has("index-sanity-check");
  if (options.has("offsets-decoder")) {
    dump.decoder = RecordDecoder::kOffsets;
  } else if (options.has("transaction-log-decoder")) {
    dump.decoder = RecordDecoder::kTransactions;
  } else {
    TRY(dump.value, field_decoder(options, "value-decoder-class", dump.notes));
    TRY(dump.key, field_decoder(options, "key-decoder-class", dump.notes));
  }
  dump.print_data = std::ranges::any_of(
      std::array<std::string_view, 5>{"print-data-log", "offsets-decoder",
                                      "transaction-log-decoder", "value-decoder-class",
                                      "key-decoder-class"},
      [&](std::string_view name) { return options.has(name); });
  dump.deep = dump.print_data || options.has("deep-iteration");
  return dump;
}

Status dump(Vfs& vfs, const DumpFile& file, const DumpOptions& options, DumpFindings& findings,
            DumpOutput& out) {
  if (file.suffix == ".log") {
    return dump_log(vfs, file, options, findings, out);
  }
  if (file.suffix == ".index") {
    return dump_offset_index(vfs, file, options, findings, out);
  }
  if (file.suffix == ".timeindex") {
    return dump_time_index(vfs, file, options, findings, out);
  }
  if (file.suffix == ".txnindex") {
    return dump_transaction_index(vfs, file, out);
  }
  if (file.suffix == ".snapshot") {
    return dump_producer_snapshot(vfs, file, out);
  }
  say(fmt::format("Ignoring unknown file {}", file.path));
  return {};
}

Status run(const ParsedOptions& parsed) {
  TRY(const auto files, parsed.value("files"));
  if (!files) {
    return refuse("Missing required argument \"[files]\"");
  }
  TRY(const DumpOptions options, dump_options(parsed));
  const auto vfs = make_posix_vfs();
  DumpFindings findings;
  {
    DumpOutput out;
    for (std::size_t at = 0; at < files->size();) {
      const std::size_t end = std::min(files->find(',', at), files->size());
      const DumpFile file = dump_file(files->substr(at, end - at));
      at = end + 1;
      out.buffer() += fmt::format("Dumping {}\n", file.path);
      TRY_STATUS(dump(*vfs, file, options, findings, out));
    }
  }
  fmt::print(stderr, "{}", findings.text());
  return {};
}

}  // namespace

int dump_log_main(std::span<char*> arguments) {
  return run_tool({kOptions, kHelp}, arguments, &run);
}

}  // namespace barnabas::apps
