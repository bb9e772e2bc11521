#include "barnabas/zk/metadata_store.h"

#include <fmt/format.h>

#include <array>

namespace barnabas::zk {
namespace {

// A multi of one operation answers its one result.
Callback<std::vector<WriteResult>> only_result(Callback<WriteResult> done) {
  return [done = std::move(done)](StoreResult<std::vector<WriteResult>> result) mutable {
    if (!result) {
      return done(std::unexpected(std::move(result).error()));
    }
    done(std::move(result->front()));
  };
}

template <typename Op>
std::vector<WriteOp> one(Op op) {
  std::vector<WriteOp> ops;
  ops.emplace_back(std::move(op));
  return ops;
}

}  // namespace

std::string_view store_error_name(StoreErrorCode code) {
  static constexpr std::array<std::string_view, 12> kNames{"NO_NODE",
                                                           "NODE_EXISTS",
                                                           "BAD_VERSION",
                                                           "NOT_EMPTY",
                                                           "NO_CHILDREN_FOR_EPHEMERALS",
                                                           "BAD_ARGUMENTS",
                                                           "ROLLED_BACK",
                                                           "CONNECTION_LOSS",
                                                           "SESSION_EXPIRED",
                                                           "NO_AUTH",
                                                           "CLOSED",
                                                           "STORE_FAILED"};
  static_assert(kNames.size() == static_cast<std::size_t>(StoreErrorCode::kFailed) + 1);
  return kNames.at(static_cast<std::size_t>(code));
}

std::string to_string(const StoreError& error) {
  std::string text(store_error_name(error.code));
  if (!error.path.empty()) {
    text += fmt::format(" for {}", error.path);
  }
  if (!error.message.empty()) {
    text += fmt::format(": {}", error.message);
  }
  return text;
}

Error to_error(const StoreError& error) {
  return Error{ErrorCode::kUnknownServerError, "metadata store: " + to_string(error)};
}

const std::string& path_of(const WriteOp& op) {
  return std::visit([](const auto& one) -> const std::string& { return one.path; }, op);
}

void MetadataStore::create(CreateOp op, Callback<WriteResult> done) {
  multi(one(std::move(op)), only_result(std::move(done)));
}

void MetadataStore::set(SetOp op, Callback<WriteResult> done) {
  multi(one(std::move(op)), only_result(std::move(done)));
}

void MetadataStore::remove(DeleteOp op, Callback<WriteResult> done) {
  multi(one(std::move(op)), only_result(std::move(done)));
}

}  // namespace barnabas::zk
