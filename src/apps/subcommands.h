// The subcommands of the multi-call program: one function each, in a file of its own.
// Each returns the process's exit code. `arguments` is what follows the subcommand's name.
// THREAD: called once, on the main thread.
#pragma once

#include <span>

namespace barnabas::apps {

int server_main(std::span<char*> arguments);
int metadata_main(std::span<char*> arguments);
int topics_main(std::span<char*> arguments);
int configs_main(std::span<char*> arguments);
int consumer_groups_main(std::span<char*> arguments);
int get_offsets_main(std::span<char*> arguments);
int delete_records_main(std::span<char*> arguments);
int dump_log_main(std::span<char*> arguments);
int log_dirs_main(std::span<char*> arguments);
int leader_election_main(std::span<char*> arguments);
int api_versions_main(std::span<char*> arguments);
int cluster_main(std::span<char*> arguments);
int transactions_main(std::span<char*> arguments);
int console_producer_main(std::span<char*> arguments);
int console_consumer_main(std::span<char*> arguments);

}  // namespace barnabas::apps
