// Whether the log dirs hold topics that the metadata tree does not know: then they were made with
// another tree, and a broker that went on would serve nothing of them and might one day make new
// topics of the same names over them.
// THREAD: any; reads directories
#pragma once

#include <string>
#include <vector>

#include "barnabas/base/result.h"
#include "barnabas/base/vfs.h"

namespace barnabas::broker {

// INVALID_CONFIG naming the directories and what to do. `known`: the topics of the tree, sorted.
// A dir that cannot be read is passed over: whoever loads it says so.
[[nodiscard]] Status check_no_strange_topics(const Vfs& vfs,
                                             const std::vector<std::string>& log_dirs,
                                             const std::vector<std::string>& known);

}  // namespace barnabas::broker
