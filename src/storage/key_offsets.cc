#include "key_offsets.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

#include "barnabas/base/check.h"

namespace barnabas::storage {
namespace {

constexpr std::size_t kFirstEntries = 256;

}  // namespace

void KeyOffsets::FreeContext::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

// While a table of two thirds of the room is filled from one half as large, all of it is in use.
KeyOffsets::KeyOffsets(std::size_t max_bytes, double load_factor)
    : context_(EVP_MD_CTX_new()),
      max_entries_(std::max<std::size_t>(max_bytes / sizeof(Entry) * 2 / 3, kFirstEntries)),
      load_factor_(load_factor) {
  BARNABAS_CHECK(context_ != nullptr);
}

KeyOffsets::Hash KeyOffsets::hash_of(ByteView key) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  BARNABAS_CHECK(EVP_DigestInit_ex(context_.get(), EVP_md5(), nullptr) == 1 &&
                 EVP_DigestUpdate(context_.get(), key.data(), key.size()) == 1 &&
                 EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
  Hash hash;
  std::memcpy(hash.data(), digest.data(), sizeof hash);
  return hash;
}

// Where the hash stands, or the empty slot where it belongs.
KeyOffsets::Entry& KeyOffsets::slot_of(std::vector<Entry>& entries, const Hash& hash) const {
  std::size_t at = hash[0] % entries.size();
  while (entries[at].offset != kEmpty && entries[at].hash != hash) {
    at = at + 1 == entries.size() ? 0 : at + 1;
  }
  return entries[at];
}

// Sizes are fractions of the largest, so that the last step ends exactly there.
bool KeyOffsets::make_room() {
  const auto allowed = [this](std::size_t entries) {
    return static_cast<std::size_t>(static_cast<double>(entries) * load_factor_);
  };
  if (used_ < allowed(entries_.size()) && used_ + 1 < entries_.size()) {
    return true;
  }
  if (entries_.size() == max_entries_) {
    return false;
  }
  std::size_t wanted = max_entries_;
  while (wanted / 2 > entries_.size() && wanted / 2 >= kFirstEntries) {
    wanted /= 2;
  }
  std::vector<Entry> larger(wanted);
  for (const Entry& entry : entries_) {
    if (entry.offset != kEmpty) {
      slot_of(larger, entry.hash) = entry;
    }
  }
  entries_ = std::move(larger);
  return true;
}

bool KeyOffsets::put(ByteView key, Offset offset) {
  if (!make_room()) {
    return false;
  }
  const Hash hash = hash_of(key);
  Entry& entry = slot_of(entries_, hash);
  if (entry.offset == kEmpty) {
    entry.hash = hash;
    ++used_;
  }
  entry.offset = offset.value();
  latest_ = offset;
  return true;
}

Offset KeyOffsets::get(ByteView key) {
  if (entries_.empty()) {
    return kNoOffset;
  }
  return Offset(slot_of(entries_, hash_of(key)).offset);
}

}  // namespace barnabas::storage
