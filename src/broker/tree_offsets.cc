#include "tree_offsets.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <utility>

#include "barnabas/zk/znodes.h"

namespace barnabas::broker {
namespace {

std::string path_of(const std::string& group, const TopicPartition& partition) {
  return fmt::format("{}/{}/offsets/{}/{}", zk::kConsumersPath, group, partition.topic,
                     partition.partition.value());
}

Error failed(const zk::StoreError& error) {
  return {ErrorCode::kUnknownServerError, zk::to_string(error)};
}

// A node that may be missing, with its parents: written, else made from the top down.
struct Writing : std::enable_shared_from_this<Writing> {
  Writing(zk::MetadataStore& where, std::string what, std::string text,
          std::move_only_function<void(Status)> answer)
      : store(where), path(std::move(what)), data(std::move(text)), done(std::move(answer)) {}

  void set() {
    store.set({path, data, zk::kAnyVersion},
              [self = shared_from_this()](zk::StoreResult<zk::WriteResult> result) {
                if (result) {
                  self->done({});
                } else if (result.error().code == zk::StoreErrorCode::kNoNode && self->made == 0) {
                  self->make_next();
                } else {
                  self->done(std::unexpected(failed(result.error())));
                }
              });
  }

  // The next node on the way down; somebody else may be quicker.
  void make_next() {
    const auto slash = path.find('/', made + 1);
    const bool last = slash == std::string::npos;
    made = last ? path.size() : slash;
    store.create({path.substr(0, made), last ? zk::NodeData(data) : zk::NodeData(),
                  zk::CreateMode::kPersistent},
                 [self = shared_from_this(), last](zk::StoreResult<zk::WriteResult> result) {
                   const bool exists =
                       !result && result.error().code == zk::StoreErrorCode::kNodeExists;
                   if (!result && !exists) {
                     self->done(std::unexpected(failed(result.error())));
                   } else if (!last) {
                     self->make_next();
                   } else if (exists) {
                     self->set();
                   } else {
                     self->done({});
                   }
                 });
  }

  zk::MetadataStore& store;
  const std::string path;
  const std::string data;
  std::move_only_function<void(Status)> done;
  std::size_t made = 0;  // characters of the path that are known to exist
};

}  // namespace

void TreeOffsets::put(const std::string& group, const TopicPartition& partition, Offset offset,
                      std::move_only_function<void(Status)> done) {
  auto writing = std::make_shared<Writing>(store_, path_of(group, partition),
                                           fmt::to_string(offset.value()), std::move(done));
  store_.home().post([writing = std::move(writing)] { writing->set(); });
}

void TreeOffsets::get(const std::string& group, const TopicPartition& partition,
                      std::move_only_function<void(Found)> done) {
  store_.home().post([this, path = path_of(group, partition), done = std::move(done)]() mutable {
    store_.get(path, {}, [done = std::move(done)](zk::StoreResult<zk::Node> node) mutable {
      if (!node) {
        const bool none = node.error().code == zk::StoreErrorCode::kNoNode;
        done(none ? Found(std::nullopt) : Found(std::unexpected(failed(node.error()))));
        return;
      }
      const std::string text = node->data.value_or("");
      std::int64_t offset = 0;
      const char* const end = text.data() + text.size();
      const auto [stop, error] = std::from_chars(text.data(), end, offset);
      if (error != std::errc{} || stop != end) {
        done(fail(ErrorCode::kUnknownServerError, "no offset: " + text));
      } else {
        done(std::optional(Offset(offset)));
      }
    });
  });
}

}  // namespace barnabas::broker
