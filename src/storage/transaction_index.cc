#include "transaction_index.h"

#include <array>

#include "barnabas/base/bytes.h"

namespace barnabas::storage {
namespace {

constexpr std::int16_t kVersion = 0;

std::array<std::byte, TransactionIndex::kEntryBytes> encode(const AbortedTxn& txn) {
  std::array<std::byte, TransactionIndex::kEntryBytes> bytes{};
  store_be(bytes.data(), kVersion);
  store_be(bytes.data() + 2, txn.producer_id.value());
  store_be(bytes.data() + 10, txn.first_offset.value());
  store_be(bytes.data() + 18, txn.last_offset.value());
  store_be(bytes.data() + 26, txn.last_stable_offset.value());
  return bytes;
}

AbortedTxn decode(const std::byte* bytes) {
  return {ProducerId(load_be<std::int64_t>(bytes + 2)), Offset(load_be<std::int64_t>(bytes + 10)),
          Offset(load_be<std::int64_t>(bytes + 18)), Offset(load_be<std::int64_t>(bytes + 26))};
}

}  // namespace

bool TransactionIndex::exists() const {
  return vfs_.exists(path_());
}

Status TransactionIndex::load() {
  if (loaded_) {
    return {};
  }
  const std::string path = path_();
  entries_.clear();
  if (vfs_.exists(path)) {
    TRY(auto file, vfs_.open(path, OpenMode::kReadWrite));
    TRY(const std::uint64_t size, file->size());
    ByteVector bytes(size - size % kEntryBytes);
    TRY(const std::size_t read, file->read_at(0, bytes));
    for (std::size_t at = 0; at + kEntryBytes <= read; at += kEntryBytes) {
      if (load_be<std::int16_t>(bytes.data() + at) != kVersion) {
        return fail(ErrorCode::kCorruptMessage, path + " has an entry of an unknown version");
      }
      entries_.push_back(decode(bytes.data() + at));
    }
    file_ = std::move(file);
  }
  loaded_ = true;
  return {};
}

Status TransactionIndex::append(const AbortedTxn& txn) {
  const MutexLock lock(mutex_);
  TRY_STATUS(load());
  if (!file_) {
    TRY(auto created, vfs_.open(path_(), OpenMode::kCreate));
    file_ = std::move(created);
  }
  TRY_STATUS(file_->write_at(entries_.size() * kEntryBytes, encode(txn)));
  entries_.push_back(txn);
  return {};
}

Status TransactionIndex::collect(Offset from, Offset upper_bound, std::vector<AbortedTxn>& out,
                                 bool& complete) {
  const MutexLock lock(mutex_);
  TRY_STATUS(load());
  for (const auto& txn : entries_) {
    if (txn.last_offset >= from && txn.first_offset < upper_bound) {
      out.push_back(txn);
    }
    if (txn.last_stable_offset >= upper_bound) {
      complete = true;
      return {};
    }
  }
  complete = false;
  return {};
}

Status TransactionIndex::truncate_to(Offset offset) {
  const MutexLock lock(mutex_);
  TRY_STATUS(load());
  std::size_t keep = 0;
  while (keep < entries_.size() && entries_[keep].last_offset < offset) {
    ++keep;
  }
  if (keep == entries_.size()) {
    return {};
  }
  TRY_STATUS(file_->truncate(keep * kEntryBytes));
  entries_.resize(keep);
  return {};
}

// Whatever the file holds, it is not looked at.
Status TransactionIndex::reset_locked() {
  entries_.clear();
  if (!file_ && vfs_.exists(path_())) {
    TRY(auto file, vfs_.open(path_(), OpenMode::kReadWrite));
    file_ = std::move(file);
  }
  loaded_ = true;
  return file_ ? file_->truncate(0) : Status{};
}

Status TransactionIndex::reset() {
  const MutexLock lock(mutex_);
  return reset_locked();
}

Status TransactionIndex::replace(const std::vector<AbortedTxn>& entries) {
  {
    const MutexLock lock(mutex_);
    TRY_STATUS(reset_locked());
  }
  for (const auto& entry : entries) {
    TRY_STATUS(append(entry));
  }
  return sync();
}

Status TransactionIndex::sync() {
  const MutexLock lock(mutex_);
  if (!loaded_ || !file_) {
    return {};  // untouched: what lies there was synced with its segment
  }
  return file_->sync();
}

Status TransactionIndex::check(Offset base, Offset end) {
  const MutexLock lock(mutex_);
  TRY_STATUS(load());
  if (file_) {
    TRY(const std::uint64_t size, file_->size());
    if (size != entries_.size() * kEntryBytes) {
      return fail(ErrorCode::kCorruptMessage, path_() + " does not end with a whole entry");
    }
  }
  Offset before = base - 1;
  for (const auto& txn : entries_) {
    if (txn.last_offset <= before || txn.last_offset >= end ||
        txn.first_offset >= txn.last_offset || txn.first_offset.value() < 0 ||
        txn.last_stable_offset.value() < 0 || txn.last_stable_offset > txn.last_offset + 1 ||
        txn.producer_id.value() < 0) {
      return fail(ErrorCode::kCorruptMessage,
                  path_() + " names a transaction that cannot have ended in the segment");
    }
    before = txn.last_offset;
  }
  return {};
}

void TransactionIndex::close_file() {
  const MutexLock lock(mutex_);
  loaded_ = false;
  file_.reset();
  entries_.clear();
}

}  // namespace barnabas::storage
