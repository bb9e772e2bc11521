// What kafka-consumer-groups.sh prints, as Kafka 3.9.1 does but for the line ends that it forgets:
// here every row ends with one, and an empty line stands before each table. Pure. THREAD: any
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "group_client.h"

namespace barnabas::apps {

// --list with --state or --type (or both).
[[nodiscard]] std::string listing_text(const std::vector<GroupListing>& groups, bool types,
                                       bool states);

struct OffsetRow {
  TopicPartition partition;
  bool has_partition = true;  // false: a member whose partitions are not known
  std::optional<std::int64_t> offset;
  std::optional<std::int64_t> log_end;
  std::string consumer_id = "-";
  std::string host = "-";
  std::string client_id = "-";
};

[[nodiscard]] std::string offsets_text(const std::string& group,
                                       const std::vector<OffsetRow>& rows);
[[nodiscard]] std::string members_text(const GroupDescription& group, bool verbose);
[[nodiscard]] std::string state_text(const GroupDescription& group);

// What stands before a table, and whether there is one at all.
struct StateNote {
  std::string out;  // to standard output
  std::string err;  // to standard error
  bool table = true;
};
[[nodiscard]] StateNote state_note(const GroupDescription& group, std::size_t rows);

}  // namespace barnabas::apps
