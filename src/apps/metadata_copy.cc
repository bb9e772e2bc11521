#include "metadata_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "barnabas/base/clock.h"
#include "barnabas/base/vfs.h"
#include "barnabas/net/disk_pool.h"
#include "barnabas/net/io_threads.h"
#include "barnabas/zk/embedded_store.h"
#include "barnabas/zk/znodes.h"
#include "barnabas/zk/zookeeper_store.h"

namespace barnabas::apps {
namespace {

namespace json = boost::json;

constexpr std::string_view kFormat = "barnabas.metadata";
constexpr std::int64_t kFormatVersion = 1;
constexpr std::chrono::milliseconds kConnectTimeout{18000};
// More would be another's doing: ids are generated one a broker.
constexpr std::int32_t kMaxWrites = 100'000;

// Parents whose children only say that something has changed.
constexpr std::string_view kNotifications[] = {
    zk::kConfigChangesPath,        zk::kIsrChangePath,
    zk::kLogDirEventPath,          "/kafka-acl-changes",
    "/kafka-acl-extended-changes", "/delegation_token/token_changes"};

// host:port, host:port/chroot, several hosts; everything else is a folder.
bool is_zookeeper(const std::string& place) {
  const std::string host = place.substr(0, place.find_first_of(",/"));
  const std::size_t colon = host.rfind(':');
  return colon != std::string::npos && colon + 1 < host.size() &&
         std::ranges::all_of(host.substr(colon + 1), [](char c) { return c >= '0' && c <= '9'; });
}

// A store and the threads it lives on; every call waits for its answer.
class Tree {
 public:
  static Result<std::unique_ptr<Tree>> open(const std::string& place, bool make_chroot) {
    std::unique_ptr<Tree> tree(new Tree());
    tree->disk_.start();
    TRY_STATUS(tree->home_threads_.start());
    if (is_zookeeper(place)) {
      TRY_STATUS(tree->connect(place, make_chroot));
    } else {
      zk::EmbeddedStoreOptions options;
      options.directory = place;
      TRY(tree->store_,
          zk::open_embedded_store(options, *tree->vfs_, tree->clock_, tree->home(), tree->disk_));
    }
    return tree;
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() {
    if (store_ != nullptr) {
      static_cast<void>(ask<zk::SessionId>([this](auto done) { store_->close(std::move(done)); }));
    }
    home_threads_.stop();
    disk_.stop();
  }

  zk::StoreResult<zk::Node> get(const std::string& path) {
    return ask<zk::Node>([&](auto done) { store_->get(path, {}, std::move(done)); });
  }
  zk::StoreResult<zk::Children> children(const std::string& path) {
    return ask<zk::Children>([&](auto done) { store_->children(path, {}, std::move(done)); });
  }
  zk::StoreResult<std::vector<zk::WriteResult>> write(zk::WriteOp op) {
    return ask<std::vector<zk::WriteResult>>([&](auto done) {
      std::vector<zk::WriteOp> ops;
      ops.push_back(std::move(op));
      store_->multi(std::move(ops), std::move(done));
    });
  }

 private:
  Tree() = default;

  Executor& home() { return home_threads_.executor(0); }

  template <typename T>
  zk::StoreResult<T> ask(std::move_only_function<void(zk::Callback<T>)> start) {
    std::promise<zk::StoreResult<T>> promise;
    auto answer = promise.get_future();
    home().post([&] {
      start([&promise](zk::StoreResult<T> result) { promise.set_value(std::move(result)); });
    });
    return answer.get();
  }

  Status connect(const std::string& place, bool make_chroot) {
    zk::ZooKeeperOptions options;
    TRY(options.connect, zk::parse_connect_string(place));
    const auto no_answer = [&](const zk::StoreError& error) -> Status {
      return fail(ErrorCode::kBrokerNotAvailable,
                  fmt::format("ZooKeeper at {}: {}", options.connect.hosts, zk::to_string(error)));
    };
    if (make_chroot && !options.connect.chroot.empty()) {
      const auto made = ask<zk::SessionId>([&](auto done) {
        zk::make_chroot(options, kConnectTimeout, home(), disk_, std::move(done));
      });
      if (!made) {
        return no_answer(made.error());
      }
    }
    auto store = zk::make_zookeeper_store(options, home(), disk_);
    const auto connected =
        ask<zk::SessionId>([&](auto done) { store->connect(kConnectTimeout, std::move(done)); });
    if (!connected) {
      return no_answer(connected.error());
    }
    store_ = std::move(store);
    return {};
  }

  SystemClock clock_;
  std::unique_ptr<Vfs> vfs_ = make_posix_vfs();
  net::DiskPool disk_{1, clock_, "disk"};
  net::IoThreads home_threads_{{1, false, "home"}, clock_};
  std::shared_ptr<zk::MetadataStore> store_;
};

std::string join(const std::string& parent, const std::string& name) {
  return parent == "/" ? "/" + name : fmt::format("{}/{}", parent, name);
}

CarriedNode carried(const std::string& path, zk::NodeData data, const zk::Stat& stat) {
  CarriedNode node{path, std::move(data), 0};
  if (path == zk::kBrokerSeqIdPath) {
    node.writes = stat.version.value();
  }
  return node;
}

Status collect(Tree& tree, const std::string& path, std::vector<CarriedNode>& nodes) {
  const auto node = tree.get(path);
  if (!node) {
    return node.error().code == zk::StoreErrorCode::kNoNode && path != "/"
               ? Status{}  // gone since it was listed
               : Status(std::unexpected(zk::to_error(node.error())));
  }
  if (!is_carried(path, node->stat)) {
    return {};
  }
  if (path != "/") {
    nodes.push_back(carried(path, node->data, node->stat));
  }
  const auto children = tree.children(path);
  if (!children) {
    return std::unexpected(zk::to_error(children.error()));
  }
  for (const std::string& name : children->names) {
    TRY_STATUS(collect(tree, join(path, name), nodes));
  }
  return {};
}

// The nodes that are missing in the target; an error when it holds others.
Result<std::vector<CarriedNode>> missing_in(Tree& tree, const std::vector<CarriedNode>& nodes) {
  const auto brokers = tree.children(std::string(zk::kBrokerIdsPath));
  if (brokers && !brokers->names.empty()) {
    return fail(ErrorCode::kInvalidRequest,
                fmt::format("broker {} is registered there: stop all brokers first",
                            fmt::join(brokers->names, ", ")));
  }
  std::vector<CarriedNode> missing;
  std::set<std::string> wanted;
  for (const CarriedNode& node : nodes) {
    wanted.insert(node.path);
    const auto there = tree.get(node.path);
    if (!there && there.error().code != zk::StoreErrorCode::kNoNode) {
      return std::unexpected(zk::to_error(there.error()));
    }
    if (!there) {
      missing.push_back(node);
    } else if (there->data != node.data) {
      return fail(
          ErrorCode::kInvalidRequest,
          fmt::format("{} holds something else there: a tree is carried into an empty place "
                      "only. Nothing was changed",
                      node.path));
    }
  }
  const auto topics = tree.children(std::string(zk::kTopicsPath));
  for (const std::string& topic : topics ? topics->names : std::vector<std::string>{}) {
    if (!wanted.contains(zk::topic_path(topic))) {
      return fail(ErrorCode::kInvalidRequest,
                  fmt::format("the topic {} is there: a tree is carried into an empty place only. "
                              "Nothing was changed",
                              topic));
    }
  }
  return missing;
}

}  // namespace

bool is_carried(const std::string& path, const zk::Stat& stat) {
  if (stat.ephemeral_owner != zk::kNoSession || path == "/zookeeper" ||
      path == zk::kControllerPath) {
    return false;
  }
  return std::ranges::none_of(kNotifications, [&](std::string_view parent) {
    return path.size() > parent.size() && path.starts_with(parent) && path[parent.size()] == '/';
  });
}

std::string encode_nodes(const std::vector<CarriedNode>& nodes) {
  std::string text = fmt::format("{{\"{}\":{}}}\n", kFormat, kFormatVersion);
  for (const CarriedNode& node : nodes) {
    json::object line;
    line["path"] = node.path;
    line["data"] = node.data ? json::value(*node.data) : json::value(nullptr);
    if (node.writes > 0) {
      line["writes"] = node.writes;
    }
    text += json::serialize(line);
    text += '\n';
  }
  return text;
}

namespace {

std::optional<CarriedNode> decode_node(std::string_view line) {
  json::error_code error;
  json::parse_options any_bytes;
  any_bytes.allow_invalid_utf8 = true;
  const json::value value = json::parse(line, error, {}, any_bytes);
  const json::object* const object = error ? nullptr : value.if_object();
  const json::value* const path = object != nullptr ? object->if_contains("path") : nullptr;
  const json::value* const data = object != nullptr ? object->if_contains("data") : nullptr;
  if (path == nullptr || !path->is_string() || data == nullptr ||
      !(data->is_string() || data->is_null())) {
    return std::nullopt;
  }
  CarriedNode node;
  node.path = std::string(path->get_string());
  if (data->is_string()) {
    node.data = std::string(data->get_string());
  }
  if (const json::value* const writes = object->if_contains("writes")) {
    node.writes = writes->to_number<std::int32_t>(error);
    if (error || node.writes < 0 || node.writes > kMaxWrites) {
      return std::nullopt;
    }
  }
  return node.path.starts_with('/') ? std::optional(std::move(node)) : std::nullopt;
}

}  // namespace

Result<std::vector<CarriedNode>> decode_nodes(const std::string& text) {
  const auto bad = [](std::size_t line, std::string_view what) {
    return fail(ErrorCode::kInvalidRequest, fmt::format("line {}: {}", line, what));
  };
  std::vector<CarriedNode> nodes;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    if (end == std::string::npos) {
      return bad(number + 1, "is cut off");
    }
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (++number == 1) {
      if (line != fmt::format("{{\"{}\":{}}}", kFormat, kFormatVersion)) {
        return bad(1, "is no head of an exported metadata tree");
      }
      continue;
    }
    auto node = decode_node(line);
    if (!node) {
      return bad(number, "is no node");
    }
    nodes.push_back(std::move(*node));
  }
  if (number == 0) {
    return bad(1, "is missing");
  }
  return nodes;
}

Result<std::vector<CarriedNode>> read_tree(const std::string& place) {
  std::vector<CarriedNode> nodes;
  if (!is_zookeeper(place)) {
    const auto vfs = make_posix_vfs();
    TRY(const auto dumped, zk::dump_embedded_store(place, *vfs));
    for (const zk::DumpedNode& node : dumped) {
      if (node.path != "/" && is_carried(node.path, node.stat)) {
        nodes.push_back(carried(node.path, node.data, node.stat));
      }
    }
    return nodes;
  }
  TRY(const auto tree, Tree::open(place, false));
  TRY_STATUS(collect(*tree, "/", nodes));
  return nodes;
}

Status write_tree(const std::string& place, const std::vector<CarriedNode>& nodes) {
  TRY(const auto tree, Tree::open(place, true));
  TRY(const auto missing, missing_in(*tree, nodes));
  for (const CarriedNode& node : missing) {
    auto made = tree->write(zk::CreateOp{node.path, node.data, zk::CreateMode::kPersistent});
    for (std::int32_t i = 0; made && i < node.writes; ++i) {
      made = tree->write(zk::SetOp{node.path, node.data, zk::kAnyVersion});
    }
    if (!made) {
      return std::unexpected(zk::to_error(made.error()));
    }
  }
  return {};
}

}  // namespace barnabas::apps
